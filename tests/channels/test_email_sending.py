"""E-mail on its way out: what a scripted mail server sees, and what we make of its answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from application.exchange.sending import Accepted, Outcome, Outgoing, Refusal, Rejected, Unknown
from channels import email
from channels.mail.sending import Server, built_reply, references_after
from channels.mail.threads import conversation_of_message_id, conversation_of_token
from domain.account import AccountDefinition, AccountInvalid

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = "k" * 32
NO_HTTP = httpx.AsyncClient()
CONVERSATION = "conversation-0193a7c2b3c4d5e6f708192a3b4c5d6e"


class ScriptedServer:
    """Answers as the test says, and keeps what it took."""

    def __init__(self, *, rcpt: str = "250 OK", data: str = "250 2.0.0 queued as 42") -> None:
        self.rcpt = rcpt
        self.data = data
        self.taken: list[Envelope] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        self.taken.append(envelope)
        if self.data == "drop":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        if self.data in {"drop", "silence"}:
            await asyncio.Event().wait()
        return self.data


@asynccontextmanager
async def serving(script: ScriptedServer) -> AsyncIterator[int]:
    def protocol() -> SMTP:
        return SMTP(script, enable_SMTPUTF8=False)

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def an_account(port: int, **settings: str) -> AccountDefinition:
    given = {"token_key": KEY, "smtp_host": "127.0.0.1", "smtp_port": str(port), "smtp_security": "plain"}
    return AccountDefinition(
        channel="email",
        name="The Shop",
        queue_id="queue-1",
        address="help@shop.example",
        settings=given | {"smtp_timeout_seconds": "0.3"} | settings,
    )


def a_reply(**changes: Any) -> Outgoing:
    whole: dict[str, Any] = {
        "conversation_id": CONVERSATION,
        "message_id": "message-0193a7c2b3c4d5e6f708192a3b4c5d6f",
        "handle": "ana@example.org",
        "text": "Grüße 😀\n.\nThe Shop",
        "written_at": NOON,
        "subject": "Parcel",
        "in_reply_to": "<2@example.org>",
        "references": ("<1@example.org>",),
    }
    return Outgoing(**(whole | changes))


def sent_to(script: ScriptedServer, reply: Outgoing) -> Outcome:
    async def attempt() -> Outcome:
        async with serving(script) as port:
            return await email.send(an_account(port), reply, NO_HTTP)

    return asyncio.run(attempt())


def test_a_reply_arrives_with_all_that_its_answer_needs() -> None:
    script = ScriptedServer()

    outcome = sent_to(script, a_reply())

    (envelope,) = script.taken
    assert isinstance(envelope.content, bytes)
    mail = message_from_bytes(envelope.content, policy=policy.default)
    assert outcome == Accepted(provider_id=mail["Message-ID"], answer="250 2.0.0 queued as 42")
    assert (envelope.mail_from, envelope.rcpt_tos) == ("help@shop.example", ["ana@example.org"])
    assert (mail["From"], mail["To"]) == ("The Shop <help@shop.example>", "ana@example.org")
    assert (mail["Subject"], mail["In-Reply-To"]) == ("Re: Parcel", "<2@example.org>")
    assert mail["References"] == "<1@example.org> <2@example.org>"
    assert conversation_of_token([mail["Reply-To"]], [KEY.encode()]) == CONVERSATION
    assert conversation_of_message_id(mail["Message-ID"], [KEY.encode()]) == CONVERSATION
    assert mail["Auto-Submitted"] is None
    plain, html = mail.iter_parts()
    assert plain.get_content().splitlines() == ["Grüße 😀", ".", "The Shop"]
    assert html.get_content().splitlines()[1:-1] == ['<p dir="auto">Grüße 😀<br>', ".<br>", "The Shop</p>"]
    assert envelope.content.isascii(), "not every server on the way takes eight bits"


@pytest.mark.parametrize(
    ("script", "refusal"),
    [
        (ScriptedServer(rcpt="551 5.1.6 moved"), Refusal.RECIPIENT_GONE),
        (ScriptedServer(rcpt="451 4.7.1 try later"), Refusal.RETRY_LATER),
        (ScriptedServer(data="554 5.7.1 spam"), Refusal.OUR_FAULT),
        (ScriptedServer(data="452 4.3.1 disk full"), Refusal.RETRY_LATER),
    ],
)
def test_a_code_says_what_kind_of_refusal_it_is(script: ScriptedServer, refusal: Refusal) -> None:
    told = script.rcpt if script.data.startswith("250") else script.data

    assert sent_to(script, a_reply()) == Rejected(reason=told, refusal=refusal)


@pytest.mark.parametrize("data", ["drop", "silence"])
def test_no_answer_after_the_mail_was_handed_over_is_unknown(data: str) -> None:
    script = ScriptedServer(data=data)

    outcome = sent_to(script, a_reply())

    assert isinstance(outcome, Unknown)
    assert len(script.taken) == 1


def test_a_server_that_cannot_be_reached_is_tried_again() -> None:
    outcome = asyncio.run(email.send(an_account(1), a_reply(), NO_HTTP))

    assert isinstance(outcome, Rejected)
    assert not outcome.is_final


@pytest.mark.parametrize("handle", ["unknown", "mailer-daemon", "ana@", "a@b\r\nBcc: c@d", "jürgen@example.org"])
def test_an_address_that_no_mail_can_go_to_is_refused_for_good(handle: str) -> None:
    script = ScriptedServer()

    outcome = sent_to(script, a_reply(handle=handle))

    assert isinstance(outcome, Rejected)
    assert outcome.is_final
    assert script.taken == []


def test_the_same_reply_sent_again_has_the_same_message_id() -> None:
    first, second = (
        built_reply(a_reply(), address="help@shop.example", name="Shop", key=b"k" * 32)["Message-ID"] for _ in range(2)
    )

    assert first == second


def test_automatic_mail_says_so() -> None:
    mail = built_reply(a_reply(is_automatic=True), address="help@shop.example", name="Shop", key=b"k" * 32)

    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-generated", "All")


@pytest.mark.parametrize("subject", ["Parcel\r\nBcc: eve@example.org", "Re: Parcel\nBcc: eve@example.org", ""])
def test_a_subject_cannot_bring_headers_in(subject: str) -> None:
    mail = built_reply(a_reply(subject=subject), address="help@shop.example", name="Shop\r\nX: y", key=b"k" * 32)

    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("Re:")


def test_a_long_chain_keeps_its_first_id_and_the_last_ones() -> None:
    chain = tuple(f"<{number}@x>" for number in range(50))

    kept = references_after(chain, "<answered@x>")

    assert kept == ["<0@x>", *(f"<{number}@x>" for number in range(42, 50)), "<answered@x>"]


def test_an_id_made_from_a_hash_never_becomes_a_reference() -> None:
    mail = built_reply(a_reply(in_reply_to="sha256:ab", references=()), address="a@b.example", name="", key=b"k" * 32)

    assert (mail["In-Reply-To"], mail["References"]) == (None, None)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"smtp_security": "none"}, "smtp_security"),
        ({"smtp_port": "mail"}, "smtp_port"),
        ({"smtp_port": "70000"}, "smtp_port"),
        ({"smtp_timeout_seconds": "0"}, "smtp_timeout_seconds"),
        ({"token_key": "short"}, "token_key"),
    ],
)
def test_an_account_that_cannot_work_is_refused(settings: dict[str, str], field: str) -> None:
    with pytest.raises(AccountInvalid, match=field):
        email.read_settings(an_account(25, **settings))


def test_a_mailbox_without_a_server_only_receives() -> None:
    outcome = asyncio.run(email.send(an_account(25, smtp_host=""), a_reply(), NO_HTTP))

    assert isinstance(outcome, Rejected)
    assert (outcome.is_final, outcome.reason[:18]) == (True, "settings.smtp_host")


def test_encryption_is_the_default() -> None:
    assert Server.read({"smtp_host": "mx"}) == Server(host="mx", port=587, security="starttls")
