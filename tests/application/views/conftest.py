"""An open log on a database of its own for each test, and readers of its views."""

from collections.abc import AsyncIterator, Iterator

import pytest

from infrastructure.embedded.servers import Servers
from infrastructure.log.pool import ReadPool
from infrastructure.log.postgres_log import PostgresLog
from infrastructure.views.readers import PostgresViewReaders
from tests.application.views.histories import MASTER_KEY, Town
from tests.application.views.situations import Views
from tests.databases import an_empty_database


@pytest.fixture
def url(servers: Servers) -> Iterator[str]:
    """An empty database for this test."""
    with an_empty_database(servers.addresses.database_url) as address:
        yield address


@pytest.fixture
async def town(url: str) -> AsyncIterator[Town]:
    """A town where nothing has happened yet."""
    made = Town(seed=1)
    async with PostgresLog(url, [MASTER_KEY], made.clock) as log:
        made.log = log
        yield made


@pytest.fixture
async def views(town: Town, url: str) -> AsyncIterator[Views]:
    """The views of the town."""
    made = Views(url, town.log)
    yield made
    await made.close()


@pytest.fixture
async def readers(url: str) -> AsyncIterator[PostgresViewReaders]:
    """The views as the API reads them."""
    pool = ReadPool(url, connections_max=4, timeout_seconds=15)
    await pool.open()
    yield PostgresViewReaders(pool)
    await pool.close()
