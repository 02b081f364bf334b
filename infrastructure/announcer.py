"""Announcements on NATS: the log or a view has moved, so look. They carry positions only; losing one loses nothing."""

import asyncio
import logging
from collections.abc import Callable

import msgspec
import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

SUBJECT = "onethread.moved"
CONNECT_SECONDS_MAX = 5

logger = logging.getLogger(__name__)


class Moved(msgspec.Struct, frozen=True):
    """`{"what": "log", "position": 42}`: the log, or the view of that name, stands there now."""

    what: str
    position: int


async def connect(nats_url: str, name: str) -> Client:
    """A client that reconnects for ever; while NATS is down its publications are dropped after a small buffer."""

    async def told(error: Exception) -> None:
        logger.warning("nats: %s", type(error).__name__)

    return await nats.connect(
        servers=[url.strip() for url in nats_url.split(",")],
        name=name,
        connect_timeout=CONNECT_SECONDS_MAX,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.5,
        error_cb=told,
        pending_size=1_048_576,
    )


class Announcer:
    """Tells the other processes, and hears them. Each subject's newest position counts, so bursts are joined."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._newest: dict[str, int] = {}
        self._wake = asyncio.Event()

    def moved(self, what: str, position: int) -> None:
        """Announced soon; a later position of the same replaces an earlier one that was not yet."""
        self._newest[what] = position
        self._wake.set()

    async def run(self) -> None:
        """Announces until it is cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            newest, self._newest = self._newest, {}
            for what, position in newest.items():
                try:
                    await self._client.publish(SUBJECT, msgspec.json.encode(Moved(what, position)))
                except nats.errors.Error as error:  # the poll of every reader makes up for it
                    logger.debug("announcement dropped: %s", type(error).__name__)
            await asyncio.sleep(0.002)

    async def listen(self, hear: Callable[[Moved], None]) -> None:
        """Calls `hear` with each announcement of any process."""

        async def heard(message: Msg) -> None:
            hear(msgspec.json.decode(message.data, type=Moved))

        await self._client.subscribe(SUBJECT, cb=heard)
