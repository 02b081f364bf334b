"""What is done whenever something has happened: one event after the other, whatever becomes of the one before."""

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import ClassVar

from application.commands import Command
from application.log import UnreadableEvent
from application.positions import Positions
from domain.event import Recorded

logger = logging.getLogger(__name__)


class Whenever:
    """A reaction that says in `react` what follows from an event. That must be safe to repeat.

    Whoever cannot be read is left out, so that the others are served.
    """

    name: ClassVar[str]
    topics: ClassVar[Collection[str]]

    def __init__(self, positions: Positions, clock: Callable[[], datetime]) -> None:
        self._positions = positions
        self._clock = clock

    async def react(self, recorded: Recorded) -> None:
        """Does what follows from the event. Raises UnreadableEvent where nobody can tell what that is."""
        raise NotImplementedError

    async def start(self) -> int:
        return await self._positions.load(self.name)

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        for recorded in batch:
            try:
                await self.react(recorded)
            except UnreadableEvent as error:
                logger.warning("%s leaves what came at position %d: %s", self.name, recorded.position, error)
        if batch:
            await self._keep(upto)

    async def _keep(self, upto: int) -> None:
        """Everything up to there has been reacted to."""
        await self._positions.save(self.name, upto)

    def _because_of(self, recorded: Recorded) -> Command:
        return Command(actor=self.name, at=self._clock(), cause=recorded.position, correlation=recorded.correlation)
