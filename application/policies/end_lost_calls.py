"""Whenever a call has rung or been talked on for longer than calls do, write down that it is over.

Telephone systems tell how a call ended once at best. Where that got lost, no screen is to show the call for ever. One
that nobody was seen to answer counts as missed: a needless call back is better than a customer who waits for one.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from application.commands import Command, Contended
from application.log import LogBusy, LogUnreachable
from application.positions import Positions
from application.use_cases.take_calls import TakeCalls
from domain.calls.intake import Call
from domain.calls.stages import CallAnswered, CallEvent, CallLogged, CallRang, Direction, key_of
from domain.event import Recorded, RuleBroken

RINGS_FOR = timedelta(hours=1)
TALKS_FOR = timedelta(hours=12)
LOOK_SECONDS = 30.0
LIVE_MAX = 10_000
"""Calls that are on at once; with more, the oldest are given up."""
NOTE = "The telephone system never told how the call ended."

logger = logging.getLogger(__name__)


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """A call whose end was not told yet."""

    due_at: datetime
    position: int
    account_id: str
    call_id: str
    handle: str
    direction: Direction
    answered_at: datetime | None


class EndLostCalls:
    """What is on is found again after a restart: the position stays before the oldest of it."""

    name = "end_lost_calls"
    topics = frozenset({CallRang.TOPIC, CallAnswered.TOPIC, CallLogged.TOPIC})

    def __init__(self, calls: TakeCalls, positions: Positions, clock: Callable[[], datetime]) -> None:
        self._calls = calls
        self._positions = positions
        self._clock = clock
        self._live: dict[str, Live] = {}
        self._upto = 0

    async def start(self) -> int:
        self._upto = await self._positions.load(self.name)
        self._live.clear()
        return self._upto

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        for recorded in batch:
            if isinstance(recorded.event, CallEvent):
                self._follow(recorded, recorded.event)
        self._upto = upto
        if batch:
            await self._save()

    async def work(self) -> None:
        """Looks twice a minute, until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except Exception:
                logger.exception("lost calls could not be ended; they are looked at again")

    async def look(self) -> None:
        """Ends what is due at this moment."""
        now, surplus = self._clock(), len(self._live) - LIVE_MAX
        due = [(key, one) for nth, (key, one) in enumerate(self._live.items()) if one.due_at <= now or nth < surplus]
        for key, one in due:
            call = Call(
                call_id=one.call_id,
                direction=one.direction,
                handle=one.handle,
                outcome="answered" if one.answered_at else "missed",
                occurred_at=one.answered_at or now,
                note=NOTE,
            )
            command = Command(actor=self.name, at=now, cause=one.position)
            try:
                await self._calls.take(command, call, account_id=one.account_id)
            except (LogBusy, LogUnreachable, Contended) as error:
                logger.warning("a lost call waits to be ended: %s", type(error).__name__)
                return
            except RuleBroken as refusal:
                logger.info("a lost call is not ended: %s", refusal)
            self._live.pop(key, None)
        if due:
            await self._save()

    def _follow(self, recorded: Recorded, event: CallEvent) -> None:
        key = key_of(event.account_id, event.call_id)
        before = self._live.pop(key, None)
        if isinstance(event, CallLogged) or (isinstance(event, CallAnswered) and event.is_over):
            return
        answered_at = event.answered_at if isinstance(event, CallAnswered) else None
        self._live[key] = Live(
            due_at=recorded.recorded_at + (TALKS_FOR if answered_at else RINGS_FOR),
            position=before.position if before else recorded.position,
            account_id=event.account_id,
            call_id=event.call_id,
            handle=event.handle,
            direction=event.direction,
            answered_at=answered_at,
        )

    async def _save(self) -> None:
        await self._positions.save(self.name, min([self._upto, *(one.position - 1 for one in self._live.values())]))
