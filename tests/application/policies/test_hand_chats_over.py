"""Replies that a visitor of a chat did not see go to them by mail, once, and only when they have left an address."""

import pytest

from application.follower import Follower
from application.policies.hand_chats_over import HandChatsOver
from application.use_cases.answer_by_mail import AnswerByMail
from application.use_cases.hand_over import HandOver
from application.use_cases.move_mails import MoveMails
from domain.account import AccountDefinition
from domain.customer import IdentityClaimed
from domain.intake import InboundMessage
from domain.interaction import MessageReceived, ReplyHandedOver
from tests.application.broken_streams import spoil
from tests.application.policies.scripted_channel import reply
from tests.application.situations import Case, Shop, a_message, an_assigned_conversation, another_process, everything

pytestmark = pytest.mark.anyio
ADDRESS = "li@example.org"


async def a_chat(shop: Shop, *, mailbox_channel: str = "email", address: str = ADDRESS) -> Case:
    """With an agent who has it, and a visitor who left an address."""
    mailbox = await shop.open_account(mailbox_channel)
    settings = {"handover_account": mailbox, "handover_minutes": "10"}
    definition = AccountDefinition(channel="webchat", name="Shop", queue_id=shop.queue_id, settings=settings)
    await shop.set_up.define_account(shop.command(), shop.account_id, definition)
    await shop.directory_follower.catch_up()
    case = await an_assigned_conversation(shop)
    claimed = IdentityClaimed(channel="webchat", account_id=shop.account_id, handle="li", email=address)
    await shop.commands.carry_out(shop.command(), [case.customer_id], lambda _: [[claimed]])
    return case


def handing(shop: Shop) -> tuple[Follower, HandChatsOver, HandOver]:
    """As a process runs it that starts now."""
    hand_over = HandOver(shop.commands, shop.directory)
    policy = HandChatsOver(shop.states, hand_over, shop.positions, shop.clock)
    return Follower(shop.log, policy), policy, hand_over


async def handed(shop: Shop) -> list[ReplyHandedOver]:
    return [one.event for one in await everything(shop.log) if isinstance(one.event, ReplyHandedOver)]


async def look(shop: Shop) -> list[ReplyHandedOver]:
    """What has gone by mail once a process has looked at this moment."""
    follower, policy, _ = handing(shop)
    await follower.catch_up()
    await policy.look()
    return await handed(shop)


async def test_a_reply_waits_for_its_visitor_and_then_goes_by_mail_once(shop: Shop) -> None:
    case = await a_chat(shop)
    first = await reply(shop, case, "It left today.")
    shop.clock.wait(599)
    assert await look(shop) == []
    second = await reply(shop, case, "Tomorrow you have it.")

    shop.clock.wait(1)
    (event,) = await look(shop)
    shop.clock.wait(600)
    (same,) = await look(shop)

    assert same == event
    assert (event.handle, event.channel, event.replies) == (ADDRESS, "email", (first, second))
    assert event.text == (
        "It left today.\n\nTomorrow you have it.\n\n-- \nWhat was said so far:\n\n[12:00] You: Hello?"
    )


@pytest.mark.parametrize(
    ("page", "talk", "told"),
    [
        ("", "", "What was said so far:\n\n[12:00] You: Hello?"),
        ("de-AT", "", "Was bisher geschrieben wurde:\n\n[12:00] Sie: Hello?"),
        ("de-AT", "zh-TW", "先前的對話：\n\n[12:00] 您: Hello?"),  # noqa: RUF001
        ("", "ja", "これまでのやり取り：\n\n[12:00] お客様: Hello?"),  # noqa: RUF001
    ],
)
async def test_a_mail_is_worded_in_the_language_of_the_talk_else_of_the_page(
    shop: Shop, page: str, talk: str, told: str
) -> None:
    case = await a_chat(shop)
    claimed = IdentityClaimed(channel="webchat", account_id=shop.account_id, handle="li", email=ADDRESS, language=page)
    await shop.commands.carry_out(shop.command(), [case.customer_id], lambda _: [[claimed]])
    if talk:
        await shop.steer.classify(shop.command(), *case.ids, language=talk)
    await reply(shop, case, "It left today.")
    shop.clock.wait(600)

    (event,) = await look(shop)

    assert event.text == f"It left today.\n\n-- \n{told}"


async def test_what_was_seen_meanwhile_goes_by_no_mail(shop: Shop) -> None:
    case = await a_chat(shop)
    message_id = await reply(shop, case)
    follower, policy, hand_over = handing(shop)
    await follower.catch_up()
    await hand_over.see(shop.command(), case.customer_id, [message_id])
    shop.clock.wait(600)

    await policy.look()

    assert await handed(shop) == []


