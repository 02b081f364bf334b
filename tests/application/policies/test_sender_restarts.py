"""Whenever a sender stops, the next one goes on without sending anything twice."""

import asyncio

import httpx
import pytest
from typing_extensions import override

from application.exchange.sending import Outcome, Outgoing
from application.log import Context, Fact, Write
from domain.account import AccountDefinition
from domain.interaction import DeliveryUnknown
from tests.application.policies.scripted_channel import (
    NOT_NOW,
    Channel,
    Killed,
    accepted,
    attempted,
    deliveries,
    rejected,
    reply,
    sending,
)
from tests.application.situations import NOON, Shop, an_assigned_conversation

pytestmark = pytest.mark.anyio


async def test_a_sender_killed_while_it_sends_leaves_the_fate_unknown(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    head = await shop.log.head()
    channel = Channel(Killed())
    with pytest.raises(Killed):
        await sending(shop, channel).catch_up()

    await sending(shop, channel).catch_up()

    assert len(channel.sent) == 1, "it may have arrived"
    assert await deliveries(shop, head) == [
        attempted(case, message_id, 1),
        DeliveryUnknown(
            conversation_id=case.conversation_id,
            message_id=message_id,
            reason="the sender stopped before it learnt the outcome",
            agent_id=case.agent_id,
        ),
    ]


async def test_a_sender_killed_between_two_attempts_goes_on_with_the_second(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    head = await shop.log.head()
    channel = Channel(NOT_NOW)
    first = asyncio.create_task(sending(shop, channel, pauses_seconds=(3_600, 3_600)).catch_up())
    attempt_and_outcome = head + 2
    assert await shop.log.wait_past(attempt_and_outcome - 1, wait_seconds=10)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)

    await sending(shop, channel).catch_up()

    assert await deliveries(shop, head) == [
        attempted(case, message_id, 1),
        rejected(case, message_id, NOT_NOW.reason, is_final=False),
        attempted(case, message_id, 2),
        accepted(case, message_id, "p-2"),
    ]


async def test_what_was_sent_is_not_sent_by_the_next_run(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    await reply(shop, case)
    channel = Channel()
    await sending(shop, channel).catch_up()
    head = await shop.log.head()

    await sending(shop, channel).catch_up()

    assert len(channel.sent) == 1
    assert await shop.since(head) == []


async def test_a_run_whose_position_was_lost_sends_nothing_twice(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    await reply(shop, case)
    channel = Channel()
    await sending(shop, channel).catch_up()
    head = await shop.log.head()

    again = sending(shop, channel)
    again.position = 0
    await again.catch_up()

    assert len(channel.sent) == 1
    assert await shop.since(head) == []


async def test_an_outcome_finds_its_place_although_the_conversation_goes_on(shop: Shop) -> None:
    """Somebody appends to the customer's stream while the reply is on its way."""
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)

    class Busy(Channel):
        @override
        async def send(self, account: AccountDefinition, reply: Outgoing, client: httpx.AsyncClient) -> Outcome:
            version = len(await shop.log.read_stream(case.customer_id))
            note = attempted(case, "message-other", 1)
            await shop.log.append([Write(case.customer_id, version, [Fact(note, NOON)])], context=Context("other"))
            return await super().send(account, reply, client)

    await sending(shop, Busy()).catch_up()

    assert (await shop.since(0))[-1] == accepted(case, message_id, "p-1")
