"""An open log on a database of its own, for each test."""

import sys
from collections.abc import AsyncIterator, Iterator

import eventsourcing.cryptography
import pytest

from infrastructure.embedded.servers import Servers
from infrastructure.log.postgres_log import PostgresLog
from tests.databases import an_empty_database
from tests.log.situations import a_log

# The library's conformance tests import its default cipher, which needs pycryptodome, for cases that we do not run.
sys.modules.setdefault("eventsourcing.cipher", eventsourcing.cryptography)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that production runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def log_url(servers: Servers) -> Iterator[str]:
    """An empty database for this test."""
    with an_empty_database(servers.addresses.database_url) as url:
        yield url


@pytest.fixture
async def log(log_url: str) -> AsyncIterator[PostgresLog]:
    """An open log."""
    async with a_log(log_url) as opened:
        yield opened
