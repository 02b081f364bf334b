"""The card of a waiting conversation, and the lines of its timeline: what routing knows of it, step by step."""

from datetime import UTC, datetime, timedelta

from application.projections.lines import Draft, Lines
from application.projections.queue_board import QueueBoard, Waiting
from domain.assignment import ConversationEnqueued, ConversationOffered, ConversationTransferred, OfferAccepted
from domain.classification import (
    AgeAdjusted,
    ConversationClassified,
    ConversationOverflowed,
    ConversationRelaxed,
    Marks,
)
from domain.event import Event, Recorded
from domain.queue import Limit, Promise, WorkSetAside

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE, HERE, ELSEWHERE = "conversation-1", "queue-1", "queue-2"
FOLD = QueueBoard()
OVERFLOWED = ConversationOverflowed(
    conversation_id=ONE,
    queue_id=HERE,
    to_queue_id=ELSEWHERE,
    cause=Limit.WAITED,
    promise=Promise.CALLBACK,
    promised_at=NOON + HOUR,
)
RELAXED = ConversationRelaxed(conversation_id=ONE, queue_id=HERE, step=2, skills={"returns": 1}, groups=("night",))
CLASSIFIED = ConversationClassified(conversation_id=ONE, marks=Marks(tier="vip", language="zh", sentiment="angry"))
ADJUSTED = AgeAdjusted(conversation_id=ONE, seconds=-60, reason="called twice")


def enqueued(queue_id: str = HERE, *overflowed_from: str) -> ConversationEnqueued:
    return ConversationEnqueued(
        conversation_id=ONE,
        queue_id=queue_id,
        channel="phone",
        priority=2,
        waiting_since=NOON,
        tier="gold",
        language="de",
        known_agent_id="agent-1",
        age_adjustment_seconds=30,
        overflowed_from=overflowed_from,
    )


def recorded(*events: Event) -> list[Recorded]:
    return [
        Recorded(
            event=event,
            topic=event.TOPIC,
            stream="customer-1",
            version=position,
            position=position,
            occurred_at=NOON,
            recorded_at=NOON,
            actor="router",
        )
        for position, event in enumerate(events, start=1)
    ]


def card_after(*events: Event) -> Waiting | None:
    card: Waiting | None = None
    for one in recorded(*events):
        card = FOLD.evolve(card, one)
    return card


def test_the_card_says_what_routing_was_told_at_the_door() -> None:
    card = card_after(enqueued())

    assert card == Waiting(
        id=ONE,
        customer_id="customer-1",
        queue_id=HERE,
        channel="phone",
        priority=2,
        waiting_since=NOON,
        tier="gold",
        language="de",
        known_agent_id="agent-1",
        age_adjustment_seconds=30,
    )


def test_the_card_follows_marks_and_an_adjusted_age() -> None:
    card = card_after(enqueued(), CLASSIFIED, ADJUSTED)

    assert card is not None
    assert (card.tier, card.language, card.sentiment) == ("vip", "zh", "angry")
    assert (card.age_adjustment_seconds, card.waiting_since) == (-60, NOON)


def test_the_current_step_of_the_timetable_is_on_the_card() -> None:
    card = card_after(enqueued(), RELAXED)

    assert card is not None
    assert (card.step, card.asks) == (2, {"returns": 1})


def test_what_overflowed_keeps_the_promise_and_begins_the_next_timetable_anew() -> None:
    card = card_after(enqueued(), RELAXED, OVERFLOWED, enqueued(ELSEWHERE, HERE))

    assert card is not None
    assert (card.queue_id, card.overflowed_from) == (ELSEWHERE, (HERE,))
    assert (card.promise, card.promised_at) == (Promise.CALLBACK, NOON + HOUR)
    assert (card.step, card.asks) == (0, {})


def test_a_promise_holds_although_somebody_moves_the_work_once_more() -> None:
    moved = ConversationTransferred(conversation_id=ONE, from_agent_id=None, to_queue_id="queue-3")

    card = card_after(enqueued(), OVERFLOWED, enqueued(ELSEWHERE, HERE), moved, enqueued("queue-3"))

    assert card is not None
    assert (card.queue_id, card.promise) == ("queue-3", Promise.CALLBACK)


def test_what_cannot_be_read_is_offered_to_nobody_and_says_why() -> None:
    offered = ConversationOffered(
        conversation_id=ONE, queue_id=HERE, offer_id="o-1", agent_id="agent-1", units=2, expires_at=NOON + HOUR
    )
    aside = WorkSetAside(conversation_id=ONE, customer_id="customer-1", reason="its seal is broken")

    card = card_after(enqueued(), offered, aside)
    again = card_after(enqueued(), offered, aside, enqueued())

    assert card is not None
    assert (card.set_aside, card.offered_to, card.offer_expires_at) == ("its seal is broken", None, None)
    assert again is not None
    assert again.set_aside == ""


def test_marks_of_what_waits_no_more_make_no_card() -> None:
    accepted = OfferAccepted(conversation_id=ONE, queue_id=HERE, offer_id="offer-1", agent_id="agent-1")

    card = card_after(enqueued(), accepted, CLASSIFIED, ADJUSTED, RELAXED, OVERFLOWED)

    assert card is None


def test_each_of_them_is_a_line_of_the_timeline() -> None:
    draft = Draft(Lines())
    told = (CLASSIFIED, ADJUSTED, RELAXED, OVERFLOWED)

    for one in recorded(*told):
        draft.take(one)

    assert [row.doc.split(b'"kind":"')[1].split(b'"')[0].decode() for row in draft.rows()] == [
        "conversation.classified",
        "conversation.age_adjusted",
        "conversation.relaxed",
        "conversation.overflowed",
    ]
