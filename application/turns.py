"""Turns: those who would change the same stream in this process go one after the other, instead of into a conflict."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager


class Turns:
    """One turn a stream. Not needed for safety, which the log sees to; it spares a burst its conflicts."""

    def __init__(self) -> None:
        self._held: dict[str, asyncio.Future[None]] = {}

    @asynccontextmanager
    async def of(self, streams: Iterable[str]) -> AsyncIterator[None]:
        """All of these turns, taken in one order by everybody, so that nobody waits in a circle. Not to be nested."""
        mine: list[str] = []
        try:
            for stream in sorted(set(streams)):
                while (turn := self._held.get(stream)) is not None:
                    await asyncio.wait((turn,))
                self._held[stream] = asyncio.get_running_loop().create_future()
                mine.append(stream)
            yield
        finally:
            for stream in mine:
                self._held.pop(stream).set_result(None)
