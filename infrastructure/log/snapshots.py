"""Decision states kept beside the log, sealed like the events they were computed from.

A stored state only saves time: whenever it is missing or cannot be opened, the stream itself tells the same.
"""

import logging
import os

from cryptography.exceptions import InvalidTag

from infrastructure.log.keys import NONCE_BYTES, KeyRing
from infrastructure.log.pool import ReadPool

logger = logging.getLogger(__name__)

_LOAD = """
SELECT originator_version, state FROM onethread_snapshots WHERE originator_id = %s
ORDER BY originator_version DESC LIMIT 1
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
        rows = await self._pool.execute(_LOAD, (_id(stream, state_name),))
        key = (await self._keys.of([stream])).get(stream)
        if not rows or key is None or rows[0][0] < key.first_version:
            return None
        version, sealed = rows[0]
        try:
            state = key.cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _place(stream, state_name, version))
        except InvalidTag:
            logger.warning("the state %s of %s at version %d cannot be opened", state_name, stream, version)
            return None
        return state, version

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
