"""Contact centers made by hand, to be simulated: the queues, agents and customers of textbooks."""

import math
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import msgspec

from application.whatif.figures.counting import Yardstick
from application.whatif.figures.ledger import EVERY_QUEUE, Ledger
from application.whatif.floor import Floor
from application.whatif.recorded.history import ABANDONED, ACCEPTED, CLOSED, Arrival, Drawn, History
from application.whatif.recorded.recording import Recording
from application.whatif.recorded.times import Observation
from application.whatif.scenario import Scenario, scenario_of
from domain.agent import (
    AgentRegistered,
    AgentSignedIn,
    CapacitySet,
    LoadTaken,
    Presence,
    PresenceChanged,
    SkillsAssigned,
)
from domain.assignment import ConversationEnqueued, ConversationOffered, OfferAccepted
from domain.conversation import ConversationClosed
from domain.event import Event, Recorded
from domain.queue import QueueDefined, QueueDefinition
from domain.routing.evolve import evolve
from domain.routing.state import RouterState
from tests.domain.routing.shop import a_recorded

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
THE_DAY_BEFORE = NOON - timedelta(days=1)
CHANNEL = "phone"
UNITS = 6
"""Of a call under the policy that nobody has defined."""
TYPES = 6
POINTS = 4_000
"""Values that stand for a distribution."""

AGENT, OTHER = "agent-000", "agent-001"
QUEUE, SECOND = "queue-1", "queue-2"
WORK, SECOND_WORK = (QUEUE, CHANNEL), (SECOND, CHANNEL)
ONE: dict[str, Any] = {"conversation_id": "conversation-1", "queue_id": QUEUE, "offer_id": "offer-1", "agent_id": AGENT}


def exponential(mean_seconds: float, end: str) -> list[Observation]:
    """The middles of equally likely slices, scaled to the exact mean."""
    slices = [-math.log(1 - (nth + 0.5) / POINTS) for nth in range(POINTS)]
    scale = mean_seconds * POINTS / sum(slices)
    return [(scale * one, end) for one in slices]


def opening_log(queues: Mapping[str, Mapping[str, int]], agents: Sequence[Mapping[str, int]]) -> list[Recorded]:
    """Queues with the skills they ask for, and agents with theirs, each with room for one call; the day before."""
    log: list[Recorded] = []

    def record(stream: str, *events: Event) -> None:
        for event in events:
            log.append(a_recorded(event, stream=stream, position=len(log) + 1, at=THE_DAY_BEFORE))

    for queue_id, skills in queues.items():
        definition = QueueDefinition(name=queue_id, required_skills=dict(skills), service_level_seconds=1)
        record(queue_id, QueueDefined(definition=definition))
    for number, skills in enumerate(agents):
        record(
            f"agent-{number:03}",
            AgentRegistered(name=f"Agent {number}"),
            SkillsAssigned(skills=dict(skills)),
            CapacitySet(units=UNITS),
            AgentSignedIn(),
            PresenceChanged(presence=Presence.AVAILABLE),
        )
    return log


def opening(queues: Mapping[str, Mapping[str, int]], agents: Sequence[Mapping[str, int]]) -> bytes:
    """The facts that this log leads to, encoded."""
    state = RouterState()
    for recorded in opening_log(queues, agents):
        evolve(state, recorded)
    return msgspec.msgpack.encode(state.facts)


def arrivals(queues: Sequence[str], per_second: float, count: int, seed: str) -> list[Arrival]:
    """A Poisson stream, each contact for one of the queues by chance."""
    rng = random.Random(seed)
    came, at = [], NOON
    for number in range(count):
        at += timedelta(seconds=rng.expovariate(per_second))
        enqueued = ConversationEnqueued(
            conversation_id=f"conversation-{number}",
            queue_id=rng.choice(queues),
            channel=CHANNEL,
            priority=0,
            waiting_since=at,
        )
        came.append(Arrival(at, f"customer-{number}", enqueued))
    return came


def a_history(
    *,
    queues: Mapping[str, Mapping[str, int]],
    agents: Sequence[Mapping[str, int]],
    per_second: float,
    contacts: int,
    handling_seconds: float,
    patience_seconds: float | None = None,
    seed: str = "1",
) -> History:
    """A textbook's center: Poisson arrivals, exponential handling and patience, and agents who answer at once."""
    came = arrivals(list(queues), per_second, contacts, seed)
    return History(
        since=NOON,
        until=came[-1].at,
        opening=opening(queues, agents),
        arrivals=came,
        handling={("", CHANNEL): exponential(handling_seconds, CLOSED)},
        answers={("", CHANNEL): [(0.0, ACCEPTED)]},
        patience={("", CHANNEL): exponential(patience_seconds, ABANDONED)} if patience_seconds else {},
    )


