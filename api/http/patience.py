"""What requests that come in pieces may take of us: time, without a timer of its own for each, and room in memory."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from api.http.refusals import NoRoom

T = TypeVar("T")
TICK_SECONDS = 1.0


class Patience:
    """Ends waits that last longer than so many seconds, a tick later at most.

    One timer looks after all who wait: one for each costs more than reading a small body does.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._since: dict[asyncio.Task[object], float] = {}
        """When each began to wait, the longest first."""
        self._ended: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def wait_for(self, awaited: Awaitable[T]) -> T:
        """What is awaited. Raises TimeoutError when it takes too long."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # coroutines run in one
        self._since[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(TICK_SECONDS, self._tick)
        try:
            return await awaited
        except asyncio.CancelledError:
            if task in self._ended and task.uncancel() == 0:
                raise TimeoutError from None
            raise
        finally:
            self._since.pop(task, None)
            self._ended.discard(task)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        latest = loop.time() - self.seconds
        for task, since in list(self._since.items()):
            if since > latest:
                break
            del self._since[task]
            self._ended.add(task)
            task.cancel()
        self._timer = loop.call_later(TICK_SECONDS, self._tick) if self._since else None


class Room:
    """How many bytes the bodies of all requests under way may take together. A body alone always has room."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self.held_bytes = 0
        self._held: dict[asyncio.Task[object], int] = {}

    def take(self, size_bytes: int) -> None:
        """So much more of the body of the request that runs. Raises NoRoom."""
        task = asyncio.current_task()
        assert task is not None  # coroutines run in one
        own = self._held.get(task, 0)
        if self.held_bytes > own and self.held_bytes + size_bytes > self._bytes_max:
            raise NoRoom
        self._held[task] = own + size_bytes
        self.held_bytes += size_bytes

    def leave(self) -> None:
        """The request that runs is over."""
        task = asyncio.current_task()
        if self._held and task is not None:
            self.held_bytes -= self._held.pop(task, 0)
