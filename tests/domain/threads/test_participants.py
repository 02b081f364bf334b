"""Whoever was given mail of ours and writes from another address joins, as who they are; a person may undo it."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain import customer
from domain.conversation import Conversation, ConversationClosed, Status
from domain.customer import Customer, CustomerRegistered, IdentityLinked
from domain.event import Event
from domain.intake import InboundMessage, Intake
from domain.interaction import Content, MessageReceived
from domain.threads.moves import MessageJoined, MessageLeft
from domain.threads.moving import Wording, find, join
from domain.threads.participants import give_back, receive_participant, takes_part
from tests.domain.threads.situations import ACCOUNT, NOON, Mailbox

INTAKE = Intake(queue_id="queue-1")
BOB = "bob@else.example"


def a_talk() -> Mailbox:
    """Ana's mail, which an agent answered: whoever is given the answer has our token and our Message-ID."""
    box = Mailbox()
    box.receive("A")
    box.answer("A")
    return box


def from_bob(name: str = "B", **more: Any) -> InboundMessage:
    told = InboundMessage(
        provider_id=name,
        handle=BOB,
        content=Content(text=f"I am {name}"),
        occurred_at=NOON,
        author="Bob",
        answers=("ours", "A"),
        conversation_id="A",
        joined_by="reply_address",
    )
    return replace(told, **more)


def bring(box: Mailbox, message: InboundMessage) -> MessageReceived:
    """Takes it in; it has to be one that joins."""
    assert takes_part(box.state, message, account_id=ACCOUNT, at=box.now)
    events = receive_participant(
        box.state,
        message,
        account_id=ACCOUNT,
        intake=INTAKE,
        message_id=f"message-{message.provider_id}",
        at=box.now,
    )
    (received,) = (one for one in box.take(events) if isinstance(one, MessageReceived))
    return received


def undone(box: Mailbox, received: MessageReceived, bob: Customer = customer.NEW) -> tuple[list[Event], list[Event]]:
    """Events of Ana's stream and of Bob's."""
    mail = find(box.state, received.conversation_id, received.message_id)
    mine, theirs = give_back(
        box.state,
        mail,
        received,
        bob,
        sender_id="customer-bob",
        intake=INTAKE,
        new_conversation_id="bobs",
        at=box.now,
    )
    return box.take(mine), theirs


def towards_ana(one: Conversation) -> tuple[object, ...]:
    """All by which a conversation tells whom it is with."""
    return one.handle, one.latest_provider_id, one.heard_at, one.thread, one.subject, one.language


@pytest.mark.parametrize("rule", ["reply_address", "own_message_id"])
def test_whoever_proves_it_joins_as_who_they_are(rule: str) -> None:
    box = a_talk()
    before = box.state

    received = bring(box, from_bob(joined_by=rule, language="fr"))

    assert (received.conversation_id, received.handle, received.author) == ("A", BOB, "Bob")
    assert (received.is_participant, received.joined_by) == (True, rule)
    assert towards_ana(box["A"]) == towards_ana(before.conversations["A"])
    assert box["A"].status is Status.WAITING
    assert (box.state.handles, box.state.name) == (before.handles, before.name)


def test_the_customer_may_answer_them_and_our_reply_answers_the_customer() -> None:
    box = a_talk()
    bring(box, from_bob())

    assert box.receive("C", "B").conversation_id == "A"
    assert (box["A"].handle, box["A"].latest_provider_id) == ("ana@example.org", "C")


def test_their_mail_reopens_a_conversation_in_time() -> None:
    box = a_talk()
    box.take([ConversationClosed(conversation_id="A", reopenable_until=NOON + timedelta(days=7))])

    bring(box, from_bob())

    assert (box["A"].status, box["A"].handle) == (Status.WAITING, "ana@example.org")


