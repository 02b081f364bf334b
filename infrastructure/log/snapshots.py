"""Decision states kept beside the log, sealed like the events they were computed from.

A stored state only saves time: whenever it is missing or cannot be opened, the stream itself tells the same.
"""

import logging
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag

from infrastructure.log.columns import TextColumn
from infrastructure.log.keys import NONCE_BYTES, KeyRing
from infrastructure.log.pool import ReadPool

logger = logging.getLogger(__name__)

_LOAD = """
SELECT stored.* FROM unnest(%b::text[]) AS wanted (id) CROSS JOIN LATERAL (
    SELECT originator_id, originator_version, state FROM onethread_snapshots WHERE originator_id = wanted.id
    ORDER BY originator_version DESC LIMIT 1
) AS stored
"""

# Leaves the newest: an older state that comes late changes nothing.
_SAVE = """
WITH older AS (
    DELETE FROM onethread_snapshots WHERE originator_id = %(id)s AND originator_version < %(version)s
)
INSERT INTO onethread_snapshots (originator_id, originator_version, topic, state)
SELECT %(id)s, %(version)s, %(topic)s, %(state)s
WHERE NOT EXISTS (SELECT FROM onethread_snapshots WHERE originator_id = %(id)s AND originator_version > %(version)s)
ON CONFLICT (originator_id, originator_version) DO UPDATE SET state = excluded.state
"""

_PURGE = "DELETE FROM onethread_snapshots WHERE starts_with(originator_id, %s)"


class PostgresSnapshots:
    """Keeps the newest state of each stream and name. A name holds no slash."""

    def __init__(self, pool: ReadPool, keys: KeyRing) -> None:
        self._pool = pool
        self._keys = keys

    async def load(self, stream: str, state_name: str) -> tuple[bytes, int] | None:
        """As `application.log.Snapshots.load`. Nothing when the stream's key has been destroyed since."""
        return (await self.load_all({stream: state_name})).get(stream)

    async def load_all(self, state_names: Mapping[str, str]) -> dict[str, tuple[bytes, int]]:
        """As `application.log.Snapshots.load_all`. Nothing of those whose key has been destroyed since."""
        streams = {_id(stream, name): stream for stream, name in state_names.items()}
        rows = await self._pool.execute(_LOAD, (TextColumn(list(streams)),))
        keys = await self._keys.of({streams[stored_id] for stored_id, _, _ in rows})
        states: dict[str, tuple[bytes, int]] = {}
        for stored_id, version, sealed in rows:
            stream = streams[stored_id]
            key, name = keys.get(stream), state_names[stream]
            if key is None or version < key.first_version:
                continue
            try:
                opened = key.cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _place(stream, name, version))
            except InvalidTag:
                logger.warning("the state %s of %s at version %d cannot be opened", name, stream, version)
            else:
                states[stream] = opened, version
        return states

    async def save(self, stream: str, state_name: str, state: bytes, version: int) -> None:
        """As `application.log.Snapshots.save`. Does nothing for a stream whose key has been destroyed."""
        key = (await self._keys.of([stream])).get(stream)
        if key is None or version < key.first_version:
            return
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + key.cipher.encrypt(nonce, state, _place(stream, state_name, version))
        parameters = {"id": _id(stream, state_name), "version": version, "topic": state_name, "state": sealed}
        await self._pool.execute(_SAVE, parameters)

    async def purge(self, stream: str) -> None:
        """Removes every state of the stream."""
        await self._pool.execute(_PURGE, (_id(stream, ""),))


def _id(stream: str, state_name: str) -> str:
    """The library's table has one row for each id and version, and a stream has states of several names."""
    return f"{stream}/{state_name}"


def _place(stream: str, state_name: str, version: int) -> bytes:
    return f"{stream}\0{version}\0{state_name}\0snapshot".encode()
