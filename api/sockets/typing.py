"""Typing: somebody is writing, told to the other side at once, in every process, and never stored."""

from collections.abc import Callable
from contextlib import suppress

import msgspec
import nats.errors
from nats.aio.msg import Msg

from infrastructure.nats_link import NatsLink

SUBJECT = "onethread.typing"


class Whisper(msgspec.Struct, frozen=True, omit_defaults=True):
    """From a visitor: `{"customer_id": "customer-…", "is_typing": true, "account_id": "account-…"}`."""

    customer_id: str
    is_typing: bool
    account_id: str = ""
    """The web chat that a visitor writes in; empty where an agent writes."""


Hear = Callable[[Whisper], None]


class TypingRelay:
    """Carries whispers between the sockets of all processes. Losing one loses nothing."""

    def __init__(self, link: NatsLink) -> None:
        self._link = link
        self._hearing: dict[str, set[Hear]] = {}
        self._is_open = False

    async def tell(self, whisper: Whisper) -> None:
        """To everybody who listens for this customer, here and elsewhere."""
        if not self._link.is_up.is_set():
            return
        with suppress(nats.errors.Error):
            await self._link.client.publish(SUBJECT, msgspec.json.encode(whisper))

    async def listen(self, customer_id: str, hear: Hear) -> None:
        """Calls `hear` with what is whispered about the customer, until `leave`."""
        self._hearing.setdefault(customer_id, set()).add(hear)
        if not self._is_open and self._link.is_up.is_set():
            self._is_open = True
            try:
                await self._link.client.subscribe(SUBJECT, cb=self._heard)
            except nats.errors.Error:  # the next to listen tries again
                self._is_open = False

    def leave(self, customer_id: str, hear: Hear) -> None:
        """Safe to repeat."""
        hearing = self._hearing.get(customer_id, set())
        hearing.discard(hear)
        if not hearing:
            self._hearing.pop(customer_id, None)

    async def _heard(self, message: Msg) -> None:
        whisper = msgspec.json.decode(message.data, type=Whisper)
        for hear in tuple(self._hearing.get(whisper.customer_id, ())):
            hear(whisper)
