"""What the router knows: plain facts read from the log, and the lines it keeps in step with them."""

from datetime import UTC, datetime, timedelta

import msgspec

from domain import agent, policy, queue
from domain.agent import Agent, Presence
from domain.policy import Policy
from domain.queue import Queue
from domain.routing.agenda import Agenda
from domain.routing.lines import Lines, Requirement, Turn, requirement_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class StandingOffer(msgspec.Struct, kw_only=True):
    """An offer that nobody has answered yet."""

    offer_id: str
    agent_id: str
    expires_at: datetime


class Waiting(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A conversation that waits for an agent, or is being offered to one."""

    conversation_id: str
    customer_id: str
    queue_id: str
    channel: str
    priority: int
    waiting_since: datetime
    position: int
    """Where in the log it was enqueued: settles ties."""
    offer: StandingOffer | None = None
    declined: dict[str, datetime] = msgspec.field(default_factory=dict)
    """Until when each agent who declined it is not asked again; the latest to decline stands last."""


class Desk(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An agent as the router sees them."""

    agent: Agent = agent.NEW
    free_since: datetime = EPOCH
    """When they last became available or were done with a piece of work, whichever was later."""
    given: dict[str, datetime] = msgspec.field(default_factory=dict)
    """When each conversation that they hold, offers included, was given to them."""

    @property
    def idle_since(self) -> datetime:
        """Since when the agent has had no new work: the order in which agents are asked.

        The latest of becoming available, being done with a piece of work (closed, handed on or put on hold), and
        being given any of the work they hold. So work spreads over agents who can hold several conversations. An
        offer that came to nothing leaves no trace: declining neither loses the turn nor wins a pause.
        """
        return max(self.free_since, *self.given.values()) if self.given else self.free_since

    @property
    def room(self) -> int:
        """Load units left; below zero where the capacity was lowered under what is held."""
        return self.agent.capacity - self.agent.load


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

    def queue(self, queue_id: str) -> Queue:
        return self.queues.get(queue_id, queue.NEW)

    def requirement(self, waiting: Waiting) -> Requirement:
        """What it asks of an agent. An undefined queue asks nothing, so that its work is not stranded."""
        definition = self.queue(waiting.queue_id).definition
        return requirement_of(definition.required_skills.items()) if definition else ()

    def units(self, waiting: Waiting) -> int:
        """Load units that it would take."""
        return self.policy.rules.units_of(waiting.channel)

    def order_key(self, waiting: Waiting) -> int:
        """Lower goes first: microseconds since 1970 of the waiting time's start, moved back by the priority boost.

        The score, boost plus age, grows for all at the same pace; taking `now` away from it leaves this constant, so
        that ageing costs nothing.
        """
        boost_seconds = waiting.priority * self.policy.rules.priority_boost_seconds
        return (waiting.waiting_since - EPOCH) // MICROSECOND - boost_seconds * 1_000_000

    def score(self, waiting: Waiting, now: datetime) -> float:
        """Priority boost plus age, in seconds: the one number that orders all that waits."""
        return ((now - EPOCH) // MICROSECOND - self.order_key(waiting)) / 1_000_000

    def turn(self, agent_id: str) -> Turn | None:
        """The agent's place among the agents, if they take work."""
        desk = self.desks[agent_id]
        return (desk.idle_since, agent_id) if desk.agent.presence is Presence.AVAILABLE else None


class RouterState:
    """The facts and their lines. Mutable: one `evolve` at a time.

    A stored snapshot comes back with `RouterState(msgspec.msgpack.decode(stored, type=Facts))`.
    """

    def __init__(self, facts: Facts | None = None) -> None:
        self.facts = facts or Facts()
        self.lines = Lines()
        self.offers_end = Agenda()
        self.rests_end = Agenda()
        """When each agent may be asked again about each waiting conversation that they declined."""
        self.stranded: set[str] = set()
        """Conversations offered to an agent who has signed out."""
        for agent_id in self.facts.desks:
            self.place_agent(agent_id)
        for conversation_id in self.facts.waiting:
            self.place_conversation(conversation_id)

    def place_agent(self, agent_id: str) -> None:
        """Puts the agent where the facts say. Safe to repeat."""
        desk = self.facts.desks[agent_id]
        self.lines.teach(agent_id, desk.agent.skills)
        self.lines.seat(agent_id, self.facts.turn(agent_id), desk.room)
        for conversation_id in desk.given:
            self._note_stranded(conversation_id)

    def place_conversation(self, conversation_id: str) -> None:
        """Puts the conversation where the facts say: into its line, among the deadlines, or nowhere. Safe to repeat."""
        waiting = self.facts.waiting.get(conversation_id)
        offer = waiting.offer if waiting else None
        self.lines.leave(conversation_id)
        self.offers_end.note(conversation_id, [offer.expires_at] if offer else ())
        self.rests_end.note(conversation_id, waiting.declined.values() if waiting and not offer else ())
        self._note_stranded(conversation_id)
        if waiting and not offer:
            self.join_line(waiting)

    def join_line(self, waiting: Waiting) -> None:
        """Puts it into the line for what it asks."""
        facts = self.facts
        requirement, units, key = facts.requirement(waiting), facts.units(waiting), facts.order_key(waiting)
        self.lines.join(waiting.conversation_id, requirement, units, key, waiting.position)

    def _note_stranded(self, conversation_id: str) -> None:
        waiting = self.facts.waiting.get(conversation_id)
        desk = self.facts.desks.get(waiting.offer.agent_id) if waiting and waiting.offer else None
        if desk is not None and not desk.agent.is_signed_in:
            self.stranded.add(conversation_id)
        else:
            self.stranded.discard(conversation_id)
