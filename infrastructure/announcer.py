"""Announcements on NATS: the log or a view has moved, so look. They carry positions only; losing one loses nothing."""

import asyncio
import logging
import secrets
from collections.abc import Callable

import msgspec
import nats.errors
from nats.aio.msg import Msg

from infrastructure.nats_link import NatsLink

SUBJECT = "onethread.moved"
GATHER_SECONDS = 0.01
"""What moves within this time of an announcement is announced together, the newest position only. Shorter, and in a
rush the announcements of one process would take a tenth of its time."""

logger = logging.getLogger(__name__)


class Moved(msgspec.Struct, frozen=True):
    """`{"what": "log", "position": 42, "by": "5f1c"}`: the log, or the view of that name, stands there now."""

    what: str
    position: int
    by: str
    """The process that says so; it need not hear itself."""


class Announcer:
    """Tells the other processes, and hears them. The poll of every reader makes up for what is lost."""

    def __init__(self, link: NatsLink) -> None:
        self.on_heard: list[Callable[[Moved], None]] = []
        """Called with each announcement of another process."""
        self._link = link
        self._me = secrets.token_hex(4)
        self._newest: dict[str, int] = {}
        self._wake = asyncio.Event()

    def moved(self, what: str, position: int) -> None:
        """Announced soon; a later position of the same replaces an earlier one that was not yet."""
        self._newest[what] = position
        self._wake.set()

    async def run(self) -> None:
        """Announces and hears until it is cancelled."""
        await self._link.is_up.wait()
        await self._link.client.subscribe(SUBJECT, cb=self._heard)
        while True:
            await self._wake.wait()
            self._wake.clear()
            newest, self._newest = self._newest, {}
            for what, position in newest.items():
                try:
                    await self._link.client.publish(SUBJECT, msgspec.json.encode(Moved(what, position, self._me)))
                except nats.errors.Error as error:
                    logger.debug("announcement dropped: %s", type(error).__name__)
            await asyncio.sleep(GATHER_SECONDS)

    async def _heard(self, message: Msg) -> None:
        moved = msgspec.json.decode(message.data, type=Moved)
        if moved.by != self._me:
            for listener in self.on_heard:
                listener(moved)
