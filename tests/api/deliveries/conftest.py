"""A process without readers of its own, so that a test says when deliveries are read."""

from collections.abc import AsyncIterator

import pytest

from api.composition import composed
from api.key_file import new_key
from api.settings import Settings
from infrastructure.embedded.servers import Servers
from tests.api.deliveries.desk import Desk
from tests.databases import an_empty_database


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that production runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
async def desk(servers: Servers) -> AsyncIterator[Desk]:
    """Nothing has come in yet."""
    addresses = servers.addresses
    with an_empty_database(addresses.database_url) as database_url:
        settings = Settings(
            database_url=database_url,
            nats_url=addresses.nats_url,
            master_keys=(new_key(),),
            claim_key=new_key(),
            token_key=new_key(),
        )
        async with composed(settings, readers=False) as parts:
            yield Desk(parts)
