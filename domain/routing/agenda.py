"""What ends when: moments of conversations in order, so that a timer knows the next one without a sweep."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from datetime import datetime
from operator import itemgetter


class Agenda:
    """Each conversation's moments, all in one order."""

    def __init__(self) -> None:
        self._entries: list[tuple[datetime, str]] = []
        self._moments: dict[str, list[datetime]] = {}

    def note(self, conversation_id: str, moments: Iterable[datetime]) -> None:
        """Replaces what was noted of the conversation; no moments forget it."""
        for moment in self._moments.pop(conversation_id, ()):
            del self._entries[bisect_left(self._entries, (moment, conversation_id))]
        if noted := list(moments):
            self._moments[conversation_id] = noted
            for moment in noted:
                insort(self._entries, (moment, conversation_id))

    def due(self, now: datetime) -> list[str]:
        """The conversations with a moment that has come, the earliest first."""
        return [conversation_id for _, conversation_id in self._entries[: self._after(now)]]

    def next_after(self, now: datetime) -> datetime | None:
        """The first moment later than `now`."""
        after = self._after(now)
        return self._entries[after][0] if after < len(self._entries) else None

    def _after(self, now: datetime) -> int:
        return bisect_right(self._entries, now, key=itemgetter(0))
