"""The link to NATS: made in the background, and made again whenever it is lost. Nothing waits for it to start."""

import asyncio
import logging

import nats.errors
from nats.aio.client import Client

CONNECT_SECONDS_MAX = 5
AGAIN_SECONDS = 0.5
CLOSE_SECONDS_MAX = 1.0
"""How long a stop waits for a connection that is just being made."""
PENDING_BYTES_MAX = 1_048_576
"""Publications kept while NATS is away; what goes beyond is refused."""

logger = logging.getLogger(__name__)


class NatsLink:
    """One client for the whole process. PostgreSQL is the only record, so nothing is lost while it is not there."""

    def __init__(self, nats_url: str, name: str = "onethread") -> None:
        self.client = Client()
        self.is_up = asyncio.Event()
        """Set once the first connection stands; from then on the client reconnects for ever by itself."""
        self._servers = [url.strip() for url in nats_url.split(",")]
        self._name = name
        self._connecting: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Connects, however long that takes; from then on the client keeps the link by itself."""
        while not self.is_up.is_set():
            self._connecting = asyncio.ensure_future(self._connect())
            try:
                # Cut off half-way, the client would leave a socket that nobody closes, and the loop never ends.
                await asyncio.shield(self._connecting)
            except (nats.errors.Error, OSError, TimeoutError) as error:
                logger.warning("nats: %s", type(error).__name__)
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                self.is_up.set()

    async def close(self) -> None:
        """Sends what is pending, where that is possible, and disconnects."""
        if self._connecting is not None:
            await asyncio.wait([self._connecting], timeout=CLOSE_SECONDS_MAX)
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self.client.is_connected:
            await self.client.close()

    async def _connect(self) -> None:
        await self.client.connect(
            servers=self._servers,
            name=self._name,
            connect_timeout=CONNECT_SECONDS_MAX,
            max_reconnect_attempts=-1,
            reconnect_time_wait=AGAIN_SECONDS,  # type: ignore[arg-type]  # it sleeps so long, whole or not
            error_cb=self._told,
            pending_size=PENDING_BYTES_MAX,
        )

    async def _told(self, error: Exception) -> None:
        logger.warning("nats: %s", type(error).__name__)
