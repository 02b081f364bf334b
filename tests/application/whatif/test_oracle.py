"""The simulated floor against queueing theory: where a formula knows the answer, the simulation finds it."""

from application.whatif.figures.bands import Band, band
from tests.application.whatif.erlang import erlang_a, erlang_c, mean_wait_seconds, service_level
from tests.application.whatif.situations import a_history, measured

RUNS = 10
AGENTS = 5
HANDLING_SECONDS = 180.0
LOAD = 4.0  # erlangs
CONTACTS = 2_000
TYPES = 6


def bands(target_seconds: float, *names: str, patience_seconds: float | None = None) -> list[Band]:
    """Measures over several days of the same center, each with other customers."""
    days = [
        measured(
            a_history(
                queues={"queue-1": {}},
                agents=[{}] * AGENTS,
                per_second=LOAD / HANDLING_SECONDS,
                contacts=CONTACTS,
                handling_seconds=HANDLING_SECONDS,
                patience_seconds=patience_seconds,
                seed=f"day {number}",
            ),
            target_seconds,
            seed=str(number),
        )
        for number in range(RUNS)
    ]
    return [band([day[name] for day in days]) for name in names]


def holds(measured_band: Band, expected: float) -> bool:
    """Whether the value lies within the confidence interval."""
    return measured_band.low <= expected <= measured_band.high


def test_one_class_waits_as_erlang_c_says() -> None:
    at_once, wait, occupancy = bands(0.0, "service_level", "mean_wait_seconds", "occupancy")

    assert holds(at_once, 1 - erlang_c(LOAD, AGENTS))
    assert holds(wait, mean_wait_seconds(LOAD, AGENTS, HANDLING_SECONDS))
    assert holds(occupancy, LOAD / AGENTS)


def test_the_service_level_is_that_of_erlang_c() -> None:
    (in_time,) = bands(60.0, "service_level")

    assert holds(in_time, service_level(LOAD, AGENTS, HANDLING_SECONDS, 60.0))


def test_impatient_customers_give_up_as_erlang_a_says() -> None:
    abandoned, at_once = bands(0.0, "abandonment", "service_level", patience_seconds=120.0)

    expected, expected_at_once = erlang_a(LOAD / HANDLING_SECONDS, HANDLING_SECONDS, 120.0, AGENTS)
    assert holds(abandoned, expected)
    assert holds(at_once, expected_at_once)


def test_two_skills_an_agent_are_nearly_as_good_as_all() -> None:
    """Wallace and Whitt, "A staffing algorithm for call centers with skill-based routing", 2004: their center."""
    queues = {f"queue-{number}": {f"skill-{number}": 1} for number in range(TYPES)}

    def in_time(skills_each: int) -> float:
        agents = [{f"skill-{(number + nth) % TYPES}": 5 for nth in range(skills_each)} for number in range(90)]
        history = a_history(
            queues=queues, agents=agents, per_second=84 / 600, contacts=6_000, handling_seconds=600.0, seed="calls"
        )
        return measured(history, target_seconds=30.0)["service_level"]

    every, two, one = in_time(TYPES), in_time(2), in_time(1)

    assert two >= 0.9 * every
    assert one < 0.9 * every
