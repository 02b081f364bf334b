"""From the frames of a customer's timeline and expectations to those of the visitor's protocol."""

from datetime import datetime

import msgspec

from application.expectations.expectation import VIEW, Expectation
from application.watching.frames import Header
from channels import webchat
from channels.chat.files import File
from domain.classification import PromiseTold
from domain.interaction import Attachment, ChatAddress, MessageReceived, Passage, ReplyWritten
from domain.media import digest_of

SHOWN = frozenset({MessageReceived.TOPIC, ReplyWritten.TOPIC, PromiseTold.TOPIC})


class _Content(msgspec.Struct):
    text: str = ""
    kept: list[Passage] = []
    attachments: list[Attachment] = []


class _Event(msgspec.Struct):
    """The part of an event that a visitor may know of."""

    message_id: str = ""
    handle: str = ""
    chat: ChatAddress | None = None
    provider_id: str = ""
    content: _Content = msgspec.field(default_factory=_Content)
    text: str = ""
    attachments: list[Attachment] = []
    agent_id: str | None = None


class Line(msgspec.Struct):
    """An entry of the timeline, as far as the visitor goes."""

    position: int
    kind: str
    recorded_at: datetime
    event: _Event


class _Frame(msgspec.Struct):
    """Any frame of the hub: a snapshot has rows, a change has one, the others none."""

    type: str
    watch: str = ""
    key: str = ""
    """Of a row that is gone."""
    rows: list[msgspec.Raw] = []
    row: msgspec.Raw = msgspec.Raw(b"")


_frame_decoder = msgspec.json.Decoder(_Frame)
_expectation_decoder = msgspec.json.Decoder(Expectation)
_line_decoder = msgspec.json.Decoder(Line)


def is_shown(header: Header, account_id: str) -> bool:
    """What was said on this account by the customer, or answered to them; and what they answered by mail."""
    chat = header.event.chat
    return header.kind in SHOWN and (chat.account_id if chat else header.event.account_id) == account_id


class Lines(msgspec.Struct, frozen=True):
    """The entries in a frame of the hub, oldest first."""

    watch: str
    """Whose timeline they are of."""
    is_snapshot: bool
    lines: list[Line]


def lines_of(frame: bytes) -> Lines:
    """The entries in a frame of the hub; none in one that only tells a position."""
    decoded = _frame_decoder.decode(frame)
    lines = [_line_decoder.decode(row) for row in (*decoded.rows, decoded.row) if bytes(row)]
    return Lines(decoded.watch, decoded.type == "snapshot", lines)


class Places(msgspec.Struct, frozen=True):
    """What a frame of the hub says of where a customer's conversations stand."""

    customer_id: str
    is_snapshot: bool
    stand: dict[str, Expectation]
    """By conversation."""
    gone: str
    """The one that does not stand any more; empty for none."""


def places_of(frame: bytes) -> Places | None:
    """Nothing for a frame of another view."""
    decoded = _frame_decoder.decode(frame)
    view, _, customer_id = decoded.watch.partition(":")
    if view != VIEW:
        return None
    rows = [_expectation_decoder.decode(row) for row in (*decoded.rows, decoded.row) if bytes(row)]
    gone = decoded.key if decoded.type == "gone" else ""
    return Places(customer_id, decoded.type == "snapshot", {row.id: row for row in rows}, gone)


def place_frame(one: Expectation) -> webchat.Place:
    """As the visitor is told."""
    return webchat.Place(
        place=one.place,
        expected_seconds=one.expected_seconds,
        low_seconds=one.low_seconds,
        high_seconds=one.high_seconds,
    )


def _said(content: _Content) -> str:
    """Of a mail only what is new in it."""
    kept = "\n".join(content.text[one.start : one.end].strip() for one in content.kept)
    return kept or content.text


def _files(attachments: list[Attachment]) -> tuple[File, ...]:
    """Those whose bytes are kept with us."""
    return tuple(
        File(media_id=digest, name=one.name, content_type=one.content_type, size_bytes=one.size_bytes or 0)
        for one in attachments
        if (digest := digest_of(one))
    )


def shown_to(visitor_id: str, line: Line, author: str) -> webchat.ServerFrame | None:
    """The line as the visitor sees it; None for what was not between them and us.

    The customer may have other visitors' ids too: each browser sees its own. Who is proven to be the customer has no
    visitor id here, and sees all.
    """
    event = line.event
    if visitor_id and (event.chat.handle if event.chat else event.handle) != visitor_id:
        return None
    if line.kind == MessageReceived.TOPIC:
        _, _, said_id = event.provider_id.partition(":")
        if event.chat:
            said_id = f"mail-{line.position}"
        text, files = _said(event.content), _files(event.content.attachments)
        return webchat.Message(id=said_id, text=text, position=line.position, at=line.recorded_at, files=files)
    files = _files(event.attachments)
    return webchat.Reply(text=event.text, position=line.position, at=line.recorded_at, author=author, files=files)
