"""Waiting work as the events tell it, one item a conversation, and what such an item asks."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from domain.assignment import ConversationEnqueued, ConversationOffered, OfferDeclined, OfferExpired, OfferWithdrawn
from domain.classification import AgeAdjusted, AgentPreferred, ConversationClassified, ConversationRelaxed
from domain.conversation import ConversationPrioritized
from domain.event import Event, Recorded
from domain.policy import RoutingPolicy

NEVER = datetime.max.replace(tzinfo=UTC)


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
    customer_id: str
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
    preferred_agent_id: str | None
    preferred_at: datetime
    """When they were named, or it came into its queue."""
    offered_to: str | None = None
    rests: dict[str, datetime] = {}
    """Until when each agent who declined it is left alone with it; the latest to decline stands last."""
    ranks_since: datetime = NEVER
    """Its score is the time since then, all that counts like age included; until its deadline nears."""
    ranks_since_when_urgent: datetime = NEVER
    urgent_from: datetime = NEVER

    def ranks_at(self, at: datetime) -> datetime:
        """Since when it has waited, all that counts like age included. The earlier goes first."""
        return self.ranks_since if at < self.urgent_from else self.ranks_since_when_urgent


def entered(recorded: Recorded, event: ConversationEnqueued, rules: RoutingPolicy) -> Item:
    """The item that came into a queue."""
    skills = tuple(sorted(event.skills.items()))
    item = Item(
        conversation_id=event.conversation_id,
        customer_id=recorded.stream,
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
        preferred_agent_id=event.preferred_agent_id,
        preferred_at=recorded.recorded_at,
    )
    ranked(item, rules)
    return item


def changed(item: Item, recorded: Recorded, rules: RoutingPolicy) -> None:
    """What the event changes about the item."""
    item.changed_at = recorded.recorded_at
    if (change := _CHANGES.get(type(recorded.event))) is not None:
        change(item, recorded.event, recorded, rules)


def ranked(item: Item, rules: RoutingPolicy) -> None:
    """Works out anew what orders it among what waits; to be called when the item or the rules have changed."""
    seconds = item.priority * rules.priority_boost_seconds + item.adjusted_seconds
    seconds += rules.tiers.get(item.tier, 0) + rules.sentiments.get(item.sentiment, 0)
    item.ranks_since = item.ranks_since_when_urgent = item.waiting_since - timedelta(seconds=seconds)
    item.urgent_from = NEVER
    if item.due_at is not None and rules.deadline_lead_seconds:
        item.ranks_since_when_urgent -= timedelta(seconds=rules.deadline_boost_seconds)
        item.urgent_from = item.due_at - timedelta(seconds=rules.deadline_lead_seconds)


def _offered(item: Item, event: ConversationOffered, _: Recorded, __: RoutingPolicy) -> None:
    item.offered_to = event.agent_id


def _declined(item: Item, event: OfferDeclined, recorded: Recorded, rules: RoutingPolicy) -> None:
    rest = timedelta(seconds=rules.decline_rest_seconds)
    item.offered_to = None
    others = {other: until for other, until in item.rests.items() if other != event.agent_id}
    item.rests = others | {event.agent_id: recorded.recorded_at + rest}


def _taken_back(item: Item, _: OfferExpired | OfferWithdrawn, __: Recorded, ___: RoutingPolicy) -> None:
    item.offered_to = None


def _prioritized(item: Item, event: ConversationPrioritized, _: Recorded, rules: RoutingPolicy) -> None:
    item.priority = event.priority
    ranked(item, rules)


def _classified(item: Item, event: ConversationClassified, _: Recorded, rules: RoutingPolicy) -> None:
    item.tier, item.sentiment = event.marks.tier, event.marks.sentiment
    item.case = item.case._replace(language=event.marks.language)
    ranked(item, rules)


def _adjusted(item: Item, event: AgeAdjusted, _: Recorded, rules: RoutingPolicy) -> None:
    item.adjusted_seconds = event.seconds
    ranked(item, rules)


def _preferred(item: Item, event: AgentPreferred, recorded: Recorded, _: RoutingPolicy) -> None:
    item.preferred_agent_id, item.preferred_at = event.agent_id, recorded.recorded_at


def _relaxed(item: Item, event: ConversationRelaxed, _: Recorded, __: RoutingPolicy) -> None:
    item.case = item.case._replace(step=event.step)


_CHANGES: dict[type[Event], Callable[[Item, Any, Recorded, RoutingPolicy], None]] = {
    ConversationOffered: _offered,
    OfferDeclined: _declined,
    OfferExpired: _taken_back,
    OfferWithdrawn: _taken_back,
    ConversationPrioritized: _prioritized,
    ConversationClassified: _classified,
    AgeAdjusted: _adjusted,
    AgentPreferred: _preferred,
    ConversationRelaxed: _relaxed,
}
"""By type, because asking whether an event is one of nine takes longer than all the rest."""
