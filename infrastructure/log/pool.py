"""Connections for everything but the append: a few, shared, and asked again when one of them is broken."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from application.log import LogUnreachable
from infrastructure.log.columns import TextColumn, register_columns

_KEYS = "SELECT stream, wrapped_key FROM onethread_stream_keys WHERE stream = ANY (%b)"

_ATTEMPTS_MAX = 3
_CONNECT_TIMEOUT_SECONDS = 5
_RECONNECT_SECONDS = 5.0
"""Then whoever asks next begins to reconnect anew. The pool doubles its pauses for as long as this lasts: with its own
five minutes, nobody could read for a minute after the server was back."""


class ReadPool:
    """Runs statements that may be run twice without harm: reads, and writes that replace."""

    def __init__(self, database_url: str, connections_max: int, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        statement_ms = round(timeout_seconds * 1000)
        self._pool: AsyncConnectionPool[AsyncConnection[TupleRow]] = AsyncConnectionPool(
            database_url,
            min_size=1,
            max_size=connections_max,
            timeout=timeout_seconds,
            reconnect_timeout=_RECONNECT_SECONDS,
            configure=_configure,
            open=False,
            kwargs={
                "autocommit": True,
                "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
                "options": f"-c synchronous_commit=on -c statement_timeout={statement_ms}",
                "application_name": "onethread reader",
            },
        )

    async def open(self) -> None:
        """Connects. Raises LogUnreachable."""
        try:
            await self._pool.open(wait=True, timeout=self._timeout_seconds)
        except PoolTimeout as error:
            raise LogUnreachable(str(error)) from error

    async def close(self) -> None:
        """Disconnects."""
        await self._pool.close(timeout=_CONNECT_TIMEOUT_SECONDS)

    async def execute(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[TupleRow]:
        """The statement's rows. Raises LogUnreachable."""
        for attempt in range(1, _ATTEMPTS_MAX + 1):
            try:
                async with (
                    asyncio.timeout(self._timeout_seconds),
                    self._pool.connection() as connection,
                    connection.cursor(binary=True) as cursor,
                ):
                    await cursor.execute(statement, parameters, prepare=True)
                    return await cursor.fetchall() if cursor.description else []
            except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError) as error:
                if attempt == _ATTEMPTS_MAX or isinstance(error, TimeoutError | PoolTimeout):
                    raise LogUnreachable(str(error)) from error
                await self._pool.check()  # after a restart of the server every idle connection is broken
        raise AssertionError("unreachable: the last attempt answers or raises")

    async def wrapped_keys(self, streams: Sequence[str]) -> Iterable[tuple[str, bytes]]:
        """Stream and wrapped key of those of the streams that have one."""
        rows = await self.execute(_KEYS, (TextColumn(streams),))
        return [(row[0], row[1]) for row in rows]


async def _configure(connection: AsyncConnection[TupleRow]) -> None:
    register_columns(connection)
