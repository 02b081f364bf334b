"""The way out of the log: by position, by stream, by claim, and waiting for more."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence

import msgspec

from application.log import LogUnreachable, UnreadableEvent
from domain.event import Recorded
from infrastructure.log.columns import BytesColumn, NumberColumn, TextColumn
from infrastructure.log.keys import KeyRing
from infrastructure.log.mapper import BrokenSeal, EventMapper, Row
from infrastructure.log.pool import ReadPool
from infrastructure.log.tail import Tail

logger = logging.getLogger(__name__)

_AFTER = """
SELECT notification_id, originator_id, originator_version, topic, state FROM onethread_events
WHERE notification_id > %s ORDER BY notification_id LIMIT %s
"""

# Looks at a bounded stretch of the log, however few of its events have the topics, and always says how far it looked.
_AFTER_WITH_TOPICS = """
WITH stretch AS MATERIALIZED (
    SELECT max(notification_id) AS upto
    FROM (SELECT notification_id FROM onethread_events WHERE notification_id > %(after)s
          ORDER BY notification_id LIMIT %(stretch)s) AS looked_at
)
SELECT notification_id, originator_id, originator_version, topic, state, upto
FROM stretch LEFT JOIN onethread_events
    ON notification_id > %(after)s AND notification_id <= upto AND topic = ANY (%(topics)b)
ORDER BY notification_id LIMIT %(limit)s
"""

_STREAM = """
SELECT notification_id, originator_id, originator_version, topic, state FROM onethread_events
WHERE originator_id = %s AND originator_version > %s ORDER BY originator_version
"""

# Ordered inside, so that the planner cannot take it apart: each stream is a walk along the primary key.
_STREAMS = """
SELECT stored.* FROM unnest(%b::text[], %b::bigint[]) AS wanted (stream, version) CROSS JOIN LATERAL (
    SELECT notification_id, originator_id, originator_version, topic, state FROM onethread_events
    WHERE originator_id = wanted.stream AND originator_version > wanted.version ORDER BY originator_version
) AS stored
"""

_AT = """
SELECT notification_id, originator_id, originator_version, topic, state FROM onethread_events
WHERE notification_id = %s
"""

_HEAD = "SELECT coalesce(max(notification_id), 0) FROM onethread_events"

_CLAIMED = "SELECT key, position, fingerprint FROM onethread_claims WHERE key = ANY (%b)"


class ReaderLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the reader keeps and asks for at most."""

    tail_events_max: int = 20_000
    """Newest events kept in memory, about 1 KB each with a small payload."""
    tail_bytes_max: int = 32 * 1024 * 1024
    """The same, by their size as stored; decoded they take about twice as much."""
    catch_up_events_max: int = 1_000
    """Events the tail takes from the database at once."""
    stretch_events_max: int = 5_000
    """Events that one read by topics looks at."""
    keys_max: int = 100_000
    """Keys of streams kept in memory, about 3 KB each."""
    connections_max: int = 4
    """Connections to the database for reads."""
    query_timeout_seconds: float = 15
    """Longest wait for an answer of the database."""
    poll_seconds: float = 0.25
    """How often the database is asked for a new head while someone waits: the safety net below nudges."""


