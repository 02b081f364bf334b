"""What the router remembers of the log: who waits for what, who works, and by which rules."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from domain import agent, policy, queue
from domain.agent import Agent
from domain.conversation import Conversation
from domain.policy import ChoiceRule, Policy
from domain.queue import Limit, OverflowRule, Queue, QueueDefinition
from domain.workload import Ask

EDITION = 2
"""Of the router's own rules, beside the policy's. A decision names the one it was taken by, and is taken again by it.

1: turns go by the clock; who declined is asked again as soon as nobody else has room.
2: where the clock was set back, turns go by the order of events; who declined is asked again when nobody else is there,
with room or without.
"""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
UNDEFINED = QueueDefinition(name="undefined")
"""Stands for a queue that was never defined: it asks nothing, so that its work is not stranded."""


class StandingOffer(msgspec.Struct, kw_only=True, gc=False):
    """An offer that nobody has answered yet."""

    offer_id: str
    agent_id: str
    expires_at: datetime
    is_chosen: bool = False
    """By the router, and not by a person, who may have given it to whom the rules would not."""


class Waiting(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """A conversation that waits for an agent, or is being offered to one."""

    conversation_id: str
    customer_id: str
    queue_id: str
    channel: str
    priority: int
    waiting_since: datetime
    entered_at: datetime
    """When it came into this queue: its timetable counts from then."""
    position: int
    """Where in the log it was enqueued: settles ties."""
    due_at: datetime | None = None
    tier: str = ""
    language: str = ""
    sentiment: str = ""
    age_adjustment_seconds: int = 0
    known_agent_id: str | None = None
    preferred_agent_id: str | None = None
    """Who is to have it, as somebody said."""
    preferred_at: datetime = EPOCH
    """When they were named, or it came into this queue, whichever was later."""
    skills: dict[str, int] = {}
    overflowed_from: tuple[str, ...] = ()
    step: int = 0
    """How many steps of the queue's timetable have been taken."""
    offer: StandingOffer | None = None
    declined: dict[str, datetime] = {}
    """Until when each agent who declined it is not asked again; the latest to decline stands last."""


def waiting_from(one: Conversation, customer_id: str) -> Waiting | None:
    """A conversation as routing knows one that waits, apart from its place in the log; None where it is in no queue."""
    if one.queue_id is None or one.waiting_since is None:
        return None
    return Waiting(
        conversation_id=one.id,
        customer_id=customer_id,
        queue_id=one.queue_id,
        channel=one.channel,
        priority=one.priority,
        waiting_since=one.waiting_since,
        entered_at=one.waiting_since,
        position=0,
        due_at=one.due_at,
        tier=one.tier,
        language=one.language,
        sentiment=one.sentiment,
        age_adjustment_seconds=one.age_adjustment_seconds,
        preferred_agent_id=one.preferred_agent_id,
        preferred_at=one.waiting_since,
        skills=one.skills,
        overflowed_from=one.overflowed_from,
        step=one.steps,
    )


Since = tuple[datetime, int, datetime]
"""When something happened to an agent: the latest time there had been by then, which never goes back; the position in
the log while the clock is behind that time, else 0; the time that is shown. What is later in the log is later.
"""
NEVER: Since = (EPOCH, 0, EPOCH)


