"""The port `application.exchange.deliveries` on PostgreSQL; deliveries that come at once share a commit."""

import asyncio
from asyncio import Future
from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from application.exchange.deliveries import Arrived, Backlog, DeliveryState, Kept, Settled, Wanted
from application.log import LogBusy, LogUnreachable
from infrastructure.deliveries import statements
from infrastructure.deliveries.sealing import place_of, seal, unseal
from infrastructure.deliveries.tables import create_table
from infrastructure.log.columns import BytesColumn, NumberColumn, TextColumn
from infrastructure.log.keys import MasterKeys
from infrastructure.log.pool import ReadPool
from infrastructure.views.cursors import read_cursor, write_cursor

CONNECTIONS_MAX = 4
STATEMENT_SECONDS_MAX = 10.0
NUMBER_MAX = 2**63 - 1


class StoreLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What may wait to be stored, and for how long. A provider that is refused delivers again."""

    waiting_max: int = 1_000
    """Deliveries."""
    waiting_bytes_max: int = 67_108_864
    wait_seconds_max: float = 5.0
    together_max: int = 128
    """Deliveries in one commit."""
    together_bytes_max: int = 8_388_608
    """The same, by size; a single one may be larger."""


class _Sealed(msgspec.Struct):
    arrived: Arrived
    wrapped_key: bytes
    sealed: bytes
    stored: "Future[None]"


class PostgresDeliveries:
    """The store of a process. It has connections of its own, so that no slow read holds up a provider."""

    def __init__(self, database_url: str, master_keys: Sequence[bytes], limits: StoreLimits = StoreLimits()) -> None:  # noqa: B008  # frozen
        self.on_moved: list[Callable[[], None]] = []
        """Called after each commit of new ones."""
        self._database_url = database_url
        self._masters = MasterKeys(master_keys)
        self._limits = limits
        self._pool = ReadPool(database_url, CONNECTIONS_MAX, STATEMENT_SECONDS_MAX)
        self._backlog: deque[_Sealed] = deque()
        self._held = 0  # in the backlog and in the commit under way
        self._held_bytes = 0
        self._storing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Makes the table where it is missing and connects. Raises LogUnreachable."""
        await asyncio.to_thread(create_table, self._database_url, statements.TABLE)
        await self._pool.open()

    async def close(self) -> None:
        """Finishes what is being stored, then disconnects."""
        if self._storing is not None:
            await self._storing
        await self._pool.close()

    async def store(self, arrived: Arrived) -> None:
        """As the port. Raises LogUnreachable where it takes too long; it may be stored all the same then."""
        size_bytes, limits = len(arrived.content), self._limits
        if self._held >= limits.waiting_max or self._held_bytes + size_bytes > limits.waiting_bytes_max:
            raise LogBusy(f"{self._held} deliveries wait to be stored")
        place = place_of(arrived.id, arrived.channel, arrived.account_ids)
        wrapped_key, sealed = seal(self._masters, arrived.id, place, arrived.content)
        one = _Sealed(arrived, wrapped_key, sealed, asyncio.get_running_loop().create_future())
        self._held += 1
        self._held_bytes += size_bytes
        self._backlog.append(one)
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store_all(), name="deliveries")
        try:
            async with asyncio.timeout(limits.wait_seconds_max):
                await one.stored
        except TimeoutError:
            raise LogUnreachable(f"not stored within {limits.wait_seconds_max:g} s") from None

    async def _store_all(self) -> None:
        while batch := self._gather():
            failure: Exception | None = None
            try:
                await self._pool.execute(statements.STORE, _columns(batch))
            except Exception as error:  # noqa: BLE001  # whatever it is, those who wait must hear of it
                failure = error
            for one in batch:
                self._release(one, failure)
            if failure is None:
                self.moved()

    def moved(self) -> None:
        """Tells those who read that there is something to look at."""
        for listener in self.on_moved:
            listener()

    def _gather(self) -> list[_Sealed]:
        """What goes into the next commit, oldest first, without those whose caller has gone."""
        batch: list[_Sealed] = []
        size_bytes = 0
        while self._backlog and len(batch) < self._limits.together_max:
            size_bytes += len(self._backlog[0].sealed)
            if batch and size_bytes > self._limits.together_bytes_max:
                break
            one = self._backlog.popleft()
            if one.stored.done():
                self._release(one, None)
            else:
                batch.append(one)
        return batch

    def _release(self, one: _Sealed, failure: Exception | None) -> None:
        self._held -= 1
        self._held_bytes -= len(one.arrived.content)
        if one.stored.done():
            return
        if failure is None:
            one.stored.set_result(None)
        else:
            one.stored.set_exception(failure)

    async def due(self, now: datetime, limit: int, *, besides: Collection[Sequence[str]] = ()) -> list[Kept]:
        """As the port."""
        lanes = TextColumn([" ".join(account_ids) for account_ids in besides])
        rows = await self._pool.execute(statements.DUE, {"now": now, "limit": limit, "besides": lanes})
        return [_kept(row) for row in rows]

    async def contents(self, numbers: Sequence[int]) -> dict[int, bytes | None]:
        """As the port."""
        rows = await self._pool.execute(statements.CONTENTS, (NumberColumn(numbers),))
        return {row[0]: self._opened(row) for row in rows}

    async def content(self, delivery_id: str) -> bytes | None:
        """As the port."""
        rows = await self._pool.execute(statements.CONTENT, (delivery_id,))
        return self._opened(rows[0]) if rows else None

    def _opened(self, row: Sequence[Any]) -> bytes | None:
        _, delivery_id, channel, account_ids, wrapped_key, sealed = row
        return unseal(self._masters, delivery_id, place_of(delivery_id, channel, account_ids), wrapped_key, sealed)

    async def settle(self, settled: Sequence[Settled]) -> None:
        """As the port. Safe to repeat."""
        columns = (
            NumberColumn([one.number for one in settled]),
            TextColumn([one.state for one in settled]),
            NumberColumn([one.attempts for one in settled]),
            TextColumn([one.error for one in settled]),
            TextColumn([one.next_attempt_at.isoformat() for one in settled]),
        )
        await self._pool.execute(statements.SETTLE, columns)

    async def wake(self, now: datetime, account_ids: Collection[str] | None = None) -> None:
        """As the port."""
        if account_ids is None:
            await self._pool.execute(statements.WAKE_ALL, {"now": now})
        else:
            await self._pool.execute(statements.WAKE, {"now": now, "account_ids": TextColumn(list(account_ids))})

    async def take_up_again(self, now: datetime, wanted: Wanted) -> int:
        """As the port."""
        parameters = {"now": now, "channel": wanted.channel, "account_id": wanted.account_id}
        return len(await self._pool.execute(statements.TAKE_UP_AGAIN, parameters))

    async def take_one_up_again(self, now: datetime, delivery_id: str) -> bool:
        """As the port."""
        return bool(await self._pool.execute(statements.TAKE_ONE_UP_AGAIN, {"now": now, "id": delivery_id}))

    async def get(self, delivery_id: str) -> Kept | None:
        """As the port."""
        rows = await self._pool.execute(statements.GET, (delivery_id,))
        return _kept(rows[0]) if rows else None

    async def page(
        self, wanted: Wanted, *, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[Kept], str | None]:
        """As the port."""
        before = NUMBER_MAX if cursor is None else read_cursor(cursor, "deliveries").position
        parameters = msgspec.structs.asdict(wanted) | {"before": before, "limit": limit + 1}
        kept = [_kept(row) for row in await self._pool.execute(statements.PAGE, parameters)]
        if len(kept) <= limit:
            return kept, None
        last = kept[limit - 1]
        return kept[:limit], write_cursor("deliveries", last.received_at, position=last.number)

    async def backlogs(self) -> dict[str, Backlog]:
        """As the port."""
        rows = await self._pool.execute(statements.BACKLOGS)
        return {row[0]: Backlog(waiting=row[1], parked=row[2], oldest_waiting_at=row[3]) for row in rows}

    async def expire(self, before: datetime, limit: int) -> dict[DeliveryState, int]:
        """As the port."""
        rows = await self._pool.execute(statements.EXPIRE, (before, limit))
        return Counter(DeliveryState(row[0]) for row in rows)


def _columns(batch: Sequence[_Sealed]) -> tuple[TextColumn | NumberColumn | BytesColumn, ...]:
    arrived = [one.arrived for one in batch]
    return (
        TextColumn([one.id for one in arrived]),
        TextColumn([one.received_at.isoformat() for one in arrived]),
        TextColumn([one.channel for one in arrived]),
        TextColumn([" ".join(one.account_ids) for one in arrived]),
        NumberColumn([len(one.content) for one in arrived]),
        BytesColumn([one.wrapped_key for one in batch]),
        BytesColumn([one.sealed for one in batch]),
    )


def _kept(row: Sequence[Any]) -> Kept:
    """From a row of `statements.GET`, whose columns are the fields in their order."""
    return msgspec.convert(dict(zip(Kept.__struct_fields__, row, strict=True)), Kept)
