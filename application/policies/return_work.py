"""Whenever an agent signs out, their conversations go back to the queues they came from, with their age."""

import logging
from collections.abc import Callable
from datetime import datetime

from typing_extensions import override

from application.log import UnreadableEvent
from application.policies.whenever import Whenever
from application.positions import Positions
from application.states import States
from application.use_cases.keep_staff import KeepStaff
from application.use_cases.steer_conversations import SteerConversations
from domain.agent import Agent
from domain.conversation import ConversationUnknown
from domain.event import Recorded, RuleBroken
from domain.workload import UNREADABLE

logger = logging.getLogger(__name__)


class ReturnWork(Whenever):
    """Looks at what the agent holds now, not at what woke it: safe to repeat."""

    name = "return_work"
    topics = frozenset({"agent.signed_out"})

    def __init__(
        self,
        states: States,
        steer: SteerConversations,
        staff: KeepStaff,
        positions: Positions,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(positions, clock)
        self._states = states
        self._steer = steer
        self._staff = staff

    @override
    async def react(self, recorded: Recorded) -> None:
        agent: Agent
        agent, _ = await self._states.load(recorded.stream, at_least=recorded.version)
        if agent.is_signed_in:
            return
        held = {key: work.customer_id for key, work in agent.work.items()} | agent.on_hold
        for conversation_id, customer_id in held.items():
            command = self._because_of(recorded)
            try:
                await self._steer.return_to_queue(command, customer_id, conversation_id, "the agent signed out")
            except (ConversationUnknown, UnreadableEvent) as lost:  # the router knows of it
                logger.warning("%s cannot go back to its queue: %s", conversation_id, lost)
                await self._staff.let_go(command, recorded.stream, conversation_id, UNREADABLE)
            except RuleBroken:  # closed or taken by somebody else meanwhile: nothing to return
                continue
