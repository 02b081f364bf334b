"""Whenever an agent signs out, their conversations go back to the queues they came from, with their age."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from application.commands import Command
from application.log import UnreadableEvent
from application.positions import Positions
from application.states import States
from application.use_cases.keep_staff import KeepStaff
from application.use_cases.steer_conversations import SteerConversations
from domain.agent import Agent
from domain.conversation import ConversationUnknown
from domain.event import Recorded, RuleBroken
from domain.workload import UNREADABLE

logger = logging.getLogger(__name__)


class ReturnWork:
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
        self._states = states
        self._steer = steer
        self._staff = staff
        self._positions = positions
        self._clock = clock

    async def start(self) -> int:
        return await self._positions.load(self.name)

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        for recorded in batch:
            await self._return(recorded)
        if batch:
            await self._positions.save(self.name, upto)

    async def _return(self, recorded: Recorded) -> None:
        agent: Agent
        try:
            agent, _ = await self._states.load(recorded.stream, at_least=recorded.version)
        except UnreadableEvent as error:  # who cannot be read must not keep the others' work from going back
            logger.warning("what an agent held cannot go back to its queue: %s", error)
            return
        if agent.is_signed_in:
            return
        held = {key: work.customer_id for key, work in agent.work.items()} | agent.on_hold
        for conversation_id, customer_id in held.items():
            command = Command(
                actor=self.name, at=self._clock(), cause=recorded.position, correlation=recorded.correlation
            )
            try:
                await self._steer.return_to_queue(command, customer_id, conversation_id, "the agent signed out")
            except (
                ConversationUnknown,
                UnreadableEvent,
            ) as lost:  # erased, or unreadable: the router knows of it
                logger.warning("%s cannot go back to its queue: %s", conversation_id, lost)
                await self._staff.let_go(command, recorded.stream, conversation_id, UNREADABLE)
            except RuleBroken:  # closed or taken by somebody else meanwhile: nothing to return
                continue
