"""The IMAP door: every mailbox account that names an IMAP server is read, each by itself, while it is set up."""

import asyncio
import logging

from api.doors.imap_reader import MailboxReader
from api.parts import Parts
from channels.mail.arriving.settings import ImapAccount
from domain.account import AccountInvalid
from infrastructure.mail.folders import PostgresFolders
from infrastructure.stopping import stop

LOOK_SECONDS = 1.0
"""How soon an account that is new, changed, paused or resumed is noticed."""

logger = logging.getLogger(__name__)


class ImapDoor:
    """Runs a reader for each mailbox that is not paused. One process at a time does; see `infrastructure/leases.py`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._take_mail = parts.take_mail
        self._folders = PostgresFolders(parts.log.pool)
        self._running: dict[str, tuple[ImapAccount, asyncio.Task[None]]] = {}
        self._invalid: set[str] = set()

    async def run(self) -> None:
        """Until it is cancelled; then no mailbox is read any more."""
        await self._folders.open()
        try:
            while True:
                await self._follow(self._wanted())
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await stop(task for _, task in self._running.values())
            self._running.clear()

    def _wanted(self) -> dict[str, ImapAccount]:
        """The accounts to read, by id."""
        wanted: dict[str, ImapAccount] = {}
        for account in self._parts.directory.accounts.values():
            definition = account.definition
            if account.is_paused or definition is None or definition.channel != "email":
                continue
            try:
                if (imap := ImapAccount.read(definition.settings)) is not None:
                    wanted[account.id] = imap
                self._invalid.discard(account.id)
            except AccountInvalid as error:
                if account.id not in self._invalid:
                    logger.warning("mailbox %s cannot be read: %s", account.id, error)
                self._invalid.add(account.id)
        return wanted

    async def _follow(self, wanted: dict[str, ImapAccount]) -> None:
        """Ends the readers of accounts that are gone or changed, and begins those that are missing."""
        ended = [
            account_id
            for account_id, (imap, task) in self._running.items()
            if wanted.get(account_id) != imap or task.done()
        ]
        for account_id in ended:
            _, task = self._running.pop(account_id)
            if task.done() and not task.cancelled():
                logger.error("the reader of mailbox %s failed; it begins again", account_id, exc_info=task.exception())
            await stop([task])
        for account_id, imap in wanted.items():
            if account_id not in self._running:
                reader = MailboxReader(account_id, imap, self._parts, self._take_mail, self._folders)
                self._running[account_id] = (imap, asyncio.create_task(reader.run(), name=f"mailbox {account_id}"))
