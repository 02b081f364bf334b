"""Which conversation a mail joins, and what a mail that comes late moves."""

from datetime import timedelta
from typing import Any

import pytest

from domain import conversation
from domain.conversation import ConversationClosed, Status
from domain.interaction import MessageReceived
from domain.threads.mails import MAILS_KEPT
from domain.threads.moves import MessageJoined, MessageLeft
from domain.threads.placing import RECENT
from tests.domain.threads.situations import ACCOUNT, NOON, Mailbox

ORDER = "Your order 42"


def a_mailbox(*names: str) -> Mailbox:
    box = Mailbox()
    for name in names:
        box.receive(name)
    return box


def placed(received: MessageReceived) -> tuple[str, str]:
    return received.conversation_id, received.joined_by


def test_the_nearest_mail_that_we_have_decides() -> None:
    box = a_mailbox("A", "B")
    box.answer("A")
    box.answer("B")

    assert placed(box.receive("C", "unseen", "B", "A")) == ("B", "stored_id")


def test_a_mail_that_names_what_nobody_knows_is_new() -> None:
    box = Mailbox()
    box.receive("A", subject=ORDER)

    assert placed(box.receive("B", "unseen", subject=f"Re: {ORDER}")) == ("B", "in_reply_to")


def test_mails_that_name_the_same_unseen_one_are_together_and_it_joins_them() -> None:
    box = Mailbox()
    box.receive("B", "A")
    box.receive("C", "A", "Z")

    assert placed(box.receive("A")) == ("B", "answered")
    assert box.together == {"B": "BCA"}


def test_a_mail_that_proves_its_conversation_goes_there() -> None:
    box = a_mailbox("A", "B")

    received = box.receive("C", "A", conversation_id="B", joined_by="reply_address")

    assert placed(received) == ("B", "reply_address")
    assert box.together == {"A": "A", "B": "BC"}


def test_a_proof_of_somebody_elses_conversation_opens_one_of_the_senders_own() -> None:
    box = Mailbox()

    assert placed(box.receive("A", conversation_id="theirs", joined_by="reply_address"))[0] == "A"


def test_a_mail_that_connects_two_conversations_makes_them_one() -> None:
    box = Mailbox()
    box.receive("C", "B")
    box.receive("A")
    before = len(box.events)

    box.receive("B", "A")

    assert box.together == {"A": "CAB"}
    moved: dict[str, Any] = {"message_id": "message-C", "provider_id": "C", "account_id": ACCOUNT}
    assert box.events[before + 1 :] == [
        MessageLeft(conversation_id="C", to_conversation_id="A", **moved),
        MessageJoined(conversation_id="A", from_conversation_id="C", handle="ana@example.org", said_at=NOON, **moved),
        ConversationClosed(conversation_id="C", queue_id="queue-1", disposition="joined another"),
    ]
    assert not box["C"].is_reopenable(NOON)


def test_a_conversation_that_somebody_has_worked_on_stays_whole() -> None:
    box = Mailbox()
    box.receive("C", "B")
    box.receive("A")
    box.answer("C")
    box.answer("A")

    assert placed(box.receive("B", "A")) == ("A", "stored_id")
    assert box.together == {"C": "C", "A": "AB"}


def test_of_two_the_one_that_was_worked_on_takes_the_other_in() -> None:
    box = Mailbox()
    box.receive("C", "B")
    box.receive("A")
    box.answer("C")

    box.receive("D", "C", "A")

    assert box.together == {"C": "CAD"}


def test_a_bare_answer_follows_the_latest_of_its_subject_by_date() -> None:
    box = Mailbox()
    box.receive("A", subject=ORDER, at=NOON - timedelta(days=9))
    box.receive("B", subject=f"AW: {ORDER}", at=NOON)
    assert box.together == {"A": "AB"}

    box.receive("C", subject=ORDER, at=NOON - timedelta(days=1))

    assert sorted(box.together.values()) == ["A", "BC"]


@pytest.mark.parametrize(
    ("subject", "earlier", "days"),
    [
        (ORDER, ORDER, 1),
        (f"Fwd: {ORDER}", ORDER, 1),
        ("Re: Your order 43", ORDER, 1),
        ("Re: hello", "hello", 1),
        (f"Re: {ORDER}", ORDER, RECENT.days + 1),
        (f"Re: {ORDER}", ORDER, -1),
    ],
)
def test_a_subject_alone_joins_nothing_unless_everything_fits(subject: str, earlier: str, days: int) -> None:
    box = Mailbox()
    box.receive("A", subject=earlier, at=NOON - timedelta(days=days))

    assert placed(box.receive("B", subject=subject)) == ("B", "new")


@pytest.mark.parametrize(("days", "joined"), [(6, "A"), (8, "B")])
def test_an_answer_reopens_a_closed_conversation_in_time_or_opens_another(days: int, joined: str) -> None:
    box = a_mailbox("A")
    until = NOON + timedelta(days=7)
    box.take(conversation.close(box["A"], disposition="done", reopenable_until=until))
    box.wait(days=days)

    received = box.receive("B", "A")

    assert received.conversation_id == joined
    assert box[joined].status is Status.WAITING
    assert placed(box.receive("C", "B", "A"))[0] == joined


def test_the_oldest_mails_are_forgotten() -> None:
    box = Mailbox()
    box.receive("A")
    for number in range(MAILS_KEPT):
        box.receive(f"{number}", "A")

    assert len(box.state.mails) == MAILS_KEPT
    assert placed(box.receive("last", "A"))[0] == "A"


def test_answers_go_where_the_sender_of_the_latest_mail_wants_them() -> None:
    box = Mailbox()

    box.receive("A", reply_to="office@example.org")

    assert box["A"].handle == "office@example.org"
    assert [handle for _, _, handle in box.state.handles] == ["ana@example.org"]
