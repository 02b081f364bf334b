"""Whenever a reply on a web chat was not seen within the set time, mail it to the visitor, if they left an address."""

from collections.abc import Callable
from datetime import datetime

import msgspec
from typing_extensions import override

from application.commands import Command
from application.policies.later import Later
from application.positions import Positions
from application.states import States
from application.use_cases.hand_over import HandOver
from domain.classification import PromiseTold
from domain.event import Recorded
from domain.interaction import ReplyWritten


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A reply that its visitor may still come back for."""

    due_at: datetime
    position: int
    customer_id: str
    conversation_id: str


class HandChatsOver(Later[Waiting]):
    """Looks at what was seen when it is due, so that being early is safe: what was seen stays unsent."""

    name = "hand_chats_over"
    topics = frozenset({ReplyWritten.TOPIC, PromiseTold.TOPIC})
    look_seconds = 5.0

    def __init__(
        self, states: States, hand_over: HandOver, positions: Positions, clock: Callable[[], datetime]
    ) -> None:
        super().__init__(positions, clock)
        self._states = states
        self._hand_over = hand_over

    @override
    async def react(self, recorded: Recorded) -> None:
        reply = recorded.event
        if not isinstance(reply, ReplyWritten) or (handover := self._hand_over.of(reply.account_id)) is None:
            return
        customer, _ = await self._states.load(recorded.stream, at_least=recorded.version)
        conversation = customer.conversations.get(reply.conversation_id)
        is_away = conversation is not None and conversation.is_away
        self.pending[reply.message_id] = Waiting(
            due_at=recorded.recorded_at if is_away else recorded.recorded_at + handover.after,
            position=recorded.position,
            customer_id=recorded.stream,
            conversation_id=reply.conversation_id,
        )

    @override
    async def act(self, command: Command, one: Waiting) -> None:
        await self._hand_over.hand_over(command, one.customer_id, one.conversation_id)
