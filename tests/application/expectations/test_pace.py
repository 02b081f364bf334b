"""The estimate of a wait: nothing without history, right on a simulated line, and its band as wide as it says."""

import heapq
import random
from collections import deque
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from application.expectations.pace import BAND, TAKES_MIN, Pace, Z, ratio

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HANDLE_SECONDS = 240.0
AGENTS = 8


def a_pace(takes: int, seconds_each: float, standing: int = 1) -> Pace:
    """Takes at equal distances while so many stand in the line."""
    pace = Pace(at=NOON)
    for number in range(1, takes + 1):
        pace.pass_time(NOON + timedelta(seconds=number * seconds_each), standing)
        pace.take()
    return pace


class Simulated:
    """A line served by agents alike, first come first served: Poisson arrivals, exponential handling and patience."""

    def __init__(self, seed: int, load: float, patience_seconds: float | None) -> None:
        self.chance = random.Random(seed)
        self.pace = Pace(at=NOON)
        self.patience_seconds = patience_seconds
        self.between_seconds = HANDLE_SECONDS / AGENTS / load
        self.waits: list[tuple[float, float, float, float]] = []
        """Of those taken: expected, low, high, and how long it was."""

    def run(self, arrivals: int) -> None:
        """Events in order of time; estimates are made at the door, and only where somebody has to wait."""
        ends: list[float] = []
        line: deque[tuple[float, float, tuple[float, float, float] | None]] = deque()
        at = 0.0
        for _ in range(arrivals):
            at += self.chance.expovariate(1 / self.between_seconds)
            while ends and ends[0] <= at:
                self._free(heapq.heappop(ends), line, ends)
            self._give_up(line, at)
            if len(ends) < AGENTS:
                heapq.heappush(ends, at + self.chance.expovariate(1 / HANDLE_SECONDS))
                continue
            self._pass(at, len(line))
            patience = self.chance.expovariate(1 / self.patience_seconds) if self.patience_seconds else 1e12
            line.append((at, at + patience, self.pace.estimate(len(line) + 1)))

    def _free(self, at: float, line: deque, ends: list[float]) -> None:  # type: ignore[type-arg]
        self._give_up(line, at)
        if not line:
            return
        self._pass(at, len(line))
        came, _, estimate = line.popleft()
        self.pace.take()
        heapq.heappush(ends, at + self.chance.expovariate(1 / HANDLE_SECONDS))
        if estimate is not None:
            self.waits.append((*estimate, at - came))

    def _give_up(self, line: deque, at: float) -> None:  # type: ignore[type-arg]
        for one in sorted((one for one in line if one[1] <= at), key=lambda one: one[1]):
            self._pass(one[1], len(line))
            line.remove(one)
            self.pace.leave()

    def _pass(self, at: float, standing: int) -> None:
        self.pace.pass_time(NOON + timedelta(seconds=at), standing)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("load", "patience_seconds"), [(0.9, None), (0.97, None), (1.3, 600.0)], ids=["steady", "busy", "overloaded"]
)
def test_four_of_five_waits_end_within_the_band(seed: int, load: float, patience_seconds: float | None) -> None:
    line = Simulated(seed, load, patience_seconds)

    line.run(20_000)

    within = sum(low <= waited <= high for _, low, high, waited in line.waits) / len(line.waits)
    expected = sum(one[0] for one in line.waits) / len(line.waits)
    waited = sum(one[3] for one in line.waits) / len(line.waits)
    assert len(line.waits) > 3_000
    assert within == pytest.approx(BAND, abs=0.05)
    assert expected == pytest.approx(waited, rel=0.1)


def test_without_enough_takes_the_wait_is_unknown() -> None:
    pace = a_pace(int(TAKES_MIN), 10.0)

    assert pace.estimate(1) is None
    assert pace.expected_seconds(1) is None


def test_the_wait_is_the_time_of_so_many_takes() -> None:
    pace = a_pace(40, 10.0)

    estimate = pace.estimate(3)

    assert estimate is not None
    assert estimate.expected_seconds == pytest.approx(30.0, rel=0.02)
    assert estimate.low_seconds < 30.0 < estimate.high_seconds


def test_further_back_the_band_is_narrower_for_its_wait() -> None:
    pace = a_pace(200, 10.0)

    widths = [
        (one.high_seconds - one.low_seconds) / one.expected_seconds
        for one in (pace.estimate(place) for place in (1, 5, 50))
        if one is not None
    ]

    assert len(widths) == 3
    assert all(before > after for before, after in pairwise(widths))


def test_a_line_that_stands_still_is_expected_to_take_longer() -> None:
    pace = a_pace(40, 10.0)
    before = pace.expected_seconds(2)

    pace.pass_time(pace.at + timedelta(minutes=20), 5)

    after = pace.expected_seconds(2)
    assert before is not None
    assert after is not None
    assert after > 2 * before


def test_time_in_which_nobody_stands_does_not_count() -> None:
    pace = a_pace(40, 10.0)
    before = pace.expected_seconds(2)

    pace.pass_time(pace.at + timedelta(hours=1), 0)

    assert pace.expected_seconds(2) == pytest.approx(before)


def test_what_was_measured_yesterday_is_not_known_today() -> None:
    pace = a_pace(40, 10.0)

    pace.pass_time(pace.at + timedelta(hours=20), 0)

    assert pace.estimate(1) is None


def test_those_who_give_up_shorten_the_wait_behind_them() -> None:
    patient, impatient = a_pace(40, 10.0, standing=10), a_pace(40, 10.0, standing=10)
    for _ in range(10):
        impatient.leave()

    assert (impatient.expected_seconds(10) or 0) < (patient.expected_seconds(10) or 0)


def test_a_clock_that_goes_back_passes_no_time() -> None:
    pace = a_pace(40, 10.0)
    before = pace.busy_seconds

    pace.pass_time(NOON, 3)

    assert (pace.busy_seconds, pace.at) == (before, NOON + timedelta(seconds=400))


@pytest.mark.parametrize(
    ("departures", "takes", "low", "high"),
    [(1, 10, 0.1055, 2.59), (5, 5, 0.431, 2.32), (20, 50, 0.697, 1.378), (100, 100, 0.834, 1.198)],
)
def test_the_quantiles_are_those_of_the_f_distribution(departures: int, takes: int, low: float, high: float) -> None:
    assert ratio(-Z, departures, takes) == pytest.approx(low, rel=0.08)
    assert ratio(Z, departures, takes) == pytest.approx(high, rel=0.02)
