"""The reader of deliveries: behind the door, in their order, and no account waits for another."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from api.doors.delivery_taking import DeliveryTaking
from api.metrics import Metrics
from application.exchange.deliveries import Deliveries, DeliveryState, Kept
from application.log import LogUnreachable
from infrastructure.stopping import stop

POLL_SECONDS = 1.0
"""For wake-ups that were lost, and for what is due at a later time."""
DUE_MAX = 500
"""Deliveries looked at together."""
LANES_MAX = 16
"""Lanes under way at once. A lane are the deliveries that may be for the same accounts."""
TOGETHER_MAX, TOGETHER_BYTES_MAX = 100, 4_194_304
TOGETHER_WITHIN = timedelta(seconds=1)
"""What is taken in together counts as received at the same time."""
EXPIRED_MAX = 500
EXPIRE_SECONDS = 30.0

logger = logging.getLogger(__name__)
Lane = tuple[str, ...]


class DeliveryReader:
    """Reads what is due until it is cancelled. One process at a time runs it; a second would do no harm."""

    def __init__(
        self,
        deliveries: Deliveries,
        taking: DeliveryTaking,
        clock: Callable[[], datetime],
        metrics: Metrics,
        retention: timedelta,
    ) -> None:
        self.on_settled: list[Callable[[int], None]] = []
        """Called with the number of deliveries that were read."""
        self._deliveries = deliveries
        self._taking = taking
        self._clock = clock
        self._metrics = metrics
        self._retention = retention
        self._lanes: dict[Lane, asyncio.Task[None]] = {}
        self._looking = asyncio.Lock()
        self._moved = asyncio.Event()

    def nudge(self) -> None:
        """There may be something new."""
        self._moved.set()

    async def run(self) -> None:
        """Until it is cancelled. Begins with all that was put off: why it was, the process before knew."""
        try:
            await self._deliveries.wake(self._clock())
            self._taking.release(self._taking.releasable(datetime.max.replace(tzinfo=UTC)))
            upkeep_at = asyncio.get_running_loop().time()
            while True:
                self._moved.clear()
                try:
                    await self._wake_resumed()
                    if asyncio.get_running_loop().time() >= upkeep_at:
                        upkeep_at += 0 if await self.expire() == EXPIRED_MAX else EXPIRE_SECONDS
                    await self._begin()
                except LogUnreachable as error:
                    logger.warning("the reader of deliveries waits: %s", type(error).__name__)
                await self._wait()
        finally:
            await stop(self._lanes.values())
            self._lanes.clear()  # one that was cancelled before it began could not do that itself

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._moved.wait()
        except TimeoutError:
            return

    async def catch_up(self) -> None:
        """Takes all that is due at this moment. Raises LogUnreachable."""
        await self._wake_resumed()
        while await self._begin():
            await asyncio.gather(*self._lanes.values())

    async def expire(self) -> int:
        """Removes some of what is read or parked and older than the retention. Returns how many.

        Raises LogUnreachable.
        """
        removed = await self._deliveries.expire(self._clock() - self._retention, EXPIRED_MAX)
        for state, count in removed.items():
            self._metrics.deliveries_expired.labels(state).inc(count)
            if state is not DeliveryState.DONE:
                logger.warning("%d deliveries expired %s: nobody will read them", count, state)
        return sum(removed.values())

    async def _wake_resumed(self) -> None:
        """What waited for an account that works again is due."""
        now = self._clock()
        if free := self._taking.releasable(now):
            await self._deliveries.wake(now, free)
            self._taking.release(free)

    async def _begin(self) -> bool:
        """Starts on what is due, without the lanes under way. False where there is neither."""
        async with self._looking:
            is_under_way = bool(self._lanes)
            due = await self._deliveries.due(self._clock(), DUE_MAX, besides=tuple(self._lanes))
            lanes: dict[Lane, list[Kept]] = {}
            for kept in due:
                lanes.setdefault(kept.account_ids, []).append(kept)
            fresh = [lane for lane in lanes if lane not in self._lanes][: max(0, LANES_MAX - len(self._lanes))]
            for lane in fresh:
                self._lanes[lane] = asyncio.create_task(self._take(lane, lanes[lane]), name="deliveries")
            if fresh and len(due) == DUE_MAX:  # behind those may be others, who need not wait for them
                self._moved.set()
            return is_under_way or bool(fresh)

    async def _take(self, lane: Lane, several: Sequence[Kept]) -> None:
        try:
            for together in _together(several):
                contents = await self._deliveries.contents([one.number for one in together])
                waiting = [(one, contents[one.number]) for one in together if one.number in contents]
                if waiting:
                    await self._deliveries.settle(await self._taking.take(waiting, self._clock()))
                    for listener in self.on_settled:
                        listener(len(waiting))
        except LogUnreachable as error:
            logger.warning("deliveries wait: %s", type(error).__name__)
        except Exception:
            logger.exception("deliveries could not be settled; they are read again")
        else:
            self._moved.set()  # there may be more in this lane
        finally:
            self._lanes.pop(lane, None)


def _together(several: Sequence[Kept]) -> Iterator[list[Kept]]:
    """In order, as many at once as came together and fit into memory."""
    batch: list[Kept] = []
    size_bytes = 0
    for one in several:
        size_bytes += one.size_bytes
        if batch and (
            len(batch) >= TOGETHER_MAX
            or size_bytes > TOGETHER_BYTES_MAX
            or one.received_at - batch[0].received_at > TOGETHER_WITHIN
        ):
            yield batch
            batch, size_bytes = [], one.size_bytes
        batch.append(one)
    if batch:
        yield batch
