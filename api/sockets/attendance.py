"""Which agents have a screen open on this node: their leases are renewed as long as they do."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from application.directory import Directory
from application.log import LogUnreachable
from infrastructure.agent_leases import PostgresAgentLeases

RENEW_SECONDS = 5.0
"""How often, in one statement for all. A lease lasts so much longer than the policy says: it may be this old already
when the screen goes, or the node with it."""

logger = logging.getLogger(__name__)


class Attendance:
    """Counts screens by agent. When the last has gone the lease runs out by itself, unless one opens somewhere."""

    def __init__(self, leases: PostgresAgentLeases, directory: Directory) -> None:
        self.leases = leases
        self._directory = directory
        self._screens: Counter[str] = Counter()

    @asynccontextmanager
    async def of(self, agent_id: str | None) -> AsyncIterator[None]:
        """A screen of the agent is open; nothing is kept of who is no agent."""
        if agent_id is None:
            yield
            return
        self._screens[agent_id] += 1
        try:
            await self._renew([agent_id])
            yield
        finally:
            self._screens[agent_id] -= 1
            if not self._screens[agent_id]:
                del self._screens[agent_id]

    async def run(self) -> None:
        """Renews until it is cancelled."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self.renew()

    async def renew(self, at: datetime | None = None) -> None:
        """Everybody's who has a screen open here."""
        await self._renew(list(self._screens), at)

    async def _renew(self, agent_ids: list[str], at: datetime | None = None) -> None:
        seconds = self._directory.policy.rules.lost_connection_seconds + RENEW_SECONDS
        if not agent_ids:
            return
        try:
            await self.leases.renew(agent_ids, seconds, at)
        except LogUnreachable:  # a screen is worth more than its lease, which the next round renews
            logger.warning("the leases of %d agents could not be renewed", len(agent_ids))
