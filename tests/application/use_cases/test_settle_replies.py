"""What a person decides about a reply that was refused or may not have arrived, up to its second sending."""

from datetime import timedelta

import pytest

from application.commands import RevisionStale
from application.exchange.limits import Limits
from application.exchange.sending import Refusal, Rejected, Unknown
from application.use_cases.settle_replies import SettleReplies
from domain.conversation import ConversationUnknown
from domain.outbound.delivery import (
    NothingToDecide,
    ReplyGivenUp,
    ReplyOnItsWay,
    ReplyTooLong,
    ReplyWindowClosed,
    SignAwaited,
)
from tests.application.policies.scripted_channel import (
    NOT_NOW,
    Channel,
    accepted,
    attempted,
    deliveries,
    reply,
    sending,
)
from tests.application.situations import Case, Shop, a_message, an_assigned_conversation, kinds

pytestmark = pytest.mark.anyio

REFUSED = Rejected(reason="554 spam", refusal=Refusal.OUR_FAULT)
SILENT = Unknown(reason="silence")


async def a_tried_reply(shop: Shop, answer: Rejected | Unknown) -> tuple[Case, str]:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    await sending(shop, Channel(answer)).catch_up()
    return case, message_id


async def test_a_refused_reply_is_sent_again_as_it_was_written(shop: Shop) -> None:
    case, message_id = await a_tried_reply(shop, REFUSED)
    head = await shop.log.head()
    channel = Channel()

    await SettleReplies(shop.commands).resend(shop.command(), *case.ids, message_id)
    await sending(shop, channel).catch_up()

    (sent,) = channel.sent
    assert (sent.message_id, sent.text) == (message_id, "Here is your refund.")
    assert await deliveries(shop, head) == [attempted(case, message_id, 2), accepted(case, message_id, "p-1")]


async def test_a_sender_that_runs_already_sends_it_again_too(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    channel = Channel(SILENT)
    sender = sending(shop, channel)
    await sender.catch_up()

    shop.clock.wait(600)
    await SettleReplies(shop.commands).resend(shop.command(), *case.ids, message_id)
    await sender.catch_up()

    assert [sent.message_id for sent in channel.sent] == [message_id] * 2
    assert (await sender.outbox.load())[1] == {}


async def test_an_echo_that_comes_before_the_second_sending_prevents_it(shop: Shop) -> None:
    case, message_id = await a_tried_reply(shop, SILENT)
    shop.clock.wait(600)
    await SettleReplies(shop.commands).resend(shop.command(), *case.ids, message_id)
    echo = accepted(case, message_id, "p-1")
    await shop.commands.carry_out(shop.command("receipts"), [case.customer_id], lambda _: [[echo]])
    channel = Channel()

    await sending(shop, channel).catch_up()

    assert channel.sent == []


async def test_a_reply_that_is_given_up_is_not_sent_again(shop: Shop) -> None:
    case, message_id = await a_tried_reply(shop, REFUSED)
    head = await shop.log.head()
    settle = SettleReplies(shop.commands)

    await settle.give_up(shop.command(), *case.ids, message_id)

    gone = ReplyGivenUp(conversation_id=case.conversation_id, message_id=message_id, agent_id=case.agent_id)
    assert await shop.since(head) == [gone]
    with pytest.raises(NothingToDecide):
        await settle.resend(shop.command(), *case.ids, message_id)


async def test_a_sign_is_awaited_before_anybody_decides(shop: Shop) -> None:
    case, message_id = await a_tried_reply(shop, SILENT)

    shop.clock.wait(599)
    for act in (SettleReplies(shop.commands).resend, SettleReplies(shop.commands).give_up):
        with pytest.raises(SignAwaited):
            await act(shop.command(), *case.ids, message_id)


async def test_what_is_on_its_way_or_was_never_tried_is_not_for_people_to_decide(shop: Shop) -> None:
    waiting, message_id = await a_tried_reply(shop, NOT_NOW)
    settle = SettleReplies(shop.commands)

    with pytest.raises(ReplyOnItsWay):
        await settle.resend(shop.command(), *waiting.ids, message_id)
    with pytest.raises(NothingToDecide):
        await settle.resend(shop.command(), *waiting.ids, "message-" + "0" * 32)
    with pytest.raises(ConversationUnknown):
        await settle.resend(shop.command(), waiting.customer_id, "conversation-" + "0" * 32, message_id)
    with pytest.raises(RevisionStale):
        await settle.resend(shop.command(expected_revision=1), *waiting.ids, message_id)


async def test_the_same_decision_twice_sends_once(shop: Shop) -> None:
    case, message_id = await a_tried_reply(shop, REFUSED)
    head = await shop.log.head()
    settle = SettleReplies(shop.commands)

    first = await settle.resend(shop.command(key="once"), *case.ids, message_id)
    again = await settle.resend(shop.command(key="once"), *case.ids, message_id)

    assert (first.is_repeat, again.is_repeat, again.position) == (False, True, first.position)
    assert kinds(await shop.since(head)) == ["conversation.reply_resent"]


async def test_a_reply_is_refused_when_its_window_is_over_until_the_customer_writes_again(shop: Shop) -> None:
    account_id = await shop.open_account("whatsapp")
    await shop.hire()
    (receipt,) = await shop.receive(a_message("wamid.1", "+4930123456"), account_id=account_id)
    await shop.route()
    case = await shop.case(receipt)
    await shop.accept(case)
    case = await shop.case(case)

    shop.clock.wait(86_400)
    with pytest.raises(ReplyWindowClosed):
        await reply(shop, case)
    later = a_message("wamid.2", "+4930123456", occurred_at=shop.clock() - timedelta(seconds=5))
    await shop.receive(later, account_id=account_id)

    assert await reply(shop, case)
    with pytest.raises(ReplyTooLong, match="4096"):
        await reply(shop, case, "x" * 4_097)


async def test_a_channel_without_a_window_takes_replies_for_ever(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)

    shop.clock.wait(90 * 86_400)

    assert await reply(shop, case)
    assert Limits().window is None
