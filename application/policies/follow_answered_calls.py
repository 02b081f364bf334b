"""Whenever an agent of ours answers a call, they are busy with it until it ends.

And whenever a customer got through by phone, nobody has to call them back any more for a call missed before.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace
from typing_extensions import override

from application.commands import ATTEMPTS_MAX, Contended, RevisionStale
from application.policies.whenever import Whenever
from application.positions import Positions
from application.states import States
from application.use_cases.serve_conversations import ServeConversations
from application.use_cases.steer_conversations import SteerConversations
from domain.calls.stages import CallAnswered, CallLogged
from domain.calls.work import ANSWERED, REACHED, comes_by, is_talked_on, over_with_calls, spared
from domain.conversation import Conversation
from domain.customer import Customer
from domain.event import Recorded, RuleBroken

logger = logging.getLogger(__name__)


class FollowAnsweredCalls(Whenever):
    """Looks at how the customer's calls stand now, not at what woke it: safe to repeat.

    What it closes at the end of a call, or takes out of a queue, waits again when a later call is missed.
    """

    name = "follow_answered_calls"
    topics = frozenset({CallAnswered.TOPIC, CallLogged.TOPIC})

    def __init__(
        self,
        states: States,
        serve: ServeConversations,
        steer: SteerConversations,
        positions: Positions,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(positions, clock)
        self._states = states
        self._serve = serve
        self._steer = steer

    @override
    async def react(self, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, CallAnswered | CallLogged) and event.account_id:
            await self._give(recorded)
            await self._close(recorded, lambda known: over_with_calls(known, event.conversation_id), ANSWERED)
            await self._close(recorded, lambda known: spared(known, event.account_id), REACHED)

    async def _give(self, recorded: Recorded) -> None:
        """Each call that is talked on to the agent who talks, for whom it is work like any other from now on."""
        customer = await self._customer(recorded)
        for call in customer.calls.values():
            if not is_talked_on(call) or call.is_given or call.agent_id is None:
                continue
            command, by = self._because_of(recorded), comes_by(customer, call)
            try:
                await self._steer.answer(command, recorded.stream, call.conversation_id, call.agent_id, by)
            except RuleBroken as refusal:
                logger.info("a call is no work of whoever answered it: %s", refusal)

    async def _close(
        self, recorded: Recorded, find: Callable[[Customer], list[Conversation]], disposition: str
    ) -> None:
        """Those found, with what they take of anybody's capacity."""
        for _ in range(ATTEMPTS_MAX):
            try:
                for one in find(await self._customer(recorded)):
                    as_read = replace(self._because_of(recorded), expected_revision=one.revision)
                    await self._serve.close(as_read, recorded.stream, one.id, disposition)
            except RevisionStale:  # missed again meanwhile, or taken up: decided anew
                continue
            return
        raise Contended

    async def _customer(self, recorded: Recorded) -> Customer:
        customer: Customer
        customer, _ = await self._states.load(recorded.stream, at_least=recorded.version)
        return customer
