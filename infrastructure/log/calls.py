"""The writer's connection: many appends in one call, and what became of a call whose answer was lost."""

import asyncio
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from application.log import AlreadyClaimed, Appended, Conflict, LogUnreachable, Outcome
from infrastructure.log.columns import BytesColumn, NumberColumn, TextColumn, register_columns
from infrastructure.log.request import Request, Sealed

_APPEND = """
SELECT request, outcome, stream, claim_key, fingerprint, at_position FROM onethread_events_append(
    %b, %b, %b,  %b, %b, %b, %b,  %b, %b, %b,  %b, %b, %b, %b, %b)
"""

# Which backend serves this connection; a process id alone may come back as someone else's.
_WHO_AM_I = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"

# Ends the backend of a broken connection and waits until it is gone, so that it can no longer commit.
_END_BACKEND = "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity WHERE pid = %s AND backend_start = %s"

# The seals tell which of these events were stored by us: no two seals are ever the same.
_FIND = """
SELECT wanted.nth, stored.notification_id
FROM unnest(%b::text[], %b::bigint[], %b::bytea[]) WITH ORDINALITY AS wanted (stream, version, state, nth)
JOIN onethread_events AS stored ON stored.originator_id = wanted.stream
    AND stored.originator_version = wanted.version AND stored.state = wanted.state
"""

_SESSION = "-c synchronous_commit=on -c statement_timeout={statement_ms} -c idle_in_transaction_session_timeout=10000"


class ConnectionLost(Exception):
    """The connection broke; whether the call under way was committed is not known."""


class Calls:
    """Owns one connection at a time. Used by one task."""

    def __init__(self, database_url: str, connect_timeout_seconds: int = 5, call_timeout_seconds: float = 15) -> None:
        self._database_url = database_url
        self._connect_timeout_seconds = connect_timeout_seconds
        self._call_timeout_seconds = call_timeout_seconds
        self._connection: AsyncConnection[TupleRow] | None = None
        self._backend: tuple[Any, ...] | None = None

    async def connect(self) -> None:
        """A fresh connection; the backend of the one before can then do nothing more. Raises ConnectionLost."""
        await self.close()
        try:
            async with asyncio.timeout(2 * self._connect_timeout_seconds):
                connection = await AsyncConnection.connect(
                    self._database_url,
                    autocommit=True,
                    connect_timeout=self._connect_timeout_seconds,
                    options=_SESSION.format(statement_ms=round(self._call_timeout_seconds * 1000)),
                    application_name="onethread writer",
                    keepalives_idle=5,
                    keepalives_interval=2,
                    keepalives_count=3,
                )
        except (psycopg.Error, OSError, TimeoutError) as error:
            raise ConnectionLost(str(error)) from error
        self._connection = connection
        register_columns(connection)
        if self._backend is not None:
            gone_ms = round(self._call_timeout_seconds * 500)
            ended = await self._execute(_END_BACKEND, (gone_ms, *self._backend))
            if ended and ended[0][0] is not True:
                raise ConnectionLost(f"the backend {self._backend[0]} of the broken connection is still there")
        self._backend = (await self._execute(_WHO_AM_I))[0]

    async def close(self) -> None:
        """Drops the connection."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def append(self, requests: Sequence[Request]) -> tuple[int, list[Outcome]]:
        """The position the log stood at before, and each request's outcome.

        Raises ConnectionLost; other psycopg errors mean that nothing was stored.
        """
        *refused, stored = await self._execute(_APPEND, _columns(requests))
        refusals = {row[0]: row for row in refused}
        head: int = stored[5]
        position = head
        outcomes: list[Outcome] = []
        for number, request in enumerate(requests):
            if number in refusals:
                outcomes.append(_refusal(request, refusals[number]))
            else:
                positions = range(position + 1, position + 1 + len(request.events))
                position += len(request.events)
                outcomes.append(Appended(positions, position if positions else head))
        return head, outcomes

    async def find(self, requests: Sequence[Request]) -> list[Appended | LogUnreachable | None]:
        """What became of the requests of a lost call: `Appended`, or None for what was not stored.

        A request of claims alone leaves no seal to know it by, so that it stays unknown. Raises ConnectionLost.
        """
        firsts = [request.events[0] for request in requests if request.events]
        columns = (
            TextColumn([event.stream for event in firsts]),
            NumberColumn([event.version for event in firsts]),
            BytesColumn([event.state for event in firsts]),
        )
        found: dict[int, int] = dict(await self._execute(_FIND, columns))
        fates: list[Appended | LogUnreachable | None] = []
        nth = 0
        for request in requests:
            if not request.events:
                fates.append(LogUnreachable("the connection broke while claims were made"))
                continue
            nth += 1
            position = found.get(nth)
            positions = range(position, position + len(request.events)) if position else ()
            fates.append(Appended(positions, positions[-1]) if positions else None)
        return fates

    async def _execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[TupleRow]:
        connection = self._connection
        if connection is None:
            raise ConnectionLost("there is no connection")
        try:
            async with asyncio.timeout(self._call_timeout_seconds), connection.cursor(binary=True) as cursor:
                await cursor.execute(statement, parameters, prepare=True)
                return await cursor.fetchall()
        except TimeoutError as error:
            await self.close()
            raise ConnectionLost(f"no answer for {self._call_timeout_seconds} seconds") from error
        except psycopg.Error as error:
            if connection.closed:
                raise ConnectionLost(str(error)) from error
            raise


def _columns(requests: Sequence[Request]) -> list[NumberColumn | BytesColumn]:
    """The requests as the columns that `append.sql` takes."""
    numbered = list(enumerate(requests))
    writes = [(number, write) for number, request in numbered for write in request.writes]
    claims = []
    events: list[tuple[int, Sealed]] = []
    for number, request in numbered:
        before, facts = len(events), len(request.events)
        events += [(number, event) for event in request.events]
        for claim in request.claims:
            nth = before + 1 + (claim.fact if claim.fact >= 0 else facts - 1) if facts else 0
            claims.append((number, claim, nth))
    keys = [(number, new_key) for number, request in numbered for new_key in request.new_keys]
    return [
        NumberColumn([number for number, _ in writes]),
        TextColumn([write.stream for _, write in writes]),
        NumberColumn([write.expected_version for _, write in writes]),
        NumberColumn([number for number, _, _ in claims]),
        BytesColumn([claim.key for _, claim, _ in claims]),
        BytesColumn([claim.fingerprint for _, claim, _ in claims]),
        NumberColumn([nth for _, _, nth in claims]),
        NumberColumn([number for number, _ in keys]),
        TextColumn([new_key.stream for _, new_key in keys]),
        BytesColumn([new_key.wrapped for _, new_key in keys]),
        NumberColumn([number for number, _ in events]),
        TextColumn([event.stream for _, event in events]),
        NumberColumn([event.version for _, event in events]),
        TextColumn([event.event.TOPIC for _, event in events]),
        BytesColumn([event.state for _, event in events]),
    ]


def _refusal(request: Request, row: TupleRow) -> Outcome:
    _, outcome, stream, key, fingerprint, position = row
    if outcome == "conflict":
        return Conflict(stream)
    claim = next(claim for claim in request.claims if claim.key == key)
    return AlreadyClaimed(claim, position, fingerprint)
