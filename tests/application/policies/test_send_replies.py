"""A reply is handed to its channel once, and how it fared is recorded."""

import pytest

from application.exchange.sending import Accepted, Outgoing, Refusal, Rejected, Unknown
from domain.interaction import DeliveryAccepted, DeliveryUnknown
from tests.application.policies.scripted_channel import (
    NOT_NOW,
    Channel,
    accepted,
    attempted,
    deliveries,
    rejected,
    reply,
    sending,
)
from tests.application.situations import NOON, Shop, a_message, an_assigned_conversation, kinds

pytestmark = pytest.mark.anyio


async def test_a_reply_is_sent_with_all_that_the_channel_needs(shop: Shop) -> None:
    case = await an_assigned_conversation(shop, "li")
    message_id = await reply(shop, case)
    head = await shop.log.head()
    channel = Channel(Accepted(provider_id="p-7", answer="250 ok"))

    await sending(shop, channel).catch_up()

    assert channel.sent == [
        Outgoing(
            conversation_id=case.conversation_id,
            message_id=message_id,
            handle="li",
            text="Here is your refund.",
            written_at=NOON,
            in_reply_to="first of li",
        )
    ]
    assert await deliveries(shop, head) == [
        attempted(case, message_id, 1),
        DeliveryAccepted(
            conversation_id=case.conversation_id,
            message_id=message_id,
            provider_id="p-7",
            answer="250 ok",
            agent_id=case.agent_id,
        ),
    ]


async def test_a_reply_that_the_channel_refuses_for_good_is_not_tried_again(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    head = await shop.log.head()
    channel = Channel(Rejected(reason="no such visitor", refusal=Refusal.RECIPIENT_GONE))

    await sending(shop, channel).catch_up()

    assert await deliveries(shop, head) == [
        attempted(case, message_id, 1),
        rejected(case, message_id, "no such visitor", is_final=True),
    ]


async def test_a_reply_that_may_be_tried_again_is(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    head = await shop.log.head()
    channel = Channel(NOT_NOW, Accepted(provider_id="p-2"))

    await sending(shop, channel).catch_up()

    assert await deliveries(shop, head) == [
        attempted(case, message_id, 1),
        rejected(case, message_id, NOT_NOW.reason, is_final=False),
        attempted(case, message_id, 2),
        accepted(case, message_id, "p-2"),
    ]


async def test_the_last_attempt_is_final(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    head = await shop.log.head()
    channel = Channel(NOT_NOW, NOT_NOW, NOT_NOW)

    await sending(shop, channel).catch_up()

    assert len(channel.sent) == 3
    assert (await deliveries(shop, head))[-1] == rejected(case, message_id, NOT_NOW.reason, is_final=True)


async def test_a_reply_of_unknown_fate_is_not_sent_again(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    head = await shop.log.head()
    channel = Channel(Unknown(reason="no answer within 30 s"))

    await sending(shop, channel).catch_up()

    assert await deliveries(shop, head) == [
        attempted(case, message_id, 1),
        DeliveryUnknown(
            conversation_id=case.conversation_id,
            message_id=message_id,
            reason="no answer within 30 s",
            agent_id=case.agent_id,
        ),
    ]


async def test_replies_of_a_conversation_leave_in_their_order(shop: Shop) -> None:
    one, other = await an_assigned_conversation(shop, "li"), await an_assigned_conversation(shop, "ola")
    for number in range(3):
        await reply(shop, one, f"one {number}")
        await reply(shop, other, f"other {number}")
    channel = Channel(NOT_NOW, NOT_NOW)

    await sending(shop, channel).catch_up()

    of_one = [sent.text for sent in channel.sent if sent.handle == "li"]
    of_other = [sent.text for sent in channel.sent if sent.handle == "ola"]
    assert of_one == ["one 0", "one 0", "one 1", "one 2"]
    assert of_other == ["other 0", "other 0", "other 1", "other 2"]


async def test_a_channel_without_sender_is_left_alone(shop: Shop) -> None:
    mailbox = await shop.open_account("email")
    await shop.hire()
    (receipt,) = await shop.receive(a_message("m-1", "li@example.com"), account_id=mailbox)
    await shop.route()
    case = await shop.case(receipt)
    await shop.accept(case)
    await reply(shop, case)
    head = await shop.log.head()

    await sending(shop, Channel()).catch_up()

    assert await shop.since(head) == []


async def test_nothing_leaves_while_the_account_is_paused(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    await shop.set_up.pause_account(shop.command(), shop.account_id, "holidays")
    await shop.directory_follower.catch_up()
    channel = Channel()
    head = await shop.log.head()

    await sending(shop, channel).catch_up()

    assert channel.sent == []
    reason = f"channel account {shop.account_id} is paused"
    assert (await deliveries(shop, head))[-1] == rejected(case, message_id, reason, is_final=True)


async def test_a_reply_on_an_account_that_nobody_knows_is_refused(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    await reply(shop, case)
    shop.directory.accounts.clear()
    head = await shop.log.head()

    await sending(shop, Channel()).catch_up()

    assert kinds(await deliveries(shop, head))[-1] == "conversation.delivery_rejected"
