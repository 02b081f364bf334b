"""Whenever a reply on a web chat was not seen within the set time, mail it to the visitor, if they left an address."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from application.commands import Command, Contended
from application.log import LogBusy, LogUnreachable, UnreadableEvent
from application.positions import Positions
from application.states import States
from application.use_cases.hand_over import HandOver
from domain.classification import PromiseTold
from domain.event import Recorded, RuleBroken
from domain.interaction import ReplyWritten

LOOK_SECONDS = 5.0
WAITING_MAX = 10_000
"""Replies that wait at once; with more, the oldest are looked at early, which is safe: what was seen stays unsent."""

logger = logging.getLogger(__name__)


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A reply that its visitor may still come back for."""

    due_at: datetime
    position: int
    customer_id: str
    conversation_id: str


class HandChatsOver:
    """What waits is found again after a restart: the position stays before the oldest of it."""

    name = "hand_chats_over"
    topics = frozenset({ReplyWritten.TOPIC, PromiseTold.TOPIC})

    def __init__(
        self, states: States, hand_over: HandOver, positions: Positions, clock: Callable[[], datetime]
    ) -> None:
        self._states = states
        self._hand_over = hand_over
        self._positions = positions
        self._clock = clock
        self._waiting: dict[int, Waiting] = {}
        self._upto = 0

    async def start(self) -> int:
        self._upto = await self._positions.load(self.name)
        self._waiting.clear()
        return self._upto

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        for recorded in batch:
            if isinstance(recorded.event, ReplyWritten) and (one := await self._waits(recorded, recorded.event)):
                self._waiting[one.position] = one
        self._upto = upto
        if batch:
            await self._save()

    async def work(self) -> None:
        """Looks every few seconds, until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except Exception:
                logger.exception("chats could not be handed over; they are looked at again")

    async def look(self) -> None:
        """Hands over what is due at this moment."""
        now, surplus = self._clock(), len(self._waiting) - WAITING_MAX
        due = [one for nth, one in enumerate(self._waiting.values()) if one.due_at <= now or nth < surplus]
        for one in due:
            command = Command(actor=self.name, at=now, cause=one.position)
            try:
                await self._hand_over.hand_over(command, one.customer_id, one.conversation_id)
            except (LogBusy, LogUnreachable, Contended) as error:
                logger.warning("a chat waits to be handed over: %s", type(error).__name__)
                return
            except (RuleBroken, UnreadableEvent) as refusal:
                logger.info("a chat is not handed over: %s", refusal)
            self._waiting.pop(one.position, None)
        if due:
            await self._save()

    async def _waits(self, recorded: Recorded, reply: ReplyWritten) -> Waiting | None:
        handover = self._hand_over.of(reply.account_id)
        if handover is None:
            return None
        try:
            customer, _ = await self._states.load(recorded.stream, at_least=recorded.version)
        except UnreadableEvent as error:  # who cannot be read must not keep the others from being followed
            logger.warning("a chat cannot be handed over: %s", error)
            return None
        conversation = customer.conversations.get(reply.conversation_id)
        is_away = conversation is not None and conversation.is_away
        return Waiting(
            due_at=recorded.recorded_at if is_away else recorded.recorded_at + handover.after,
            position=recorded.position,
            customer_id=recorded.stream,
            conversation_id=reply.conversation_id,
        )

    async def _save(self) -> None:
        await self._positions.save(self.name, min([self._upto, *(one - 1 for one in self._waiting)]))