async def test_two_processes_that_look_at_once_send_one_mail(shop: Shop) -> None:
    case = await a_chat(shop)
    await reply(shop, case)
    shop.clock.wait(600)

    async with another_process(shop) as other:
        await look(shop)
        await look(other)

    assert len(await handed(shop)) == 1


async def test_a_chat_that_cannot_be_read_holds_up_no_other(shop: Shop) -> None:
    case = await a_chat(shop)
    await reply(shop, case)
    spoil(shop, case.customer_id)
    shop.clock.wait(600)

    async with another_process(shop) as other:
        follower, policy, _ = handing(other)
        await follower.catch_up()
        await policy.look()

        assert follower.position == await other.log.head()


@pytest.mark.parametrize(("address", "mailbox_channel"), [("", "email"), ("no address", "email"), (ADDRESS, "line")])
async def test_without_an_address_or_a_mailbox_a_reply_waits_in_the_chat(
    shop: Shop, address: str, mailbox_channel: str
) -> None:
    case = await a_chat(shop, address=address, mailbox_channel=mailbox_channel)
    await reply(shop, case)
    shop.clock.wait(600)

    assert await look(shop) == []


def an_answer(case: Case, sender: str = ADDRESS.upper()) -> InboundMessage:
    proof = {"conversation_id": case.conversation_id, "joined_by": "reply_address"}
    return a_message("<answer@x>", sender, "Thanks", **proof)


async def test_an_answer_from_the_address_joins_the_chat_once(shop: Shop) -> None:
    case = await a_chat(shop)
    await reply(shop, case)
    shop.clock.wait(600)
    (event,) = await look(shop)
    answers = AnswerByMail(shop.commands, shop.directory)

    receipt = await answers.receive(event.account_id, an_answer(case), shop.command())
    again = await answers.receive(event.account_id, an_answer(case), shop.command())
    (repeat,) = await shop.receive(an_answer(case), account_id=event.account_id)

    assert receipt is not None
    assert (receipt.customer_id, receipt.conversation_id) == case.ids
    assert again is None
    assert (repeat.is_repeat, repeat.position) == (True, receipt.position)
    recorded = await shop.log.at(receipt.position)
    assert recorded is not None
    assert isinstance(recorded.event, MessageReceived)
    follow_up = await reply(shop, case, "With pleasure.")
    assert (await look(shop))[-1].replies == (follow_up,)


async def test_a_process_that_was_not_told_of_a_conversation_looks_again_before_it_opens_another(shop: Shop) -> None:
    mailbox = await shop.open_account("email")
    await shop.receive(a_message("<1@x>", "ana@example.org"), account_id=mailbox)
    async with another_process(shop) as other:
        (later,) = await other.receive(a_message("<2@x>", "ana@example.org", thread="<2@x>"), account_id=mailbox)
    case = Case(customer_id=later.customer_id, conversation_id=later.conversation_id)

    receipt = await AnswerByMail(shop.commands, shop.directory).receive(
        mailbox, an_answer(case, "bob@else.example"), shop.command()
    )

    assert receipt is not None
    assert (receipt.customer_id, receipt.conversation_id) == case.ids


async def test_a_process_that_was_not_told_of_a_participant_gives_their_mail_back_all_the_same(shop: Shop) -> None:
    mailbox = await shop.open_account("email")
    (first,) = await shop.receive(a_message("<1@x>", "ana@example.org"), account_id=mailbox)
    case = Case(customer_id=first.customer_id, conversation_id=first.conversation_id)
    async with another_process(shop) as other:
        answers = AnswerByMail(other.commands, other.directory)
        receipt = await answers.receive(mailbox, an_answer(case, "bob@else.example"), other.command())
    assert receipt is not None

    moved = await MoveMails(shop.commands, shop.directory).move(shop.command(), *case.ids, receipt.message_id, None)

    assert moved.customer_id != case.customer_id
    assert (await shop.conversation(case)).handle == "ana@example.org"


async def test_an_answer_from_elsewhere_is_its_senders_own(shop: Shop) -> None:
    case = await a_chat(shop)
    await reply(shop, case)
    answers = AnswerByMail(shop.commands, shop.directory)
    assert await answers.receive(shop.account_id, an_answer(case), shop.command()) is None
    shop.clock.wait(600)
    (event,) = await look(shop)

    stranger = await answers.receive(event.account_id, an_answer(case, "mallory@x"), shop.command())
    (receipt,) = await shop.receive(an_answer(case, "mallory@x"), account_id=event.account_id)

    assert stranger is None
    assert receipt.customer_id != case.customer_id
