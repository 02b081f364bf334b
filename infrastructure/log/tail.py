"""The newest events, in memory: live readers take them from here instead of each asking the database."""

from bisect import bisect_right
from collections.abc import Collection, Sequence

from domain.event import Recorded


class Tail:
    """An unbroken run of the log, from behind `start` up to and including `end`.

    Holds the newest events up to `events_max` and `bytes_max` (as stored), and for short up to a quarter more, so
    that it need not be cut each time.
    """

    def __init__(self, events_max: int, bytes_max: int) -> None:
        self._events_max = events_max
        self._bytes_max = bytes_max
        self._events: list[Recorded] = []
        self._sizes: list[int] = []  # in bytes, of the same events
        self._size_bytes = 0
        self.start = 0
        self.end = 0

    def restart(self, at: int) -> None:
        """Empties the tail; it then begins behind the position."""
        self._events.clear()
        self._sizes.clear()
        self._size_bytes = 0
        self.start = self.end = at

    def extend(self, after: int, events: Sequence[Recorded], sizes_bytes: Sequence[int]) -> bool:
        """Takes events that follow the position without a gap, if the tail reaches that far. True if it took them.

        Whether the log has a gap there is for the caller to know: positions are not counted here.
        """
        if after > self.end:
            return False
        known = bisect_right(events, self.end, key=_position)
        if known < len(events):
            self._events.extend(events[known:])
            self._sizes.extend(sizes_bytes[known:])
            self._size_bytes += sum(sizes_bytes[known:])
            self.end = events[-1].position
            if len(self._events) > 1.25 * self._events_max or self._size_bytes > 1.25 * self._bytes_max:
                self._cut()
        return True

    def _cut(self) -> None:
        surplus = max(0, len(self._events) - self._events_max)
        kept_bytes = sum(self._sizes[surplus:])
        while kept_bytes > self._bytes_max:
            kept_bytes -= self._sizes[surplus]
            surplus += 1
        self.start = self._events[surplus - 1].position
        del self._events[:surplus]
        del self._sizes[:surplus]
        self._size_bytes = kept_bytes

    def take(self, after: int, limit: int, topics: Collection[str] = ()) -> tuple[list[Recorded], int] | None:
        """Up to `limit` events after the position and how far the answer is complete; None if they are not all here."""
        if after < self.start:
            return None
        if after >= self.end:
            return [], after
        first = bisect_right(self._events, after, key=_position)
        if not topics:
            events = self._events[first : first + limit]
            return events, events[-1].position
        events = []
        for event in self._events[first:]:
            if event.topic in topics:
                events.append(event)
                if len(events) == limit:
                    return events, event.position
        return events, self.end


def _position(event: Recorded) -> int:
    return event.position
