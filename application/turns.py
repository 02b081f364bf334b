"""Turns: those who would change the same stream in this process go one after the other, instead of into a conflict."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager


class Turns:
    """One turn a stream. Not needed for safety, which the log sees to; it spares a burst its conflicts."""

    def __init__(self) -> None:
        self._held: dict[str, asyncio.Future[None]] = {}

    @asynccontextmanager
    async def of(self, streams: Iterable[str]) -> AsyncIterator[set[str]]:
        """The turns of those streams that are free now, at least one of them; the others are for a later round.

        Nobody waits while they hold a turn, so nobody waits in a circle.
        """
        wanted = set(streams)
        while wanted and wanted <= self._held.keys():
            await asyncio.wait([self._held[stream] for stream in wanted], return_when=asyncio.FIRST_COMPLETED)
        mine = wanted - self._held.keys()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held.update(dict.fromkeys(mine, turn))
        try:
            yield mine
        finally:
            for stream in mine:
                del self._held[stream]
            turn.set_result(None)
