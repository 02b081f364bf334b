"""Snapshots of what the router knows: it begins at the newest, an explanation at the nearest before its decision.

They only save time: whatever is missing or does not fit, the log itself tells the same.
"""

import asyncio
import logging
from collections.abc import Collection
from typing import Protocol

import msgspec

from domain.routing.facts import Facts

STATE_NAME = "router.3"
"""Name and version of what `Facts` and `evolve` make of the log: a snapshot of another name is not read.

To be raised when the same events come to mean something else, which `tests/architecture/meanings.py` notices. A field
that is added with a default for events that are new as well needs no new name.
"""
EVENTS_BETWEEN_SNAPSHOTS = 20_000
"""Of all events of the log; a cold start reads about so many."""
SECONDS_BETWEEN_SNAPSHOTS = 10.0
"""At least, however many events there are."""
STRETCHES_PER_DOUBLING = 4
NEWEST = 2**63 - 1
"""As a position: nearest to it is the newest."""

logger = logging.getLogger(__name__)


class RouterSnapshots(Protocol):
    """Where they are kept: the newest and a trail that gets sparser with age. All raise LogUnreachable."""

    async def save(self, position: int, facts: bytes) -> None:
        """Stores what was known when the log had been read up to the position, and lets go of what is `surplus`.

        Safe to repeat. Stores nothing where the log has no event at the position.
        """

    async def nearest(self, position: int) -> tuple[bytes, int] | None:
        """The newest that was taken at or before the position, and where it was taken.

        Only one that the log confirms: of a log that has been restored to an earlier state, or gone another way since,
        nothing is given back that this log does not say.
        """


def decoded(facts: bytes) -> Facts:
    """Raises msgspec.MsgspecError."""
    return msgspec.msgpack.decode(facts, type=Facts)


def surplus(positions: Collection[int]) -> list[int]:
    """Those of the snapshots that are not worth their room: `[10, 20, 30, …, 990]` keeps some twenty of hundred.

    The log is cut into stretches, the longer the older they are, and the earliest snapshot of each stays. So whoever
    begins at one of them reads at most a fraction of the events that have come since, and all of them together grow
    with the logarithm of the log.
    """
    newest = max(positions, default=0)
    stretches: set[tuple[int, int]] = set()
    gone: list[int] = []
    for position in sorted(positions):
        doublings = max(1, (newest - position) // STRETCHES_PER_DOUBLING).bit_length() - 1
        stretch = (doublings, position >> doublings)
        if stretch in stretches:
            gone.append(position)
        stretches.add(stretch)
    return gone


class Trail:
    """The router's own way to its snapshots: takes one now and then, and stores it beside the router's work."""

    def __init__(
        self,
        snapshots: RouterSnapshots,
        events_between: int = EVENTS_BETWEEN_SNAPSHOTS,
        seconds_between: float = SECONDS_BETWEEN_SNAPSHOTS,
    ) -> None:
        self._snapshots = snapshots
        self._events_between = events_between
        self._seconds_between = seconds_between
        self._newest = 0
        self._not_before = 0.0  # in the loop's time, which nobody sets back
        self._saving: asyncio.Task[None] | None = None

    async def load(self) -> tuple[Facts, int]:
        """The newest facts and the position they were taken at; none at 0 where there is no snapshot."""
        found = await self._snapshots.nearest(NEWEST)
        if found is None:
            return Facts(), 0
        stored, position = found
        try:
            facts = decoded(stored)
        except msgspec.MsgspecError as error:
            logger.warning("the router's snapshot at position %d cannot be read: %s", position, error)
            return Facts(), 0
        self._newest = position
        return facts, position

    def keep(self, facts: Facts, position: int) -> None:
        """Takes a snapshot if one is due. The facts are copied at once and stored in a task of their own."""
        loop = asyncio.get_running_loop()
        is_saving = self._saving is not None and not self._saving.done()
        if position - self._newest < self._events_between or is_saving or loop.time() < self._not_before:
            return
        self._newest, self._not_before = position, loop.time() + self._seconds_between
        self._saving = loop.create_task(self._save(position, msgspec.msgpack.encode(facts)), name="router snapshot")

    async def stop(self) -> None:
        """Gives up what is being stored."""
        if self._saving is not None:
            self._saving.cancel()
            await asyncio.wait([self._saving])

    async def _save(self, position: int, stored: bytes) -> None:
        try:
            await self._snapshots.save(position, stored)
        except Exception:
            logger.exception("the router's snapshot at position %d was not stored; a later one will be", position)
