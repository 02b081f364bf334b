"""Every decision of the router taken once more, from a state that has read exactly what the router had read.

A decision is appended some events after those it rests on. So this state follows the log at a distance: it sees an
offer coming while it still stands where the offer was decided.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from application.explaining.gaps import Gaps
from application.explaining.stages import is_same, told
from application.log import UnreadableEvent
from domain.assignment import Choice, ConversationOffered
from domain.event import Recorded
from domain.routing.decide import decide
from domain.routing.decisions import Decision
from domain.routing.evolve import evolve
from domain.routing.state import RouterState

LATE_KEPT = 1_000


class Chosen(NamedTuple):
    """An offer that the router made."""

    recorded: Recorded
    event: ConversationOffered
    choice: Choice


class Coming:
    """Events on their way to the state, and the offers among them by the position they were decided at."""

    def __init__(self, look_ahead_events: int) -> None:
        self.late: list[Chosen] = []
        """Offers that came when the state had left the position they were decided at: the newest of them."""
        self._look_ahead_events = look_ahead_events
        self._events: deque[Recorded | UnreadableEvent] = deque()
        self._offers: dict[int, list[Chosen]] = {}
        self._left = 0

    def add(self, recorded: Recorded) -> None:
        self._events.append(recorded)
        event = recorded.event
        if recorded.topic == ConversationOffered.TOPIC and isinstance(event, ConversationOffered) and event.choice:
            chosen = Chosen(recorded, event, event.choice)
            if event.choice.position <= self._left:
                self.late = [*self.late, chosen][-LATE_KEPT:]
            else:
                self._offers.setdefault(event.choice.position, []).append(chosen)

    def pass_over(self, error: UnreadableEvent) -> None:
        """An event that nobody can read has its place too: something may have been decided there."""
        self._events.append(error)

    def next(self, *, at_the_end: bool = False) -> Recorded | UnreadableEvent | None:
        """The oldest event, once enough have come behind it."""
        if self._events and (at_the_end or len(self._events) > self._look_ahead_events):
            self._left = self._events[0].position
            return self._events.popleft()
        return None

    def decided_at(self, position: int) -> dict[datetime, list[Chosen]]:
        """The offers that were decided at this position, by the moment: each moment is one list of decisions."""
        moments: dict[datetime, list[Chosen]] = {}
        for chosen in self._offers.pop(position, ()):
            moments.setdefault(chosen.choice.decided_at, []).append(chosen)
        return moments

    def nowhere(self) -> list[Chosen]:
        """The offers that say they were decided at a position where nothing stands that concerns routing."""
        return [chosen for several in self._offers.values() for chosen in several]


class Again:
    """The router's state at a distance, and what it decides there."""

    def __init__(self) -> None:
        self.compared = 0
        self._state = RouterState()
        self.gaps = Gaps()

    def apply(self, recorded: Recorded) -> None:
        self.gaps.note(recorded)
        evolve(self._state, recorded)

    def decide(self, now: datetime, several: Sequence[Chosen]) -> list[Decision]:
        """All decisions of that moment, up to the last that is recorded.

        It is asked for one more, so that it comes to its end and looks at news alone next time, as the router does.
        What a router overlooks in that way shows without its help, as overtaken or as idle.
        """
        recorded = 1 + max(chosen.choice.ordinal for chosen in several)
        return decide(self._state, now, recorded + 1, several[0].choice.edition)[:recorded]

    def compare(self, several: Sequence[Chosen], decisions: Sequence[Decision]) -> Iterator[tuple[Chosen, str]]:
        """The offers that do not come out the same, and what came out instead."""
        for chosen in several:
            self.compared += 1
            ordinal = chosen.choice.ordinal
            again = decisions[ordinal] if ordinal < len(decisions) else None
            if not is_same(chosen.event, again):
                yield chosen, told(again)
