"""The log on PostgreSQL: the port of `application.log`, put together from the parts of this package."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

import psycopg

from application.log import Claim, Context, LogUnreachable, Outcome, Write
from domain.event import Recorded
from infrastructure.log.calls import Calls
from infrastructure.log.keys import KeyRing, MasterKeys
from infrastructure.log.mapper import EventMapper
from infrastructure.log.pool import ReadPool
from infrastructure.log.reader import LogReader, ReaderLimits
from infrastructure.log.recorder import create_tables
from infrastructure.log.request import Request, Requests
from infrastructure.log.snapshots import PostgresSnapshots
from infrastructure.log.writer import AppendObserver, GroupCommitWriter, WriterLimits


class PostgresLog:
    """The one log. Open it once in each process, on the loop that uses it.

    `database_url` must lead to the database itself: a pooler that shares sessions between transactions breaks the
    search for lost answers. `master_keys`: 32 bytes each, the first wraps, the others only unwrap. `clock`: aware now.
    """

    def __init__(
        self,
        database_url: str,
        master_keys: Sequence[bytes],
        clock: Callable[[], datetime],
        *,
        writer_limits: WriterLimits = WriterLimits(),  # noqa: B008  # frozen
        reader_limits: ReaderLimits = ReaderLimits(),  # noqa: B008  # frozen
        observer: AppendObserver | None = None,
    ) -> None:
        self._database_url = database_url
        self.pool = ReadPool(database_url, reader_limits.connections_max, reader_limits.query_timeout_seconds)
        self._keys = KeyRing(MasterKeys(master_keys), self.pool.wrapped_keys, reader_limits.keys_max)
        self._mapper = EventMapper(self._keys.held)
        self._requests = Requests(self._mapper, self._keys, clock)
        self._writer = GroupCommitWriter(Calls(database_url), self._durable, writer_limits, observer)
        self._reader = LogReader(self.pool, self._mapper, self._keys, reader_limits)
        self.snapshots = PostgresSnapshots(self.pool, self._keys)
        self.on_appended: list[Callable[[int], None]] = []
        """Called with the newest position after each durable call of this process, so that others can be told."""

    async def open(self) -> None:
        """Makes the tables where they are missing, connects, and begins to take appends. Raises LogUnreachable."""
        try:
            await asyncio.to_thread(create_tables, self._database_url)
            await self.pool.open()
            await self._reader.open()
            await self._writer.start()
        except BaseException as error:
            await self.close()
            if isinstance(error, psycopg.OperationalError):
                raise LogUnreachable(str(error)) from error
            raise

    async def close(self) -> None:
        """Finishes the appends it accepted, then disconnects."""
        await self._writer.stop()
        await self._reader.close()
        await self.pool.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def append(self, writes: Sequence[Write], claims: Sequence[Claim] = (), *, context: Context) -> Outcome:
        """As `application.log.Log.append`."""
        return await (await self.submit(writes, claims, context=context))

    async def submit(
        self, writes: Sequence[Write], claims: Sequence[Claim] = (), *, context: Context
    ) -> asyncio.Future[Outcome]:
        """As `application.log.Log.submit`."""
        request = await self._requests.make(writes, claims, context)
        outcome = self._writer.submit(request)
        self._requests.submitted(request)
        return outcome

    async def read(self, after: int, limit: int, topics: Collection[str] = ()) -> tuple[list[Recorded], int]:
        """As `application.log.Log.read`.

        Raises UnreadableEvent when the first event behind `after` cannot be decoded; the answer ends before one
        that comes later.
        """
        return await self._reader.read(after, limit, topics)

    async def read_stream(self, stream: str, after_version: int = 0) -> list[Recorded]:
        """As `application.log.Log.read_stream`. Raises UnreadableEvent."""
        return await self._reader.read_stream(stream, after_version)

    async def read_streams(self, after_versions: Mapping[str, int]) -> list[Recorded]:
        """As `application.log.Log.read_streams`. Raises UnreadableEvent."""
        return await self._reader.read_streams(after_versions)

    async def claimed(self, keys: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
        """As `application.log.Log.claimed`."""
        return await self._reader.claimed(keys)

    async def at(self, position: int) -> Recorded | None:
        """As `application.log.Log.at`. Raises UnreadableEvent."""
        return await self._reader.at(position)

    async def head(self) -> int:
        """As `application.log.Log.head`."""
        return await self._reader.head()

    async def wait_past(self, position: int, wait_seconds: float) -> bool:
        """As `application.log.Log.wait_past`."""
        return await self._reader.wait_past(position, wait_seconds)

    def nudge(self, position: int = 0) -> None:
        """Another process says that it has appended up to the position; 0: that it may have. Readers look at once."""
        self._reader.nudge(position)

    def forget(self, stream: str) -> None:
        """Drops from this process's memory what the stream said: its key has been destroyed."""
        self._reader.forget(stream)

    def _durable(self, after: int | None, stored: Sequence[tuple[Request, int]]) -> None:
        events: list[Recorded] = []
        sizes_bytes: list[int] = []
        for request, first_position in stored:
            for new_key in request.new_keys:
                self._keys.hold(new_key.stream, new_key.key)
            events += request.recorded(first_position)
            sizes_bytes += [len(sealed.state) for sealed in request.events]
        self._reader.appended(after, events, sizes_bytes)
        if events:
            for listener in self.on_appended:
                listener(events[-1].position)
