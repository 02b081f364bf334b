"""The one loop: gives one reaction every event after its position, in order, in batches."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import Protocol, runtime_checkable

from application.log import Log, UnreadableEvent
from domain.event import Recorded

BATCH_MAX = 4_000
"""Events given to a reaction at once."""
WAIT_SECONDS = 5.0
"""For one wait for events. The log looks out for all who wait together; who waited in vain looks by itself."""
RETRY_SECONDS_MAX = 5.0
RUSH_POSITIONS = 32
"""A step over more than so many positions of the log shows a rush."""
RUSH_SECONDS_PER_POSITION = 0.00045
"""In a rush the next batch may gather so long for each of the others: a step costs more than its events do. At fewer
than 2,200 events a second this dies down, at more it grows to the most."""
RUSH_SECONDS_MAX = 0.2

logger = logging.getLogger(__name__)


class Reaction(Protocol):
    """Something that happens because of events."""

    @property
    def name(self) -> str:
        """Under which its position is kept and shown."""

    @property
    def topics(self) -> Collection[str]:
        """The topics it cares about; empty: all."""

    async def start(self) -> int:
        """Gets ready and returns the position after which it wants events."""

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        """Reacts to the events, in order; the batch is complete up to the position, and may be empty."""


@runtime_checkable
class ParksUnreadable(Protocol):
    """A reaction that keeps account of events it could not be given."""

    async def park_unreadable(self, error: UnreadableEvent) -> None:
        """Notes it, and that everything up to its position is taken."""


@runtime_checkable
class WorksBeside(Protocol):
    """A reaction that acts in its own time on what it has followed."""

    async def work(self) -> None:
        """Runs as long as the following does, until it is cancelled."""


class Follower:
    """Runs one reaction along the log. Whatever goes wrong is told, waited out and tried again from its position."""

    def __init__(
        self,
        log: Log,
        reaction: Reaction,
        batch_max: int = BATCH_MAX,
        *,
        gather_seconds: float = 0.0,
        rush_seconds_max: float = RUSH_SECONDS_MAX,
    ) -> None:
        self.reaction = reaction
        self.position = -1
        """Up to where the reaction has taken the log; -1 before it started."""
        self.unreadable = 0
        """Events passed because they cannot be decoded."""
        self._log = log
        self._batch_max = batch_max
        self._gather_seconds = gather_seconds
        self._rush_seconds_max = rush_seconds_max
        self._pause_seconds = gather_seconds
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Follows until it is cancelled; from then on it stands nowhere, as another process may follow instead."""
        beside = asyncio.create_task(self.reaction.work()) if isinstance(self.reaction, WorksBeside) else None
        try:
            await self._run()
        finally:
            self.position = -1
            if beside is not None:
                beside.cancel()
                await asyncio.wait([beside])

    async def _run(self) -> None:
        pause = 0.1
        while True:
            try:
                self.position = await self.reaction.start()
                self._announce()
                while True:
                    await self.step(WAIT_SECONDS)
                    pause = 0.1
            except Exception:
                logger.exception("follower %s stopped; it starts again at its position", self.reaction.name)
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY_SECONDS_MAX)

    async def step(self, wait_seconds: float = 0.0) -> bool:
        """Takes one batch, waiting so long for one. False if there was none."""
        if not await self._log.wait_past(self.position, wait_seconds):
            return False
        if self._pause_seconds > 0:
            await asyncio.sleep(self._pause_seconds)
        try:
            batch, upto = await self._log.read(self.position, self._batch_max, self.reaction.topics)
        except UnreadableEvent as error:
            await self._pass(error)
            return True
        if upto <= self.position:
            return False
        await self.reaction.take(batch, upto)
        self._pause_seconds = self._pause_after(len(batch), upto - self.position)
        self.position = upto
        self._announce()
        return True

    def _pause_after(self, events: int, positions: int) -> float:
        """How long the next batch may gather. Events that do not concern the reaction count too: they woke it."""
        if events == self._batch_max or positions >= self._batch_max:
            return 0.0  # it is behind: whoever fell out of the log's tail would have to read it back
        rush_seconds = min(self._rush_seconds_max, (positions - RUSH_POSITIONS) * RUSH_SECONDS_PER_POSITION)
        return max(self._gather_seconds, rush_seconds)

    async def _pass(self, error: UnreadableEvent) -> None:
        """One event that nobody can read must not stop all that come after it."""
        logger.error(
            "%s passes position %d (%s), which cannot be read", self.reaction.name, error.position, error.topic
        )
        self.unreadable += 1
        if isinstance(self.reaction, ParksUnreadable):
            await self.reaction.park_unreadable(error)
        else:
            await self.reaction.take([], error.position)
        self.position = error.position
        self._announce()

    async def catch_up(self, position: int | None = None) -> None:
        """Takes everything up to the position, or up to the log's head as it stands now."""
        target = await self._log.head() if position is None else position
        if self.position < 0:
            self.position = await self.reaction.start()
        while self.position < target:
            await self.step()

    async def reached(self, position: int, wait_seconds: float) -> bool:
        """Waits until the reaction has taken the position. False if the time is over."""
        if self.position >= position:
            return True
        try:
            async with asyncio.timeout(wait_seconds):
                while self.position < position:
                    await self._moved.wait()
        except TimeoutError:
            return False
        return True

    def _announce(self) -> None:
        """Wakes all who wait now; they look at the position before they wait on the next."""
        self._moved.set()
        self._moved = asyncio.Event()
