"""How long things take and how they end, as recorded: what simulated handling, answers and patience are drawn from."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import timedelta

ENOUGH = 30
"""Observations of one queue and channel that make a distribution of their own; fewer borrow from the whole channel."""
Observation = tuple[float, str | None]
"""Seconds until it ended and how it did, or until nobody looked any longer (None): `(42.5, "accepted")`."""
Work = tuple[str, str]
"""Queue and channel."""


class Times:
    """The Kaplan-Meier estimate of one kind of time, from observations some of which were cut off.

    Who was answered after a minute would have waited a minute or more: such a time is censored, and to leave it out
    would make customers look impatient. Each end has the weight that the estimate's curve falls by there.
    Source: Kaplan and Meier, "Nonparametric estimation from incomplete observations", JASA 53 (1958).
    """

    __slots__ = ("_bounds", "_ends", "longest")

    def __init__(self, observations: Iterable[Observation]) -> None:
        ordered = sorted(observations, key=lambda one: (one[0], one[1] is None))
        self.longest = timedelta(seconds=ordered[-1][0] if ordered else 0.0)
        """Censored or not."""
        self._ends: list[tuple[timedelta, str]] = []
        self._bounds: list[float] = []
        left, fallen = 1.0, 0.0
        for at_risk, (seconds, end) in zip(range(len(ordered), 0, -1), ordered, strict=True):
            if end is not None:
                step = left / at_risk
                left, fallen = left - step, fallen + step
                self._ends.append((timedelta(seconds=seconds), end))
                self._bounds.append(fallen)
        if self._bounds and ordered[-1][1] is not None:
            self._bounds[-1] = 1.0  # all have ended; rounding is not to leave a rest

    def draw(self, chance: float) -> tuple[timedelta, str] | None:
        """The end for a chance from 0 to 1 (excluded). None: later than anybody has been watched, or never."""
        place = bisect_right(self._bounds, chance)
        return self._ends[place] if place < len(self._ends) else None


class TimesByWork:
    """One kind of time for each queue and channel, borrowed from the channel or from everything where few were seen."""

    def __init__(self, observations: Mapping[Work, list[Observation]]) -> None:
        self._observations = observations
        self._known: dict[tuple[str | None, str | None], Times] = {}

    def of(self, queue_id: str | None, channel: str | None) -> Times:
        """Computed once for each, then remembered. None: whatever the queue, whatever the channel."""
        work = queue_id, channel
        if (known := self._known.get(work)) is None:
            known = self._known[work] = self._times(queue_id, channel)
        return known

    def _times(self, queue_id: str | None, channel: str | None) -> Times:
        seen = [
            one
            for work, many in self._observations.items()
            if queue_id in (None, work[0]) and channel in (None, work[1])
            for one in many
        ]
        if len(seen) >= ENOUGH or channel is None:
            return Times(seen)
        return self.of(None, channel if queue_id is not None else None)
