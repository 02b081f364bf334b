"""Whenever a sender stops, the next one goes on without sending anything twice."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from msgspec.structs import replace
from typing_extensions import override

from application.exchange.sending import Outcome, Outgoing, Refusal, Rejected
from application.log import Context, Fact, Write
from domain.account import AccountDefinition, AccountThrottled
from tests.application.policies.scripted_channel import (
    NOT_NOW,
    QUICK,
    Channel,
    Killed,
    accepted,
    attempted,
    deliveries,
    rejected,
    reply,
    sending,
    unknown,
)
from tests.application.situations import NOON, Shop, an_assigned_conversation, another_process, kinds

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
        unknown(case, message_id, "the sender stopped before it learnt the outcome"),
    ]


async def test_a_sender_killed_between_two_attempts_goes_on_with_the_second(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    head = await shop.log.head()
    channel = Channel(NOT_NOW)
    await sending(shop, channel).catch_up()

    second = sending(shop, channel)
    await second.catch_up()
    tried = len(channel.sent)
    shop.clock.wait(2)
    await second.catch_up()

    assert tried == 1, "its time had not come"
    assert await deliveries(shop, head) == [
        attempted(case, message_id, 1),
        rejected(case, message_id, NOT_NOW, is_final=False, retry_at=NOON + timedelta(seconds=2)),
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

    await shop.log.pool.execute("DELETE FROM onethread_tracking WHERE application_name = 'send_replies'")
    again = sending(shop, channel)
    await again.catch_up()

    assert len(channel.sent) == 1
    assert await shop.since(head) == []
    assert await again.outbox.load() == (head, {})


async def test_a_reply_that_waits_long_does_not_hold_the_position(shop: Shop) -> None:
    slow, other = await an_assigned_conversation(shop, "li"), await an_assigned_conversation(shop, "ola")
    message_id = await reply(shop, slow)
    written = await shop.log.head()
    channel = Channel(Rejected(reason="tomorrow", refusal=Refusal.RETRY_LATER, retry_after_seconds=1_800))
    sender = sending(shop, channel)
    await sender.catch_up()
    for number in range(5):
        await reply(shop, other, f"reply {number}")
    await sender.catch_up()

    position, open_ones = await sender.outbox.load()
    shop.clock.wait(1_800)
    await sending(shop, channel).catch_up()

    assert position == await shop.log.head() - 2, "all but the last attempt and its outcome had been read"
    assert open_ones == {message_id: written}
    assert [sent.handle for sent in channel.sent if sent.handle == "li"] == ["li", "li"]


async def test_a_second_sender_sends_nothing_that_the_first_has_under_way(shop: Shop) -> None:
    """Its lease was lost for a moment, so that two send on the same log."""
    case = await an_assigned_conversation(shop)
    await reply(shop, case)
    both = asyncio.Event()

    class Slow(Channel):
        @override
        async def send(self, account: AccountDefinition, reply: Outgoing, client: httpx.AsyncClient) -> Outcome:
            await both.wait()
            return await super().send(account, reply, client)

    channel, head = Slow(), await shop.log.head()
    async with another_process(shop) as elsewhere:
        first = asyncio.create_task(sending(shop, channel).catch_up())
        assert await shop.log.wait_past(head, 10)
        await sending(elsewhere, channel).catch_up()
        both.set()
        await first

    assert len(channel.sent) == 1
    assert kinds(await deliveries(shop, head)) == [
        "conversation.delivery_attempted",
        "conversation.delivery_unknown",
        "conversation.delivery_accepted",
    ], "the second took it for lost, the first knew better"


async def test_what_is_under_way_when_the_sender_stops_may_still_end(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    reached, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Channel):
        @override
        async def send(self, account: AccountDefinition, reply: Outgoing, client: httpx.AsyncClient) -> Outcome:
            reached.set()
            await go_on.wait()
            return await super().send(account, reply, client)

    async with sending(shop, Slow()).running():
        await reached.wait()
        asyncio.get_running_loop().call_later(0.05, go_on.set)

    assert (await shop.since(0))[-1] == accepted(case, message_id, "p-1")


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


def flood(seconds: float) -> Rejected:
    """The provider wants nothing from the account for so long."""
    return Rejected(reason="429", refusal=Refusal.RETRY_LATER, retry_after_seconds=seconds, concerns_account=True)


async def test_a_pause_that_the_provider_asked_the_account_for_is_kept_by_the_next_process(shop: Shop) -> None:
    one, other = await an_assigned_conversation(shop, "li"), await an_assigned_conversation(shop, "ola")
    await reply(shop, one)
    await sending(shop, Channel(flood(60))).catch_up()
    await reply(shop, other)
    channel = Channel()

    async with another_process(shop) as elsewhere:
        sender = sending(elsewhere, channel)
        shop.clock.wait(59)
        await sender.catch_up()
        early, health = len(channel.sent), sender.policy.health()[shop.account_id]
        shop.clock.wait(1)
        await sender.catch_up()

    assert (early, health.paused_until) == (0, NOON + timedelta(seconds=60))
    assert sorted(sent.handle for sent in channel.sent) == ["li", "ola"]


async def test_a_pause_is_kept_although_the_reply_that_met_it_was_given_up(shop: Shop) -> None:
    """It would have had to wait for longer than replies are tried."""
    one, other = await an_assigned_conversation(shop, "li"), await an_assigned_conversation(shop, "ola")
    channel, briefly = Channel(flood(600)), replace(QUICK, retry_for=timedelta(seconds=30))
    sender = sending(shop, channel, briefly)
    await reply(shop, one)
    await sender.catch_up()
    await reply(shop, other)

    await sender.catch_up()
    async with another_process(shop) as elsewhere:
        await sending(elsewhere, channel, briefly).catch_up()

    assert [sent.handle for sent in channel.sent] == ["li"]


async def test_a_shorter_pause_than_the_one_that_is_known_is_no_news(shop: Shop) -> None:
    one, other = await an_assigned_conversation(shop, "li"), await an_assigned_conversation(shop, "ola")
    await reply(shop, one)
    await reply(shop, other)

    await sending(shop, Channel(flood(60), flood(30))).catch_up()

    told = [event for event in await shop.since(0) if isinstance(event, AccountThrottled)]
    assert told == [AccountThrottled(until=NOON + timedelta(seconds=60), reason="429")]


async def test_a_pause_that_is_over_before_anybody_could_begin_anew_is_not_recorded(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    await reply(shop, case)

    await sending(shop, Channel(flood(4))).catch_up()

    assert not [event for event in await shop.since(0) if isinstance(event, AccountThrottled)]