@pytest.mark.parametrize(
    "otherwise",
    [
        {"joined_by": "references", "conversation_id": "A"},
        {"joined_by": "references", "conversation_id": ""},
        {"conversation_id": "nobodys"},
        {"handle": "ana@example.org"},
        {"other_handles": ("ana@example.org",)},
        {"dmarc": "fail"},
        {"nature": "own"},
        {"nature": "bounce"},
        {"nature": "complaint"},
    ],
)
def test_without_proof_or_against_what_we_know_nobody_joins(otherwise: dict[str, Any]) -> None:
    box = a_talk()

    assert takes_part(box.state, from_bob(), account_id=ACCOUNT, at=NOON)
    assert not takes_part(box.state, from_bob(**otherwise), account_id=ACCOUNT, at=NOON)


def test_a_conversation_of_another_mailbox_or_channel_or_closed_for_long_is_not_joined() -> None:
    box = a_talk()
    assert not takes_part(box.state, from_bob(), account_id="account-other", at=NOON)

    chat = replace(box["A"], channel="webchat")
    in_chat = replace(box.state, conversations={"A": chat})
    assert not takes_part(in_chat, from_bob(), account_id=ACCOUNT, at=NOON)

    box.take([ConversationClosed(conversation_id="A", reopenable_until=NOON)])
    assert takes_part(box.state, from_bob(), account_id=ACCOUNT, at=NOON)
    assert not takes_part(box.state, from_bob(), account_id=ACCOUNT, at=NOON + timedelta(seconds=1))


def test_a_stranger_moves_no_mail_of_the_customers() -> None:
    box = a_talk()
    box.receive("D", "B", subject="Something else altogether")

    bring(box, from_bob("B"))

    assert box.together == {"A": "AB", "D": "D"}


def test_given_back_it_is_their_own_and_nothing_of_the_talk_changes() -> None:
    box = a_talk()
    before = box["A"]
    received = bring(box, from_bob(dmarc="pass"))

    mine, theirs = undone(box, received)

    assert mine == [
        MessageLeft(
            conversation_id="A",
            message_id="message-B",
            provider_id="B",
            account_id=ACCOUNT,
            to_conversation_id="bobs",
            latest_provider_id="A",
            is_by_hand=True,
            to_customer_id="customer-bob",
        )
    ]
    assert [type(one) for one in theirs[:2]] == [CustomerRegistered, IdentityLinked]
    (copy,) = (one for one in theirs if isinstance(one, MessageReceived))
    assert (copy.conversation_id, copy.joined_by, copy.handle, copy.author) == ("bobs", "by_hand", BOB, "Bob")
    assert (copy.content, copy.dmarc, copy.is_participant) == (received.content, "pass", False)
    assert theirs[-1].TOPIC == "conversation.enqueued"
    assert towards_ana(box["A"]) == towards_ana(before)
    assert box.together == {"A": "A", "": "B"}


def test_who_was_given_back_joins_no_more_and_the_customers_mails_go_on() -> None:
    box = a_talk()
    undone(box, bring(box, from_bob()))

    assert not takes_part(box.state, from_bob("C"), account_id=ACCOUNT, at=NOON)
    assert takes_part(box.state, from_bob("C", handle="carla@else.example"), account_id=ACCOUNT, at=NOON)
    assert box.receive("D", "B", "A").conversation_id == "A"


def test_moved_by_hand_it_stays_somebody_elses_and_what_answers_it_follows() -> None:
    box = a_talk()
    box.receive("X", subject="Another matter")
    bring(box, from_bob())
    mail = find(box.state, "A", "message-B")

    moved = box.take(join(box.state, mail, "X", Wording(), intake=INTAKE, at=NOON))

    assert [one.is_participant for one in moved if isinstance(one, MessageJoined)] == [True]
    assert (box["X"].handle, box["X"].latest_provider_id) == ("ana@example.org", "X")
    assert bring(box, from_bob("C", answers=("B", "ours"))).conversation_id == "X"
    assert bring(box, from_bob("D")).conversation_id == "A"
