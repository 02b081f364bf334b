"""An open log on an empty database for each test, and readers of its views."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from application.push import Hub
from application.views import ViewReaders
from infrastructure.log.pool import ReadPool
from infrastructure.log.postgres_log import PostgresLog
from infrastructure.views.readers import PostgresViewReaders
from tests.application.views.histories import MASTER_KEY, Town
from tests.application.views.screens import TICKING, Followed, running
from tests.application.views.situations import Views

EMPTY = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"


@pytest.fixture
def url(database_url: str) -> str:
    """An empty database; the tests of a module share one, which is quicker emptied than made."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(EMPTY)
    return database_url


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


@pytest.fixture
async def hub(readers: ViewReaders) -> AsyncIterator[Hub]:
    """A hub that tells positions all the time."""
    async with running(Hub(readers, TICKING)) as made:
        yield made


@pytest.fixture
async def followed(town: Town, views: Views, hub: Hub) -> Followed:
    """A town with some history, all its views, and the hub told of them."""
    made = Followed(town, views, hub)
    await made.live(60)
    return made
