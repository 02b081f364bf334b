"""A person takes a mail out of the conversation that it joined, or puts it into another."""

import pytest
from msgspec.structs import replace

from domain.conversation import (
    ConversationClosed,
    ConversationIsClosed,
    ConversationOpened,
    ConversationUnknown,
    Status,
)
from domain.event import Event
from domain.intake import Intake
from domain.threads.moves import MessageJoined, MessageLeft
from domain.threads.moving import AnotherMailbox, MailNotHere, OnlyMail, Wording, find, join, set_apart
from tests.domain.threads.situations import ACCOUNT, NOON, Mailbox

INTAKE = Intake(queue_id="queue-1")
SAYS = Wording(subject="Trousers", preview="I am B")


def a_thread() -> Mailbox:
    """Two mails in a conversation that an agent has answered."""
    box = Mailbox()
    box.receive("A")
    box.receive("B", "A")
    box.answer("A")
    return box


def take_out(box: Mailbox, name: str, conversation_id: str = "A") -> list[Event]:
    mail = find(box.state, conversation_id, f"message-{name}")
    return box.take(set_apart(box.state, mail, SAYS, intake=INTAKE, new_conversation_id=f"of {name}", at=NOON))


def put(box: Mailbox, name: str, conversation_id: str, to_id: str) -> list[Event]:
    mail = find(box.state, conversation_id, f"message-{name}")
    return box.take(join(box.state, mail, to_id, SAYS, intake=INTAKE, at=NOON))


def test_a_mail_taken_out_waits_in_a_conversation_of_its_own() -> None:
    box = a_thread()

    opened, left, joined, queued = take_out(box, "B")

    assert opened == ConversationOpened(
        conversation_id="of B", channel="email", account_id=ACCOUNT, thread="B", subject="Trousers"
    )
    assert left == MessageLeft(
        conversation_id="A",
        message_id="message-B",
        provider_id="B",
        account_id=ACCOUNT,
        to_conversation_id="of B",
        latest_provider_id="A",
        is_by_hand=True,
    )
    assert joined == MessageJoined(
        conversation_id="of B",
        message_id="message-B",
        provider_id="B",
        account_id=ACCOUNT,
        from_conversation_id="A",
        handle="ana@example.org",
        preview="I am B",
        said_at=NOON,
        is_by_hand=True,
    )
    assert queued.TOPIC == "conversation.enqueued"
    assert (box["A"].latest_provider_id, box["of B"].latest_provider_id) == ("A", "B")
    assert (box["of B"].handle, box["of B"].status) == ("ana@example.org", Status.WAITING)


def test_what_answers_a_mail_follows_it_and_the_rest_stays() -> None:
    box = a_thread()
    take_out(box, "B")

    assert box.receive("C", "B", "A").conversation_id == "of B"
    assert box.receive("D", "A").conversation_id == "A"
    assert box.receive("E", "C", "B", "A").conversation_id == "of B"
    assert box.receive("F", "Z", "C", "B", "A").conversation_id == "of B"


def test_an_answer_to_our_earlier_reply_about_it_follows_it_too() -> None:
    box = a_thread()
    take_out(box, "B")

    received = box.receive("C", "ours", "B", "A", conversation_id="A", joined_by="own_message_id")

    assert (received.conversation_id, received.joined_by) == ("of B", "stored_id")
    assert box.receive("D", "ours", "A", conversation_id="A", joined_by="reply_address").conversation_id == "A"


def test_a_mail_that_comes_late_joins_nothing_that_a_person_took_apart() -> None:
    box = Mailbox()
    box.receive("A")
    box.receive("B", "A")
    take_out(box, "B")

    box.receive("D", "C", "A")
    box.receive("C", "B")

    assert box.together == {"A": "AD", "of B": "BC"}


def test_a_mail_that_is_put_back_is_where_it_was() -> None:
    box = a_thread()
    take_out(box, "B")

    events = put(box, "B", "of B", "A")

    assert events[-1] == ConversationClosed(conversation_id="of B", queue_id="queue-1", disposition="joined another")
    assert box.together == {"A": "AB"}
    assert box["A"].latest_provider_id == "B"
    assert box.receive("C", "B", "A").conversation_id == "A"


def test_a_mail_is_put_where_it_is_already_without_a_word() -> None:
    assert put(a_thread(), "B", "A", "A") == []


def test_the_only_mail_of_a_conversation_cannot_be_taken_out() -> None:
    box = Mailbox()
    box.receive("A")

    with pytest.raises(OnlyMail):
        take_out(box, "A")


def test_only_a_mail_of_the_conversation_can_be_moved() -> None:
    box = a_thread()
    take_out(box, "B")

    for message_id in ("message-B", "message-A-r", "message-nobody"):
        with pytest.raises(MailNotHere):
            find(box.state, "A", message_id)


def test_a_mail_joins_only_an_open_conversation_of_its_mailbox() -> None:
    box = a_thread()
    box.receive("X")
    box.take([ConversationClosed(conversation_id="X")])
    elsewhere = replace(box["A"], id="chat", channel="webchat")
    box.state = replace(box.state, conversations=box.state.conversations | {"chat": elsewhere})

    for to_id, refusal in (("X", ConversationIsClosed), ("chat", AnotherMailbox), ("nobody", ConversationUnknown)):
        with pytest.raises(refusal):
            put(box, "B", "A", to_id)
