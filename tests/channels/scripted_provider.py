"""A provider's HTTP API on loopback that answers by a script and keeps all that it was sent.

`async with scripted_provider(too_many(3), SILENCE) as provider` serves at `provider.url`: the first request gets 429,
the second no answer, all others what `accepts` makes of them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import httpx
import msgspec


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came."""

    method: str
    path: str
    """With its query."""
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


class Scripted(msgspec.Struct, frozen=True, kw_only=True):
    """An answer."""

    status: int = 200
    json: Any = None
    headers: dict[str, str] = {}
    is_silent: bool = False
    """It takes the request and never answers."""
    is_dropped: bool = False
    """It takes the request and breaks the connection."""


SILENCE = Scripted(is_silent=True)
DROPPED = Scripted(is_dropped=True)


def answers(status: int, json: Any = None, **headers: str) -> Scripted:
    """As it says; underscores in header names become dashes."""
    return Scripted(status=status, json=json, headers={name.replace("_", "-"): one for name, one in headers.items()})


def too_many(retry_after_seconds: int | None = None) -> Scripted:
    """A bare 429, with a `Retry-After` if there is one."""
    return answers(429, **({} if retry_after_seconds is None else {"retry_after": str(retry_after_seconds)}))


def server_error() -> Scripted:
    """A 500 without a word."""
    return answers(500)


def graph_error(code: int, message: str = "Refused", *, status: int = 400, subcode: int | None = None) -> Scripted:
    """As Meta's Graph API refuses."""
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "Az8or"}
    return answers(status, {"error": error | ({} if subcode is None else {"error_subcode": subcode})})


def accepts_whatsapp(_: Taken, number: int) -> Scripted:
    """As the Cloud API accepts."""
    return answers(200, {"messaging_product": "whatsapp", "messages": [{"id": f"wamid.{number}"}]})


class ScriptedProvider:
    """What it will answer, and what it was sent."""

    def __init__(self, *script: Scripted, accepts: Callable[[Taken, int], Scripted] = accepts_whatsapp) -> None:
        self.script = list(script)
        self.accepts = accepts
        self.taken: list[Taken] = []
        self.url = ""
        """As in `http://127.0.0.1:40123`."""
        self.reached = asyncio.Event()
        """Set with the first request."""
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: any number of requests, each with a `Content-Length` or without a body."""
        self._open.add(writer)
        try:
            while (request := await _read(reader)) is not None:
                self.taken.append(request)
                self.reached.set()
                answer = self.script.pop(0) if self.script else self.accepts(request, len(self.taken))
                if answer.is_silent:
                    await reader.read()  # until the caller gives up
                if answer.is_silent or answer.is_dropped:
                    return
                writer.write(_written(answer))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            self._open.discard(writer)
            writer.close()

    def hang_up(self) -> None:
        """Breaks every connection that is open."""
        for writer in self._open:
            writer.close()


@asynccontextmanager
async def scripted_provider(
    *script: Scripted, accepts: Callable[[Taken, int], Scripted] = accepts_whatsapp
) -> AsyncIterator[ScriptedProvider]:
    """It listens on a free port. `accepts` gets the request and how many came so far."""
    provider = ScriptedProvider(*script, accepts=accepts)
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield provider
    finally:
        server.close()
        provider.hang_up()


def patience(*script: Scripted) -> httpx.Timeout:
    """How long a caller waits: short only for an answer that never comes, for a busy machine is no silent provider."""
    return httpx.Timeout(30.0, read=0.5 if any(one.is_silent for one in script) else 30.0)


async def an_address_nobody_listens_at() -> str:
    """Connections to it are refused."""
    async with scripted_provider() as gone:
        return gone.url


async def _read(reader: asyncio.StreamReader) -> Taken | None:
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    if not head:
        return None
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, path, _version = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Taken(method=method, path=path, headers=headers, body=body)


def _written(answer: Scripted) -> bytes:
    body = b"" if answer.json is None else msgspec.json.encode(answer.json)
    headers = {"content-type": "application/json", "content-length": str(len(body))} | answer.headers
    lines = [f"HTTP/1.1 {answer.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
