"""Decisions of the pure router on a busy floor of two sizes, the larger 10,000 agents and 100,000 waiting.

Everybody is at work and lines are long in both, so that whoever becomes free gets something at once, which is when a
router is asked most. The smaller is a tenth of the larger; what a decision costs must hardly grow between them.
"""

import gc
import random
import time
from datetime import UTC, datetime, timedelta

import msgspec

from domain.agent import (
    AgentRegistered,
    CapacitySet,
    LoadReleased,
    LoadTaken,
    Presence,
    PresenceChanged,
    SkillsAssigned,
)
from domain.assignment import ConversationEnqueued, ConversationOffered, OfferAccepted
from domain.conversation import ConversationClosed
from domain.event import Event, Recorded
from domain.queue import QueueDefined, QueueDefinition
from domain.routing.decide import decide
from domain.routing.decisions import Offer
from domain.routing.evolve import evolve
from domain.routing.state import RouterState
from tests.benchmarks.figures import Figure, at_least, at_most, quantile, shown

SMALL, LARGE = 1_000, 10_000
"""Agents; ten times as many conversations wait."""
QUEUES = 500
"""Each asks for skills of its own."""
SKILLS = 200
DECISIONS = 5_000
AT_ONCE = 20
"""Conversations that end between two looks of the router: at 15,000 decisions a second it looks 750 times."""
SEED = 20_261_111
NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)


class Floor:
    """A busy contact center in memory: every closed conversation frees an agent, and another customer comes."""

    def __init__(self, rng: random.Random) -> None:
        self.state = RouterState()
        self.now = NOON
        self._rng = rng
        self._position = 0
        self._conversations = 0
        self.held: list[Offer] = []

    def record(self, stream: str, *events: Event) -> None:
        """Hands the router the events as the log would."""
        for event in events:
            self._position += 1
            recorded = Recorded(
                event=event,
                topic=event.TOPIC,
                stream=stream,
                version=1,
                position=self._position,
                occurred_at=self.now,
                recorded_at=self.now,
                actor="benchmark",
            )
            evolve(self.state, recorded)

    def open_doors(self, agents: int) -> None:
        """Defines the queues and brings the agents in, each with a handful of skills."""
        skills = [f"skill-{number}" for number in range(SKILLS)]
        asked: set[frozenset[tuple[str, int]]] = set()
        while len(asked) < QUEUES:
            chosen = self._rng.sample(skills, self._rng.choice((1, 1, 2)))
            required = {skill: self._rng.randint(1, 6) for skill in chosen}
            if (known := frozenset(required.items())) not in asked:
                definition = QueueDefinition(name=f"Queue {len(asked)}", required_skills=required)
                self.record(f"queue-{len(asked)}", QueueDefined(definition=definition))
                asked.add(known)
        for number in range(agents):
            learnt = {skill: self._rng.randint(3, 10) for skill in self._rng.sample(skills, 8)}
            self.record(
                f"agent-{number}",
                AgentRegistered(name=f"Agent {number}"),
                SkillsAssigned(skills=learnt),
                CapacitySet(units=6),
                PresenceChanged(presence=Presence.AVAILABLE),
            )

    def come(self) -> None:
        """Another customer."""
        self._conversations += 1
        enqueued = ConversationEnqueued(
            conversation_id=f"conversation-{self._conversations}",
            queue_id=f"queue-{self._rng.randrange(QUEUES)}",
            channel=self._rng.choice(("phone", "webchat", "whatsapp", "email")),
            priority=self._rng.choice((0, 0, 0, 1, 5)),
            waiting_since=self.now,
        )
        self.record(f"customer-{self._conversations}", enqueued)

    def take(self, offer: Offer) -> None:
        """The agent accepts."""
        offered = ConversationOffered(
            conversation_id=offer.conversation_id,
            queue_id=offer.queue_id,
            offer_id=offer.offer_id,
            agent_id=offer.agent_id,
            units=offer.units,
            expires_at=offer.expires_at,
            choice=offer.choice,
        )
        taken = LoadTaken(conversation_id=offer.conversation_id, customer_id=offer.customer_id, units=offer.units)
        accepted = OfferAccepted(
            conversation_id=offer.conversation_id,
            queue_id=offer.queue_id,
            offer_id=offer.offer_id,
            agent_id=offer.agent_id,
        )
        self.record(offer.customer_id, offered)
        self.record(offer.agent_id, taken)
        self.record(offer.customer_id, accepted)
        self.held.append(offer)

    def close_one(self) -> None:
        """Some conversation is done."""
        index = self._rng.randrange(len(self.held))
        self.held[index], self.held[-1] = self.held[-1], self.held[index]
        done = self.held.pop()
        released = LoadReleased(conversation_id=done.conversation_id, units=done.units, reason="closed")
        self.record(done.customer_id, ConversationClosed(conversation_id=done.conversation_id))
        self.record(done.agent_id, released)

    def turn_over(self, times: int) -> None:
        """So many conversations end, and as many customers come."""
        self.now += timedelta(milliseconds=1)
        for _ in range(times):
            self.close_one()
            self.come()

    def decide(self) -> int:
        """Takes the decisions there are; how many."""
        offers = [decision for decision in decide(self.state, self.now) if isinstance(decision, Offer)]
        for offer in offers:
            self.take(offer)
        return len(offers)


