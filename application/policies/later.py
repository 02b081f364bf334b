"""What is done some time after its event, unless something else comes first: followed, looked at, and done when due."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, Generic, Protocol, TypeVar

from typing_extensions import override

from application.commands import Command, Contended
from application.log import LogBusy, LogUnreachable, UnreadableEvent
from application.policies.whenever import Whenever
from application.positions import Positions
from domain.event import RuleBroken

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


class Later(Whenever, Generic[P]):
    """A reaction that puts into `pending` what an event begins, takes out of it what one ends, and does it in `act`.

    What is pending is found again after a restart: the position that is kept stays before the oldest of it.
    """

    look_seconds: ClassVar[float]

    def __init__(self, positions: Positions, clock: Callable[[], datetime]) -> None:
        super().__init__(positions, clock)
        self.pending: dict[str, P] = {}
        """In the order in which they began or changed."""
        self._upto = 0

    async def act(self, command: Command, one: P) -> None:
        """Does it. Raises RuleBroken, UnreadableEvent where it cannot be done, LogBusy, LogUnreachable, Contended."""
        raise NotImplementedError

    @override
    async def start(self) -> int:
        self._upto = await super().start()
        self.pending.clear()
        return self._upto

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
            await self._keep(self._upto)

    @override
    async def _keep(self, upto: int) -> None:
        self._upto = upto
        await super()._keep(min([upto, *(one.position - 1 for one in self.pending.values())]))
