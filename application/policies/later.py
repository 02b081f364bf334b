"""What is done some time after its event, unless something else comes first: followed, looked at, and done when due."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar, Generic, Protocol, TypeVar

from application.commands import Command, Contended
from application.log import LogBusy, LogUnreachable, UnreadableEvent
from application.positions import Positions
from domain.event import Recorded, RuleBroken

PENDING_MAX = 10_000
"""At once; with more, the oldest are done early."""

logger = logging.getLogger(__name__)


class Pending(Protocol):
    """Something that is to be done."""

    @property
    def due_at(self) -> datetime: ...

    @property
    def position(self) -> int:
        """Of the event that began it."""


P = TypeVar("P", bound=Pending)


class Later(Generic[P]):
    """A reaction that says in `follow` what is pending, and does it in `act`. That must be safe to repeat.

    What is pending is found again after a restart: the position that is kept stays before the oldest of it.
    """

    name: ClassVar[str]
    look_seconds: ClassVar[float]

    def __init__(self, positions: Positions, clock: Callable[[], datetime]) -> None:
        self.pending: dict[str, P] = {}
        """In the order in which they began or changed."""
        self._positions = positions
        self._clock = clock
        self._upto = 0

    async def follow(self, recorded: Recorded) -> None:
        """Puts into `pending` what the event begins, and takes out what it ends."""
        raise NotImplementedError

    async def act(self, command: Command, one: P) -> None:
        """Does it. Raises RuleBroken, UnreadableEvent where it cannot be done, LogBusy, LogUnreachable, Contended."""
        raise NotImplementedError

    async def start(self) -> int:
        self._upto = await self._positions.load(self.name)
        self.pending.clear()
        return self._upto

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        for recorded in batch:
            await self.follow(recorded)
        self._upto = upto
        if batch:
            await self._save()

    async def work(self) -> None:
        """Looks every so many seconds, until it is cancelled."""
        while True:
            await asyncio.sleep(self.look_seconds)
            try:
                await self.look()
            except Exception:
                logger.exception("%s failed; it looks again", self.name)

    async def look(self) -> None:
        """Does what is due at this moment."""
        now, surplus = self._clock(), len(self.pending) - PENDING_MAX
        due = [(key, one) for nth, (key, one) in enumerate(self.pending.items()) if one.due_at <= now or nth < surplus]
        for key, one in due:
            try:
                await self.act(Command(actor=self.name, at=now, cause=one.position), one)
            except (LogBusy, LogUnreachable, Contended) as error:
                logger.warning("%s waits: %s", self.name, type(error).__name__)
                return
            except (RuleBroken, UnreadableEvent) as refusal:
                logger.info("%s leaves what began at position %d: %s", self.name, one.position, refusal)
            if self.pending.get(key) is one:  # nothing came of it meanwhile
                del self.pending[key]
        if due:
            await self._save()

    async def _save(self) -> None:
        await self._positions.save(self.name, min([self._upto, *(one.position - 1 for one in self.pending.values())]))
