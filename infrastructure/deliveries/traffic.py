"""The port `application.exchange.traffic` on PostgreSQL: the counts and their position move in one statement."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec

from application.exchange.traffic import Traffic, TrafficMoved
from infrastructure.deliveries.tables import create_table
from infrastructure.log.columns import NumberColumn, TextColumn
from infrastructure.log.pool import ReadPool

_NAME = "count_traffic"
_TABLE = """
CREATE TABLE IF NOT EXISTS onethread_account_traffic (
    account_id text PRIMARY KEY,
    last_in_at timestamptz,
    came_in bigint NOT NULL,
    last_out_at timestamptz,
    went_out bigint NOT NULL,
    failed bigint NOT NULL,
    last_failure_at timestamptz,
    last_failure_position bigint)
"""
_POSITION = "SELECT notification_id FROM onethread_tracking WHERE application_name = %s"
_ADD = """
WITH moved AS (
    INSERT INTO onethread_tracking AS tracking (application_name, notification_id) VALUES (%(name)s, %(upto)s)
    ON CONFLICT (application_name) DO UPDATE SET notification_id = EXCLUDED.notification_id
    WHERE tracking.notification_id = %(after)s
    RETURNING 1
), added AS (
    INSERT INTO onethread_account_traffic AS traffic
    SELECT account_id, nullif(last_in_at, '')::timestamptz, came_in, nullif(last_out_at, '')::timestamptz, went_out,
        failed, nullif(last_failure_at, '')::timestamptz, nullif(last_failure_position, 0)
    FROM unnest(%(account_id)b::text[], %(last_in_at)b::text[], %(came_in)b::bigint[], %(last_out_at)b::text[],
        %(went_out)b::bigint[], %(failed)b::bigint[], %(last_failure_at)b::text[], %(last_failure_position)b::bigint[])
        AS more (account_id, last_in_at, came_in, last_out_at, went_out, failed, last_failure_at,
            last_failure_position)
    WHERE EXISTS (SELECT FROM moved)
    ON CONFLICT (account_id) DO UPDATE SET
        last_in_at = coalesce(EXCLUDED.last_in_at, traffic.last_in_at),
        came_in = traffic.came_in + EXCLUDED.came_in,
        last_out_at = coalesce(EXCLUDED.last_out_at, traffic.last_out_at),
        went_out = traffic.went_out + EXCLUDED.went_out,
        failed = traffic.failed + EXCLUDED.failed,
        last_failure_at = coalesce(EXCLUDED.last_failure_at, traffic.last_failure_at),
        last_failure_position = coalesce(EXCLUDED.last_failure_position, traffic.last_failure_position)
)
SELECT count(*) FROM moved
"""
_ALL = """
SELECT account_id, last_in_at, came_in, last_out_at, went_out, failed, last_failure_at, last_failure_position
FROM onethread_account_traffic
"""


class PostgresTraffic:
    """The counts of all accounts. Open it before it is used."""

    def __init__(self, database_url: str, pool: ReadPool) -> None:
        self._database_url = database_url
        self._pool = pool

    async def open(self) -> None:
        """Makes the table where it is missing. Raises LogUnreachable."""
        await asyncio.to_thread(create_table, self._database_url, _TABLE)

    async def position(self) -> int:
        """As the port."""
        rows = await self._pool.execute(_POSITION, (_NAME,))
        return int(rows[0][0]) if rows else 0

    async def add(self, several: Sequence[Traffic], *, after: int, upto: int) -> None:
        """As the port."""
        times = ("last_in_at", "last_out_at", "last_failure_at")
        numbers = ("came_in", "went_out", "failed", "last_failure_position")
        columns = {name: TextColumn([_text(getattr(one, name)) for one in several]) for name in times}
        columns |= {"account_id": TextColumn([one.account_id for one in several])}
        counts = {name: NumberColumn([getattr(one, name) or 0 for one in several]) for name in numbers}
        rows = await self._pool.execute(_ADD, {"name": _NAME, "after": after, "upto": upto, **columns, **counts})
        if rows[0][0] == 0:
            raise TrafficMoved(f"it does not stand at {after}")

    async def of_all(self) -> dict[str, Traffic]:
        """As the port."""
        rows = await self._pool.execute(_ALL)
        return {
            row[0]: msgspec.convert(dict(zip(Traffic.__struct_fields__, row, strict=True)), Traffic) for row in rows
        }


def _text(at: datetime | None) -> str:
    return at.isoformat() if at else ""
