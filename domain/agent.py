"""An agent: skills, presence, and how much work they hold."""

from datetime import UTC, datetime
from enum import StrEnum
from operator import attrgetter

import msgspec
from msgspec.structs import replace

from domain.event import Event, RuleBroken, without


class AgentUnknown(RuleBroken):
    """There is no such agent."""


class AgentAlreadyRegistered(RuleBroken):
    """This agent is registered already."""


class NotSignedIn(RuleBroken):
    """The agent is not signed in."""


class NotAvailable(RuleBroken):
    """The agent takes no work at the moment."""


class SkillLevelOutOfRange(RuleBroken):
    """A skill has a name and a level from 1 (knows a little) to 10 (expert)."""


class CapacityOutOfRange(RuleBroken):
    """A capacity is a whole number of load units from 0 to 1000."""


CAPACITY_MAX = 1_000
SKILL_LEVEL_MAX = 10
SKILLS_MAX = 200
UNITS = attrgetter("units")
LATEST = datetime.max.replace(tzinfo=UTC)


class Presence(StrEnum):
    """Whether work may be offered."""

    OFFLINE = "offline"
    AWAY = "away"
    """Signed in, but nothing is offered to them."""
    AVAILABLE = "available"


class AgentRegistered(Event, topic="agent.registered"):
    """Somebody joined the team."""

    name: str


class AgentSignedIn(Event, topic="agent.signed_in"):
    """The agent came to work."""


class AgentSignedOut(Event, topic="agent.signed_out"):
    """The agent left."""

    reason: str = ""


class PresenceChanged(Event, topic="agent.presence_changed"):
    """The agent, a supervisor or the system said whether work may be offered."""

    presence: Presence
    reason: str = ""


class SkillsAssigned(Event, topic="agent.skills_assigned"):
    """What the agent can do, all of it, replaced."""

    skills: dict[str, int]
    """Level from 1 to 10 by skill: `{"lang:zh": 9, "returns": 4}`."""
    expires: dict[str, datetime] = msgspec.field(default_factory=dict)
    """Until when a skill counts, of those that end: a certificate, a campaign."""


class EligibilitySet(Event, topic="agent.eligibility_set"):
    """Which work the agent may be given at all, whatever they can do."""

    groups: frozenset[str] = frozenset()
    """The groups they are in; a queue may be served by some groups only."""
    channels: frozenset[str] = frozenset()
    """The channels they may serve; empty: all."""


class CapacitySet(Event, topic="agent.capacity_set"):
    """How much the agent can do at once."""

    units: int


class LoadTaken(Event, topic="agent.load_taken"):
    """A conversation, offered or resumed, takes part of the agent's capacity."""

    conversation_id: str
    customer_id: str
    units: int
    channel: str = ""
    kind: str = ""
    """What sort of work it is, as the policy said then: `call`, `chat`, `mail`."""
    override: str = ""
    """Why a supervisor gave it to the agent although they had no room."""


class LoadReleased(Event, topic="agent.load_released"):
    """A conversation no longer takes part of it."""

    conversation_id: str
    units: int
    reason: str
    """`declined`, `expired`, `withdrawn`, `held`, `transferred` or `closed`."""


AgentEvent = (
    AgentRegistered
    | AgentSignedIn
    | AgentSignedOut
    | PresenceChanged
    | SkillsAssigned
    | EligibilitySet
    | CapacitySet
    | LoadTaken
    | LoadReleased
)


class Work(msgspec.Struct, frozen=True, omit_defaults=True):
    """A conversation that takes load."""

    customer_id: str
    units: int
    channel: str = ""
    kind: str = ""


