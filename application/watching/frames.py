"""Frames: what goes to viewers, as JSON, encoded once: everybody who looks at the same thing gets the same bytes."""

import msgspec
from msgspec import Raw

from application.views import Change, Snapshot
from domain.interaction import ChatAddress


class SnapshotFrame(msgspec.Struct, tag_field="type", tag="snapshot", omit_defaults=True):
    """All there is to see, at a position.

    Example: `{"type": "snapshot", "watch": "queue_board:queue-…", "position": 42, "rows": [{"id": …}, …]}`
    """

    watch: str
    position: int
    rows: list[Raw]
    older_cursor: str | None = None
    """Of a timeline that goes further back."""
    is_complete: bool = True
    """False: there are more rows than a snapshot holds."""


class PutFrame(msgspec.Struct, tag_field="type", tag="put"):
    """A row is new, or has changed.

    Example: `{"type": "put", "watch": "queue_board:queue-…", "position": 43, "key": "…", "row": {"id": …}}`
    """

    watch: str
    position: int
    key: str
    row: Raw


class GoneFrame(msgspec.Struct, tag_field="type", tag="gone"):
    """A row is no longer to be seen here; the viewer may never have seen it."""

    watch: str
    position: int
    key: str


class PositionFrame(msgspec.Struct, tag_field="type", tag="position"):
    """The viewer has seen everything up to here and may resume from it."""

    watch: str
    position: int


class UnwatchedFrame(msgspec.Struct, tag_field="type", tag="unwatched"):
    """No more will come of this watch."""

    watch: str
    reason: str


class About(msgspec.Struct, frozen=True):
    """What an entry's event is about."""

    conversation_id: str = ""
    account_id: str = ""
    agent_id: str | None = None
    chat: ChatAddress | None = None


class Header(msgspec.Struct, frozen=True):
    """The part of a row by which a watch may choose what its viewer sees.

    Example: `{"kind": "conversation.reply_written", "event": {"conversation_id": "conversation-…", "account_id": …}}`
    """

    kind: str = ""
    event: About = About()


encode = msgspec.json.Encoder().encode
_header = msgspec.json.Decoder(Header).decode


class ShownChange:
    """A change on its way to viewers; its frame and header are made when they are first needed."""

    __slots__ = ("_frame", "_header", "change", "watch")

    def __init__(self, watch: str, change: Change) -> None:
        self.watch = watch
        self.change = change
        self._frame: bytes | None = None
        self._header: Header | None = None

    @property
    def frame(self) -> bytes:
        if self._frame is None:
            change = self.change
            self._frame = encode(
                GoneFrame(self.watch, change.position, change.key)
                if change.is_gone
                else PutFrame(self.watch, change.position, change.key, Raw(change.doc))
            )
        return self._frame

    @property
    def header(self) -> Header:
        if self._header is None:
            self._header = header_of(self.change)
        return self._header


def header_of(change: Change) -> Header:
    """The row's header; that of a row that is gone says nothing."""
    return Header() if change.is_gone else _header(change.doc)


def snapshot_frame(watch: str, snapshot: Snapshot, rows: list[Change]) -> bytes:
    """Those of the snapshot's rows that are to be seen."""
    docs = [Raw(row.doc) for row in rows]
    return encode(SnapshotFrame(watch, snapshot.position, docs, snapshot.older_cursor, snapshot.is_complete))
