"""Which agents have a screen open, and where: each node vouches for its own for a while, and again before that ends.

A node that is killed vouches no longer, so that its agents' leases run out by themselves, while one that vouches for
the same agent keeps them. Times are the database's, because the nodes' clocks need not agree.
"""

from collections.abc import Collection
from datetime import datetime

from application.ids import new_id
from infrastructure.log.columns import TextColumn
from infrastructure.log.pool import ReadPool

LOST_MAX = 100
"""Agents told of at once, those first who have been gone for longest."""

_RENEW = """
INSERT INTO onethread_agent_leases AS lease (agent_id, node, expires_at)
SELECT agent_id, %(node)s, coalesce(%(at)s::timestamptz, now()) + make_interval(secs => %(seconds)s::float8)
FROM unnest(%(agents)b::text[]) AS one (agent_id)
ON CONFLICT (agent_id, node) DO UPDATE SET expires_at = greatest(lease.expires_at, EXCLUDED.expires_at)
"""
# What another node vouches for longer says nothing any more.
_LOST = """
WITH newest AS (
    SELECT agent_id, max(expires_at) AS expires_at FROM onethread_agent_leases GROUP BY agent_id
), stale AS (
    DELETE FROM onethread_agent_leases AS lease USING newest
    WHERE lease.agent_id = newest.agent_id AND lease.expires_at < newest.expires_at
        AND lease.expires_at <= coalesce(%(at)s::timestamptz, now())
)
SELECT agent_id FROM newest WHERE expires_at <= coalesce(%(at)s::timestamptz, now())
ORDER BY expires_at, agent_id LIMIT %(limit)s
"""
_END = """
DELETE FROM onethread_agent_leases WHERE agent_id = %(agent)s AND expires_at <= coalesce(%(at)s::timestamptz, now())
"""


class PostgresAgentLeases:
    """The port `application.policies.sign_out_lost.AgentLeases` on PostgreSQL. All methods raise LogUnreachable.

    `at` is for tests; without it the database says what time it is.
    """

    def __init__(self, pool: ReadPool, node: str = "") -> None:
        self._pool = pool
        self._node = node or new_id("node")

    async def renew(self, agent_ids: Collection[str], seconds: float, at: datetime | None = None) -> None:
        """This node vouches for them, for so long from now on, in one statement."""
        agents = TextColumn(sorted(agent_ids))
        await self._pool.execute(_RENEW, {"node": self._node, "agents": agents, "seconds": seconds, "at": at})

    async def lost(self, at: datetime | None = None) -> list[str]:
        """As the port."""
        return [row[0] for row in await self._pool.execute(_LOST, {"at": at, "limit": LOST_MAX})]

    async def end(self, agent_id: str, at: datetime | None = None) -> None:
        """As the port."""
        await self._pool.execute(_END, {"agent": agent_id, "at": at})
