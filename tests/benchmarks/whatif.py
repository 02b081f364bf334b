"""What-if over 100,000 contacts, and how closely the simulation matches queueing theory."""

import gc
import random
import time

from msgspec.structs import replace

from application.whatif.figures.bands import Band, band
from application.whatif.recorded.history import ACCEPTED, CLOSED, DECLINED, Drawn, History
from application.whatif.recorded.identity import Identity
from application.whatif.recorded.recording import Recording
from application.whatif.replications import simulated
from application.whatif.scenario import scenario_of
from domain.event import Recorded
from tests.application.whatif.erlang import erlang_a, erlang_c, mean_wait_seconds, service_level
from tests.application.whatif.situations import (
    CHANNEL,
    TYPES,
    a_history,
    exponential,
    opening_log,
    played,
    small_days,
    two_skill_center,
)
from tests.benchmarks.figures import Figure, at_least, at_most, shown

CONTACTS = 100_000
PROVEN_CONTACTS = 10_000
AGENTS, QUEUES, SKILLS = 200, 20, 12
HANDLING_SECONDS, PATIENCE_SECONDS = 300.0, 600.0
BUSY = 0.88
SEED = 20_261_122
DAYS = 20
ORACLE_CONTACTS = 2_000
ORACLE_AGENTS, ORACLE_LOAD = 5, 4.0
TARGET_SECONDS = 60.0


def a_large_center(contacts: int) -> tuple[History, list[Recorded]]:
    """Agents with some skills each, queues that ask for one or two; declines, transfers and lost patience."""
    rng = random.Random(SEED)
    skills = [f"skill-{number}" for number in range(SKILLS)]
    queues = {
        f"queue-{number}": dict.fromkeys(rng.sample(skills, rng.choice((1, 1, 2))), 3) for number in range(QUEUES)
    }
    agents = [{skill: rng.randint(3, 10) for skill in rng.sample(skills, 6)} for _ in range(AGENTS)]
    history = a_history(
        queues=queues,
        agents=agents,
        per_second=BUSY * AGENTS / HANDLING_SECONDS,
        contacts=contacts,
        handling_seconds=HANDLING_SECONDS,
        patience_seconds=PATIENCE_SECONDS,
    )
    closed = exponential(HANDLING_SECONDS, CLOSED)
    moved = [(seconds, "queue-0") for seconds, _ in closed[:: len(closed) // 200]]
    answers = [(2.0, ACCEPTED), (4.0, ACCEPTED), (6.0, ACCEPTED), (8.0, ACCEPTED), (12.0, ACCEPTED)]
    history = replace(
        history,
        handling={("", CHANNEL): [*closed, *moved]},
        answers={("", CHANNEL): [*answers * 19, (3.0, DECLINED)]},
    )
    return history, opening_log(queues, agents)


def measure_speed() -> list[Figure]:
    """One replication, with and without what the collector costs; and all decisions of a smaller log taken again."""
    history, _ = a_large_center(CONTACTS)
    scenario, drawn = scenario_of(history), Drawn(history)
    gc.collect()
    began, cpu_began = time.perf_counter(), time.process_time()
    tally = simulated(scenario, drawn, scenario.yardstick, "1")
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    abandoned = tally.measures[""]["abandonment"]

    smaller, opened = a_large_center(PROVEN_CONTACTS)
    log = [*opened, *played(smaller)[1]]
    identity, recording = Identity(), Recording()
    identity.note(log)
    proof_began = time.perf_counter()
    for recorded in log:
        recording.take(recorded)
        identity.check(recording.state)
    identity.demand_done()
    proof_seconds = time.perf_counter() - proof_began
    center = f"{AGENTS} agents, {QUEUES} queues"
    return [
        at_most(f"what-if: one replication over {CONTACTS:,} contacts, {center}", seconds, "s", 20.0),
        shown("what-if: the same, time of the processor", cpu_seconds, "s"),
        shown("what-if: share of contacts abandoned in it", 100 * abandoned, "%"),
        shown(
            "what-if: recorded decisions taken again, all identical", identity.identical / proof_seconds, "decisions/s"
        ),
    ]


def measure_oracle() -> list[Figure]:
    """Held against Erlang C, Erlang A, and the two-skill center of Wallace and Whitt (2004)."""
    patient, impatient = _days(None), _days(PATIENCE_SECONDS)
    load, agents, handling = ORACLE_LOAD, ORACLE_AGENTS, HANDLING_SECONDS
    abandoned, at_once = erlang_a(load / handling, handling, PATIENCE_SECONDS, agents)
    mean_wait = mean_wait_seconds(load, agents, handling)
    every, two = two_skill_center(TYPES, 10_000), two_skill_center(2, 10_000)
    return [
        _within("Erlang C: mean wait", _band(patient, 0, "mean_wait_seconds"), mean_wait),
        _within("Erlang C: answered at once", _band(patient, 0, "service_level"), 1 - erlang_c(load, agents)),
        _within(
            "Erlang C: service level",
            _band(patient, 1, "service_level"),
            service_level(load, agents, handling, TARGET_SECONDS),
        ),
        _within("Erlang A: abandoned", _band(impatient, 0, "abandonment"), abandoned),
        _within("Erlang A: answered at once", _band(impatient, 0, "service_level"), at_once),
        at_least(
            "oracle: two skills an agent, answered within 30 s", 100 * two, "%",
            reference=100 * every, factor=0.9, of="all skills",
        ),
    ]  # fmt: skip


def _days(patience_seconds: float | None) -> list[list[dict[str, float]]]:
    return small_days(
        DAYS,
        agents=ORACLE_AGENTS,
        erlangs=ORACLE_LOAD,
        contacts=ORACLE_CONTACTS,
        handling_seconds=HANDLING_SECONDS,
        patience_seconds=patience_seconds,
        target_seconds=TARGET_SECONDS,
    )


def _band(days: list[list[dict[str, float]]], target: int, name: str) -> Band:
    return band([day[target][name] for day in days])


def _within(name: str, measured_band: Band, expected: float) -> Figure:
    """The formula's value has to lie within the 95 % confidence interval."""
    return Figure(
        name=f"oracle: {name}",
        value=round(measured_band.mean, 4),
        unit=f"± {measured_band.half:.2g}",
        reach="within the confidence interval",
        reference=round(expected, 4),
        ratio=round(measured_band.mean / expected, 3),
        passed=measured_band.low <= expected <= measured_band.high,
    )


def measure() -> list[Figure]:
    """Speed first, then the oracle."""
    return [*measure_speed(), *measure_oracle()]
