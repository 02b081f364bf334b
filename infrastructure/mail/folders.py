"""How far each folder of each mailbox has been read, in PostgreSQL."""

import msgspec

from infrastructure.log.pool import ReadPool

_CREATE = """
CREATE TABLE IF NOT EXISTS onethread_mail_folders (
    account_id text, mailbox text, folder text,
    uid_validity bigint NOT NULL, last_uid bigint NOT NULL, left_uids bigint[] NOT NULL,
    PRIMARY KEY (account_id, mailbox, folder)
)
"""
_LOAD = """
SELECT uid_validity, last_uid, left_uids FROM onethread_mail_folders
WHERE account_id = %s AND mailbox = %s AND folder = %s
"""
_SAVE = """
INSERT INTO onethread_mail_folders (account_id, mailbox, folder, uid_validity, last_uid, left_uids)
VALUES (%s, %s, %s, %s, %s, %s::bigint[])
ON CONFLICT (account_id, mailbox, folder) DO UPDATE SET
    uid_validity = EXCLUDED.uid_validity, last_uid = EXCLUDED.last_uid, left_uids = EXCLUDED.left_uids
"""


class FolderPosition(msgspec.Struct, frozen=True, kw_only=True):
    """Everything up to `last_uid` is stored, but for what was left.

    Example: `FolderPosition(uid_validity=1763726400, last_uid=4711, left_uids=(4690,))`
    """

    uid_validity: int
    """UIDs mean something only together with this; the server changes it when it numbers anew (RFC 3501, 2.3.1.1)."""
    last_uid: int
    left_uids: tuple[int, ...] = ()
    """Mail that could not be taken; it is tried again, and holds up nothing meanwhile."""


class PostgresFolders:
    """Folder positions by account, mailbox (`user@host:port`) and folder. All raise LogUnreachable."""

    def __init__(self, pool: ReadPool) -> None:
        self._pool = pool

    async def open(self) -> None:
        """Makes the table where it is missing."""
        await self._pool.execute(_CREATE)

    async def load(self, account_id: str, mailbox: str, folder: str) -> FolderPosition | None:
        """None: never read before."""
        rows = await self._pool.execute(_LOAD, (account_id, mailbox, folder))
        if not rows:
            return None
        uid_validity, last_uid, left_uids = rows[0]
        return FolderPosition(uid_validity=uid_validity, last_uid=last_uid, left_uids=tuple(left_uids))

    async def save(self, account_id: str, mailbox: str, folder: str, position: FolderPosition) -> None:
        """Only once all that the position speaks for is durable."""
        left = list(position.left_uids)
        await self._pool.execute(_SAVE, (account_id, mailbox, folder, position.uid_validity, position.last_uid, left))
