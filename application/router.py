"""The router: whenever work or room for it appears, decides who gets what and puts the decisions into the log."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from application.commands import Command, Contended
from application.follower import RETRY_SECONDS_MAX, Follower
from application.log import Log, LogBusy, LogUnreachable, UnreadableEvent
from application.router_snapshots import Trail
from application.use_cases.assign_work import AssignWork, streams_of
from domain.conversation import ConversationUnknown
from domain.event import Recorded, RuleBroken
from domain.routing.decide import decide, next_deadline
from domain.routing.decisions import Decision
from domain.routing.evolve import TOPICS, evolve
from domain.routing.state import RouterState

REST_AFTER_REFUSAL = timedelta(seconds=0.5)
"""How long the router waits for news after a decision was refused, before it decides anew without any."""
TOGETHER_MAX = 250
"""Decisions that are made ready together, while those before them are being stored."""
RUSH_SECONDS_MAX = 0.05
"""The router lets events gather for less than who only shows them: work waits for it."""
LOOK_SECONDS = 0.25
"""How often the router looks whether it leads, and at the clock, which may have been set since."""
LEAD_RECORDED_SECONDS = 2.0
"""How often whoever leads writes down that it does."""
LEAD_BREAK_SECONDS = 6.0
"""Longer than that between two such notes is a break. A router that takes over makes none."""

logger = logging.getLogger(__name__)


class Lead(NamedTuple):
    """A time for which some router led without a break."""

    since: datetime
    until: datetime


class RecordedLeads(Protocol):
    """Where it is kept when a router led. Both raise LogUnreachable."""

    async def note(self, at: datetime) -> None:
        """A router leads at this moment: the stretch goes on, or after LEAD_BREAK_SECONDS a new one begins."""

    async def stretches(self) -> list[Lead]:
        """All there are, the earliest first."""


class Router:
    """Follows the log, decides, appends, and reads its own decisions back before it decides again.

    Every process that has one follows, so that each knows what the others know; one of them leads, and decides. Two
    that lead by mistake do no harm: each decision is checked against the versions of all its streams, and the later
    one of two is refused.
    """

    name = "router"
    topics = TOPICS

    def __init__(
        self,
        log: Log,
        assign: AssignWork,
        clock: Callable[[], datetime],
        trail: Trail | None = None,
        leads: RecordedLeads | None = None,
    ) -> None:
        self.state = RouterState()
        self.follower = Follower(log, self, rush_seconds_max=RUSH_SECONDS_MAX)
        self.leads = False
        self.refused = 0
        """Decisions that were stale by the time they reached the log."""
        self.decided = 0
        self.recorded_leads = leads
        self._log = log
        self._assign = assign
        self._clock = clock
        self._trail = trail
        self._position = 0
        self._settled: int | None = None
        """Only a state that has read up to here may decide: everything that was decided before. None: the log knows."""
        self._rest: Rest | None = None
        self._looks_again = False
        """Whether what was set aside may be readable by now: this release may know more than the last that led."""

    async def start(self) -> int:
        if self._trail is not None and self._position == 0:
            facts, self._position = await self._trail.load()
            self.state = RouterState(facts)
        return self._position

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        for recorded in batch:
            evolve(self.state, recorded)
        self._assign.saw(batch)
        self._position = upto

    async def lead(self) -> None:
        """Until it is cancelled, the router that runs here decides, and writes down that it leads.

        Whether it does what it should is another matter: so it is written down by this and not by what decides.
        """
        self._settled = None  # whatever was decided elsewhere is read first
        self._looks_again = True
        self.leads = True
        try:
            while True:
                await self._record_lead()
                await asyncio.sleep(LEAD_RECORDED_SECONDS)
        finally:
            self.leads = False

    async def _record_lead(self) -> None:
        if self.recorded_leads is None:
            return
        try:
            await self.recorded_leads.note(self._clock())
        except LogUnreachable as need:
            logger.warning("that the router leads could not be recorded: %s", need)

    async def run(self) -> None:
        """Until it is cancelled. What goes wrong is told, waited out and tried again."""
        try:
            await self._run()
        finally:
            self.follower.position = -1
            if self._trail is not None:
                await self._trail.stop()

    async def _run(self) -> None:
        pause = 0.1
        while True:
            try:
                if self.follower.position < 0:
                    await self.follower.catch_up(0)
                await self.follower.step(self._wait_seconds())
                if self.leads:
                    await self.act()
                    if self._trail is not None:
                        self._trail.keep(self.state.facts, self._position)
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
        if self._settled is None:
            self._settled = await self._log.head()
        if self._position < self._settled or (self._rest is not None and self._rest.lasts(now, self._known)):
            return
        self._rest = None
        if self._looks_again:
            await self._put_back(now)
        decisions = decide(self.state, now)
        self.state.put_back()  # others look at the lines while the log takes what is decided
        if not decisions:
            return
        self._settled = None
        positions = await self._carry_out_all(decisions, now)
        if self._rest is None:
            self._settled = max(positions)
        self.decided += len(decisions)

    @property
    def _known(self) -> int:
        return self.state.facts.position

    async def _carry_out_all(self, decisions: Sequence[Decision], now: datetime) -> list[int]:
        """The positions they led to. All go at once, but those on the same stream keep their order."""
        tasks: list[asyncio.Task[int]] = []
        latest: dict[str, asyncio.Task[int]] = {}  # by stream
        outcomes: list[int | BaseException] = []
        try:
            for first in range(0, len(decisions), TOGETHER_MAX):
                together = decisions[first : first + TOGETHER_MAX]
                await self._assign.prepare(together)
                for decision in together:
                    streams = streams_of(decision)
                    before = {latest[stream] for stream in streams if stream in latest}
                    task = asyncio.create_task(self._carry_out(decision, now, before))
                    latest.update(dict.fromkeys(streams, task))
                    tasks.append(task)
        finally:
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return [outcome for outcome in outcomes if isinstance(outcome, int)]

    async def _carry_out(self, decision: Decision, now: datetime, before: Collection[asyncio.Task[int]]) -> int:
        """The position it led to, 0 if it was refused."""
        if before:
            await asyncio.wait(before)
        command = Command(actor=self.name, at=now, cause=self._known or None)
        try:
            return (await self._assign.carry_out(command, decision)).position
        except (ConversationUnknown, UnreadableEvent) as lost:
            return await self._set_aside(command, decision, lost)
        except (RuleBroken, Contended) as refusal:
            # Stale, most likely: what has happened meanwhile comes along the log, then it decides anew.
            self._refuse(refusal, Rest(since=now, known=self._known))
        except (LogBusy, LogUnreachable) as need:
            self._refuse(need, Rest(since=now, known=None))
        return 0

    async def _set_aside(
        self, command: Command, decision: Decision, lost: ConversationUnknown | UnreadableEvent
    ) -> int:
        """Out of the line with what will be refused for ever, so that it keeps no agent from other work."""
        if isinstance(lost, UnreadableEvent) and lost.stream != decision.customer_id:
            self._refuse(lost, Rest(since=command.at, known=self._known))
            return 0
        queue_id = self.state.facts.waiting[decision.conversation_id].queue_id
        reason = str(lost) if isinstance(lost, UnreadableEvent) else "its customer was erased"
        logger.warning("%s is set aside: %s", decision.conversation_id, reason)
        self.refused += 1
        try:
            return (await self._assign.set_aside(command, decision, queue_id, reason)).position
        except (Contended, UnreadableEvent, LogBusy, LogUnreachable) as need:
            self._refuse(need, Rest(since=command.at, known=None))
            return 0

    async def _put_back(self, now: datetime) -> None:
        """What can be read by now waits again. Raises Contended, LogBusy, LogUnreachable."""
        facts = self.state.facts
        aside = [(queue_id, *one) for queue_id, known in facts.queues.items() for one in known.set_aside.items()]
        for queue_id, conversation_id, customer_id in (*aside, *(("", *one) for one in facts.astray.items())):
            command = Command(actor=self.name, at=now, cause=self._known or None)
            is_in_line = conversation_id in facts.waiting
            with suppress(UnreadableEvent, ConversationUnknown):
                await self._assign.put_back(command, conversation_id, customer_id, queue_id, is_in_line=is_in_line)
        self._looks_again = False

    def _refuse(self, why: Exception, rest: "Rest") -> None:
        logger.info("decision refused: %s", type(why).__name__)
        self.refused += 1
        if self._rest is None or rest.known is None:
            self._rest = rest

    def _wait_seconds(self) -> float:
        """Until the next offer runs out, at most until it looks anyway."""
        if not self.leads:
            return LOOK_SECONDS
        now = self._clock()
        moments = [next_deadline(self.state, now), self._rest.until if self._rest else None]
        seconds = [(moment - now).total_seconds() for moment in moments if moment is not None]
        return max(0.0, min([LOOK_SECONDS, *seconds]))


class Rest:
    """A pause after a refusal, so that what is refused again and again does not keep the router busy."""

    def __init__(self, *, since: datetime, known: int | None) -> None:
        self.since = since
        self.until = since + REST_AFTER_REFUSAL
        self.known = known
        """What the router knew: any news ends the rest. None: news do not help, the log itself is in need."""

    def lasts(self, now: datetime, known: int) -> bool:
        """A clock that was set back ends it too."""
        has_news = self.known is not None and known != self.known
        return not has_news and self.since <= now < self.until
