"""The port `application.exchange.stuck` on PostgreSQL: replies that cannot be tried, for every process to tell of."""

import asyncio

from application.exchange.stuck import Stuck
from infrastructure.deliveries.tables import create_table
from infrastructure.log.pool import ReadPool

_TABLE = """
CREATE TABLE IF NOT EXISTS onethread_replies_stuck (
    message_id text PRIMARY KEY,
    account_id text NOT NULL,
    position bigint NOT NULL,
    since timestamptz NOT NULL,
    because text NOT NULL)
"""
_LOAD = "SELECT message_id, account_id, position, since, because FROM onethread_replies_stuck ORDER BY position"
_NOTE = """
INSERT INTO onethread_replies_stuck (message_id, account_id, position, since, because) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (message_id) DO NOTHING
"""
_FORGET = "DELETE FROM onethread_replies_stuck WHERE message_id = %s"


class PostgresStuckReplies:
    """A row for each. Open it before it is used."""

    def __init__(self, database_url: str, pool: ReadPool) -> None:
        self._database_url = database_url
        self._pool = pool

    async def open(self) -> None:
        """Makes the table where it is missing. Raises LogUnreachable."""
        await asyncio.to_thread(create_table, self._database_url, _TABLE)

    async def load(self) -> list[Stuck]:
        """As the port."""
        return [
            Stuck(message_id=row[0], account_id=row[1], position=int(row[2]), since=row[3], because=row[4])
            for row in await self._pool.execute(_LOAD)
        ]

    async def note(self, one: Stuck) -> None:
        """As the port."""
        row = (one.message_id, one.account_id, one.position, one.since, one.because.replace("\0", ""))
        await self._pool.execute(_NOTE, row)

    async def forget(self, message_id: str) -> None:
        """As the port."""
        await self._pool.execute(_FORGET, (message_id,))
