"""The LMTP door: mail servers hand mail in by LMTP or SMTP, and are told that it is ours only once it is durable."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from typing import AnyStr, cast

from aiosmtpd.smtp import SMTP, Envelope, Session
from typing_extensions import override

from api.parts import Parts
from api.settings import SettingWrong
from application.commands import Command, Contended
from application.log import LogBusy, LogUnreachable
from domain.account import AccountPaused, AccountUnknown
from domain.event import RuleBroken

ACTOR = "lmtp-door"
SESSIONS_MAX = 32
"""Each may hold one mail of the largest size in memory."""
RECIPIENTS_MAX = 100
LINE_BYTES_MAX = 1_048_576
"""RFC 5321 allows 998, but mail with longer lines is delivered all over the world, and should not be lost here."""
SESSION_SECONDS_MAX = 300.0
"""Of silence (RFC 5321, section 4.5.3.2.7)."""

STORED = "250 2.1.5 stored"
NO_SUCH_MAILBOX = "550 5.1.1 there is no such mailbox here"
PAUSED = "451 4.2.1 this mailbox is paused"
LATER = "451 4.3.0 it could not be stored; try again later"
OF_THE_MAIL = ("552 Error: Too much mail data", "500 Line too long (see RFC5321 4.5.3.1.6)")
"""What the library answers to a mail that it does not read to its end."""
STOPPING = "421 4.3.2 stopping"

logger = logging.getLogger(__name__)


class LmtpDoor:
    """Listens where the settings say. Mail for unknown recipients is refused, so nothing is taken that has no home."""

    def __init__(self, parts: Parts) -> None:
        self._settings = parts.settings
        self._directory = parts.directory
        self._clock = parts.clock
        self._take_mail = parts.take_mail
        self._sessions: set[_MailSession] = set()
        self._is_stopping = False

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int | None]:
        """Takes mail until the context ends; then what is being stored is finished and told. Gives its port.

        Does nothing without ONETHREAD_LMTP_LISTEN. With port 0 there the system chooses one. Raises SettingWrong.
        """
        if not self._settings.lmtp_listen:
            yield None
            return
        host, port = listened_address(self._settings.lmtp_listen, is_public=self._settings.lmtp_reach == "public")
        try:
            server = await asyncio.get_running_loop().create_server(self._session, host, port)
        except OSError as error:
            raise SettingWrong(f"ONETHREAD_LMTP_LISTEN: {error}") from error
        port = server.sockets[0].getsockname()[1]
        logger.info("mail is taken on %s:%d", host, port)
        try:
            yield port
        finally:
            server.close()
            await self._finish()

    def _session(self) -> asyncio.BaseProtocol:
        if len(self._sessions) >= SESSIONS_MAX or self._is_stopping:
            return _Busy()
        return _MailSession(self, self._sessions, size_bytes_max=self._settings.mail_bytes_max)

    async def _finish(self) -> None:
        """Waits for what is being stored, and for its answer, however often it is told to hurry."""
        self._is_stopping = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.stop_seconds
        while (taking := [one.taking for one in self._sessions if one.taking]) and loop.time() < deadline:
            with suppress(asyncio.CancelledError):
                await asyncio.wait(taking, timeout=deadline - loop.time(), return_when=asyncio.ALL_COMPLETED)
        for session in tuple(self._sessions):
            session.end()

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Whether there is a mailbox for the recipient."""
        account = self._take_mail.mailbox_of(address)
        if account is None:
            return NO_SUCH_MAILBOX
        if account.is_paused:
            return PAUSED
        if len(envelope.rcpt_tos) >= RECIPIENTS_MAX:
            return "452 4.5.3 too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 recipient ok"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        """By LMTP an answer for each recipient (RFC 2033, section 4.2); by SMTP one, which is the worst of them.

        A mail server that gets the worst delivers again to all; who has it already recognises it.
        """
        assert isinstance(server, _MailSession)
        assert isinstance(envelope.content, bytes)
        if self._is_stopping:
            return STOPPING
        server.taking = server.loop.create_future()
        sender = (envelope.mail_from or "").removeprefix("<").removesuffix(">")
        raw = f"Return-Path: <{sender}>\r\n".encode("utf-8", "replace") + envelope.content
        # A client that goes away now does not stop the append: it will find its mail recognised.
        whole = asyncio.ensure_future(self._take_all(raw, list(envelope.rcpt_tos)))
        answers = await asyncio.shield(whole)
        return "\r\n".join(answers) if server.is_lmtp else max(answers, key=_badness)

    async def _take_all(self, raw: bytes, recipients: list[str]) -> list[str]:
        return [await self._take(raw, recipient) for recipient in recipients]

    async def _take(self, raw: bytes, recipient: str) -> str:
        try:
            await self._take_mail.take(raw, Command(actor=ACTOR, at=self._clock()), recipient=recipient)
        except AccountUnknown:
            return NO_SUCH_MAILBOX
        except AccountPaused:
            return PAUSED
        except (LogBusy, LogUnreachable, Contended, RuleBroken) as error:
            logger.warning("a mail is to come again: %s", type(error).__name__)
            return LATER
        except Exception:
            logger.exception("a mail could not be taken; it is to come again")
            return LATER
        return STORED


