"""A reader of one mailbox: follows its folders by UID and takes every mail in, whatever becomes of the connection."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from msgspec.structs import replace

from api.doors.take_mail import TakeMail
from api.parts import Parts
from application.commands import Command, Contended
from application.log import LogBusy, LogUnreachable
from channels.mail.arriving.settings import ImapAccount
from domain.account import AccountPaused, AccountUnknown
from infrastructure.mail.folders import FolderPosition, PostgresFolders
from infrastructure.mail.imap_mailbox import (
    FolderUnreadable,
    ImapMailbox,
    Listed,
    MailboxUnreachable,
    MailUnreadable,
    Opened,
)

RETRY_SECONDS, RETRY_SECONDS_MAX = 1.0, 300.0
MAILS_PER_SAVE = 50
"""After a crash at most so many are fetched a second time; they are recognised."""
LEFT_MAX = 1_000
"""A folder in which so many mails cannot be taken waits until somebody looks."""
LEFT_AGAIN_SECONDS = 600.0
LATER = (LogBusy, LogUnreachable, Contended, AccountPaused, AccountUnknown)
"""Nothing is wrong with the mail: the same one is tried again."""

T = TypeVar("T")
logger = logging.getLogger(__name__)


class FolderStuck(Exception):
    """More mails cannot be taken than may be left behind."""


def mailbox_of(imap: ImapAccount) -> ImapMailbox:
    """The mailbox of an account, not yet connected."""
    return ImapMailbox(
        host=imap.host,
        port=imap.port,
        user=imap.user,
        passwords=imap.passwords,
        security=imap.security,
        timeout_seconds=imap.timeout_seconds,
    )


class MailboxReader:
    """Reads until it is cancelled. A mail's UID counts as read only once the mail is durable."""

    def __init__(
        self, account_id: str, imap: ImapAccount, parts: Parts, take_mail: TakeMail, folders: PostgresFolders
    ) -> None:
        self._account_id = account_id
        self._imap = imap
        self._clock = parts.clock
        self._mail_bytes_max = parts.settings.mail_bytes_max
        self._take_mail = take_mail
        self._folders = folders
        self._mailbox_name = f"{imap.user}@{imap.host}:{imap.port}"
        self._left_tried_at: dict[str, float] = {}
        self._pause_seconds = RETRY_SECONDS

    async def run(self) -> None:
        """Connects, and after any loss of the connection connects again, less and less often."""
        while True:
            try:
                await self._read_until_lost()
            except (MailboxUnreachable, FolderStuck, *LATER) as error:
                logger.warning("mailbox %s waits: %s: %s", self._account_id, type(error).__name__, error)
            await asyncio.sleep(self._pause_seconds)
            self._pause_seconds = min(self._pause_seconds * 2, RETRY_SECONDS_MAX)

    async def _read_until_lost(self) -> None:
        """Returns where a new connection is wanted. Raises MailboxUnreachable, FolderStuck and all of LATER."""
        imap = self._imap
        mailbox = mailbox_of(imap)
        # A thread of its own: a server that hangs holds up nobody else.
        with_thread = ThreadPoolExecutor(1, thread_name_prefix=f"mailbox {self._account_id}")
        try:
            connection = _Connection(mailbox, with_thread)
            await connection.call(mailbox.connect)
            while True:
                # The first one comes last: it stays open to be waited for.
                are_read = [await self._catch_up(connection, folder) for folder in reversed(imap.folders)]
                self._pause_seconds = RETRY_SECONDS
                await connection.call(mailbox.wait, float(imap.poll_seconds))
                if not all(are_read):
                    return  # a folder made anew behind our back shows only on a new connection
        finally:
            mailbox.cut()
            with_thread.submit(mailbox.close)
            with_thread.shutdown(wait=False)

    async def _catch_up(self, connection: "_Connection", folder: str) -> bool:
        """Takes all that is new, and from time to time what was left. False: the folder could not be opened.

        Raises MailboxUnreachable, FolderStuck and all of LATER.
        """
        mailbox = connection.mailbox
        try:
            opened = await connection.call(mailbox.open, folder)
        except FolderUnreadable as error:  # the others are read all the same
            logger.warning("mailbox %s: folder %s cannot be opened: %s", self._account_id, folder, error)
            return False
        position = await self._position(opened, folder)
        tried_at = self._left_tried_at.get(folder)
        if position.left_uids and (tried_at is None or time.monotonic() - tried_at > LEFT_AGAIN_SECONDS):
            self._left_tried_at[folder] = time.monotonic()
            left = await connection.call(mailbox.after, min(position.left_uids) - 1)
            again = [one for one in left if one.uid in position.left_uids]
            still_left = [one.uid for one in again if not await self._take(connection, folder, one)]
            position = replace(position, left_uids=tuple(still_left))
            await self._save(folder, position)
        new = await connection.call(mailbox.after, position.last_uid)
        for start in range(0, len(new), MAILS_PER_SAVE):
            for one in new[start : start + MAILS_PER_SAVE]:
                is_taken = await self._take(connection, folder, one)
                left_uids = position.left_uids if is_taken else (*position.left_uids, one.uid)
                if len(left_uids) > LEFT_MAX:
                    raise FolderStuck(f"{folder}: {LEFT_MAX} mails cannot be taken")
                position = replace(position, last_uid=one.uid, left_uids=left_uids)
            await self._save(folder, position)
        return True

    async def _position(self, opened: Opened, folder: str) -> FolderPosition:
        """Where to go on. A folder that was numbered anew is read from its beginning: what is known is recognised."""
        position = await self._folders.load(self._account_id, self._mailbox_name, folder)
        if position is not None and position.uid_validity == opened.uid_validity:
            return position
        is_left = position is None and not self._imap.takes_old
        position = FolderPosition(
            uid_validity=opened.uid_validity, last_uid=max(opened.uid_next - 1, 0) if is_left else 0
        )
        await self._save(folder, position)
        return position

    async def _save(self, folder: str, position: FolderPosition) -> None:
        await self._folders.save(self._account_id, self._mailbox_name, folder, position)

    async def _take(self, connection: "_Connection", folder: str, listed: Listed) -> bool:
        """Whether the mail is stored, or gone. A mail that cannot be taken never holds up those behind it.

        Raises MailboxUnreachable and all of LATER.
        """
        try:
            if listed.size_bytes > self._mail_bytes_max:
                size, limit = _megabytes(listed.size_bytes), _megabytes(self._mail_bytes_max)
                notice = f"A mail of {size} MB came, which is more than the {limit} MB that are taken in."
                return await self._tell(connection, listed, f"{notice} It is still in the mailbox, in {folder}.")
            raw = await connection.call(connection.mailbox.raw, listed.uid)
            if raw is not None:
                await self._take_mail.take(raw, self._command(), account_id=self._account_id)
        except (MailboxUnreachable, *LATER):
            raise
        except MailUnreadable as error:
            logger.warning("mailbox %s: mail %d of %s is not given: %s", self._account_id, listed.uid, folder, error)
            notice = f"A mail came that the mail server does not give out. It is still in the mailbox, in {folder}."
            await self._tell(connection, listed, notice)
            return False
        except Exception:
            logger.exception("mailbox %s: mail %d of %s is left", self._account_id, listed.uid, folder)
            return False
        return True

    async def _tell(self, connection: "_Connection", listed: Listed, notice: str) -> bool:
        """Stores a message that says why there is no mail; people must know that something came."""
        try:
            headers = await connection.call(connection.mailbox.headers, listed.uid)
        except MailUnreadable:
            headers = f"Message-ID: <{listed.uid}.{listed.size_bytes}@{self._imap.host}>\r\n\r\n".encode()
        if headers is not None:
            await self._take_mail.take(headers, self._command(), account_id=self._account_id, notice=notice)
        return True

    def _command(self) -> Command:
        return Command(actor=self._account_id, at=self._clock())


class _Connection:
    """A mailbox and the thread that its calls are made in."""

    def __init__(self, mailbox: ImapMailbox, with_thread: ThreadPoolExecutor) -> None:
        self.mailbox = mailbox
        self._thread = with_thread

    async def call(self, method: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, method, *arguments)


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1_000_000:.1f}"