class Agent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What decisions about an agent need to know."""

    name: str = ""
    is_registered: bool = False
    presence: Presence = Presence.OFFLINE
    skills: dict[str, int] = {}
    skills_end: dict[str, datetime] = {}
    """Of the skills that count only for so long."""
    groups: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    """That the agent may serve; empty: all."""
    capacity: int = 0  # load units
    work: dict[str, Work] = {}
    """By conversation, offers included."""
    on_hold: dict[str, str] = {}
    """The customer by conversation that the agent put on hold: theirs, but it takes no load."""

    @property
    def load(self) -> int:
        """Load units held, offers included."""
        return sum(map(UNITS, self.work.values()))

    @property
    def is_signed_in(self) -> bool:
        return self.presence is not Presence.OFFLINE

    def skills_at(self, at: datetime) -> dict[str, int]:
        """The skills that count at that moment."""
        if not self.skills_end:
            return self.skills
        return {skill: level for skill, level in self.skills.items() if self.skills_end.get(skill, LATEST) > at}

    def may_serve(self, channel: str) -> bool:
        return not self.channels or channel in self.channels


NEW = Agent()


def evolve(agent: Agent, event: Event) -> Agent:
    """Only assigns. History is not up for debate, so nothing is checked here."""
    if type(event) is LoadTaken:  # nearly all are one of these two, and `isinstance` is slow to say no
        return _take(agent, event)
    if type(event) is LoadReleased:
        return _release(agent, event)
    match event:
        case AgentRegistered(name=name):
            return replace(agent, name=name, is_registered=True)
        case AgentSignedIn():
            return replace(agent, presence=Presence.AWAY)
        case AgentSignedOut():
            return replace(agent, presence=Presence.OFFLINE)
        case PresenceChanged(presence=presence):
            return replace(agent, presence=presence)
        case SkillsAssigned(skills=skills, expires=expires):
            return replace(agent, skills=skills, skills_end=expires)
        case EligibilitySet(groups=groups, channels=channels):
            return replace(agent, groups=groups, channels=channels)
        case CapacitySet(units=units):
            return replace(agent, capacity=units)
    return agent


def _take(agent: Agent, event: LoadTaken) -> Agent:
    work = {**agent.work, event.conversation_id: Work(event.customer_id, event.units, event.channel, event.kind)}
    return replace(agent, work=work, on_hold=without(agent.on_hold, event.conversation_id))


def _release(agent: Agent, event: LoadReleased) -> Agent:
    on_hold = without(agent.on_hold, event.conversation_id)
    if event.reason == "held" and (held := agent.work.get(event.conversation_id)):
        on_hold[event.conversation_id] = held.customer_id
    return replace(agent, work=without(agent.work, event.conversation_id), on_hold=on_hold)


def demand_registered(agent: Agent) -> None:
    """Raises AgentUnknown."""
    if not agent.is_registered:
        raise AgentUnknown


def register(
    agent: Agent,
    *,
    name: str,
    skills: dict[str, int],
    capacity: int,
    expires: dict[str, datetime] | None = None,
    groups: frozenset[str] = frozenset(),
    channels: frozenset[str] = frozenset(),
) -> list[Event]:
    """Raises AgentAlreadyRegistered, SkillLevelOutOfRange, CapacityOutOfRange."""
    if agent.is_registered:
        raise AgentAlreadyRegistered
    registered = AgentRegistered(name=name)
    agent = evolve(agent, registered)
    return [
        registered,
        *assign_skills(agent, skills, expires),
        *set_eligibility(agent, groups=groups, channels=channels),
        *set_capacity(agent, capacity),
    ]


def sign_in(agent: Agent) -> list[Event]:
    """Signed in means away until they say otherwise. Raises AgentUnknown."""
    demand_registered(agent)
    return [] if agent.is_signed_in else [AgentSignedIn()]


def sign_out(agent: Agent, *, reason: str = "") -> list[Event]:
    """What they hold is returned by `application/policies/`. Raises AgentUnknown."""
    demand_registered(agent)
    return [AgentSignedOut(reason=reason)] if agent.is_signed_in else []


def change_presence(agent: Agent, presence: Presence, reason: str = "") -> list[Event]:
    """Saying the same twice is not news. Raises AgentUnknown, NotSignedIn."""
    demand_registered(agent)
    if presence is Presence.OFFLINE:
        return sign_out(agent, reason=reason)
    if not agent.is_signed_in:
        raise NotSignedIn
    return [] if agent.presence is presence else [PresenceChanged(presence=presence, reason=reason)]


def assign_skills(agent: Agent, skills: dict[str, int], expires: dict[str, datetime] | None = None) -> list[Event]:
    """Raises AgentUnknown, SkillLevelOutOfRange."""
    demand_registered(agent)
    if len(skills) > SKILLS_MAX:
        raise SkillLevelOutOfRange(f"an agent has at most {SKILLS_MAX} skills, not {len(skills)}")
    for skill, level in skills.items():
        if not skill or not 1 <= level <= SKILL_LEVEL_MAX:
            raise SkillLevelOutOfRange(f"skill {skill!r} has level {level}; levels go from 1 to {SKILL_LEVEL_MAX}")
    ends = expires or {}
    if unknown := sorted(ends.keys() - skills.keys()):
        raise SkillLevelOutOfRange(f"expires: {unknown[0]!r} is not among the skills")
    if skills == agent.skills and ends == agent.skills_end:
        return []
    return [SkillsAssigned(skills=skills, expires=ends)]


def set_eligibility(agent: Agent, *, groups: frozenset[str], channels: frozenset[str]) -> list[Event]:
    """Replaces both; what the agent holds stays with them. Raises AgentUnknown."""
    demand_registered(agent)
    if groups == agent.groups and channels == agent.channels:
        return []
    return [EligibilitySet(groups=groups, channels=channels)]


def set_capacity(agent: Agent, units: int) -> list[Event]:
    """Less than what is held takes nothing away; it only stops new work. Raises AgentUnknown, CapacityOutOfRange."""
    demand_registered(agent)
    if not 0 <= units <= CAPACITY_MAX:
        raise CapacityOutOfRange
    return [] if units == agent.capacity else [CapacitySet(units=units)]
