"""Replies that cannot even be tried, as what the log says of them or their customer cannot be read.

They are looked at again ever more rarely, noted where every process can tell people, and hold back only what comes
behind them in their own conversation.
"""

import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from application.log import LogUnreachable, UnreadableEvent

STUCK_SECONDS_MAX = 300.0
"""Between two looks: so long a mended stream may wait until its replies go on."""
PASSED = "position-"
"""Begins what a reply is called whose own event cannot be read, before its position."""

logger = logging.getLogger(__name__)


class Stuck(msgspec.Struct, frozen=True, kw_only=True):
    """A reply that cannot be tried."""

    message_id: str
    """`position-…` where even that cannot be read."""
    account_id: str
    """Empty where it cannot be read."""
    position: int
    """Where the log asks for it to be sent."""
    since: datetime
    because: str


class StuckReplies(Protocol):
    """The port for what is stuck. All methods raise LogUnreachable."""

    async def load(self) -> list[Stuck]:
        """All of them, by position."""

    async def note(self, one: Stuck) -> None:
        """It is stuck; noted once, since when it first was."""

    async def forget(self, message_id: str) -> None:
        """It is not, or not any more."""


class Unread(msgspec.Struct):
    """Where the log could not be read that asks for a reply."""

    position: int
    stream: str
    again_at: datetime
    tries: int = 0


def stuck_seconds(tries: int) -> float:
    """How long to wait after so many looks in a row: 2, 4, 8, … s up to the limit."""
    return min(STUCK_SECONDS_MAX, 2.0 ** min(tries, 30))


class Trouble:
    """What a sender cannot go on with."""

    def __init__(self, replies: StuckReplies, clock: Callable[[], datetime]) -> None:
        self._replies = replies
        self._clock = clock
        self._unread: dict[str, Unread] = {}
        self._stuck: set[str] = set()

    async def begin(self, asked: Collection[str]) -> dict[str, int]:
        """Position by name of the replies that were passed over because their own events could not be read.

        What is noted of others than those that are `asked` for was settled meanwhile.
        """
        known = await self._replies.load()
        self._stuck |= {one.message_id for one in known}
        for one in known:
            if one.message_id not in asked and not one.message_id.startswith(PASSED):
                await self.goes_on(one.message_id)
        return {one.message_id: one.position for one in known if one.message_id.startswith(PASSED)}

    async def unreadable(self, name: str, position: int, error: UnreadableEvent) -> None:
        """Nothing can be asked for there; it is due for another look later."""
        one = self._unread.setdefault(name, Unread(position, error.stream, self._clock()))
        one.tries += 1
        one.again_at = self._clock() + timedelta(seconds=stuck_seconds(one.tries))
        await self.stuck(name, "", position, str(error))

    def due(self) -> list[tuple[str, int]]:
        """Name and position of those to be looked at again now, the oldest first."""
        now = self._clock()
        due = [(one.position, name) for name, one in self._unread.items() if one.again_at <= now]
        return [(name, position) for position, name in sorted(due)]

    def knows(self, name: str) -> bool:
        """Whether it waits to be looked at again."""
        return name in self._unread

    def before(self, stream: str, position: int) -> str:
        """Why a reply of that customer has to wait for an earlier one; empty where it need not."""
        earlier = [one.position for one in self._unread.values() if one.stream == stream and one.position < position]
        return f"an earlier reply, at position {min(earlier)}, cannot be read" if earlier else ""

    async def stuck(self, name: str, account_id: str, position: int, because: str) -> None:
        """Notes it, the first time."""
        if name in self._stuck:
            return
        self._stuck.add(name)
        logger.error("a reply is stuck: %s", because)
        try:
            await self._replies.note(
                Stuck(message_id=name, account_id=account_id, position=position, since=self._clock(), because=because)
            )
        except LogUnreachable:
            self._stuck.discard(name)  # noted at the next look

    async def goes_on(self, name: str) -> None:
        """It is not stuck any more, if it was."""
        self._unread.pop(name, None)
        if name not in self._stuck:
            return
        try:
            await self._replies.forget(name)
            self._stuck.discard(name)
        except LogUnreachable:
            logger.warning("a reply that goes on is noted as stuck until the next sender begins")
