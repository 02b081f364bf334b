"""When a router led: the stretches that are recorded, and the times between them.

The log cannot tell it. What a router wrote proves that it led at that moment; that it wrote nothing proves neither
that it was gone nor that it was there and overlooked something. So whoever leads writes it down, beside the log.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from application.router import Lead

NOTHING = timedelta()


class Gap(NamedTuple):
    """A time in which no router led; without an end for one that lasts."""

    since: datetime
    until: datetime | None


class Leads:
    """Asked of the time that something waited.

    Before the first stretch nothing was recorded yet: there a router is taken to have led, so that nothing is excused
    that was not written down. The same where there is none at all.
    """

    def __init__(self, stretches: Iterable[Lead] = ()) -> None:
        self._stretches: Sequence[Lead] = sorted(stretches)
        self._untils = [stretch.until for stretch in self._stretches]

    def longest_within(self, since: datetime, until: datetime) -> timedelta:
        """For how long one router after the other led without a break in this time."""
        if not self._stretches:
            return until - since
        led = min(until, self._stretches[0].until) - since if since < self._stretches[0].since else NOTHING
        for stretch in self._from(since):
            if stretch.since >= until:
                break
            led = max(led, min(until, stretch.until) - max(since, stretch.since))
        return led

    def gaps_within(self, since: datetime, until: datetime) -> Iterator[Gap]:
        """The times of no router that are a part of this one, whole."""
        for at in range(max(0, bisect_left(self._untils, since) - 1), len(self._stretches)):
            ended_at = self._untils[at]
            begun_at = self._stretches[at + 1].since if at + 1 < len(self._stretches) else None
            if ended_at >= until:
                break
            if begun_at is None or begun_at > since:
                yield Gap(ended_at, begun_at)

    def _from(self, since: datetime) -> Sequence[Lead]:
        """Those that have not ended by then."""
        return self._stretches[bisect_left(self._untils, since) :]
