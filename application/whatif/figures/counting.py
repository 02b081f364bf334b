"""What is counted of contacts and of agents, and the figures that come of it."""

from array import array
from collections.abc import Iterable, Mapping

import msgspec

INTERVALS_MAX = 96
"""In one series, so that a curve can still be read."""
WIDTHS_SECONDS = (1, 5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 604_800, 2_592_000)
NOBODY = float("nan")
"""A share of nothing: no interval without contacts has a service level."""


class Yardstick(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured, the same for everything that is held side by side."""

    seconds: float
    """How long the stretch of time is."""
    targets: Mapping[str, float]
    """By queue: the seconds within which its work should be answered."""

    @property
    def width_seconds(self) -> int:
        """Of one interval of a series."""
        return next((width for width in WIDTHS_SECONDS if self.seconds <= width * INTERVALS_MAX), WIDTHS_SECONDS[-1])

    @property
    def intervals(self) -> int:
        return max(1, int(-(-self.seconds // self.width_seconds)))


class Fates:
    """How each contact of one queue fared, by the second in which it came."""

    __slots__ = ("abandoned", "answered", "came", "promised", "waited")

    def __init__(self) -> None:
        self.came = array("d")
        self.abandoned = array("d")
        """When those came that gave up."""
        self.promised = array("d")
        """When those came that went away with a promise."""
        self.answered = array("d")
        """When those came that were answered, in the order of the answers."""
        self.waited = array("d")
        """How long each of the answered waited."""


class Count:
    """Contacts of one queue or one interval, held against the targets."""

    __slots__ = ("abandoned", "ages", "contacts", "in_time", "overdue", "promised", "waits")

    def __init__(self) -> None:
        self.contacts = 0
        self.in_time = 0
        self.abandoned = 0
        self.promised = 0
        self.waits: list[float] = []
        """Of the answered."""
        self.ages: list[float] = []
        """Of those that still wait: how long by now."""
        self.overdue = 0
        """Those that still wait, longer than they should."""

    def measures(self) -> dict[str, float]:
        """Whoever serves nobody must not look better for it.

        So waits are of the answered and, as far as they have come, of those that still wait: no wait is ever shorter
        than that of the same contact answered earlier. Neither the abandoned nor those with a promise nor those that
        still wait longer than they should were answered in time. Service level of the answered leaves the abandoned
        and the promised out: both ways are in use, so both are told. Abandonment and promises are shares of those that
        no longer wait; what still waits is told beside them.
        """
        answered, waiting = len(self.waits), len(self.ages)
        ended = answered + self.abandoned + self.promised
        ordered = sorted(self.waits + self.ages)
        return {
            "contacts": float(self.contacts),
            "waiting": float(waiting),
            "waiting_share": share(waiting, self.contacts),
            "oldest_waiting_seconds": max(self.ages, default=0.0),
            "mean_wait_seconds": share(sum(ordered), len(ordered)),
            "median_wait_seconds": quantile(ordered, 0.5),
            "p90_wait_seconds": quantile(ordered, 0.9),
            "service_level": share(self.in_time, ended + self.overdue),
            "service_level_answered": share(self.in_time, answered + self.overdue),
            "abandonment": share(self.abandoned, ended),
            "promised": share(self.promised, ended),
        }


class Hours:
    """What an agent held and could have held, in load units times seconds."""

    __slots__ = ("busy", "capacity", "is_available", "load", "since", "staffed")

    def __init__(self, since: float, *, capacity: int = 0, load: int = 0, is_available: bool = False) -> None:
        self.since = since
        self.capacity = capacity
        self.load = load
        self.is_available = is_available
        self.busy = 0.0
        self.staffed = 0.0

    def pass_to(self, seconds: float) -> None:
        """Counts up to that second. Who is away and still holds work is busy with it, and has no other room."""
        passed = seconds - self.since
        self.since = seconds
        self.busy += self.load * passed
        has_room = self.is_available and self.load < self.capacity
        self.staffed += (self.capacity if has_room else self.load) * passed


def staff_measures(staff: Iterable[Hours]) -> dict[str, float]:
    """Occupancy: what was held of what could have been. Fairness: how evenly, 1 if all agents were equally occupied.

    Fairness is Jain's index of the agents' occupancies, (sum x)^2 / (n * sum x^2).
    Source: Jain, Chiu, Hawe, "A quantitative measure of fairness", DEC-TR-301 (1984).
    """
    at_work = [one for one in staff if one.staffed > 0]
    shares = [one.busy / one.staffed for one in at_work]
    return {
        "occupancy": share(sum(one.busy for one in at_work), sum(one.staffed for one in at_work)),
        "fairness": share(sum(shares) ** 2, len(shares) * sum(one * one for one in shares)),
    }


def share(part: float, whole: float) -> float:
    """NOBODY where there is nothing to be a part of."""
    return part / whole if whole else NOBODY


def quantile(ordered: list[float], part: float) -> float:
    """Of the values themselves, not interpolated."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else NOBODY
