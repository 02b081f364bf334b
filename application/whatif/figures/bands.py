"""Means of many runs with their confidence bands, and where single runs fall."""

from collections.abc import Sequence
from functools import cache
from math import cos, isnan, nan, pi, sin, sqrt, tan
from statistics import fmean, stdev

import msgspec

CONFIDENCE = 0.95
SINGLE_RUNS = 0.9


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """One measure over all runs."""

    mean: float
    low: float
    """The mean lies between `low` and `high` with 95 % confidence."""
    high: float
    runs_low: float
    """Nine of ten single runs lie between `runs_low` and `runs_high`: what one more such day may look like."""
    runs_high: float

    @property
    def half(self) -> float:
        """Half the width of the mean's confidence interval."""
        return (self.high - self.low) / 2

    @property
    def is_clear(self) -> bool:
        """Whether the mean is not 0, for all that chance can do."""
        return self.low > 0 or self.high < 0


def band(values: Sequence[float]) -> Band:
    """The mean with its confidence interval by Student's t; runs without anything to measure are left out."""
    known = sorted(value for value in values if not isnan(value))
    if not known:
        return Band(mean=nan, low=nan, high=nan, runs_low=nan, runs_high=nan)
    mean = fmean(known)
    half = nan
    if len(known) > 1:
        half = student_quantile(0.5 + CONFIDENCE / 2, len(known) - 1) * stdev(known) / sqrt(len(known))
    outside = int(len(known) * (1 - SINGLE_RUNS) / 2)
    return Band(
        mean=mean, low=mean - half, high=mean + half, runs_low=known[outside], runs_high=known[len(known) - 1 - outside]
    )


def change(before: Sequence[float], after: Sequence[float]) -> Band:
    """Run by run: both had the same customers, so what chance gave to both cancels out."""
    return band([new - old for old, new in zip(before, after, strict=True)])


@cache
def student_quantile(part: float, degrees: int) -> float:
    """Quantile of Student's t for a part of 0.5 or more: 12.706 for 0.975 and one degree of freedom. Exact.

    The distribution's closed form, inverted by halving. Source: Abramowitz and Stegun, Handbook of Mathematical
    Functions, 26.7.3 and 26.7.4.
    """
    low, high = 0.0, pi / 2  # angles, whose tangent is t over the root of the degrees
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _within(middle, degrees) < 2 * part - 1 else (low, middle)
    return sqrt(degrees) * tan(low)


def _within(angle: float, degrees: int) -> float:
    """How likely Student's t lies between minus and plus the value of the angle."""
    is_odd = degrees % 2
    term = cos(angle) if is_odd else 1.0
    total = 0.0
    for power in range(2 + is_odd, degrees + 1, 2):
        total += term
        term *= cos(angle) ** 2 * (power - 1) / power
    return 2 / pi * (angle + sin(angle) * total) if is_odd else sin(angle) * total
