"""Turns: those who would change the same stream in this process go one after the other, instead of into a conflict."""

import asyncio
from collections.abc import Iterable


class Turns:
    """One turn a stream. Not needed for safety, which the log sees to; it spares a burst its conflicts."""

    def __init__(self) -> None:
        self._held: dict[str, asyncio.Future[None]] = {}

    async def take(self, streams: Iterable[str]) -> set[str]:
        """The turns of those streams that are free now, at least one of them; the others are for a later round.

        Whoever takes gives back. Nobody waits while they hold a turn, so nobody waits in a circle.
        """
        wanted = set(streams)
        while wanted and wanted <= self._held.keys():
            await asyncio.wait([self._held[stream] for stream in wanted], return_when=asyncio.FIRST_COMPLETED)
        mine = wanted - self._held.keys()
        turn = asyncio.get_running_loop().create_future()
        for stream in mine:
            self._held[stream] = turn
        return mine

    def give_back(self, mine: Iterable[str]) -> None:
        """Lets those go on who wait for any of them."""
        for stream in mine:
            turn = self._held.pop(stream)
            if not turn.done():
                turn.set_result(None)
