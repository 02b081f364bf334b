"""The queue board: who waits where, since when, due when, and to whom it is offered."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from application.projections.view import Row
from domain.assignment import (
    ConversationEnqueued,
    ConversationOffered,
    ConversationTransferred,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferWithdrawn,
)
from domain.classification import (
    AgeAdjusted,
    AgentPreferred,
    ConversationClassified,
    ConversationOverflowed,
    ConversationRelaxed,
)
from domain.conversation import ConversationClosed, ConversationPrioritized
from domain.event import Event, Recorded
from domain.queue import Promise, WorkSetAside

WAITING = (
    ConversationEnqueued,
    ConversationOffered,
    ConversationTransferred,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferWithdrawn,
    ConversationClosed,
    ConversationPrioritized,
    ConversationClassified,
    AgeAdjusted,
    AgentPreferred,
    ConversationRelaxed,
    ConversationOverflowed,
    WorkSetAside,
)


class Waiting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A conversation that waits in a queue.

    Example: `{"id": "conversation-…", "customer_id": "customer-…", "queue_id": "queue-…", "channel": "email",
    "priority": 2, "waiting_since": "2026-11-11T00:00:01Z", "due_at": "2026-11-11T00:01:01Z", "tier": "vip",
    "step": 1, "asks": {"returns": 1}}`
    """

    id: str
    customer_id: str
    queue_id: str
    channel: str
    priority: int
    waiting_since: datetime
    due_at: datetime | None = None
    offered_to: str | None = None
    offer_expires_at: datetime | None = None
    refusals: int = 0
    """Offers that were declined, missed or withdrawn so far."""
    refusal: str = ""
    """Why the latest of them came to nothing: `declined: lunch`, `missed`, `withdrawn: signed_out`."""
    tier: str = ""
    language: str = ""
    sentiment: str = ""
    age_adjustment_seconds: int = 0
    """Counts as so much older in the order, or younger; `waiting_since` is as measured."""
    known_agent_id: str | None = None
    """Who served the customer last."""
    preferred_agent_id: str | None = None
    """Who is to have it, as somebody said."""
    skills: dict[str, int] = {}
    """What it asks for beyond its queue's skills."""
    step: int = 0
    """How many steps of the queue's timetable it has taken."""
    asks: dict[str, int] = {}
    """Skills that it asks for since it took the last of them, each with its level."""
    overflowed_from: tuple[str, ...] = ()
    """The queues that it was too much for."""
    promise: Promise = Promise.NONE
    """What the customer was promised instead of an agent at once."""
    promised_at: datetime | None = None
    set_aside: str = ""
    """Why it is out of the line and nobody can have it: what was said cannot be read."""


class QueueBoard:
    """The waiting conversations of each queue. Its scope is the queue."""

    name = "queue_board"
    version = 2
    topics = frozenset(event.TOPIC for event in WAITING)
    card_type = Waiting

    def key(self, recorded: Recorded) -> str | None:
        return getattr(recorded.event, "conversation_id", None)

    def evolve(self, card: Waiting | None, recorded: Recorded) -> Waiting | None:
        event = recorded.event
        if isinstance(event, ConversationEnqueued):
            return _entered(card, recorded, event)
        if card is None:
            return None
        if isinstance(event, ConversationTransferred | ConversationOverflowed):
            return _moved(card, event)  # it enters the next queue in the same append
        if isinstance(event, OfferAccepted | ConversationClosed):
            return None
        return _changed(card, event)

    def scopes(self, card: Waiting) -> Sequence[str]:
        return (card.queue_id,)

    def rows(self, card: Waiting, position: int, doc: bytes) -> Sequence[Row]:
        return [
            Row(
                scope=card.queue_id,
                key=card.id,
                position=position,
                sort_at=card.waiting_since,
                doc=doc,
                queue_id=card.queue_id,
                agent_id=card.offered_to,
                customer_id=card.customer_id,
            )
        ]


def _entered(before: Waiting | None, recorded: Recorded, event: ConversationEnqueued) -> Waiting:
    """A promise made on the way still holds."""
    return Waiting(
        id=event.conversation_id,
        customer_id=recorded.stream,
        queue_id=event.queue_id,
        channel=event.channel,
        priority=event.priority,
        waiting_since=event.waiting_since,
        due_at=event.due_at,
        tier=event.tier,
        language=event.language,
        sentiment=event.sentiment,
        age_adjustment_seconds=event.age_adjustment_seconds,
        known_agent_id=event.known_agent_id,
        preferred_agent_id=event.preferred_agent_id,
        skills=event.skills,
        overflowed_from=event.overflowed_from,
        promise=before.promise if before else Promise.NONE,
        promised_at=before.promised_at if before else None,
    )


def _moved(card: Waiting, event: ConversationTransferred | ConversationOverflowed) -> Waiting:
    moved = replace(card, queue_id=event.to_queue_id, offered_to=None, offer_expires_at=None)
    if isinstance(event, ConversationOverflowed) and event.promise:
        return replace(moved, promise=event.promise, promised_at=event.promised_at)
    return moved


def _changed(card: Waiting, event: Event) -> Waiting:
    """Of one that goes on waiting where it is."""
    match event:
        case ConversationOffered():
            return replace(card, offered_to=event.agent_id, offer_expires_at=event.expires_at)
        case OfferDeclined() | OfferExpired() | OfferWithdrawn():
            refusals, refusal = card.refusals + 1, _told(event)
            return replace(card, offered_to=None, offer_expires_at=None, refusals=refusals, refusal=refusal)
        case ConversationPrioritized(priority=priority):
            return replace(card, priority=priority)
        case ConversationClassified(marks=marks):
            return replace(card, tier=marks.tier, language=marks.language, sentiment=marks.sentiment)
        case AgeAdjusted(seconds=seconds):
            return replace(card, age_adjustment_seconds=seconds)
        case AgentPreferred(agent_id=agent_id):
            return replace(card, preferred_agent_id=agent_id)
        case ConversationRelaxed(step=step, skills=skills):
            return replace(card, step=step, asks=skills)
        case WorkSetAside(reason=reason):
            return replace(card, offered_to=None, offer_expires_at=None, set_aside=reason)
        case _:
            return card


def _told(refused: OfferDeclined | OfferExpired | OfferWithdrawn) -> str:
    match refused:
        case OfferDeclined(reason=reason):
            return f"declined: {reason}"
        case OfferWithdrawn(reason=reason):
            return f"withdrawn: {reason}"
        case _:
            return "missed"
