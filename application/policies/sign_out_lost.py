"""Whenever all screens of an agent have been gone for as long as the policy allows, sign the agent out.

Their work then goes back to the queues, as of everybody who signs out. Agents who never opened a screen, as programs
do not, have no lease that could run out.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from application.commands import Command, Contended
from application.directory import Directory
from application.log import LogBusy, LogUnreachable
from application.use_cases.keep_staff import KeepStaff
from domain.event import RuleBroken

REASON = "connection lost"
LOOK_SECONDS = 1.0
GAP_SECONDS_MAX = 5.0
"""Who has not looked for so long knows no more whether the nodes could renew meanwhile."""

logger = logging.getLogger(__name__)


class AgentLeases(Protocol):
    """Until when some node vouches that an agent has a screen open."""

    async def lost(self, at: datetime | None = None) -> list[str]:
        """Agents for whom nobody vouches any more, the longest gone first; at most some at once."""

    async def end(self, agent_id: str, at: datetime | None = None) -> None:
        """Forgets the agent's leases that have run out."""


class Watch:
    """How long somebody has looked without a gap, in seconds of a clock that only goes on.

    After a start, a stall or a time without the database, leases have run out that nobody could renew. Everybody then
    gets as long as the policy allows to come back, as if they had been cut off at that moment.
    """

    def __init__(self) -> None:
        self._since: float | None = None
        self._latest = 0.0

    def look(self, now: float) -> float:
        """Somebody looks now. Returns for how long they have."""
        if self._since is None or now - self._latest > GAP_SECONDS_MAX:
            self._since = now
        self._latest = now
        return now - self._since

    def interrupt(self) -> None:
        """Something was out of reach, so others may not have reached it either."""
        self._since = None


class SignOutLost:
    """One runs in a deployment; safe to repeat, and a second one does no harm."""

    name = "sign_out_lost"

    def __init__(
        self, leases: AgentLeases, staff: KeepStaff, directory: Directory, clock: Callable[[], datetime]
    ) -> None:
        self._leases = leases
        self._staff = staff
        self._directory = directory
        self._clock = clock

    async def run(self) -> None:
        """Until it is cancelled."""
        watch, loop = Watch(), asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if watch.look(loop.time()) < self._directory.policy.rules.lost_connection_seconds:
                continue
            try:
                await self.sweep()
            except (LogUnreachable, LogBusy, Contended) as error:
                logger.warning("nobody looks for lost agents: %s", type(error).__name__)
                watch.interrupt()

    async def sweep(self, at: datetime | None = None) -> None:
        """Signs those out whose leases have run out by `at`, or by now. Raises LogUnreachable, LogBusy, Contended."""
        while lost := await self._leases.lost(at):
            await asyncio.gather(*(self._sign_out(agent_id, at) for agent_id in lost))

    async def _sign_out(self, agent_id: str, at: datetime | None) -> None:
        command = Command(actor=self.name, at=self._clock())
        try:
            await self._staff.sign_out(command, agent_id, REASON)
        except RuleBroken:  # nobody ever registered them, so there is nobody to sign out
            logger.info("no agent to sign out: %s", agent_id)
        await self._leases.end(agent_id, at)
