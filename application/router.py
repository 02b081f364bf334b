"""The router: whenever work or room for it appears, decides who gets what and puts the decisions into the log."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from application.commands import Command, Contended
from application.follower import POLL_SECONDS, RETRY_SECONDS_MAX, Follower
from application.log import Log, LogBusy, LogUnreachable
from application.use_cases.assign_work import AssignWork
from domain.event import Recorded, RuleBroken
from domain.routing.decide import decide, next_deadline
from domain.routing.decisions import Decision, Expire, Offer, Overflow, Relax
from domain.routing.evolve import TOPICS, evolve
from domain.routing.state import RouterState

REST_AFTER_REFUSAL = timedelta(seconds=0.5)
"""How long the router waits for events after a decision was refused, before it decides anew without any."""

logger = logging.getLogger(__name__)


class Router:
    """Follows the log, decides, appends, and reads its own decisions back before it decides again.

    One runs at a time in a deployment. A second one by mistake does no harm: each decision is checked against both
    streams' versions, and the later one of two is refused.
    """

    name = "router"
    topics = TOPICS

    def __init__(self, log: Log, assign: AssignWork, clock: Callable[[], datetime]) -> None:
        self.state = RouterState()
        self.follower = Follower(log, self)
        self.refused = 0
        """Decisions that were stale by the time they reached the log."""
        self.decided = 0
        self._log = log
        self._assign = assign
        self._clock = clock
        self._position = 0
        self._settled = 0
        """Position of the newest decision of its own: only a state that has read it may decide again."""
        self._rest_until: datetime | None = None
        self._refused_at = 0

    async def start(self) -> int:
        return self._position

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        for recorded in batch:
            evolve(self.state, recorded)
        self._position = upto

    async def run(self) -> None:
        """Until it is cancelled. What goes wrong is told, waited out and tried again."""
        try:
            await self._run()
        finally:
            self.follower.position = -1

    async def _run(self) -> None:
        self._settled = await self._log.head()  # old work is no reason to decide before the whole log is read
        pause = 0.1
        while True:
            try:
                if self.follower.position < 0:
                    await self.follower.catch_up(0)
                await self.follower.step(self._wait_seconds())
                await self.act()
                pause = 0.1
            except Exception:
                logger.exception("the router stopped; it goes on at its position")
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY_SECONDS_MAX)

    async def settle(self) -> None:
        """Decides until there is nothing left to decide, by the clock as it stands."""
        while True:
            await self.follower.catch_up()
            before = self.decided
            await self.act()
            if self.decided == before:
                return

    async def act(self) -> None:
        """Decides once and puts the decisions into the log."""
        now = self._clock()
        if self._position < self._settled or (self._rest_until is not None and now < self._rest_until):
            return
        self._rest_until = None
        decisions = decide(self.state, now)
        if not decisions:
            return
        # What an ended offer sets free, or asks less now, may be offered in the same list, so that goes first.
        ends, offers = _split(decisions)
        for kind in (ends, offers):
            positions = await asyncio.gather(*(self._carry_out(same, now) for same in _by_agent(kind)))
            self._settled = max([self._settled, *(position for one in positions for position in one)])
        self.decided += len(decisions)

    async def _carry_out(self, decisions: Sequence[Decision], now: datetime) -> list[int]:
        """Decisions that concern one agent, one after the other. Returns the positions they led to, 0 for none."""
        positions = []
        for decision in decisions:
            command = Command(actor=self.name, at=now, cause=self.state.facts.position or None)
            try:
                match decision:
                    case Offer():
                        done = await self._assign.offer(command, decision)
                    case Expire():
                        done = await self._assign.expire(command, decision)
                    case Relax():
                        done = await self._assign.relax(command, decision)
                    case Overflow():
                        done = await self._assign.overflow(command, decision)
                    case _:
                        done = await self._assign.withdraw(command, decision)
                positions.append(done.position)
            except (RuleBroken, Contended, LogBusy, LogUnreachable) as refusal:
                # Stale, or the log is in need: what has happened meanwhile comes along the log, then it decides anew.
                logger.info("decision refused: %s", type(refusal).__name__)
                self.refused += 1
                self._rest_until, self._refused_at = now + REST_AFTER_REFUSAL, self._position
                positions.append(0)
        return positions

    def _wait_seconds(self) -> float:
        """Until the next offer runs out, at most one poll."""
        now = self._clock()
        moments = [m for m in (next_deadline(self.state, now), self._rest_until) if m is not None]
        if not moments:
            return POLL_SECONDS
        return min(POLL_SECONDS, max(0.0, (min(moments) - now).total_seconds()))


def _split(decisions: Iterable[Decision]) -> tuple[list[Decision], list[Decision]]:
    """Those that make an offer possible, and those that make one."""
    ends: list[Decision] = []
    offers: list[Decision] = []
    for decision in decisions:
        (offers if isinstance(decision, Offer) else ends).append(decision)
    return ends, offers


def _by_agent(decisions: Iterable[Decision]) -> list[list[Decision]]:
    """Decisions on an agent's stream would conflict with each other, so they keep their order among themselves."""
    groups: dict[str, list[Decision]] = {}
    for decision in decisions:
        shared = decision.conversation_id if isinstance(decision, Relax | Overflow) else decision.agent_id
        groups.setdefault(shared, []).append(decision)
    return list(groups.values())