class LogReader:
    """Reads the log, the newest events from memory."""

    def __init__(self, pool: ReadPool, mapper: EventMapper, keys: KeyRing, limits: ReaderLimits) -> None:
        self._pool = pool
        self._mapper = mapper
        self._keys = keys
        self._limits = limits
        self._tail = Tail(limits.tail_events_max, limits.tail_bytes_max)
        self._catching_up = asyncio.Lock()
        self._asked = self._answered = 0
        self._head = 0
        self._grown = asyncio.Event()
        self._nudged = asyncio.Event()
        self._waiting = 0
        self._poll: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begins the tail at the head. Raises LogUnreachable."""
        self._tail.restart(await self.head())

    async def close(self) -> None:
        """Stops polling."""
        if self._poll is not None:
            self._poll.cancel()
            await asyncio.gather(self._poll, return_exceptions=True)

    async def read(self, after: int, limit: int, topics: Collection[str] = ()) -> tuple[list[Recorded], int]:
        """As `application.log.Log.read`. Raises UnreadableEvent when the first event cannot be decoded."""
        if after >= self._tail.end or self._head > self._tail.end:
            await self._catch_up()
        taken = self._tail.take(after, limit, topics)
        return taken if taken is not None else await self._read_stored(after, limit, topics)

    async def read_stream(self, stream: str, after_version: int = 0) -> list[Recorded]:
        """As `application.log.Log.read_stream`. Raises UnreadableEvent."""
        rows = await self._pool.execute(_STREAM, (stream, after_version))
        return await self._open_all(rows)

    async def read_streams(self, after_versions: Mapping[str, int]) -> list[Recorded]:
        """As `application.log.Log.read_streams`. Raises UnreadableEvent."""
        streams, versions = TextColumn(list(after_versions)), NumberColumn(list(after_versions.values()))
        return await self._open_all(await self._pool.execute(_STREAMS, (streams, versions)))

    async def at(self, position: int) -> Recorded | None:
        """As `application.log.Log.at`. Raises UnreadableEvent."""
        rows = await self._pool.execute(_AT, (position,))
        return (await self._open_all(rows))[0] if rows else None

    async def claimed(self, keys: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
        """As `application.log.Log.claimed`."""
        rows = await self._pool.execute(_CLAIMED, (BytesColumn(keys),))
        return {key: (position, fingerprint) for key, position, fingerprint in rows}

    async def head(self) -> int:
        """As `application.log.Log.head`."""
        head: int = (await self._pool.execute(_HEAD))[0][0]
        self._grow(head)
        return head

    async def wait_past(self, position: int, wait_seconds: float) -> bool:
        """As `application.log.Log.wait_past`."""
        if self._head > position:  # as whoever has just gathered for a while finds it
            return True
        self._waiting += 1
        if self._poll is None or self._poll.done():
            self._poll = asyncio.create_task(self._poll_while_waited_for(), name="log poll")
        try:
            async with asyncio.timeout(wait_seconds):
                while self._head <= position:
                    await self._grown.wait()
        except TimeoutError:
            return await self.head() > position
        finally:
            self._waiting -= 1
        return True

    def nudge(self, position: int = 0) -> None:
        """Says that another process has appended up to the position, or may have, so that waiting readers look at once.

        The position is only believed until somebody has looked.
        """
        if position:
            self._grow(position)
        else:
            self._nudged.set()

    def appended(self, after: int | None, events: Sequence[Recorded], sizes_bytes: Sequence[int]) -> None:
        """Takes what this process has just made durable; `after` is None when it is not known what came before."""
        if after is not None:
            self._tail.extend(after, events, sizes_bytes)
        self._grow(events[-1].position)

    def forget(self, stream: str) -> None:
        """Lets go of what the stream said: its key has been destroyed."""
        self._keys.forget(stream)
        self._tail.restart(self._tail.end)

    def _grow(self, head: int) -> None:
        if head > self._head:
            self._head = head
            self._grown.set()  # wakes all who wait now; they look at the head again before they wait on the next
            self._grown = asyncio.Event()

    async def _catch_up(self) -> None:
        """Lets the tail take what other processes appended. Readers that ask at the same time share one query."""
        self._asked += 1
        mine = self._asked
        async with self._catching_up:
            if self._answered >= mine:  # a query that began after we asked has answered for us
                return
            asked, after, most = self._asked, self._tail.end, self._limits.catch_up_events_max
            rows = await self._pool.execute(_AFTER, (after, most))
            try:
                events = await self._open_all(rows)
            except UnreadableEvent:  # whoever reads there gets the error from the database; others need not
                self._tail.restart(await self.head())
                events = []
            if events:
                self._tail.extend(after, events, [len(row[4]) for row in rows])
                self._grow(events[-1].position)
            elif not rows:
                self._head = after  # whoever told of more was wrong
            self._answered = asked

    async def _read_stored(self, after: int, limit: int, topics: Collection[str]) -> tuple[list[Recorded], int]:
        if topics:
            stretch = max(limit, self._limits.stretch_events_max)
            parameters = {"after": after, "limit": limit, "stretch": stretch, "topics": TextColumn(list(topics))}
            found = await self._pool.execute(_AFTER_WITH_TOPICS, parameters)
            rows = [row[:5] for row in found if row[0] is not None]
            upto = rows[-1][0] if len(rows) == limit else found[0][5] or after
        else:
            rows = await self._pool.execute(_AFTER, (after, limit))
            upto = rows[-1][0] if rows else after
        try:
            return await self._open_all(rows), upto
        except UnreadableEvent as error:
            readable = [row for row in rows if row[0] < error.position]
            if not readable:
                raise
            return await self._open_all(readable), error.position - 1

    async def _open_all(self, rows: Sequence[Row]) -> list[Recorded]:
        keys = await self._keys.of({row[1] for row in rows})
        opened = []
        for row in rows:
            try:
                opened.append(self._mapper.open(row, keys.get(row[1])))
            except BrokenSeal:  # the key held here may have been destroyed and replaced since
                opened.append(self._mapper.open(row, await self._keys.refresh(row[1])))
        return opened

    async def _poll_while_waited_for(self) -> None:
        while self._waiting:
            try:
                async with asyncio.timeout(self._limits.poll_seconds):
                    await self._nudged.wait()
            except TimeoutError:
                pass
            self._nudged.clear()
            try:
                await self.head()
            except LogUnreachable as error:
                logger.warning("cannot look for new events: %s", error)
