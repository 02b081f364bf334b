"""How fast one line is served, and what that means for whoever stands at a place in it. Pure: time is an argument.

While somebody waits in a line, takes are counted against the time that passes. Of k departures at a rate that was
itself measured on n takes in T seconds, the time is T/n k F(2k, 2n): the gamma distribution of k departures of a
Poisson process, widened by what n takes do not tell about its rate (Bernardo & Smith, Bayesian Theory, 1994, 5.3).
Agents who serve other lines too, pauses, and work that overtakes are in the rate, since it is measured on this line.
"""

from datetime import datetime
from math import log1p, sqrt
from typing import NamedTuple

import msgspec

BAND = 0.8
"""The part of all waits that should end within the band: a tenth below it, a tenth above."""
Z = 1.2815515655446004
"""Of the normal distribution: 80 % lie within so many standard deviations."""
TAKES_MIN = 5.0
"""With fewer takes remembered, the wait is unknown: better nothing than a guess."""
DEPARTURES_KEPT = 50
"""How many departures weigh: each one more makes those before it count a little less."""
HALF_LIFE_SECONDS = 4 * 3_600.0
"""Without departures, what was measured counts half after so long."""


class Estimate(NamedTuple):
    """A wait from now on, in seconds, and its band."""

    expected_seconds: float
    low_seconds: float
    high_seconds: float


class Pace(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """What is remembered of one line. Constant in size; mutable.

    Example, as stored: `{"at": "2026-11-21T12:00:00Z", "takes": 31.2, "busy_seconds": 940.5, "left": 2.0, …}`
    """

    at: datetime
    """Up to when time is counted."""
    takes: float = 0.0
    weights: float = 0.0
    """The takes' weights, each squared: of takes that count unequally, fewer count in all."""
    busy_seconds: float = 0.0
    """Time in which somebody stood in the line."""
    left: float = 0.0
    """Who gave up."""
    stood_seconds: float = 0.0
    """Time that everybody stood in it, added up."""

    def pass_time(self, now: datetime, standing: int) -> None:
        """So many stood in the line from `at` until now. A clock that went back passes no time."""
        seconds = (now - self.at).total_seconds()
        if seconds <= 0:
            return
        self.at = now
        self._forget(0.5 ** (seconds / HALF_LIFE_SECONDS))
        if standing:
            self.busy_seconds += seconds
            self.stood_seconds += seconds * standing

    def take(self) -> None:
        """An agent took one on."""
        self.takes += 1
        self.weights += 1
        self._forget(1 - 1 / DEPARTURES_KEPT)

    def leave(self) -> None:
        """One gave up."""
        self.left += 1
        self._forget(1 - 1 / DEPARTURES_KEPT)

    @property
    def is_known(self) -> bool:
        """Whether enough is remembered to say something."""
        return self.takes >= TAKES_MIN and self.busy_seconds > 0

    def expected_seconds(self, place: int) -> float | None:
        """The mean wait of who stands at the place, from 1; None while it is unknown."""
        return self._left_before(place) * self.busy_seconds / self.takes if self.is_known else None

    def estimate(self, place: int) -> Estimate | None:
        """The same with its band."""
        if not self.is_known:
            return None
        departures, seconds = self._left_before(place), self.busy_seconds / self.takes
        known = self.takes * self.takes / self.weights
        mean = departures * seconds
        return Estimate(mean, mean * ratio(-Z, departures, known), mean * ratio(Z, departures, known))

    def _left_before(self, place: int) -> float:
        """Takes until it is the turn of who stands there: those before who give up need none.

        With takes at the rate m and each of those who stand giving up at the rate g, the sum of 1/(m + jg) over the j
        before, as an integral (Whitt 1999, Predicting queueing delays, for Erlang A).
        """
        if not self.left or not self.stood_seconds:
            return place
        giving_up = (self.left / self.stood_seconds) / (self.takes / self.busy_seconds)
        return log1p(place * giving_up) / giving_up

    def _forget(self, kept: float) -> None:
        self.takes *= kept
        self.weights *= kept * kept
        self.busy_seconds *= kept
        self.left *= kept
        self.stood_seconds *= kept


def ratio(z: float, departures: float, takes: float) -> float:
    """The quantile of F(2 departures, 2 takes) that lies where `z` does in the normal distribution.

    By Paulson's approximation (1942): of an F ratio the cube root is nearly normal. From 5 takes on within 2 % of the
    exact quantiles, but for the lower one of a single departure, which comes out 7 % too low.
    """
    a, b = 1 / (9 * departures), 1 / (9 * takes)
    square = (1 - b) ** 2 - z * z * b
    middle = (1 - a) * (1 - b)
    rest = (1 - a) ** 2 - z * z * a
    root = sqrt(max(0.0, middle * middle - square * rest))
    return float(max(0.0, (middle + (root if z > 0 else -root)) / square) ** 3)
