"""Sending over real connections: TLS from the first byte or by STARTTLS, signing in, and where bounces go."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from application.exchange.sending import Accepted, Outcome, Outgoing, Refusal, Rejected
from channels import email
from channels.mail.arriving.mailboxes import message_id_of_token
from channels.mail.sending import as_html
from domain.account import AccountDefinition, AccountInvalid
from tests.certificates import make_certificate
from tests.channels.mailhooks.situations import KEY, NOON

MESSAGE = "message-0193a7c2b3c4d5e6f708192a3b4c5d6f"
NO_HTTP = httpx.AsyncClient()


class DemandingServer:
    """Takes mail only from those who have signed in, where it has a password."""

    def __init__(self, *, password: str = "", refusal: str = "535 5.7.8 wrong password") -> None:
        self.password = password
        self.refusal = refusal
        self.taken: list[Envelope] = []
        self.was_encrypted: list[bool] = []

    def authenticator(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        if data.login == b"shop" and data.password == self.password.encode():
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False, message=self.refusal)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.password and not session.authenticated:
            return "530 5.7.0 sign in first"
        assert server.transport is not None
        self.was_encrypted.append(server.transport.get_extra_info("ssl_object") is not None or session.ssl is not None)
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        self.taken.append(envelope)
        return "250 2.0.0 queued"

    @asynccontextmanager
    async def serving(self, security: str, context: ssl.SSLContext | None) -> AsyncIterator[int]:
        def protocol() -> SMTP:
            return SMTP(
                self,
                tls_context=context if security == "starttls" else None,
                require_starttls=security == "starttls",
                authenticator=self.authenticator if self.password else None,
                auth_require_tls=security == "starttls",
            )

        loop = asyncio.get_running_loop()
        server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context if security == "tls" else None)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody trusts by itself."""
    path = tmp_path_factory.mktemp("tls") / "mail.pem"
    make_certificate(path)
    return path


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As an operator makes a certificate of their own trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return certificate


def an_account(port: int, **settings: str) -> AccountDefinition:
    given = {"token_key": KEY, "smtp_host": "127.0.0.1", "smtp_port": str(port), "smtp_timeout_seconds": "5"}
    return AccountDefinition(
        channel="email", name="Shop", queue_id="queue-1", address="help@shop.example", settings=given | settings
    )


def a_reply(**changes: Any) -> Outgoing:
    whole: dict[str, Any] = {
        "conversation_id": "conversation-0193a7c2b3c4d5e6f708192a3b4c5d6e",
        "message_id": MESSAGE,
        "handle": "ana@example.org",
        "text": "Hello",
        "written_at": NOON,
    }
    return Outgoing(**(whole | changes))


def sent(server: DemandingServer, security: str, certificate: Path | None = None, **more: Any) -> Outcome:
    """`more`: settings of the account; `reply` for another reply."""
    reply = more.pop("reply", a_reply())
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)

    async def attempt() -> Outcome:
        async with server.serving(security, context) as port:
            return await email.send(an_account(port, smtp_security=security, **more), reply, NO_HTTP)

    return asyncio.run(attempt())


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_reply_goes_encrypted_and_signed_in(security: str, trusted: Path) -> None:
    server = DemandingServer(password="secret")

    outcome = sent(server, security, trusted, smtp_username="shop", smtp_password="secret")

    assert isinstance(outcome, Accepted), outcome
    assert (server.was_encrypted, len(server.taken)) == ([True], 1)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_that_nobody_vouches_for_gets_neither_password_nor_mail(security: str, certificate: Path) -> None:
    server = DemandingServer(password="secret")

    outcome = sent(server, security, certificate, smtp_username="shop", smtp_password="secret")

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, server.taken) == (Refusal.RETRY_LATER, [])
    assert "certificate" in outcome.reason.lower()


def test_a_server_that_offers_no_encryption_gets_nothing_where_it_is_wanted() -> None:
    server = DemandingServer()

    outcome = sent(server, "plain", smtp_username="shop", smtp_password="secret")
    assert isinstance(outcome, Rejected)

    async def attempt() -> Outcome:
        async with server.serving("plain", None) as port:
            return await email.send(an_account(port, smtp_security="starttls"), a_reply(), NO_HTTP)

    outcome = asyncio.run(attempt())

    assert isinstance(outcome, Rejected)
    assert server.taken == []


def test_the_password_before_is_tried_while_it_is_changed(trusted: Path) -> None:
    server = DemandingServer(password="old")

    outcome = sent(server, "starttls", trusted, smtp_username="shop", smtp_password="new", smtp_password_previous="old")

    assert isinstance(outcome, Accepted), outcome


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [("535 5.7.8 wrong", Refusal.OUR_FAULT), ("454 4.7.0 for the moment not", Refusal.RETRY_LATER)],
)
def test_not_being_let_in_is_our_fault_unless_it_is_for_now(refusal: str, kind: Refusal, trusted: Path) -> None:
    server = DemandingServer(password="secret", refusal=refusal)

    outcome = sent(server, "starttls", trusted, smtp_username="shop", smtp_password="wrong")

    assert isinstance(outcome, Rejected)
    assert (outcome.refusal, server.taken) == (kind, [])


def test_bounces_come_to_the_mailbox_or_to_an_address_that_names_the_message_or_to_nobody() -> None:
    server = DemandingServer()
    bounces = "bounce@shop.example"

    sent(server, "plain")
    sent(server, "plain", bounce_address=bounces)
    sent(server, "plain", reply=a_reply(is_automatic=True), bounce_address=bounces)

    mailbox, named, nobody = (str(one.mail_from) for one in server.taken)
    assert mailbox == "help@shop.example"
    assert message_id_of_token([named], [KEY.encode()]) == MESSAGE
    assert nobody == "<>"


@pytest.mark.parametrize("address", ["bounce", "bounces@shop.example", "bounce@", "@shop.example"])
def test_a_mailbox_for_bounces_that_cannot_work_is_refused(address: str) -> None:
    with pytest.raises(AccountInvalid, match="bounce_address"):
        email.read_settings(an_account(25, bounce_address=address))


def test_a_text_becomes_html_that_shows_the_same_and_holds_no_markup() -> None:
    html = as_html("1 < 2 & <b>3</b>\n  indented\n\n\nعربي\n")

    assert html.splitlines() == [
        "<html><body>",
        '<p dir="auto">1 &lt; 2 &amp; &lt;b&gt;3&lt;/b&gt;<br>',
        "\u00a0 indented</p>",
        '<p dir="auto">عربي</p>',
        "</body></html>",
    ]
