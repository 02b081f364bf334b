"""Explain decisions: finds an offer in the log, the router as it stood then, and tells why."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import msgspec

from application.explaining.explanation import Explanation, Step, Unassigned
from application.explaining.gaps import Gaps
from application.explaining.past import router_at
from application.explaining.stages import DecisionUnknown, explanation_of, stands_at
from application.explaining.steps import step_of
from application.explaining.unassigned import unassigned
from application.log import Log, UnreadableEvent
from application.projections.decisions import Decisions
from application.router_snapshots import RouterSnapshots
from application.views import ViewNotBuilt, ViewReaders
from domain.assignment import ConversationOffered
from domain.event import Recorded

AT_ONCE_MAX = 2
"""Explanations put together at the same time in one process: each may fold a stretch of the log. Others wait."""
EVENTS_AT_ONCE = 1_000
CONVERSATIONS = "conversations"


class _Card(msgspec.Struct):
    position: int = 0
    customer_id: str = ""


class ExplainDecisions:
    """Reads only. What it tells of an offer is the same whenever it is asked."""

    def __init__(self, log: Log, views: ViewReaders, snapshots: RouterSnapshots | None = None) -> None:
        self._log = log
        self._views = views
        self._snapshots = snapshots
        self._turns = asyncio.Semaphore(AT_ONCE_MAX)

    async def explain(self, offered: Recorded, agent: str | None = None) -> Explanation:
        """Why the offer of this event was made, and with `agent`, an id or a name, why that agent did not get it.

        Raises DecisionUnknown, AgentUnclear, LogUnreachable.
        """
        if not isinstance(offered.event, ConversationOffered):
            raise DecisionUnknown("what this decision was about has been erased")
        async with self._turns:
            gaps = Gaps()
            state = await router_at(self._log, stands_at(offered), self._snapshots, gaps)
            try:
                history = await self._log.read_stream(offered.stream)
            except UnreadableEvent:  # the decision itself can be told all the same
                history = []
            return explanation_of(offered, history, state, agent, gaps.told)

    async def at(self, position: int) -> Recorded:
        """The event at the position. Raises DecisionUnknown, LogUnreachable."""
        if (found := await self._log.at(position)) is None:
            raise DecisionUnknown(f"there is nothing at position {position}")
        return found

    async def step(self, recorded: Recorded) -> Step:
        """Why routing did what this event tells, which is no offer. Raises DecisionUnknown, LogUnreachable."""
        async with self._turns:
            told = step_of(recorded, await router_at(self._log, recorded.position - 1, self._snapshots))
        if told is None:
            raise DecisionUnknown(f"position {recorded.position} is {recorded.topic}, which is no decision of routing")
        return told

    async def unassigned(self, conversation_id: str, at: datetime, agent: str | None = None) -> Unassigned | None:
        """Why it waits now and nobody has it; nothing where it does not. Raises AgentUnclear, LogUnreachable."""
        async with self._turns:
            state = await router_at(self._log, await self._log.head(), self._snapshots)
            waiting = state.facts.waiting.get(conversation_id)
            if waiting is None:
                return None
            try:
                history = await self._log.read_stream(waiting.customer_id)
            except UnreadableEvent:
                history = []
            return unassigned(state, at, conversation_id, history, agent)

    async def offered(self, offer_id: str) -> Recorded:
        """The event that tells the offer.

        From the view of decisions; of the log, only what the view has not followed yet is searched, or all of it where
        there is no view. Raises DecisionUnknown, ViewsUnreachable, LogUnreachable.
        """
        unknown = f"there is no decision {offer_id}"
        card, behind = await self._card(Decisions.name, offer_id)
        if card is None:
            return await self._searched(behind, lambda one: one.offer_id == offer_id, unknown)
        if (found := await self._log.at(card.position)) is None:
            raise DecisionUnknown(unknown)
        return found

    async def latest_of(self, conversation_id: str) -> Recorded:
        """The event of the newest offer of the conversation. Raises as `offered`."""
        said = f"{conversation_id} has not been offered to anybody"
        card, behind = await self._card(CONVERSATIONS, conversation_id)
        if card is None:
            found = await self._searched(behind, lambda one: one.conversation_id == conversation_id, said)
            card = _Card(customer_id=found.stream)
        for recorded in reversed(await self._log.read_stream(card.customer_id)):
            event = recorded.event
            if isinstance(event, ConversationOffered) and event.conversation_id == conversation_id:
                return recorded
        raise DecisionUnknown(said)

    async def _card(self, view: str, key: str) -> tuple[_Card | None, int]:
        """The card, or where the view stood when it had none; it stands at 0 where it has not been built."""
        try:
            position = await self._views.position(view)
            found = await self._views.get(view, key)
        except ViewNotBuilt:
            return None, 0
        return None if found is None else msgspec.json.decode(found, type=_Card), position

    async def _searched(self, after: int, is_it: Callable[[ConversationOffered], bool], otherwise: str) -> Recorded:
        """The first such offer behind the position. Raises DecisionUnknown, which says so otherwise."""
        head = await self._log.head()
        while after < head:
            try:
                batch, after = await self._log.read(after, EVENTS_AT_ONCE, (ConversationOffered.TOPIC,))
            except UnreadableEvent as error:
                after = error.position
                continue
            for recorded in batch:
                if isinstance(recorded.event, ConversationOffered) and is_it(recorded.event):
                    return recorded
        raise DecisionUnknown(otherwise)
