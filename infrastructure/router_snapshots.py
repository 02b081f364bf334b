"""Snapshots of the router in PostgreSQL, sealed, each bound to the event of the log that it was taken at."""

import asyncio
import zlib
from collections.abc import Sequence

from application.router_snapshots import STATE_NAME, surplus
from infrastructure.deliveries.sealing import seal, unseal
from infrastructure.log.columns import NumberColumn
from infrastructure.log.keys import MasterKeys
from infrastructure.log.pool import ReadPool

ZLIB_LEVEL = 1
"""Ids hardly compress any better, and the rest does at once."""

# No two stored events are the same bytes, so that the digest of one tells which history it belongs to.
_SAVE = """
INSERT INTO onethread_router_snapshots (state_name, position, event_digest, wrapped_key, sealed)
SELECT %(name)s, notification_id, sha256(state), %(key)s, %(sealed)s FROM onethread_events
WHERE notification_id = %(position)s
ON CONFLICT (state_name, position) DO UPDATE
SET event_digest = excluded.event_digest, wrapped_key = excluded.wrapped_key, sealed = excluded.sealed
"""
_POSITIONS = "SELECT position FROM onethread_router_snapshots WHERE state_name = %s"
# Of another release one stays, for whoever goes back to it.
_REMOVE = """
DELETE FROM onethread_router_snapshots AS kept
WHERE state_name = %(name)s AND position = ANY (%(surplus)b)
    OR state_name <> %(name)s AND EXISTS (
        SELECT FROM onethread_router_snapshots WHERE state_name = kept.state_name AND position > kept.position)
"""
_NEAREST = """
SELECT kept.position, kept.wrapped_key, kept.sealed
FROM onethread_router_snapshots AS kept JOIN onethread_events AS stored ON stored.notification_id = kept.position
WHERE kept.state_name = %s AND kept.position <= %s AND sha256(stored.state) = kept.event_digest
ORDER BY kept.position DESC LIMIT 1
"""


class PostgresRouterSnapshots:
    """The port `application.router_snapshots`. The log's own tables are made with it."""

    def __init__(self, pool: ReadPool, master_keys: Sequence[bytes], state_name: str = STATE_NAME) -> None:
        self._pool = pool
        self._masters = MasterKeys(master_keys)
        self._name = state_name

    async def save(self, position: int, facts: bytes) -> None:
        """As the port."""
        wrapped_key, sealed = await asyncio.to_thread(self._seal, position, facts)
        parameters = {"name": self._name, "position": position, "key": wrapped_key, "sealed": sealed}
        await self._pool.execute(_SAVE, parameters)
        positions = [row[0] for row in await self._pool.execute(_POSITIONS, (self._name,))]
        await self._pool.execute(_REMOVE, {"name": self._name, "surplus": NumberColumn(surplus(positions))})

    async def nearest(self, position: int) -> tuple[bytes, int] | None:
        """As the port. Nothing where its master key is no longer at hand."""
        rows = await self._pool.execute(_NEAREST, (self._name, position))
        if not rows:
            return None
        taken_at, wrapped_key, sealed = rows[0]
        facts = await asyncio.to_thread(self._unseal, taken_at, wrapped_key, sealed)
        return None if facts is None else (facts, taken_at)

    def _seal(self, position: int, facts: bytes) -> tuple[bytes, bytes]:
        return seal(self._masters, self._name, self._place(position), zlib.compress(facts, ZLIB_LEVEL))

    def _unseal(self, position: int, wrapped_key: bytes, sealed: bytes) -> bytes | None:
        compressed = unseal(self._masters, self._name, self._place(position), wrapped_key, sealed)
        return None if compressed is None else zlib.decompress(compressed)

    def _place(self, position: int) -> bytes:
        """What the seal is bound to: `router.3 20000`."""
        return f"{self._name} {position}".encode()
