"""One connection of a store: comes back by itself, and does not wait for the disk.

What a crash takes back it takes back together with the position, so that those events are simply taken again.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.sql import Composed

from application.projections.view import Unstorable
from application.views import ViewsUnreachable
from infrastructure.views.columns import register_all_columns

CONNECT_TIMEOUT_SECONDS = 5
STATEMENT_TIMEOUT_SECONDS = 60.0
LONG_STATEMENT_TIMEOUT_SECONDS = 3600.0
"""For building indexes and comparing whole tables."""

_OPTIONS = (
    "-c synchronous_commit=off -c statement_timeout={longest_ms} -c idle_in_transaction_session_timeout={longest_ms}"
)


class Session:
    """Used by one task at a time. Connects at first use."""

    def __init__(self, database_url: str, statement_timeout_seconds: float = STATEMENT_TIMEOUT_SECONDS) -> None:
        self._database_url = database_url
        self._timeout_seconds = statement_timeout_seconds
        self._connection: AsyncConnection[TupleRow] | None = None

    async def close(self) -> None:
        """Disconnects; the next use connects again."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def execute(
        self, statement: str | Composed, parameters: Sequence[Any] | Mapping[str, Any] = (), *, prepare: bool = True
    ) -> list[TupleRow]:
        """The statement's rows. Raises Unstorable, ViewsUnreachable; other errors of psycopg are ours."""
        async with self._connected() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(statement, parameters, prepare=prepare)
            return await cursor.fetchall() if cursor.description else []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """Everything inside, or nothing. Raises as `execute`."""
        async with self._connected() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        try:
            async with asyncio.timeout(self._timeout_seconds + CONNECT_TIMEOUT_SECONDS):
                if self._connection is None or self._connection.closed:
                    self._connection = await self._connect()
                yield self._connection
        except (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded) as error:
            raise Unstorable(error.diag.message_primary) from error  # its details would tell what the row says
        except UnicodeEncodeError as error:
            raise Unstorable(f"not a text: {error.reason}") from error
        except TimeoutError as error:
            await self.close()  # what is still under way on it must not answer the next statement
            raise ViewsUnreachable(f"no answer for {self._timeout_seconds} seconds") from error
        except (psycopg.OperationalError, psycopg.InterfaceError, OSError) as error:
            raise ViewsUnreachable(str(error)) from error

    async def _connect(self) -> AsyncConnection[TupleRow]:
        connection = await AsyncConnection.connect(
            self._database_url,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            options=_OPTIONS.format(longest_ms=round(self._timeout_seconds * 1000)),
            application_name="onethread view",
        )
        register_all_columns(connection)
        return connection


async def fetch(
    connection: AsyncConnection[TupleRow], statement: str | Composed, parameters: Sequence[Any] | Mapping[str, Any] = ()
) -> list[TupleRow]:
    """The statement's rows, inside a transaction of the caller."""
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(statement, parameters)
        return await cursor.fetchall() if cursor.description else []
