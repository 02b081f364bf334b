"""When a router led, in PostgreSQL: a row for each stretch, so that there are as many as there were breaks."""

from datetime import datetime

from application.router import LEAD_BREAK_SECONDS, Lead
from infrastructure.log.pool import ReadPool

# Within a stretch (a clock was set back) nothing changes; before all of them one of its own begins.
_NOTE = """
WITH going_on AS (
    UPDATE onethread_router_leads SET led_until = greatest(led_until, %(at)s)
    WHERE led_since <= %(at)s AND led_until >= %(at)s - make_interval(secs => %(break_seconds)s::float8)
    RETURNING led_since
)
INSERT INTO onethread_router_leads (led_since, led_until)
SELECT %(at)s, %(at)s WHERE NOT EXISTS (SELECT FROM going_on)
ON CONFLICT (led_since) DO NOTHING
"""
_STRETCHES = "SELECT led_since, led_until FROM onethread_router_leads ORDER BY led_since"


class PostgresRouterLeads:
    """The port `application.router.RecordedLeads`. The log's own tables are made with it.

    Times are those of the process that leads, as the times at which the log took its events: both are compared.
    """

    def __init__(self, pool: ReadPool) -> None:
        self._pool = pool

    async def note(self, at: datetime) -> None:
        """As the port. Safe to repeat."""
        await self._pool.execute(_NOTE, {"at": at, "break_seconds": LEAD_BREAK_SECONDS})

    async def stretches(self) -> list[Lead]:
        """As the port."""
        return [Lead(since, until) for since, until in await self._pool.execute(_STRETCHES)]
