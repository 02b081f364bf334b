"""Where polling has come with sources that keep a cursor, and who was nudged: in PostgreSQL, for every process."""

from collections.abc import Callable, Sequence

import msgspec

from infrastructure.log.columns import TextColumn
from infrastructure.log.pool import ReadPool

_NUDGE = """
INSERT INTO onethread_polled AS polled (account_id, source, nudge, nudges) VALUES (%s, %s, %s, 1)
ON CONFLICT (account_id, source) DO UPDATE SET nudge = EXCLUDED.nudge, nudges = polled.nudges + 1
"""
_LOAD = """
SELECT account_id, source, cursor, nudge, nudges, nudges_served FROM onethread_polled WHERE account_id = ANY (%b)
"""
_MOVE = """
INSERT INTO onethread_polled (account_id, source, cursor) VALUES (%s, %s, %s)
ON CONFLICT (account_id, source) DO UPDATE SET cursor = EXCLUDED.cursor
"""
_SERVED = (
    "UPDATE onethread_polled SET nudges_served = greatest(nudges_served, %s) WHERE account_id = %s AND source = %s"
)


class Polled(msgspec.Struct, frozen=True, kw_only=True):
    """One source of an account."""

    account_id: str
    source: str
    """What the provider calls it: an account may come to mean another."""
    cursor: str = ""
    """Empty: from the beginning."""
    nudge: str = ""
    """What came with the latest nudge, to ask with."""
    nudges: int = 0
    nudges_served: int = 0

    @property
    def is_nudged(self) -> bool:
        return self.nudges > self.nudges_served


class PostgresPolled:
    """Cursors and nudges. All methods raise LogUnreachable and may be repeated."""

    def __init__(self, pool: ReadPool) -> None:
        self._pool = pool
        self.on_nudged: list[Callable[[], None]] = []
        """Called after each nudge, so that who polls looks at once."""

    async def nudge(self, account_id: str, source: str, nudge: str) -> None:
        """Returns when it is durable; whichever process polls sees it when it looks next."""
        await self._pool.execute(_NUDGE, (account_id, source, nudge))
        for listener in self.on_nudged:
            listener()

    async def load(self, account_ids: Sequence[str]) -> dict[tuple[str, str], Polled]:
        """By account and source, those that were ever polled or nudged."""
        rows = await self._pool.execute(_LOAD, (TextColumn(account_ids),))
        found = (
            Polled(account_id=row[0], source=row[1], cursor=row[2], nudge=row[3], nudges=row[4], nudges_served=row[5])
            for row in rows
        )
        return {(one.account_id, one.source): one for one in found}

    async def move(self, account_id: str, source: str, cursor: str) -> None:
        """To be called once everything before the cursor is durable."""
        await self._pool.execute(_MOVE, (account_id, source, cursor))

    async def served(self, polled: Polled) -> None:
        """The nudges that it counts were answered; one that came meanwhile still waits."""
        await self._pool.execute(_SERVED, (polled.nudges, polled.account_id, polled.source))
