"""Whenever a customer got through by phone, nobody has to call them back any more for a call missed before."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec.structs import replace

from application.commands import ATTEMPTS_MAX, Command, Contended, RevisionStale
from application.log import UnreadableEvent
from application.positions import Positions
from application.states import States
from application.use_cases.serve_conversations import ServeConversations
from domain.calls.stages import CallAnswered, CallLogged
from domain.calls.work import REACHED, spared
from domain.customer import Customer
from domain.event import Recorded

logger = logging.getLogger(__name__)


class FollowAnsweredCalls:
    """Looks at how the customer's calls stand now, not at what woke it: safe to repeat.

    What it takes out of a queue is closed as `reached`, and waits again when a later call is missed.
    """

    name = "follow_answered_calls"
    topics = frozenset({CallAnswered.TOPIC, CallLogged.TOPIC})

    def __init__(
        self, states: States, serve: ServeConversations, positions: Positions, clock: Callable[[], datetime]
    ) -> None:
        self._states = states
        self._serve = serve
        self._positions = positions
        self._clock = clock

    async def start(self) -> int:
        return await self._positions.load(self.name)

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        for recorded in batch:
            if isinstance(recorded.event, CallAnswered | CallLogged):
                await self._spare(recorded, recorded.event.account_id)
        if batch:
            await self._positions.save(self.name, upto)

    async def _spare(self, recorded: Recorded, account_id: str) -> None:
        for _ in range(ATTEMPTS_MAX):
            customer: Customer
            try:
                customer, _version = await self._states.load(recorded.stream, at_least=recorded.version)
            except UnreadableEvent as lost:
                logger.warning("who got through cannot be read: %s", lost)
                return
            command = Command(
                actor=self.name, at=self._clock(), cause=recorded.position, correlation=recorded.correlation
            )
            try:
                for one in spared(customer, account_id):
                    as_read = replace(command, expected_revision=one.revision)
                    await self._serve.close(as_read, recorded.stream, one.id, REACHED)
            except RevisionStale:  # missed again meanwhile, or taken up: decided anew
                continue
            return
        raise Contended
