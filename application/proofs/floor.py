"""The floor: agents, queues, rules and waiting work, as the events tell them and without the router's help.

The rules of who may be given what are told here a second time, looked up plainly and one by one, so that a mistake of
the router's order, lines or reservations would have to be made twice to go unseen.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from domain import agent, policy, queue
from domain.agent import Agent, Presence
from domain.assignment import (
    ConversationEnqueued,
    ConversationOffered,
    ConversationTransferred,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferWithdrawn,
)
from domain.classification import AgeAdjusted, ConversationClassified, ConversationOverflowed, ConversationRelaxed
from domain.conversation import ConversationClosed, ConversationPrioritized
from domain.event import Event, Recorded, kind_of
from domain.policy import Policy
from domain.queue import QueueDefinition
from domain.workload import Ask, no_room

NOTHING_ASKED = QueueDefinition(name="undefined")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
GONE = (OfferAccepted, ConversationTransferred, ConversationOverflowed, ConversationClosed)


class Item(msgspec.Struct, kw_only=True):
    """A conversation that waits, or is offered to somebody."""

    conversation_id: str
    queue_id: str
    channel: str
    position: int
    waiting_since: datetime
    entered_at: datetime
    changed_at: datetime
    """When an event last changed it."""
    priority: int
    due_at: datetime | None
    tier: str
    language: str
    sentiment: str
    adjusted_seconds: int
    known_agent_id: str | None
    skills: dict[str, int]
    step: int = 0
    offered_to: str | None = None
    rests: dict[str, datetime] = {}
    """Until when each agent who declined it is left alone with it."""


class Floor:
    """Moves on with `apply`. Answers plain questions; keeps no order and reserves nothing."""

    def __init__(self) -> None:
        self.agents: dict[str, Agent] = {}
        self.agents_changed_at: dict[str, datetime] = {}
        self.items: dict[str, Item] = {}
        self.policy: Policy = policy.NEW
        self.rules_changed_at = EPOCH
        """When the policy or a queue was last defined."""
        self._queues: dict[str, queue.Queue] = {}

    def apply(self, recorded: Recorded) -> None:
        """What the event changes."""
        stream, event, at = recorded.stream, recorded.event, recorded.recorded_at
        match kind_of(stream):
            case "agent":
                self.agents[stream] = agent.evolve(self.agents.get(stream, agent.NEW), event)
                self.agents_changed_at[stream] = at
            case "queue":
                self._queues[stream] = queue.evolve(self._queues.get(stream, queue.NEW), event)
                self.rules_changed_at = at
            case "policy":
                self.policy = policy.evolve(self.policy, event)
                self.rules_changed_at = at
            case "customer":
                self._apply_to_item(recorded, event)

    def _apply_to_item(self, recorded: Recorded, event: Event) -> None:
        conversation_id = getattr(event, "conversation_id", "")
        if isinstance(event, ConversationEnqueued):
            self.items[conversation_id] = _entered(recorded, event)
        elif isinstance(event, GONE):
            self.items.pop(conversation_id, None)
        elif (item := self.items.get(conversation_id)) is not None:
            item.changed_at = recorded.recorded_at
            self._change(item, recorded, event)

    def _change(self, item: Item, recorded: Recorded, event: Event) -> None:
        match event:
            case ConversationOffered(agent_id=agent_id):
                item.offered_to = agent_id
            case OfferDeclined(agent_id=agent_id):
                rest = timedelta(seconds=self.policy.rules.decline_rest_seconds)
                item.offered_to = None
                item.rests = item.rests | {agent_id: recorded.recorded_at + rest}
            case OfferExpired() | OfferWithdrawn():
                item.offered_to = None
            case ConversationPrioritized(priority=priority):
                item.priority = priority
            case ConversationClassified(marks=marks):
                item.tier, item.language, item.sentiment = marks.tier, marks.language, marks.sentiment
            case AgeAdjusted(seconds=seconds):
                item.adjusted_seconds = seconds
            case ConversationRelaxed(step=step):
                item.step = step

    def definition(self, queue_id: str) -> QueueDefinition:
        """A queue that was never defined asks nothing."""
        return self._queues.get(queue_id, queue.NEW).definition or NOTHING_ASKED

    def is_open(self, item: Item, at: datetime) -> bool:
        hours = self.definition(item.queue_id).opening_hours
        return hours is None or hours.is_open(at)

    def ask(self, item: Item) -> Ask:
        """What the item asks of an agent's capacity."""
        return self.policy.rules.ask(item.channel, self.definition(item.queue_id).units.get(item.channel))

    def score(self, item: Item, at: datetime) -> timedelta:
        """Age and everything that counts like age."""
        rules = self.policy.rules
        seconds = item.priority * rules.priority_boost_seconds + item.adjusted_seconds
        seconds += rules.tiers.get(item.tier, 0) + rules.sentiments.get(item.sentiment, 0)
        if item.due_at is not None and rules.deadline_lead_seconds:
            is_urgent = at >= item.due_at - timedelta(seconds=rules.deadline_lead_seconds)
            seconds += rules.deadline_boost_seconds if is_urgent else 0
        return at - item.waiting_since + timedelta(seconds=seconds)

    def waits_for(self, item: Item, at: datetime) -> str:
        """The agent who knows the customer, while the item waits for nobody else."""
        known, seconds = item.known_agent_id, self.policy.rules.known_agent_seconds
        if known is None or not seconds or at >= item.entered_at + timedelta(seconds=seconds) or known in item.rests:
            return ""
        somebody = self.agents.get(known)
        if somebody is None or somebody.presence is not Presence.AVAILABLE:
            return ""
        return known if self._is_able(somebody, item, at) else ""

    def may_take(self, agent_id: str, somebody: Agent, item: Item, at: datetime) -> bool:
        """Whether the agent, as they stand, could be given the item at that moment."""
        return (
            somebody.presence is Presence.AVAILABLE
            and item.rests.get(agent_id, at) <= at
            and self._is_able(somebody, item, at)
            and not no_room(somebody, self.ask(item))
            and self.is_open(item, at)
            and self.waits_for(item, at) in ("", agent_id)
        )

    def _is_able(self, somebody: Agent, item: Item, at: datetime) -> bool:
        skills, groups = self._requirement(item)
        if groups and not somebody.groups.intersection(groups):
            return False
        if not somebody.may_serve(item.channel):
            return False
        has = somebody.skills_at(at)
        return all(has.get(skill, 0) >= level for skill, level in skills.items())

    def _requirement(self, item: Item) -> tuple[Mapping[str, int], tuple[str, ...]]:
        """Of the queue at the item's step; the language and what was asked for on top fall away by the same steps."""
        definition, rules = self.definition(item.queue_id), self.policy.rules
        skills, groups = definition.requirement(item.step)
        asked = dict(item.skills)
        if rules.language_prefix and item.language:
            language = rules.language_prefix + item.language
            asked[language] = max(asked.get(language, 0), rules.language_level)
        for step in definition.relaxation[: item.step]:
            for skill in step.drop:
                asked.pop(skill, None)
        return {skill: max(skills.get(skill, 0), asked.get(skill, 0)) for skill in {*skills, *asked}}, groups


def _entered(recorded: Recorded, event: ConversationEnqueued) -> Item:
    return Item(
        conversation_id=event.conversation_id,
        queue_id=event.queue_id,
        channel=event.channel,
        position=recorded.position,
        waiting_since=event.waiting_since,
        entered_at=recorded.recorded_at,
        changed_at=recorded.recorded_at,
        priority=event.priority,
        due_at=event.due_at,
        tier=event.tier,
        language=event.language,
        sentiment=event.sentiment,
        adjusted_seconds=event.age_adjustment_seconds,
        known_agent_id=event.known_agent_id,
        skills=event.skills,
    )
