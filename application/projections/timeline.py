"""The timeline: everything that happened with one customer, whatever the channel.

One entry an event, but for what is told about a message or a call later on, which changes the entry of that.
"""

import hashlib
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from application.projections.amendments import NONE, Amendments, Called, Delivery, Reaction
from application.projections.view import Row, encode
from domain.event import TOPICS, Event, Recorded
from domain.interaction import Content, MessageContradicted, MessageReceived, ReplyEchoed, ReplyWritten
from domain.streams import topics_of

LATE_AFTER = timedelta(minutes=5)
"""Told this long after it occurred, an entry is marked as late."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One line of a timeline.

    Example: `{"position": 42, "kind": "conversation.message_received", "occurred_at": "2026-11-11T00:00:01Z",
    "recorded_at": "2026-11-11T00:00:02Z", "actor": "key-…", "event": {"conversation_id": "conversation-…", …},
    "edited_at": "2026-11-11T00:01:00Z", "reactions": [{"sender": "+4915…", "emoji": "👍", …}]}`
    """

    position: int
    kind: str
    """The event's topic."""
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    event: Event
    """With the newest words; without any where the message was taken back. The log keeps the first ones."""
    cause: int | None = None
    is_late: bool = False
    edited_at: datetime | None = None
    unsent_at: datetime | None = None
    reactions: tuple[Reaction, ...] = ()
    delivery: Delivery | None = None
    """Of a reply: how it fared."""
    is_original_missing: bool = False
    """It edits, takes back or reacts to a message that we do not have."""
    call: Called | None = None
    """Of a phone call, whose one entry is of its latest event: at first `conversation.call_rang`, in the end
    `conversation.call_logged`. How far it came."""
    moved_from: str = ""
    """Of a mail that moved: the conversation that it was first put into. Its `conversation_id` is where it is now."""
    moved_to_customer: str = ""
    """Of a mail that was somebody else's and went back to them: whose it is now. Its words show there."""


class EntryRow(Row, frozen=True, kw_only=True, gc=False):
    """A row of a timeline, whose key is the position of its event."""

    name: int = 0
    """What later events call the message; 0 where none can."""
    alias: int = 0
    """What else they call it: a reply has an id of ours and one of the channel's."""
    told: bytes = b""
    """What was told about it, to go on from; empty where nothing was."""
    is_missing: bool = False
    """It stands for a message that we do not have."""
    is_new: bool = True


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry and what was told about it."""

    scope: str
    entry: Entry
    name: int = 0
    alias: int = 0
    told: Amendments = NONE
    changed: int
    """Position of the last event that changed it."""
    is_missing: bool = False
    is_gone: bool = False
    """Another line took its place."""


_WITH_MARKUP = (MessageReceived, MessageContradicted, ReplyEchoed)


class Timeline:
    """The entries of a customer's stream. Its scope is the customer."""

    name = "timeline"
    version = 4
    topics = topics_of("customer", "conversation")


def line_of(recorded: Recorded, *, name: int = 0, alias: int = 0, is_missing: bool = False) -> Line:
    """The line that the event makes by itself."""
    entry = Entry(
        position=recorded.position,
        kind=recorded.topic,
        occurred_at=recorded.occurred_at,
        recorded_at=recorded.recorded_at,
        actor=recorded.actor,
        event=_shown(recorded.event),
        cause=recorded.cause,
        is_late=recorded.recorded_at - recorded.occurred_at > LATE_AFTER,
        is_original_missing=is_missing,
    )
    changed = recorded.position
    return Line(scope=recorded.stream, entry=entry, name=name, alias=alias, changed=changed, is_missing=is_missing)


def row_of(line: Line, *, is_new: bool) -> EntryRow:
    """The line as it is stored and shown."""
    return EntryRow(
        scope=line.scope,
        key=str(line.entry.position),
        position=line.changed,
        sort_at=line.entry.occurred_at,
        doc=b"" if line.is_gone else encode(as_shown(line)),
        is_gone=line.is_gone,
        name=line.name,
        alias=line.alias,
        told=b"" if line.is_gone or line.told is NONE else msgspec.msgpack.encode(line.told),
        is_missing=line.is_missing,
        is_new=is_new,
    )


def as_shown(line: Line) -> Entry:
    """The entry with what was told about it."""
    entry, told = line.entry, line.told
    if told is NONE:
        return entry
    event = entry.event
    if told.edit is not None:
        event = _reworded(event, told.edit.content)
    if told.unsent_at is not None:
        event = _silenced(event)
    if told.moved is not None and isinstance(event, MessageReceived):
        event = replace(event, conversation_id=told.moved.to_conversation_id)
        event = _silenced(event) if told.moved.to_customer_id else event
    return replace(
        entry,
        event=event,
        edited_at=None if told.edit is None else told.edit.at,
        unsent_at=told.unsent_at,
        reactions=tuple(one for one in told.reactions if one.emoji),
        delivery=told.delivery,
        call=told.call,
        moved_from=told.moved.from_conversation_id if told.moved and told.moved.is_away else "",
        moved_to_customer=told.moved.to_customer_id if told.moved else "",
    )


class _Stored(msgspec.Struct):
    """An entry before its event is read."""

    position: int
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    event: msgspec.Raw
    cause: int | None = None
    is_late: bool = False
    is_original_missing: bool = False


_decode_stored = msgspec.json.Decoder(_Stored).decode
_decode_told = msgspec.msgpack.Decoder(Amendments).decode


def line_from(row: EntryRow) -> Line:
    """The line that was stored. Words that were replaced since are not in it, and not needed any more."""
    stored = _decode_stored(row.doc)
    event: Event = msgspec.json.decode(stored.event, type=TOPICS[stored.kind])
    entry = Entry(
        position=stored.position,
        kind=stored.kind,
        occurred_at=stored.occurred_at,
        recorded_at=stored.recorded_at,
        actor=stored.actor,
        event=event,
        cause=stored.cause,
        is_late=stored.is_late,
        is_original_missing=stored.is_original_missing,
    )
    return Line(
        scope=row.scope,
        entry=entry,
        name=row.name,
        alias=row.alias,
        told=_decode_told(row.told) if row.told else NONE,
        changed=row.position,
        is_missing=row.is_missing,
    )


def name_of(*parts: str) -> int:
    """What a message of a customer is called: 64 bits over the customer and its id there. Never 0."""
    digest = hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True) or 1


def _shown(event: Event) -> Event:
    """Without the sender's markup, which nobody should show before it is sanitised. The log keeps it."""
    if isinstance(event, _WITH_MARKUP) and event.content.html:
        return replace(event, content=replace(event.content, html=""))
    return event


def _reworded(event: Event, content: Content) -> Event:
    """With the new words; a file stays where the edit brings none, because then it was of the words below it."""
    if isinstance(event, ReplyWritten):
        return replace(event, text=content.text)
    if isinstance(event, MessageReceived | ReplyEchoed):
        attachments = content.attachments or event.content.attachments
        kept = {"kept": content.kept, "kept_rule": content.kept_rule}  # of these words, not of those before
        words = replace(event.content, text=content.text, attachments=attachments, html="", **kept)
        return replace(event, content=words)
    return event


def _silenced(event: Event) -> Event:
    if isinstance(event, ReplyWritten):
        return replace(event, text="", attachments=(), template=None)
    if isinstance(event, MessageReceived | ReplyEchoed):
        content = Content(kind=event.content.kind, about=event.content.about)
        return replace(event, content=content, subject="")
    return event
