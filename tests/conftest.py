"""What every test may ask for: the real servers, and a database of its own on them."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure.embedded.servers import Servers, embedded_servers
from tests.databases import an_empty_database


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """PostgreSQL and NATS, started for this session."""
    directory = Path(tempfile.mkdtemp(prefix="onethread-test-"))
    directory.chmod(0o711)  # under root, PostgreSQL runs as somebody else, who must get to its data
    try:
        with embedded_servers(directory) as running:
            yield running
    finally:
        shutil.rmtree(directory)


@pytest.fixture(scope="module")
def database_url(servers: Servers) -> Iterator[str]:
    """An empty database for this module."""
    with an_empty_database(servers.addresses.database_url) as url:
        yield url
