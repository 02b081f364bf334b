"""What a conversation's card says of what was said last, and what it counts."""

import itertools

import pytest
from msgspec.structs import replace

from application.projections.conversations import AMENDED_KEPT, UNSENT, Card, Conversations
from domain.conversation import ConversationOpened
from domain.event import Event
from domain.interaction import ContentKind, MessageReceived, ReplyEchoed, ReplyWritten
from domain.outbound.delivery import DeliveryAccepted, DeliveryReported, DeliveryStatus
from tests.application.views.test_amendments import REPLY, SENT, TAKEN, echoed, recorded, said

OPENED = ConversationOpened(conversation_id="conversation-1", channel="whatsapp", account_id="account-1", thread="")
EDIT, UNSEND, REACTION = ContentKind.EDIT, ContentKind.UNSEND, ContentKind.REACTION


def card(*events: Event) -> Card:
    """After these events."""
    board, now = Conversations(), None
    for position, event in enumerate((OPENED, *events), start=1):
        told = recorded(position, (position, event))
        now = board.evolve(now, replace(told, recorded_at=told.occurred_at))
    assert now is not None
    return now


def test_an_edit_changes_the_preview_and_is_no_message() -> None:
    after = card(said(1), said(2, EDIT, "p-1", "Send it to Bremen"))

    assert (after.preview, after.messages, after.last_by) == ("Send it to Bremen", 1, "customer")


def test_an_edit_of_an_older_message_leaves_the_preview() -> None:
    after = card(said(1), said(2, text="Hello?"), said(3, EDIT, "p-1", "Send it to Bremen"))

    assert (after.preview, after.messages) == ("Hello?", 2)


def test_what_was_taken_back_is_not_previewed() -> None:
    after = card(said(1), said(2, UNSEND, "p-1", ""))

    assert (after.preview, after.messages) == (UNSENT, 1)


def test_a_reaction_leaves_the_card_where_it_stands() -> None:
    before = card(said(1))

    after = card(said(1), said(2, REACTION, "p-1", "👍"))

    assert (after.preview, after.messages, after.updated_at) == (before.preview, 1, before.updated_at)
    assert after.conversation.revision == before.conversation.revision + 1


@pytest.mark.parametrize(
    "order", list(itertools.permutations([said(1), said(2, EDIT, "p-1", "Bremen"), said(3, UNSEND, "p-1", "")]))
)
def test_in_any_order_the_words_stay_hidden(order: tuple[MessageReceived, ...]) -> None:
    after = card(*order)

    assert (after.preview, after.messages) == (UNSENT, 1)


def test_only_the_latest_amendments_are_remembered() -> None:
    edits = [said(100 + number, EDIT, f"p-{number}", "again") for number in range(AMENDED_KEPT + 5)]

    assert list(card(said(1), *edits).amended) == [f"p-{number}" for number in range(5, AMENDED_KEPT + 5)]


def test_what_staff_wrote_elsewhere_answers_the_customer() -> None:
    after = card(said(1), echoed(2, text="We called you back."))

    assert (after.preview, after.last_by, after.replies) == ("We called you back.", "agent", 1)
    assert after.unanswered_since is None


@pytest.mark.parametrize("reply", [[REPLY, TAKEN], [echoed(9)]])
def test_an_edit_of_our_own_changes_the_preview_too(reply: list[ReplyWritten | DeliveryAccepted | ReplyEchoed]) -> None:
    about = "p-r" if REPLY in reply else "p-9"

    after = card(said(1), *reply, echoed(10, EDIT, about, "It comes on Monday."))

    assert (after.preview, after.replies) == ("It comes on Monday.", 1)


def test_a_reply_that_failed_is_to_be_looked_at_and_one_that_was_read_is_not() -> None:
    read = card(said(1), REPLY, TAKEN, DeliveryReported(**SENT, status=DeliveryStatus.READ))
    failed = card(said(1), REPLY, TAKEN, DeliveryReported(**SENT, status=DeliveryStatus.FAILED, reason="131026"))

    assert (read.alert, failed.alert) == ("", "a reply failed: 131026")
    assert read.updated_at == card(said(1), REPLY, TAKEN).updated_at < failed.updated_at