def busy_floor(agents: int) -> Floor:
    """Ten times as many wait as there are agents, all of whom are at work."""
    floor = Floor(random.Random(SEED))
    floor.open_doors(agents)
    while len(floor.state.facts.waiting) < agents * 10:
        for _ in range(AT_ONCE):
            floor.come()
        floor.decide()
    units = sorted(set(floor.state.facts.policy.rules.units.values()))
    for bit in range(agents):
        for most in range(1, len(units) + 1):  # known after a while
            floor.state.reach(bit).first(frozenset(units[:most]), floor.state.lines.first)
    return floor


class Cost(msgspec.Struct, frozen=True):
    """What decisions cost on one floor."""

    decided_per_second: float
    """By `decide` alone."""
    carried_out_per_second: float
    """With all the events that lead to a decision and that it leads to: six for each conversation."""
    p99_ms: float
    """Of one call after one conversation has ended."""


def cost_on(floor: Floor) -> Cost:
    """Measures on the floor as it stands, and leaves it as busy as it was."""
    decisions, deciding, singles = 0, 0.0, []
    began = time.perf_counter()
    while decisions < DECISIONS:
        floor.turn_over(AT_ONCE)
        decide_began = time.perf_counter()
        offers = [decision for decision in decide(floor.state, floor.now) if isinstance(decision, Offer)]
        deciding += time.perf_counter() - decide_began
        for offer in offers:
            floor.take(offer)
        decisions += len(offers)
    seconds = time.perf_counter() - began
    for _ in range(DECISIONS // 5):
        floor.turn_over(1)
        call_began = time.perf_counter()
        decide(floor.state, floor.now)  # leaves the facts alone, so that a call by itself can be measured
        singles.append(time.perf_counter() - call_began)
        floor.decide()
    return Cost(decisions / deciding, decisions / seconds, quantile(singles, 0.99) * 1_000)


def measure() -> list[Figure]:
    """Both floors in one run, the garbage collector told once what is there to stay, as `serve` does."""
    small, large = busy_floor(SMALL), busy_floor(LARGE)
    gc.collect()
    gc.freeze()
    try:
        costs = [(cost_on(small), cost_on(large)) for _ in range(3)]
    finally:
        gc.unfreeze()
    of_small, of_large = (
        sorted(sizes, key=lambda cost: cost.decided_per_second)[1] for sizes in zip(*costs, strict=True)
    )
    size = f"{LARGE:,} agents x {LARGE * 10:,} waiting"
    growth = of_small.decided_per_second / of_large.decided_per_second
    return [
        at_least(
            f"routing: decisions, {size}", of_large.decided_per_second, "decisions/s",
            reference=15_000, factor=1, of="15,000/s",
        ),
        at_most(f"routing: p99 of one call of decide, {size}", of_large.p99_ms, "ms", 1),
        at_most(f"routing: growth of a decision's cost from {SMALL:,} to {LARGE:,} agents", growth, "x", 1.5),
        shown(f"routing: decisions with all their events, {size}", of_large.carried_out_per_second, "decisions/s"),
    ]  # fmt: skip
