"""The outbox beside the positions: which replies are still to be sent."""

from collections.abc import Collection, Mapping

from infrastructure.log.columns import TextColumn
from infrastructure.log.pool import ReadPool

NAME = "send_replies"
"""Of the reaction whose position moves together with the outbox."""

_TABLE = """
CREATE TABLE IF NOT EXISTS onethread_outbox (message_id text PRIMARY KEY, position bigint NOT NULL)
"""
_LOAD = "SELECT message_id, position FROM onethread_outbox"
_POSITION = "SELECT notification_id FROM onethread_tracking WHERE application_name = %s"
# One statement, so all or nothing; a sender that lost its lease and lags behind moves nothing.
_SAVE = """
WITH moved AS (
    INSERT INTO onethread_tracking AS tracking (application_name, notification_id) VALUES (%(name)s, %(upto)s)
    ON CONFLICT (application_name) DO UPDATE SET notification_id = EXCLUDED.notification_id
    WHERE tracking.notification_id < EXCLUDED.notification_id
    RETURNING 1
), gone AS (
    DELETE FROM onethread_outbox WHERE message_id = ANY (%(settled)b) AND EXISTS (SELECT FROM moved)
)
INSERT INTO onethread_outbox (message_id, position)
SELECT message_id, position::bigint FROM unnest(%(asked)b, %(positions)b) AS one (message_id, position)
WHERE EXISTS (SELECT FROM moved)
ON CONFLICT (message_id) DO UPDATE SET position = EXCLUDED.position
"""
_ADD = "INSERT INTO onethread_outbox (message_id, position) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_DROP = "DELETE FROM onethread_outbox WHERE message_id = %s AND position = %s"


class PostgresOutbox:
    """The port `application.exchange.outbox` on PostgreSQL."""

    def __init__(self, pool: ReadPool) -> None:
        self._pool = pool

    async def load(self) -> tuple[int, dict[str, int]]:
        # The position first: what is saved in between is then read from the log once more, instead of never.
        await self._pool.execute(_TABLE)
        position = await self._pool.execute(_POSITION, (NAME,))
        rows = await self._pool.execute(_LOAD)
        return (int(position[0][0]) if position else 0), {row[0]: int(row[1]) for row in rows}

    async def save(self, asked: Mapping[str, int], settled: Collection[str], upto: int) -> None:
        parameters = {
            "name": NAME,
            "upto": upto,
            "settled": TextColumn(list(settled)),
            "asked": TextColumn(list(asked)),
            "positions": TextColumn([str(position) for position in asked.values()]),
        }
        await self._pool.execute(_SAVE, parameters)

    async def add(self, message_id: str, position: int) -> None:
        await self._pool.execute(_ADD, (message_id, position))

    async def drop(self, message_id: str, position: int) -> None:
        await self._pool.execute(_DROP, (message_id, position))