class _MailSession(SMTP):
    """One connection of a mail server, which speaks LMTP if it begins so, else SMTP."""

    line_length_limit = LINE_BYTES_MAX

    def __init__(self, door: LmtpDoor, sessions: "set[_MailSession]", *, size_bytes_max: int) -> None:
        super().__init__(
            door,
            data_size_limit=size_bytes_max,
            enable_SMTPUTF8=True,
            hostname=socket.gethostname(),
            ident="Onethread",
            timeout=SESSION_SECONDS_MAX,
            loop=asyncio.get_running_loop(),
        )
        self._sessions = sessions
        self.is_lmtp = False
        self.taking: asyncio.Future[None] | None = None
        """Done when the mail that is being taken has its answer."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._sessions.add(self)
        super().connection_made(transport)

    @override
    def connection_lost(self, error: Exception | None) -> None:
        self._sessions.discard(self)
        self._taken()
        super().connection_lost(error)

    def end(self) -> None:
        """Closes, once what was written has left."""
        if self.transport is not None:
            self.transport.close()

    async def smtp_LHLO(self, arg: str) -> None:  # noqa: N802  # the verb of LMTP
        """Greets as LMTP does (RFC 2033, section 4.1)."""
        self.is_lmtp = True
        await super().smtp_EHLO(arg)

    @override
    async def smtp_EHLO(self, arg: str) -> None:
        self.is_lmtp = False
        await super().smtp_EHLO(arg)

    def _taken(self) -> None:
        taking, self.taking = self.taking, None
        if taking is not None and not taking.done():
            taking.set_result(None)

    @override
    async def push(self, status: AnyStr) -> None:
        """Refusals of the mail itself are also told once for each recipient where LMTP is spoken."""
        await super().push(status)
        if self.is_lmtp and self.envelope is not None and status in OF_THE_MAIL:
            for _ in self.envelope.rcpt_tos[1:]:
                await super().push(status)
        self._taken()


class _Busy(asyncio.Protocol):
    """One connection too many."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connection = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        connection.write(b"421 4.3.2 too many connections\r\n")
        connection.close()


def listened_address(text: str, *, is_public: bool) -> tuple[str, int]:
    """Host and port. Only addresses of this machine or of a private network, unless told otherwise: the door asks
    nobody who they are.

    Raises SettingWrong. Example: `"127.0.0.1:2424"`, `"[::1]:2424"`
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise SettingWrong(f"ONETHREAD_LMTP_LISTEN: {text!r} is no host:port")
    try:
        address = ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise SettingWrong(f"ONETHREAD_LMTP_LISTEN: {host!r} is no IP address") from None
    if not is_public and (address.is_unspecified or not address.is_private):
        raise SettingWrong("ONETHREAD_LMTP_LISTEN: a public address needs ONETHREAD_LMTP_REACH=public")
    return str(address), int(port)


def _badness(answer: str) -> int:
    """Try-again is worse than never, since what was not stored may still be."""
    return {"2": 0, "5": 1}.get(answer[0], 2)
