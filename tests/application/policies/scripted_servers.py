"""A WhatsApp API and a mail server on loopback that know what reached the customer, and a sender for all channels.

Who takes a request or a mail without answering has delivered it: the worst case.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from typing_extensions import override

from channels.table import CHANNELS
from tests.application.policies.scripted_channel import Sender
from tests.application.situations import Shop
from tests.channels.scripted_provider import Scripted, ScriptedProvider, scripted_provider
from tests.channels.test_email_sending import ScriptedServer

RIGHT = "the right password"
SILENCE_SECONDS, PATIENCE_SECONDS = 2.0, 30.0
"""How long an answer is awaited: short only where one never comes, for a busy machine is no silent provider."""


class Provider(ScriptedProvider):
    """Knows what reached the customer."""

    def __init__(self, *script: Scripted) -> None:
        super().__init__(*script)
        self.answers = [*script]

    @property
    def delivered(self) -> list[str]:
        answers = [*self.answers, *[Scripted()] * len(self.taken)]
        taken = zip(self.taken, answers, strict=False)
        return [one.json["text"]["body"] for one, answer in taken if answer.status < 300]


class MailServer(ScriptedServer):
    """Answers each mail by the script, and lets in who has the right password."""

    def __init__(self, *script: str, password: str) -> None:
        super().__init__()
        self.script = list(script)
        self.password = password
        self.delivered: list[str] = []
        self.reached = asyncio.Event()

    def lets_in(self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any) -> AuthResult:
        return AuthResult(success=given.password == self.password.encode(), handled=False)

    @override
    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.script[0] if self.script else ""
        self.rcpt = self.script.pop(0).removeprefix("rcpt ") if answer.startswith("rcpt ") else "250 OK"
        return await super().handle_RCPT(server, session, envelope, address, options)

    @override
    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.reached.set()
        self.data = self.script.pop(0) if self.script else "250 2.0.0 queued"
        if self.data[0] not in "45":
            assert isinstance(envelope.content, bytes)
            plain = message_from_bytes(envelope.content, policy=policy.default).get_body(("plain",))
            assert plain is not None  # our mails have one
            self.delivered.append(plain.get_content().strip())
        return await super().handle_DATA(server, session, envelope)


@asynccontextmanager
async def a_mail_server(*script: str, password: str = RIGHT) -> AsyncIterator[tuple[MailServer, dict[str, str]]]:
    """With the settings of an account that sends by it."""
    server = MailServer(*script, password=password)

    def protocol() -> SMTP:
        return SMTP(server, authenticator=server.lets_in, auth_require_tls=False, enable_SMTPUTF8=False)

    listening = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    settings = {"token_key": "k" * 32, "smtp_host": "127.0.0.1", "smtp_security": "plain"}
    settings |= {
        "smtp_port": str(listening.sockets[0].getsockname()[1]),
        "smtp_timeout_seconds": str(_patience("silence" in script)),
    }
    try:
        yield server, settings | {"smtp_username": "shop", "smtp_password": RIGHT}
    finally:
        listening.close()


@asynccontextmanager
async def a_provider(*script: Scripted) -> AsyncIterator[Provider]:
    provider = Provider(*script)
    async with scripted_provider() as listening:
        listening.script, listening.taken = provider.script, provider.taken
        provider.url, provider.reached = listening.url, listening.reached
        yield provider


@asynccontextmanager
async def a_sender(shop: Shop, *script: Scripted) -> AsyncIterator[Sender]:
    """Of all real channels, with their limits. `script`: of the provider that may be silent."""
    limits = {name: channel.limits for name, channel in CHANNELS.items()}
    senders = {name: channel.send for name, channel in CHANNELS.items() if channel.send is not None}
    sender = Sender(shop, senders, limits, timeout_seconds=_patience(any(one.is_silent for one in script)))
    async with sender.client:
        yield sender


def _patience(is_silent: bool) -> float:  # noqa: FBT001  # what is asked
    return SILENCE_SECONDS if is_silent else PATIENCE_SECONDS
