"""Typing and presence: told to the other side at once, in every process, and never stored."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec
import nats.errors
from msgspec.structs import replace
from nats.aio.msg import Msg

from infrastructure.nats_link import NatsLink

SUBJECT = "onethread.typing"
TYPING_AGAIN_SECONDS = 1.0
"""The same said again within it goes no further."""
SILENT = "silent"
"""The side of those who look and could not write: nobody is told that they are there."""


class Whisper(msgspec.Struct, frozen=True, omit_defaults=True):
    """From a visitor: `{"customer_id": "customer-…", "is_typing": true, "account_id": "account-…"}`."""

    customer_id: str
    is_typing: bool = False
    account_id: str = ""
    """The web chat that a visitor is in; empty where it is about agents."""
    is_present: bool | None = None
    """Not about typing: whether anybody of that side is there."""
    is_asking: bool = False
    """And: who of the other side is there?"""

    @property
    def is_about_typing(self) -> bool:
        return self.is_present is None and not self.is_asking


Hear = Callable[[Whisper], None]


class Pace:
    """Keeps one side from repeating itself."""

    def __init__(self) -> None:
        self._last = False
        self._told_at = 0.0

    def is_news(self, *, is_typing: bool) -> bool:
        """Whether to pass it on: another state, or the same after a while."""
        now = time.monotonic()
        if is_typing is self._last and now - self._told_at < TYPING_AGAIN_SECONDS:
            return False
        self._last, self._told_at = is_typing, now
        return True


class TypingRelay:
    """Carries whispers between the sockets of all processes. Losing one loses nothing.

    Who listens is present. The side of a visitor is their web chat's id, that of agents is empty.
    """

    def __init__(self, link: NatsLink) -> None:
        self._link = link
        self._hearing: dict[str, dict[Hear, str]] = {}
        self._telling: set[asyncio.Task[None]] = set()
        self._is_open = False

    async def tell(self, whisper: Whisper) -> None:
        """To everybody who listens for this customer, here and elsewhere."""
        if not self._link.is_up.is_set():
            return
        with suppress(nats.errors.Error):
            await self._link.client.publish(SUBJECT, msgspec.json.encode(whisper))

    async def listen(self, customer_id: str, hear: Hear, side: str = SILENT) -> None:
        """Calls `hear` with what is whispered about the customer, until `leave`; the other side learns who is there."""
        self._hearing.setdefault(customer_id, {})[hear] = side
        if not self._is_open and self._link.is_up.is_set():
            self._is_open = True
            try:
                await self._link.client.subscribe(SUBJECT, cb=self._heard)
            except nats.errors.Error:  # the next to listen tries again
                self._is_open = False
        is_silent = side == SILENT
        asking = Whisper(customer_id, account_id="" if is_silent else side, is_asking=True)
        await self.tell(asking if is_silent else replace(asking, is_present=True))

    def leave(self, customer_id: str, hear: Hear) -> None:
        """Safe to repeat."""
        hearing = self._hearing.get(customer_id, {})
        side = hearing.pop(hear, SILENT)
        if not hearing:
            self._hearing.pop(customer_id, None)
        if side != SILENT and side not in hearing.values():
            self._tell_soon(Whisper(customer_id, account_id=side, is_present=False))

    async def _heard(self, message: Msg) -> None:
        whisper = msgspec.json.decode(message.data, type=Whisper)
        hearing = self._hearing.get(whisper.customer_id, {})
        for hear in tuple(hearing):
            hear(whisper)
        for side in {*hearing.values()} - {SILENT}:
            is_asked = whisper.is_asking and bool(side) != bool(whisper.account_id)
            if is_asked or (whisper.is_present is False and side == whisper.account_id):  # others of it stay
                await self.tell(Whisper(whisper.customer_id, account_id=side, is_present=True))

    def _tell_soon(self, whisper: Whisper) -> None:
        task = asyncio.ensure_future(self.tell(whisper))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
