"""A reply to be sent in the tests of senders, and one attempt at it."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import HTTP
from typing import Any

import httpx

from application.exchange.media import Fetched, MediaRefused
from application.exchange.sending import Outcome, Outgoing, OutgoingFile, Send
from domain.account import AccountDefinition
from tests.channels.scripted_provider import Scripted, Taken, patience, scripted_provider

PNG = b"\x89PNG\r\n\x1a\n\r\n--\x00\xff"
NO_HEADERS: Mapping[str, str] = {}
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def a_reply(**changes: Any) -> Outgoing:
    """A text of an agent, written at noon."""
    whole: dict[str, Any] = {
        "conversation_id": "conversation-1",
        "message_id": "message-1",
        "handle": "4357001",
        "text": "Grüße 😀",
        "written_at": NOON,
        "heard_at": NOON,
    }
    return Outgoing(**(whole | changes))


def a_file(sent_as: str, content_type: str = "image/png", name: str = "map.png", body: bytes = PNG) -> OutgoingFile:
    """A file that goes with a reply."""
    return OutgoingFile(sent_as=sent_as, name=name, content_type=content_type, body=body)


def form_of(taken: Taken) -> dict[str, tuple[str, str, bytes]]:
    """A form with files as it came: by field, name and type of the file (empty for other fields), and the bytes."""
    head = f"content-type: {taken.headers['content-type']}\r\n\r\n".encode()
    form = message_from_bytes(head + taken.body, policy=HTTP)
    found: dict[str, tuple[str, str, bytes]] = {}
    for part in form.iter_parts():
        name, body = str(part.get_param("name", header="content-disposition")), part.get_payload(decode=True)
        assert isinstance(body, bytes)
        kind = part.get_content_type() if part.get_filename() else ""
        found[name] = (part.get_filename() or "", kind, body)
    return found


def attempted(
    send: Send,
    account: Callable[[str], AccountDefinition],
    *script: Scripted,
    accepts: Callable[[Taken, int], Scripted],
    reply: Outgoing | None = None,
) -> tuple[Outcome, list[Taken]]:
    """What one attempt came to, and what the provider was sent. `account` gets the provider's URL."""

    async def attempt() -> tuple[Outcome, list[Taken]]:
        async with (
            scripted_provider(*script, accepts=accepts) as provider,
            httpx.AsyncClient(timeout=patience(*script)) as client,
        ):
            outcome = await send(account(provider.url), reply or a_reply(), client)
            return outcome, provider.taken

    return asyncio.run(attempt())


class Keeper:
    """Stands for the one way out to media: answers by address, and keeps what it was asked for."""

    def __init__(self, *bodies: bytes) -> None:
        self.bodies = list(bodies)
        self.asked: list[tuple[str, tuple[str, ...], dict[str, str]]] = []

    async def __call__(self, url: str, *, hosts: Collection[str], headers: Mapping[str, str] = NO_HEADERS) -> Fetched:
        """Gives the next of its bodies; raises MediaRefused, naming the address, where none is left."""
        self.asked.append((url, tuple(hosts), dict(headers)))
        if not self.bodies:
            raise MediaRefused(f"{url}: 404", is_final=True)
        return Fetched(body=self.bodies.pop(0))
