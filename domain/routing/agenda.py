"""What changes when: moments in order, so that a timer knows the next one without a sweep."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from datetime import datetime
from operator import itemgetter


class Agenda:
    """Moments of things, each known by its id, all in one order."""

    def __init__(self) -> None:
        self._entries: list[tuple[datetime, str]] = []
        self._moments: dict[str, tuple[datetime, ...]] = {}

    def note(self, thing: str, moments: Iterable[datetime]) -> None:
        """Replaces what was noted of the thing."""
        noted = tuple(moments)
        if noted == self._moments.get(thing, ()):
            return
        self.forget(thing)
        if noted:
            self._moments[thing] = noted
            for moment in noted:
                insort(self._entries, (moment, thing))

    def forget(self, thing: str) -> None:
        """Nothing is noted of it any more."""
        for moment in self._moments.pop(thing, ()):
            del self._entries[bisect_left(self._entries, (moment, thing))]

    def due(self, now: datetime) -> list[str]:
        """Things with a moment that has come, the earliest first; a thing with two comes twice."""
        if not self._entries or self._entries[0][0] > now:
            return []
        return [thing for _, thing in self._entries[: self._after(now)]]

    def between(self, one: datetime, other: datetime) -> dict[str, None]:
        """Things with a moment after the earlier and up to the later, whichever is which; each once, in their order."""
        first, last = (one, other) if one < other else (other, one)
        if not self._entries or self._entries[0][0] > last:
            return {}
        return dict.fromkeys(thing for _, thing in self._entries[self._after(first) : self._after(last)])

    def next_after(self, now: datetime) -> datetime | None:
        """The first moment later than `now`."""
        after = self._after(now) if self._entries and self._entries[0][0] <= now else 0
        return self._entries[after][0] if after < len(self._entries) else None

    def _after(self, now: datetime) -> int:
        return bisect_right(self._entries, now, key=itemgetter(0))
