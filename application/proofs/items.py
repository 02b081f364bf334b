"""Waiting work as the events tell it, one item a conversation, and what such an item asks."""

from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from domain.assignment import ConversationEnqueued, ConversationOffered, OfferDeclined, OfferExpired, OfferWithdrawn
from domain.classification import AgeAdjusted, ConversationClassified, ConversationRelaxed
from domain.conversation import ConversationPrioritized
from domain.event import Recorded
from domain.policy import RoutingPolicy


class Case(NamedTuple):
    """All of an item that decides what it asks of an agent: items of the same case ask the same."""

    queue_id: str
    channel: str
    step: int
    language: str
    skills: tuple[tuple[str, int], ...]


class Item(msgspec.Struct, kw_only=True):
    """A conversation that waits, or is offered to somebody."""

    conversation_id: str
    case: Case
    position: int
    waiting_since: datetime
    entered_at: datetime
    changed_at: datetime
    """When an event last changed it."""
    priority: int
    due_at: datetime | None
    tier: str
    sentiment: str
    adjusted_seconds: int
    known_agent_id: str | None
    offered_to: str | None = None
    rests: dict[str, datetime] = {}
    """Until when each agent who declined it is left alone with it; the latest to decline stands last."""


def entered(recorded: Recorded, event: ConversationEnqueued) -> Item:
    """The item that came into a queue."""
    skills = tuple(sorted(event.skills.items()))
    return Item(
        conversation_id=event.conversation_id,
        case=Case(event.queue_id, event.channel, 0, event.language, skills),
        position=recorded.position,
        waiting_since=event.waiting_since,
        entered_at=recorded.recorded_at,
        changed_at=recorded.recorded_at,
        priority=event.priority,
        due_at=event.due_at,
        tier=event.tier,
        sentiment=event.sentiment,
        adjusted_seconds=event.age_adjustment_seconds,
        known_agent_id=event.known_agent_id,
    )


def changed(item: Item, recorded: Recorded, rules: RoutingPolicy) -> None:
    """What the event changes about the item."""
    item.changed_at = recorded.recorded_at
    match recorded.event:
        case ConversationOffered(agent_id=agent_id):
            item.offered_to = agent_id
        case OfferDeclined(agent_id=agent_id):
            rest = timedelta(seconds=rules.decline_rest_seconds)
            item.offered_to = None
            others = {other: until for other, until in item.rests.items() if other != agent_id}
            item.rests = others | {agent_id: recorded.recorded_at + rest}
        case OfferExpired() | OfferWithdrawn():
            item.offered_to = None
        case ConversationPrioritized(priority=priority):
            item.priority = priority
        case ConversationClassified(marks=marks):
            item.tier, item.sentiment = marks.tier, marks.sentiment
            item.case = item.case._replace(language=marks.language)
        case AgeAdjusted(seconds=seconds):
            item.adjusted_seconds = seconds
        case ConversationRelaxed(step=step):
            item.case = item.case._replace(step=step)
