"""A reply is handed to its channel once, and how it fared is recorded."""

from datetime import timedelta

import httpx
import pytest
from typing_extensions import override

from application.exchange.sending import Accepted, Outcome, Outgoing, Refusal, Rejected, Unknown
from application.log import Context, Fact, Write
from domain.account import AccountDefinition
from domain.outbound.delivery import DeliveryAccepted
from domain.outbound.reach import Reach
from tests.application.policies.scripted_channel import (
    NOT_NOW,
    QUICK,
    Channel,
    Sender,
    accepted,
    attempted,
    deliveries,
    rejected,
    reply,
    sending,
    unknown,
)
from tests.application.situations import NOON, Shop, a_message, an_assigned_conversation, everything, kinds

pytestmark = pytest.mark.anyio

GONE = Rejected(reason="no such visitor", refusal=Refusal.RECIPIENT_GONE)


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


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
            heard_at=NOON,
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


async def test_an_answer_to_a_mail_continues_its_chain_of_references(shop: Shop) -> None:
    mailbox = await shop.open_account("email")
    mail = a_message("<3@x>", "ana@x", thread="<1@x>", answers=["<2@x>", "<1@x>"])
    (receipt,) = await shop.receive(mail, account_id=mailbox)
    await shop.hire()
    await shop.route()
    case = await shop.case(receipt)
    await shop.accept(case)
    await reply(shop, case)
    channel = Channel()

    await Sender(shop, {"email": channel.send}).catch_up()

    (sent,) = channel.sent
    assert (sent.in_reply_to, sent.references) == ("<3@x>", ("<1@x>", "<2@x>"))


async def test_what_the_provider_called_it_leads_to_the_reply(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)

    await sending(shop, Channel(Accepted(provider_id="p-7"))).catch_up()

    key = shop.keys.sent(shop.account_id, "p-7").key
    position, _ = (await shop.log.claimed([key]))[key]
    found = await shop.log.at(position)
    assert found is not None
    assert found.event == accepted(case, message_id, "p-7")


async def test_an_echo_that_came_first_does_not_hide_that_it_was_accepted(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    version = len(await shop.log.read_stream(case.customer_id))
    echo = accepted(case, "message-other", "p-7")
    claim = shop.keys.sent(shop.account_id, "p-7")
    await shop.log.append([Write(case.customer_id, version, [Fact(echo, NOON)])], [claim], context=Context("receipts"))

    await sending(shop, Channel(Accepted(provider_id="p-7"))).catch_up()

    assert (await shop.since(0))[-1] == accepted(case, message_id, "p-7")


async def test_a_reply_that_the_channel_refuses_for_good_is_not_tried_again(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    head = await shop.log.head()
    channel = Channel(GONE)
    sender = sending(shop, channel)

    await sender.catch_up()
    shop.clock.wait(3_600)
    await sender.catch_up()

    assert await deliveries(shop, head) == [
        attempted(case, message_id, 1),
        rejected(case, message_id, GONE, is_final=True),
    ]


async def test_a_reply_that_may_be_tried_again_is_when_its_time_has_come(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    head = await shop.log.head()
    channel = Channel(NOT_NOW, Accepted(provider_id="p-2"))
    sender = sending(shop, channel)

    await sender.catch_up()
    shop.clock.wait(1.9)
    await sender.catch_up()
    assert len(channel.sent) == 1
    shop.clock.wait(0.1)
    await sender.catch_up()

    assert await deliveries(shop, head) == [
        attempted(case, message_id, 1),
        rejected(case, message_id, NOT_NOW, is_final=False, retry_at=NOON + after(2)),
        attempted(case, message_id, 2),
        accepted(case, message_id, "p-2"),
    ]


async def test_what_the_channel_asks_for_is_waited(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    head = await shop.log.head()
    busy = Rejected(reason="flood", refusal=Refusal.RETRY_LATER, retry_after_seconds=600)

    await sending(shop, Channel(busy)).catch_up()

    told = (await deliveries(shop, head))[-1]
    assert told == rejected(case, message_id, busy, is_final=False, retry_at=NOON + after(600))


async def test_a_reply_that_got_too_old_is_given_up(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    head = await shop.log.head()
    channel = Channel(*[NOT_NOW] * 100)
    sender = sending(shop, channel)

    for _ in range(20):
        await sender.catch_up()
        shop.clock.wait(QUICK.backoff_seconds_max)

    told = await deliveries(shop, head)
    assert told[-1] == rejected(case, message_id, NOT_NOW, is_final=True)
    assert len(channel.sent) == 5, "one each quarter of an hour, for an hour"
    assert await sender.outbox.load() == (await shop.log.head(), {})


async def test_a_reply_of_unknown_fate_is_not_sent_again(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    head = await shop.log.head()
    channel = Channel(Unknown(reason="no answer within 30 s"))
    sender = sending(shop, channel)

    await sender.catch_up()
    shop.clock.wait(86_400)
    await sender.catch_up()

    assert await deliveries(shop, head) == [
        attempted(case, message_id, 1),
        unknown(case, message_id, "no answer within 30 s"),
    ]


async def test_a_channel_that_fails_instead_of_telling_leaves_the_fate_unknown(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    head = await shop.log.head()

    await sending(shop, Channel(KeyError("settings"))).catch_up()

    assert (await deliveries(shop, head))[-1] == unknown(case, message_id, "the channel failed: KeyError")


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


async def test_an_account_that_is_not_known_yet_is_waited_for(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    await reply(shop, case)
    known = dict(shop.directory.accounts)
    shop.directory.accounts.clear()
    head = await shop.log.head()
    channel = Channel()
    sender = sending(shop, channel)

    await sender.catch_up()
    shop.directory.accounts.update(known)
    shop.clock.wait(2)
    await sender.catch_up()

    assert kinds(await deliveries(shop, head)) == [
        "conversation.delivery_attempted",
        "conversation.delivery_rejected",
        "conversation.delivery_attempted",
        "conversation.delivery_accepted",
    ]
    assert len(channel.sent) == 1


async def test_each_attempt_says_what_it_is_for(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    await reply(shop, case)
    written = await shop.log.head()

    await sending(shop, Channel()).catch_up()

    assert [(one.actor, one.cause) for one in await everything(shop.log, written)] == [("send_replies", written)] * 2


async def test_a_block_is_remembered_unless_the_customer_wrote_while_it_was_found(shop: Shop) -> None:
    blocked = Rejected(reason="blocked", refusal=Refusal.RECIPIENT_GONE, reach=Reach.BLOCKED)

    class Writing(Channel):
        @override
        async def send(self, account: AccountDefinition, reply: Outgoing, client: httpx.AsyncClient) -> Outcome:
            if reply.handle == "ola":
                await shop.receive(a_message("m-2", "ola"))
            return await super().send(account, reply, client)

    li, ola = await an_assigned_conversation(shop, "li"), await an_assigned_conversation(shop, "ola")
    for case in (li, ola):
        await reply(shop, case)

    await sending(shop, Writing(blocked, blocked)).catch_up()

    stopped = [
        (await shop.customer(case.customer_id)).conversations[case.conversation_id].stopped for case in (li, ola)
    ]
    assert stopped == [{"li": Reach.BLOCKED}, {}]
