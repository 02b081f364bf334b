"""The simulated floor against queueing theory: where a formula knows the answer, the simulation finds it."""

from functools import cache

from application.whatif.figures.bands import Band, band
from tests.application.whatif.erlang import erlang_a, erlang_c, mean_wait_seconds, service_level
from tests.application.whatif.situations import TYPES, small_days, two_skill_center

DAYS = 10
AGENTS = 5
HANDLING_SECONDS = 180.0
PATIENCE_SECONDS = 120.0
TARGET_SECONDS = 60.0
LOAD = 4.0  # erlangs
CONTACTS = 1_000


@cache
def days(patience_seconds: float | None) -> list[list[dict[str, float]]]:
    return small_days(
        DAYS,
        agents=AGENTS,
        erlangs=LOAD,
        contacts=CONTACTS,
        handling_seconds=HANDLING_SECONDS,
        patience_seconds=patience_seconds,
        target_seconds=TARGET_SECONDS,
    )


def measure(name: str, *, within_target: bool = False, patience_seconds: float | None = None) -> Band:
    return band([day[within_target][name] for day in days(patience_seconds)])


def holds(measured_band: Band, expected: float) -> bool:
    """Whether the value lies within the confidence interval."""
    return measured_band.low <= expected <= measured_band.high


def test_one_class_waits_as_erlang_c_says() -> None:
    assert holds(measure("service_level"), 1 - erlang_c(LOAD, AGENTS))
    assert holds(measure("mean_wait_seconds"), mean_wait_seconds(LOAD, AGENTS, HANDLING_SECONDS))
    assert holds(measure("occupancy"), LOAD / AGENTS)


def test_the_service_level_is_that_of_erlang_c() -> None:
    expected = service_level(LOAD, AGENTS, HANDLING_SECONDS, TARGET_SECONDS)

    assert holds(measure("service_level", within_target=True), expected)


def test_impatient_customers_give_up_as_erlang_a_says() -> None:
    abandoned, at_once = erlang_a(LOAD / HANDLING_SECONDS, HANDLING_SECONDS, PATIENCE_SECONDS, AGENTS)

    assert holds(measure("abandonment", patience_seconds=PATIENCE_SECONDS), abandoned)
    assert holds(measure("service_level", patience_seconds=PATIENCE_SECONDS), at_once)


def test_two_skills_an_agent_are_nearly_as_good_as_all() -> None:
    every, two, one = (two_skill_center(skills_each, contacts=3_000) for skills_each in (TYPES, 2, 1))

    assert two >= 0.9 * every
    assert one < 0.7 * every
