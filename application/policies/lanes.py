"""Lanes: what waits to be done for each account, several at a time, so that no account holds up another."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import msgspec

AT_ONCE_MAX = 4
"""Of one lane. With files of the largest size, each takes three times its size in memory while it is sealed."""
WAITING_MAX = 1_000
"""Held in memory for one lane."""
AGAIN_SECONDS = 5.0
"""After something went wrong that nobody foresaw."""

logger = logging.getLogger(__name__)


class Waiting(msgspec.Struct):
    """One attachment that is not settled."""

    account_id: str
    position: int
    """Of the message that it came with."""
    index: int
    """Which of the message's attachments."""
    since: datetime
    tries: int = 0


class _Lane(msgspec.Struct):
    """One account's."""

    waiting: dict[tuple[int, int], Waiting]
    places: asyncio.Semaphore
    left_from: int | None = None
    """From this position on, it has not looked: it was full."""
    is_going_back: bool = False


Try = Callable[[Waiting], Awaitable[float | None]]
"""Settles it, or says in how many seconds it is to be tried again."""
ReadAgain = Callable[[int], Awaitable[tuple[list[Waiting], int]]]
"""What is not settled after a position, and up to where that is complete."""


class Lanes:
    """Tries each until it is settled; a lane that is full leaves the rest in the log and goes back for it."""

    def __init__(self, attempt: Try, read_again: ReadAgain, waiting_max: int = WAITING_MAX) -> None:
        self._attempt = attempt
        self._read_again = read_again
        self._waiting_max = waiting_max
        self._lanes: dict[str, _Lane] = {}
        self._upto = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def settled(self) -> int:
        """The position up to which nothing is left to do."""
        firsts = [position - 1 for lane in self._lanes.values() if (position := _first_of(lane)) is not None]
        return min([self._upto, *firsts])

    @property
    def waiting(self) -> int:
        """How many are held in memory."""
        return sum(len(lane.waiting) for lane in self._lanes.values())

    @property
    def oldest_since(self) -> datetime | None:
        """Since when the oldest of them has waited."""
        return min((one.since for lane in self._lanes.values() for one in lane.waiting.values()), default=None)

    def begin(self, position: int) -> None:
        """Takes what comes after the position. What is under way goes on, and is not taken twice."""
        self._upto = position

    def take(self, found: Sequence[Waiting], upto: int) -> None:
        """Puts each into its lane, and begins with it at once where there is a place."""
        for one in found:
            lane = self._lanes.get(one.account_id)
            if lane is None:
                lane = self._lanes[one.account_id] = _Lane({}, asyncio.Semaphore(AT_ONCE_MAX))
            if lane.left_from is None and not self._put(lane, one):
                lane.left_from = one.position
        self._upto = upto

    async def idle(self) -> None:
        """Returns when nothing is waiting."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Lets go of all, as nothing was promised to anybody; who starts next finds it again."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._lanes.clear()

    def _put(self, lane: _Lane, one: Waiting) -> bool:
        """False if there is no room."""
        key = (one.position, one.index)
        if key not in lane.waiting:
            if len(lane.waiting) >= self._waiting_max:
                return False
            lane.waiting[key] = one
            task = asyncio.get_running_loop().create_task(self._see_through(lane, one))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return True

    async def _see_through(self, lane: _Lane, one: Waiting) -> None:
        seconds = await self._once(lane, one)
        while seconds is not None:
            await asyncio.sleep(seconds)
            seconds = await self._once(lane, one)
        del lane.waiting[one.position, one.index]
        if not lane.is_going_back and len(lane.waiting) <= self._waiting_max // 2:
            lane.is_going_back = True
            try:
                await self._go_back(lane, one.account_id)
            finally:
                lane.is_going_back = False

    async def _once(self, lane: _Lane, one: Waiting) -> float | None:
        async with lane.places:
            one.tries += 1
            try:
                return await self._attempt(one)
            except Exception:
                logger.exception("media at position %d: it is tried again", one.position)
                return AGAIN_SECONDS

    async def _go_back(self, lane: _Lane, account_id: str) -> None:
        """Takes what the lane left, until it is full again or has caught up with the others."""
        while lane.left_from is not None and len(lane.waiting) < self._waiting_max:
            try:
                found, upto = await self._read_again(lane.left_from - 1)
            except Exception:
                logger.exception("the lane of %s goes back later", account_id)
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            for one in found:
                if one.account_id == account_id and not self._put(lane, one):
                    lane.left_from = one.position
                    break
            else:
                lane.left_from = upto + 1 if upto < self._upto else None


def _first_of(lane: _Lane) -> int | None:
    """The oldest position that the lane is not done with."""
    positions = [position for position, _ in lane.waiting]
    return min([*positions, *([] if lane.left_from is None else [lane.left_from])], default=None)
