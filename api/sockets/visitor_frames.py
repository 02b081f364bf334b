"""From the frames of a customer's timeline to those of the visitor's protocol."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from application.watching.frames import Header
from channels import webchat
from domain.interaction import MessageReceived, ReplyWritten

SHOWN = frozenset({MessageReceived.TOPIC, ReplyWritten.TOPIC})


class _Content(msgspec.Struct):
    text: str = ""


class _Event(msgspec.Struct):
    """The part of an event that a visitor may know of."""

    handle: str = ""
    provider_id: str = ""
    content: _Content = msgspec.field(default_factory=_Content)
    text: str = ""
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
    rows: list[msgspec.Raw] = []
    row: msgspec.Raw = msgspec.Raw(b"")


_frame_decoder = msgspec.json.Decoder(_Frame)
_line_decoder = msgspec.json.Decoder(Line)


def is_shown(header: Header, account_id: str) -> bool:
    """What was said on this account by the customer, or answered to them."""
    return header.kind in SHOWN and header.event.account_id == account_id


def lines_of(frame: bytes) -> Iterator[Line]:
    """The entries in a frame of the hub, oldest first."""
    decoded = _frame_decoder.decode(frame)
    for row in (*decoded.rows, decoded.row):
        if bytes(row):
            yield _line_decoder.decode(row)


def shown_to(visitor_id: str, line: Line, author: str) -> webchat.ServerFrame | None:
    """The line as the visitor sees it; None for what was not between them and us."""
    event = line.event
    if event.handle != visitor_id:
        return None  # the customer has other visitors' ids too: each browser sees its own
    if line.kind == MessageReceived.TOPIC:
        said_id = event.provider_id.removeprefix(f"{visitor_id}:")
        return webchat.Message(id=said_id, text=event.content.text, position=line.position, at=line.recorded_at)
    return webchat.Reply(text=event.text, position=line.position, at=line.recorded_at, author=author)
