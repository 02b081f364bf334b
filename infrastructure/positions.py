"""Positions of reactions, in the library's tracking table."""

from infrastructure.log.pool import ReadPool

_LOAD = "SELECT notification_id FROM onethread_tracking WHERE application_name = %s"
_SAVE = """
INSERT INTO onethread_tracking AS tracking (application_name, notification_id) VALUES (%s, %s)
ON CONFLICT (application_name) DO UPDATE SET notification_id = EXCLUDED.notification_id
WHERE tracking.notification_id < EXCLUDED.notification_id
"""


class PostgresPositions:
    """The port `application.positions` on PostgreSQL."""

    def __init__(self, pool: ReadPool) -> None:
        self._pool = pool

    async def load(self, name: str) -> int:
        rows = await self._pool.execute(_LOAD, (name,))
        return int(rows[0][0]) if rows else 0

    async def save(self, name: str, position: int) -> None:
        await self._pool.execute(_SAVE, (name, position))
