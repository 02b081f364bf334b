"""Mail accounts, requests as providers post them, and a provider on loopback that is asked for what they only name."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import HTTP
from urllib.parse import urlsplit

import httpx

from application.exchange.media import Fetched, MediaRefused
from channels import email
from channels.edge.payload import Delivery, Posted
from domain.account import AccountDefinition
from domain.intake import InboundMessage

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = "k" * 32
USER = "mail:a password of some length"
BASIC = "Basic bWFpbDphIHBhc3N3b3JkIG9mIHNvbWUgbGVuZ3Ro"
MAIL = (
    b"From: =?utf-8?q?J=C3=BCrgen?= <ana@example.org>\r\nTo: help@shop.example\r\nMessage-ID: <1@example.org>\r\n"
    b"Subject: Parcel\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nWo ist es? \xf0\x9f\x98\x80\r\n"
)


def an_account(provider: str = "", address: str = "help@shop.example", **settings: str) -> AccountDefinition:
    given = {"token_key": KEY, "hook_provider": provider, "hook_key": USER} | settings
    kept = {name: value for name, value in given.items() if value}
    return AccountDefinition(channel="email", name="Help", queue_id="queue-1", address=address, settings=kept)


def messages_in(delivery: Delivery) -> list[tuple[str, InboundMessage]]:
    """What the mails of a delivery say, read as any mail is."""
    return [
        (
            address,
            email.parse(one.raw, received_at=NOON, token_keys=[KEY.encode()], envelope_recipient=one.recipient).message,
        )
        for address, one in delivery.mails
    ]


def a_post(raw: bytes, content_type: str = "application/json", at: datetime = NOON, **headers: str) -> Posted:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Posted(raw=raw, received_at=at, headers={"content-type": content_type} | given)


def a_form(fields: Mapping[str, bytes], at: datetime = NOON, **headers: str) -> Posted:
    """`multipart/form-data`, put together by the standard library."""
    form = EmailMessage(policy=HTTP)
    form.make_mixed()
    form.set_type("multipart/form-data")
    form.set_boundary("xYzZY")
    body = b""
    for name, value in fields.items():
        body += b'--xYzZY\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
    return a_post(body + b"--xYzZY--\r\n", str(form["Content-Type"]), at, **headers)


class ScriptedProvider:
    """An HTTP server on loopback that gives what the test says, and notes what it was asked."""

    def __init__(self, answers: Mapping[str, bytes], refused_keys: Collection[str] = ()) -> None:
        self.answers = answers
        self.refused_keys = refused_keys
        self.asked: list[str] = []
        self.port = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["ScriptedProvider"]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        self.asked.append(path)
        body = self.answers.get(path)
        status = "401 No" if any(key in head for key in self.refused_keys) else "404 No" if body is None else "200 OK"
        body = body or b""
        writer.write(f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def get(self, url: str, *, hosts: Collection[str], headers: Mapping[str, str] = {}) -> Fetched:
        """As the port says, but for the guard: every allowed host is this one."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if not any(host == one or (one.startswith(".") and host.endswith(one)) for one in hosts):
            raise MediaRefused(f"{host} is not allowed", is_final=True)
        async with httpx.AsyncClient() as client:
            there = f"http://127.0.0.1:{self.port}{parts.path}"
            answer = await client.get(there, headers=dict(headers))
        if not answer.is_success:
            raise MediaRefused(str(answer.status_code), is_final=True)
        return Fetched(body=answer.content)
