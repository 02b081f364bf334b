"""Whenever a call has rung or been talked on for longer than calls do, write down that it is over.

Telephone systems tell how a call ended once at best. Where that got lost, no screen is to show the call for ever. One
that nobody was seen to answer counts as missed: a needless call back is better than a customer who waits for one.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from typing_extensions import override

from application.commands import Command
from application.policies.later import Later
from application.positions import Positions
from application.use_cases.take_calls import TakeCalls
from domain.calls.intake import Call
from domain.calls.stages import CallAnswered, CallEvent, CallLogged, CallRang, Direction, key_of
from domain.event import Recorded

RINGS_FOR = timedelta(hours=1)
TALKS_FOR = timedelta(hours=12)
NOTE = "The telephone system never told how the call ended."


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """A call whose end was not told yet."""

    due_at: datetime
    position: int
    account_id: str
    call_id: str
    handle: str
    direction: Direction
    answered_at: datetime | None


class EndLostCalls(Later[Live]):
    """Takes a call that is due for ended. Of calls without end, those are kept that began last."""

    name = "end_lost_calls"
    topics = frozenset({CallRang.TOPIC, CallAnswered.TOPIC, CallLogged.TOPIC})
    look_seconds = 30.0

    def __init__(self, calls: TakeCalls, positions: Positions, clock: Callable[[], datetime]) -> None:
        super().__init__(positions, clock)
        self._calls = calls

    @override
    async def react(self, recorded: Recorded) -> None:
        event = recorded.event
        if not isinstance(event, CallEvent):
            return
        key = key_of(event.account_id, event.call_id)
        before = self.pending.pop(key, None)
        if isinstance(event, CallLogged) or (isinstance(event, CallAnswered) and event.is_over):
            return
        answered_at = event.answered_at if isinstance(event, CallAnswered) else None
        self.pending[key] = Live(
            due_at=recorded.recorded_at + (TALKS_FOR if answered_at else RINGS_FOR),
            position=before.position if before else recorded.position,
            account_id=event.account_id,
            call_id=event.call_id,
            handle=event.handle,
            direction=event.direction,
            answered_at=answered_at,
        )

    @override
    async def act(self, command: Command, one: Live) -> None:
        call = Call(
            call_id=one.call_id,
            direction=one.direction,
            handle=one.handle,
            outcome="answered" if one.answered_at else "missed",
            occurred_at=one.answered_at or command.at,
            note=NOTE,
        )
        await self._calls.take(command, call, account_id=one.account_id)