class Desk(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """An agent as the router sees them."""

    agent: Agent = agent.NEW
    free: Since = NEVER
    """When they last became available or were done with a piece of work, whichever was later."""
    given: dict[str, Since] = msgspec.field(default_factory=dict)
    """When each conversation that they hold, offers included, was given to them."""

    @property
    def idle(self) -> Since:
        """Since when the agent has had no new work: the order in which agents are asked.

        The latest of becoming available, being done with a piece of work (closed, handed on or put on hold), and
        being given any of the work they hold. So work spreads over agents who can hold several conversations. An
        offer that came to nothing leaves no trace: declining neither loses the turn nor wins a pause.
        """
        return max(self.free, *self.given.values()) if self.given else self.free

    @property
    def idle_by_the_clock(self) -> datetime:
        """The same by the times alone, as edition 1 had it."""
        return max(at for *_, at in (self.free, *self.given.values()))


class Facts(msgspec.Struct, kw_only=True, omit_defaults=True):
    """All that the router remembers of the log. A plain structure: `msgspec.msgpack.encode(facts)` is a snapshot."""

    position: int = 0
    """The last event that concerned the router; events that do not, leave no trace, not even here."""
    policy: Policy = policy.NEW
    queues: dict[str, Queue] = msgspec.field(default_factory=dict)
    desks: dict[str, Desk] = msgspec.field(default_factory=dict)
    """By agent."""
    waiting: dict[str, Waiting] = msgspec.field(default_factory=dict)
    """By conversation; the offered ones too."""
    astray: dict[str, str] = msgspec.field(default_factory=dict)
    """What agents who left let go because it could not be read, and nobody has: its customer, by conversation."""
    owes_offers: bool = False
    """Something has overflowed since anything was offered: offers come first now, so that neither keeps the other."""
    latest_at: datetime = EPOCH
    """The latest time of any event so far: it stands still while the clock is behind where it was before."""
    is_behind: bool = False
    """The clock is."""

    def definition(self, queue_id: str) -> QueueDefinition:
        return self.queues.get(queue_id, queue.NEW).definition or UNDEFINED

    def requirement(self, waiting: Waiting, step: int) -> tuple[dict[str, int], tuple[str, ...]]:
        """Skills and groups that it asks for after so many steps of its queue's timetable; no group: everybody.

        The language, and what was asked for beyond the queue's skills, are dropped by the same steps.
        """
        definition, rules = self.definition(waiting.queue_id), self.policy.rules
        skills, groups = definition.requirement(step)
        more = dict(waiting.skills)
        if (spoken := self.language_skill(waiting)) and more.get(spoken) != 0:
            more[spoken] = max(rules.language_level, more.get(spoken, 0))
        if more:
            dropped = {skill for taken in definition.relaxation[:step] for skill in taken.drop}
            for skill, level in more.items():
                if level and skill not in dropped:
                    skills[skill] = max(level, skills.get(skill, 0))
        return skills, groups

    def language_skill(self, waiting: Waiting) -> str:
        """What its language asks for by itself, as `lang:zh`; empty for nothing."""
        prefix = self.policy.rules.language_prefix
        return f"{prefix}{waiting.language}" if prefix and waiting.language else ""

    def gave_up(self, waiting: Waiting) -> str:
        """The same, where a timetable has dropped it, here or in a queue before; else empty."""
        spoken = self.language_skill(waiting)
        steps = self.definition(waiting.queue_id).relaxation[: waiting.step]
        is_given_up = waiting.skills.get(spoken) == 0 or any(spoken in step.drop for step in steps)
        return spoken if is_given_up else ""

    def ask(self, waiting: Waiting) -> Ask:
        """What it asks of an agent's capacity."""
        units = self.definition(waiting.queue_id).units.get(waiting.channel)
        return self.policy.rules.ask(waiting.channel, units)

    def choice(self, waiting: Waiting) -> ChoiceRule:
        return self.definition(waiting.queue_id).choice or self.policy.rules.choice

    def boosts(self, waiting: Waiting, at: datetime) -> dict[str, int]:
        """What is added to its age at that moment, in seconds, by name."""
        rules, found = self.policy.rules, {}
        if waiting.priority:
            found["priority"] = waiting.priority * rules.priority_boost_seconds
        if waiting.tier and (seconds := rules.tiers.get(waiting.tier, 0)):
            found["tier"] = seconds
        if waiting.sentiment and (seconds := rules.sentiments.get(waiting.sentiment, 0)):
            found["sentiment"] = seconds
        if waiting.age_adjustment_seconds:
            found["age_adjustment"] = waiting.age_adjustment_seconds
        if rules.deadline_lead_seconds and (urgent_from := self.urgent_from(waiting)) is not None and at >= urgent_from:
            found["deadline"] = rules.deadline_boost_seconds
        return found

    def order_key(self, waiting: Waiting, at: datetime) -> int:
        """Lower goes first: microseconds since 1970 of the waiting time's start, moved back by the boosts.

        The score, boosts plus age, grows for all at the same pace; taking `now` away from it leaves this constant
        until a deadline nears, so that ageing costs nothing.
        """
        boost_seconds = sum(self.boosts(waiting, at).values())
        return (waiting.waiting_since - EPOCH) // MICROSECOND - boost_seconds * 1_000_000

    def score(self, waiting: Waiting, now: datetime) -> tuple[float, dict[str, float]]:
        """Boosts plus age, in seconds: the one number that orders all that waits, and its parts."""
        age = (now - waiting.waiting_since) // MICROSECOND
        boosts = self.boosts(waiting, now)
        return (age + sum(boosts.values()) * 1_000_000) / 1_000_000, {"age": age / 1_000_000, **boosts}

    def urgent_from(self, waiting: Waiting) -> datetime | None:
        """When its deadline begins to count."""
        rules = self.policy.rules
        if waiting.due_at is None or not rules.deadline_lead_seconds:
            return None
        return waiting.due_at - timedelta(seconds=rules.deadline_lead_seconds)

    def wishes(self, waiting: Waiting) -> Iterator[tuple[str, datetime]]:
        """For whom it waits, and until when at most: who was named for it, else who knows the customer."""
        rules = self.policy.rules
        if waiting.preferred_agent_id is not None and rules.preferred_agent_seconds:
            ends_at = waiting.preferred_at + timedelta(seconds=rules.preferred_agent_seconds)
            yield waiting.preferred_agent_id, ends_at
        if waiting.known_agent_id is not None and rules.known_agent_seconds:
            yield waiting.known_agent_id, self.after_entering(waiting, rules.known_agent_seconds)

    def after_entering(self, waiting: Waiting, seconds: int) -> datetime:
        """So long after it came into its queue."""
        return waiting.entered_at + timedelta(seconds=seconds)

    def steps_due(self, waiting: Waiting, at: datetime) -> int:
        """How many steps of the timetable the waiting is long enough for."""
        timetable = self.definition(waiting.queue_id).relaxation
        return sum(at >= self.after_entering(waiting, step.after_seconds) for step in timetable)

    def step_moments(self, waiting: Waiting) -> Iterator[datetime]:
        """When it may relax or overflow."""
        definition = self.definition(waiting.queue_id)
        for step in definition.relaxation[waiting.step :]:
            yield self.after_entering(waiting, step.after_seconds)
        for rule in definition.overflow:
            if (moment := self.overflow_at(waiting, rule)) is not None:
                yield moment

    def change_moments(self, waiting: Waiting) -> Iterator[datetime]:
        """When somebody's rest from it is over, nobody is waited for any more, or its deadline nears."""
        yield from waiting.declined.values()
        yield from (until for _, until in self.wishes(waiting))
        if (urgent_from := self.urgent_from(waiting)) is not None:
            yield urgent_from

    def overflow_at(self, waiting: Waiting, rule: OverflowRule) -> datetime | None:
        """When a rule about waiting hits, if it can: nothing goes where it has been."""
        if rule.when is not Limit.WAITED or self.has_been(waiting, rule.to_queue_id):
            return None
        return self.after_entering(waiting, rule.limit)

    def has_been(self, waiting: Waiting, queue_id: str) -> bool:
        return queue_id == waiting.queue_id or queue_id in waiting.overflowed_from
