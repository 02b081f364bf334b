"""A shop for each test: its log is empty but for what opened the shop."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tests.application.situations import Shop, an_open_shop

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
EMPTY = SQL("DELETE FROM {table}")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that production runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    """An open shop; the tests of a module share a database, which is quicker emptied than made."""
    empty(database_url)
    async with an_open_shop(database_url) as opened:
        yield opened


def empty(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        for (table,) in connection.execute(TABLES).fetchall():
            connection.execute(EMPTY.format(table=Identifier(table)))
