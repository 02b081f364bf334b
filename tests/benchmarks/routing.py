"""Decisions of the pure router, each with every event that it leads to: 1,000 agents, 10,000 conversations waiting."""

import random
import time
from datetime import UTC, datetime, timedelta

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
from tests.benchmarks.figures import Figure, shown

AGENTS = 1_000
WAITING = 10_000
QUEUES = 200
SKILLS = 50
DECISIONS = 5_000
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

    def open_doors(self) -> None:
        """Defines the queues and brings the agents in, each with a handful of skills."""
        skills = [f"skill-{number}" for number in range(SKILLS)]
        for number in range(QUEUES):
            required = {
                skill: self._rng.randint(1, 6) for skill in self._rng.sample(skills, self._rng.choice((1, 1, 2)))
            }
            definition = QueueDefinition(name=f"Queue {number}", required_skills=required)
            self.record(f"queue-{number}", QueueDefined(definition=definition))
        for number in range(AGENTS):
            known = {skill: self._rng.randint(3, 10) for skill in self._rng.sample(skills, 8)}
            self.record(
                f"agent-{number}",
                AgentRegistered(name=f"Agent {number}"),
                SkillsAssigned(skills=known),
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

    def decide(self) -> int:
        """Takes the decisions there are; how many."""
        offers = [decision for decision in decide(self.state, self.now) if isinstance(decision, Offer)]
        for offer in offers:
            self.take(offer)
        return len(offers)


def measure() -> list[Figure]:
    """Decisions per second while agents close and customers come, all events applied; and the cost of one call."""
    floor = Floor(random.Random(SEED))
    floor.open_doors()
    while len(floor.state.facts.waiting) < WAITING:
        floor.come()
        floor.decide()

    decisions, calls = 0, []
    began = time.perf_counter()
    while decisions < DECISIONS:
        floor.now += timedelta(milliseconds=20)
        floor.close_one()
        floor.come()
        call_began = time.perf_counter()
        decide(floor.state, floor.now)  # leaves the state alone, so that a call by itself can be measured
        calls.append(time.perf_counter() - call_began)
        decisions += floor.decide()
    seconds = time.perf_counter() - began - sum(calls)

    p99_ms = sorted(calls)[len(calls) * 99 // 100] * 1_000
    size = f"{AGENTS:,} agents x {WAITING:,} waiting"
    return [
        shown(f"routing: decisions with all their events, {size}", round(decisions / seconds), "decisions/s"),
        shown(f"routing: p99 of one call of decide, {size}", round(p99_ms, 2), "ms"),
    ]
