"""One connection to a mailbox by IMAP. It only looks: nothing is marked as seen, moved or deleted."""

import imaplib
import re
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress

import msgspec
from imap_tools import (
    BaseMailBox,
    ImapToolsError,
    MailBox,
    MailboxFolderSelectError,
    MailboxLoginError,
    MailBoxStartTls,
    MailBoxUnencrypted,
)

_UID = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_CONNECTION_LOST = (imaplib.IMAP4.error, ImapToolsError, OSError, ssl.SSLError, EOFError)


class MailboxUnreachable(Exception):
    """The mailbox cannot be read now; the message is the server's or the system's."""


class FolderUnreadable(Exception):
    """The server does not open this one folder."""


class MailUnreadable(Exception):
    """The server does not give this one mail."""


class Listed(msgspec.Struct, frozen=True):
    """A mail that is in the folder."""

    uid: int
    size_bytes: int
    """As the server says (RFC822.SIZE)."""


class Opened(msgspec.Struct, frozen=True):
    """A folder as it stands."""

    uid_validity: int
    uid_next: int
    """No mail has this UID or a greater one yet; 0 where the server does not say."""


class ImapMailbox:
    """Blocks, so it belongs in a thread of its own; only `cut` may be called from another one meanwhile."""

    def __init__(
        self, *, host: str, port: int, user: str, passwords: Sequence[str], security: str, timeout_seconds: float
    ) -> None:
        self._place = (host, port)
        self._user = user
        self._passwords = passwords
        self._security = security
        self._timeout_seconds = timeout_seconds
        self._mailbox: BaseMailBox | None = None
        self._is_cut = threading.Event()

    def connect(self) -> None:
        """Signs in with the first password that is let in. Raises MailboxUnreachable."""
        for place, password in enumerate(self._passwords):
            try:
                self._mailbox = self._connected()
                is_plain = self._user.isascii() and password.isascii()
                sign_in = self._mailbox.login if is_plain else self._mailbox.login_utf8
                sign_in(self._user, password, initial_folder=None)
                self._mailbox.client.capability()  # what it can do is often told only after signing in
            except MailboxLoginError as error:
                self.close()
                if place == len(self._passwords) - 1:
                    raise MailboxUnreachable(f"the mailbox does not let {self._user} in") from error
            except _CONNECTION_LOST as error:
                self.close()
                raise MailboxUnreachable(str(error)) from error
            else:
                return

    def _connected(self) -> BaseMailBox:
        host, port = self._place
        timeout = self._timeout_seconds
        match self._security:
            case "tls":
                return MailBox(host, port, timeout=timeout, ssl_context=ssl.create_default_context())
            case "starttls":
                return MailBoxStartTls(host, port, timeout=timeout, ssl_context=ssl.create_default_context())
            case _:
                return MailBoxUnencrypted(host, port, timeout=timeout)

    def open(self, folder: str) -> Opened:
        """Opens a folder to look at (EXAMINE), so that it cannot be changed by looking.

        Raises FolderUnreadable, MailboxUnreachable.
        """
        try:
            client = self._open_mailbox().client
            self._open_mailbox().folder.set(folder, readonly=True)
            return Opened(_number(client, "UIDVALIDITY"), _number(client, "UIDNEXT"))
        except MailboxFolderSelectError as error:
            raise FolderUnreadable(str(error)) from error
        except _CONNECTION_LOST as error:
            raise MailboxUnreachable(str(error)) from error

    def after(self, uid: int) -> list[Listed]:
        """The mails with greater UIDs, in order. Raises MailboxUnreachable."""
        found: dict[int, int] = {}
        try:
            # `n:*` also gives the last mail where n is greater (RFC 3501, section 6.4.8), hence the filter.
            _, answers = self._open_mailbox().client.uid("FETCH", f"{uid + 1}:*", "(UID RFC822.SIZE)")
        except _CONNECTION_LOST as error:
            raise MailboxUnreachable(str(error)) from error
        for answer in answers:
            line = answer if isinstance(answer, bytes) else b""
            if (numbered := _UID.search(line)) and (sized := _SIZE.search(line)) and int(numbered[1]) > uid:
                found[int(numbered[1])] = int(sized[1])
        return [Listed(one, found[one]) for one in sorted(found)]

    def raw(self, uid: int) -> bytes | None:
        """The whole mail; None if it is gone. Raises MailUnreadable, MailboxUnreachable."""
        return self._fetched(uid, "(UID BODY.PEEK[])")

    def headers(self, uid: int) -> bytes | None:
        """The mail's headers only; None if it is gone. Raises MailUnreadable, MailboxUnreachable."""
        return self._fetched(uid, "(UID BODY.PEEK[HEADER])")

    def _fetched(self, uid: int, parts: str) -> bytes | None:
        try:
            status, answers = self._open_mailbox().client.uid("FETCH", str(uid), parts)
        except imaplib.IMAP4.abort as error:
            raise MailboxUnreachable(str(error)) from error
        except imaplib.IMAP4.error as error:
            raise MailUnreadable(str(error)) from error
        except _CONNECTION_LOST as error:
            raise MailboxUnreachable(str(error)) from error
        for answer in answers:
            if isinstance(answer, tuple) and (found := _UID.search(answer[0])) and int(found[1]) == uid:
                return bytes(answer[1])
        if status == "OK" and not any(answers):
            return None
        raise MailUnreadable(" ".join(str(answer)[:200] for answer in answers) or status)

    def wait(self, seconds: float) -> None:
        """Returns when something happened in the open folder (IDLE), or when the time is over.

        Raises MailboxUnreachable.
        """
        try:
            mailbox = self._open_mailbox()
            if "IDLE" in mailbox.client.capabilities:
                mailbox.idle.wait(timeout=seconds)
            else:
                self._is_cut.wait(seconds)
        except _CONNECTION_LOST as error:
            raise MailboxUnreachable(str(error)) from error

    def _open_mailbox(self) -> BaseMailBox:
        if self._mailbox is None or self._is_cut.is_set():
            raise MailboxUnreachable("the connection is closed")
        return self._mailbox

    def cut(self) -> None:
        """Breaks the connection off, so that whoever waits for it fails at once."""
        self._is_cut.set()
        if self._mailbox is not None:
            with suppress(OSError, AttributeError):
                self._mailbox.client.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes without a word: the server forgets nothing that matters."""
        mailbox, self._mailbox = self._mailbox, None
        if mailbox is not None:
            with suppress(*_CONNECTION_LOST):
                mailbox.client.shutdown()


def _number(client: imaplib.IMAP4, name: str) -> int:
    """A number that the server told when the folder was opened; 0 if it did not."""
    _, values = client.response(name)
    text = values[-1] if values else None
    return int(text) if isinstance(text, bytes) and text.isdigit() else 0
