"""What a visitor has seen of the replies to them, and what goes to them by mail."""

import pytest

from domain.conversation import Status
from domain.customer import Customer, IdentityClaimed, IdentityProven
from domain.event import Event
from domain.handover.decisions import hand_over, mail_address, see, unseen
from domain.intake import InboundMessage, Intake, receive_message
from domain.interaction import ChatAddress, Content, MessageReceived, ReplyHandedOver, ReplyWritten
from domain.outbound.delivery import DeliveryReported, DeliveryStatus
from domain.outbound.receipts import Fate
from tests.domain.situations import ACCOUNT, CONVERSATION, MEI, NOON, after_customer, an_assigned_conversation, joan

MAILBOX = "account-mail"
CLAIMED = IdentityClaimed(channel="webchat", account_id=ACCOUNT, handle="visitor-1", email="Joan@x.example")


def said(provider_id: str = "visitor-1:1") -> MessageReceived:
    return MessageReceived(
        conversation_id=CONVERSATION,
        message_id="message-0",
        provider_id=provider_id,
        channel="webchat",
        account_id=ACCOUNT,
        handle="visitor-1",
        content=Content(text="Hi"),
    )


def reply(number: int) -> ReplyWritten:
    return ReplyWritten(
        conversation_id=CONVERSATION,
        message_id=f"message-{number}",
        channel="webchat",
        account_id=ACCOUNT,
        handle="visitor-1",
        text="Yes.",
        agent_id=MEI,
    )


def a_chat(*events: Event) -> Customer:
    return after_customer(joan(an_assigned_conversation()), said(), *events)


def missed(customer: Customer) -> list[str]:
    return [one.message_id for one in unseen(customer, customer.conversation(CONVERSATION))]


def handed_over(customer: Customer, *replies: str) -> list[Event]:
    return hand_over(
        customer,
        customer.conversation(CONVERSATION),
        replies,
        message_id="message-m",
        mailbox_id=MAILBOX,
        subject="Shop",
        text="Yes.",
    )


def test_what_the_visitor_was_shown_is_told_once() -> None:
    chat = a_chat(reply(1), reply(2))

    (event,) = see(chat, ["message-1", "message-unknown"])

    assert event == DeliveryReported(
        conversation_id=CONVERSATION, message_id="message-1", status=DeliveryStatus.DELIVERED, agent_id=MEI
    )
    after = after_customer(chat, event)
    assert (missed(chat), missed(after)) == (["message-1", "message-2"], ["message-2"])
    assert after.outbound["message-1"].fate is Fate.DELIVERED
    assert see(after, ["message-1"]) == []


@pytest.mark.parametrize(
    ("identity", "address"),
    [
        ([CLAIMED], "Joan@x.example"),
        ([IdentityClaimed(channel="webchat", account_id=ACCOUNT, handle="visitor-1", email="no address")], ""),
        ([IdentityClaimed(channel="webchat", account_id=ACCOUNT, handle="visitor-2", email="li@x.example")], ""),
        ([CLAIMED, IdentityClaimed(channel="webchat", account_id=ACCOUNT, handle="visitor-1")], "Joan@x.example"),
        (
            [
                CLAIMED,
                IdentityProven(
                    channel="webchat",
                    account_id=ACCOUNT,
                    handle="user:4",
                    visitor="visitor-1",
                    method="jwt",
                    email="j@y",
                ),
            ],
            "j@y",
        ),
    ],
)
def test_a_visitor_is_written_to_where_they_said_last(identity: list[Event], address: str) -> None:
    chat = a_chat(*identity)

    assert mail_address(chat, chat.conversation(CONVERSATION)) == address


def test_replies_that_were_not_seen_go_by_mail_once() -> None:
    chat = a_chat(CLAIMED, reply(1), reply(2))

    (event,) = handed_over(chat, "message-1", "message-2")

    assert event == ReplyHandedOver(
        conversation_id=CONVERSATION,
        message_id="message-m",
        channel="email",
        account_id=MAILBOX,
        handle="Joan@x.example",
        text="Yes.",
        agent_id=MEI,
        subject="Shop",
        replies=("message-1", "message-2"),
    )
    after = after_customer(chat, event)
    assert missed(after) == []
    assert after.outbound["message-m"].account_id == MAILBOX
    assert after.conversation(CONVERSATION).handle == "visitor-1"
    assert handed_over(after, "message-1", "message-2") == []


def test_nothing_goes_by_mail_without_an_address_or_where_more_was_said_or_all_was_seen() -> None:
    chat = a_chat(CLAIMED, reply(1), reply(2))

    assert handed_over(a_chat(reply(1)), "message-1") == []
    assert handed_over(chat, "message-1") == []
    assert handed_over(after_customer(chat, *see(chat, ["message-1", "message-2"])), "message-1", "message-2") == []


def test_who_writes_again_has_seen_what_was_said_before() -> None:
    chat = a_chat(CLAIMED, reply(1), said("visitor-1:2"), reply(2))

    assert missed(chat) == ["message-2"]


def test_an_answer_by_mail_joins_the_chat_and_makes_the_address_nobodys() -> None:
    chat = a_chat(CLAIMED, reply(1))
    chat = after_customer(chat, *handed_over(chat, "message-1"))
    mail = InboundMessage(
        provider_id="<1@x>",
        handle="joan@x.example",
        content=Content(text="Thanks"),
        occurred_at=NOON,
        conversation_id=CONVERSATION,
        joined_by="reply_address",
    )

    (received,) = receive_message(
        chat,
        mail,
        channel="email",
        account_id=MAILBOX,
        scope=None,
        intake=Intake(queue_id="queue-1"),
        message_id="message-a",
        new_conversation_id="conversation-new",
        at=NOON,
    )

    assert isinstance(received, MessageReceived)
    assert received.chat == ChatAddress(account_id=ACCOUNT, handle="visitor-1")
    after = after_customer(chat, received)
    one = after.conversation(CONVERSATION)
    assert (one.handed_to, one.is_away, one.handle, one.status) == (
        "joan@x.example",
        True,
        "visitor-1",
        Status.ASSIGNED,
    )
    (again,) = handed_over(after_customer(after, reply(2)), "message-2")
    assert isinstance(again, ReplyHandedOver)
    assert again.in_reply_to == "<1@x>"
    assert not after_customer(after, said("visitor-1:2")).conversation(CONVERSATION).is_away