def played(history: History, seed: str = "1", scenario: Scenario | None = None) -> tuple[Ledger, list[Recorded]]:
    """One simulated run, with every event that the log would hold."""
    scenario, log = scenario or scenario_of(history), list[Recorded]()
    ledger = Ledger(scenario.since, scenario.facts(), scenario.left_out)

    def observe(recorded: Recorded) -> None:
        ledger.take(recorded)
        log.append(recorded)

    Floor(scenario, Drawn(history), seed, observe).run()
    return ledger, log


def measured(history: History, *targets_seconds: float, seed: str = "1") -> list[dict[str, float]]:
    """The measures of one simulated run, all queues together, once for each target of the service level."""
    ledger, _ = played(history, seed)
    seconds = (history.until - history.since).total_seconds()
    yardsticks = [
        Yardstick(seconds=seconds, targets=dict.fromkeys(history.facts().queues, target)) for target in targets_seconds
    ]
    return [ledger.finish(yardstick).measures[EVERY_QUEUE] for yardstick in yardsticks]


def small_days(
    days: int,
    *,
    agents: int,
    erlangs: float,
    contacts: int,
    handling_seconds: float,
    patience_seconds: float | None,
    target_seconds: float,
) -> list[list[dict[str, float]]]:
    """Of a center with one queue, each day with other customers: held against no wait, and against the target."""
    return [
        measured(
            a_history(
                queues={"queue-1": {}},
                agents=[{}] * agents,
                per_second=erlangs / handling_seconds,
                contacts=contacts,
                handling_seconds=handling_seconds,
                patience_seconds=patience_seconds,
                seed=f"day {number}",
            ),
            0.0,
            target_seconds,
            seed=str(number),
        )
        for number in range(days)
    ]  # fmt: skip


def two_skill_center(skills_each: int, contacts: int) -> float:
    """Six types of calls, 90 agents, 84 erlangs; each set of skills has as many agents. Share answered in 30 seconds.

    The center of Wallace and Whitt, "A staffing algorithm for call centers with skill-based routing", 2004.
    """
    sets = list(combinations(range(TYPES), skills_each))
    history = a_history(
        queues={f"queue-{number}": {f"skill-{number}": 1} for number in range(TYPES)},
        agents=[{f"skill-{skill}": 5 for skill in sets[number % len(sets)]} for number in range(90)],
        per_second=84 / 600,
        contacts=contacts,
        handling_seconds=600.0,
        seed="calls",
    )
    return measured(history, 30.0)[0]["service_level"]


class Log:
    """What happened from noon on, each by the second at which it did."""

    def __init__(self) -> None:
        self.recorded: list[Recorded] = opening_log({QUEUE: {}, SECOND: {}}, [{}, {}])

    def at(self, seconds: float, *events: Event, stream: str = "customer-1", actor: str = "somebody") -> None:
        for event in events:
            when = NOON + timedelta(seconds=seconds)
            position = len(self.recorded) + 1
            self.recorded.append(a_recorded(event, stream=stream, position=position, at=when, actor=actor))

    def come(self, seconds: float, queue_id: str = QUEUE, **more: Any) -> None:
        enqueued = ConversationEnqueued(
            conversation_id="conversation-1", queue_id=queue_id, channel=CHANNEL, priority=0, waiting_since=NOON, **more
        )
        self.at(seconds, enqueued)

    def offer(self, seconds: float) -> None:
        expires_at = NOON + timedelta(seconds=seconds + 20)
        self.at(seconds, ConversationOffered(**ONE, units=6, expires_at=expires_at))
        self.at(seconds, LoadTaken(conversation_id="conversation-1", customer_id="customer-1", units=6), stream=AGENT)

    def accept(self, seconds: float) -> None:
        self.at(seconds, OfferAccepted(**ONE))

    def close(self, seconds: float) -> None:
        self.at(seconds, ConversationClosed(conversation_id="conversation-1"))

    def read(self, since: datetime = NOON, until_seconds: float = 1_000) -> History:
        recording = Recording(since, NOON + timedelta(seconds=until_seconds))
        for recorded in self.recorded:
            recording.take(recorded)
        return recording.finish()
