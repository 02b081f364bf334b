"""The adapter door: messages that other systems bring in, over HTTP or NATS, in our own form. Parse only.

Who may knock is the API key's business. Decoded straight from JSON bytes, since every message of a busy adapter
comes this way.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from channels.edge.payload import CLOCK_SKEW_MAX, UnreadablePayload
from channels.edge.text import file_name, language_tag, one_line, without_controls
from domain.intake import InboundMessage
from domain.interaction import Attachment, Content, ContentKind

ID_LENGTH_MAX = 256
NAME_LENGTH_MAX = 256
SUBJECT_LENGTH_MAX = 1_000
TEXT_LENGTH_MAX = 100_000
HTML_LENGTH_MAX = 200_000
ATTACHMENTS_MAX = 100
BATCH_MESSAGES_MAX = 500
BATCH_BYTES_MAX = 4 * 1024 * 1024
"""What the doors should refuse (413) before they ask us."""
FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
CLAIM_KINDS = {ContentKind.EDIT: "edit", ContentKind.UNSEND: "unsend", ContentKind.REACTION: "reaction"}
_NO_TIME = timedelta(0)

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_LENGTH_MAX)]
OptionalId = Annotated[str, msgspec.Meta(max_length=ID_LENGTH_MAX)]
Name = Annotated[str, msgspec.Meta(max_length=NAME_LENGTH_MAX)]
Text = Annotated[str, msgspec.Meta(max_length=TEXT_LENGTH_MAX)]


class AdapterAttachment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that the adapter keeps.

    Example: `{"name": "bill.pdf", "content_type": "application/pdf", "size_bytes": 20480, "reference": "file-77"}`
    """

    name: Name = ""
    content_type: Annotated[str, msgspec.Meta(max_length=127)] = "application/octet-stream"
    size_bytes: Annotated[int, msgspec.Meta(ge=0, le=2**53)] | None = None
    sha256: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?$")] = ""
    reference: Annotated[str, msgspec.Meta(max_length=2_048)] = ""


class AdapterContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a message says, where it is more than a text.

    Example: `{"kind": "image", "text": "Look", "attachments": [{"name": "a.jpg", "content_type": "image/jpeg"}]}`
    """

    kind: ContentKind = ContentKind.TEXT
    text: Text = ""
    html: Annotated[str, msgspec.Meta(max_length=HTML_LENGTH_MAX)] = ""
    attachments: Annotated[list[AdapterAttachment], msgspec.Meta(max_length=ATTACHMENTS_MAX)] = []
    about: OptionalId = ""


class AdapterMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One message.

    Example: `{"account": "account-0193…", "message_id": "m-1", "handle": "ana", "author": "Ana", "text": "Hello",
    "thread": "t-1", "subject": "", "occurred_at": "2026-11-11T00:00:01Z"}`
    """

    account: Id
    """Id of the channel account it came in on."""
    message_id: Id
    """The adapter's id of it: the same id again is the same message."""
    handle: Id
    """The address the customer wrote from."""
    author: Name = ""
    text: Text = ""
    content: AdapterContent | None = None
    """Instead of `text`."""
    thread: OptionalId = ""
    subject: Annotated[str, msgspec.Meta(max_length=SUBJECT_LENGTH_MAX)] = ""
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    """With its offset; when we received it, where it is left out."""
    language: Annotated[str, msgspec.Meta(max_length=35)] = ""
    """What the customer speaks, as BCP 47 names it, where the other system knows."""


class AdapterBatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Several messages at once; one that cannot be read keeps none of the others away.

    Example: `{"messages": [{"account": "account-0193…", "message_id": "m-1", "handle": "ana", "text": "Hello"}]}`
    """

    messages: Annotated[list[AdapterMessage], msgspec.Meta(min_length=1, max_length=BATCH_MESSAGES_MAX)]


def to_message(one: AdapterMessage, *, received_at: datetime) -> InboundMessage:
    """The adapter's message as ours. Raises UnreadablePayload with the field."""
    at = one.occurred_at
    if at is None:
        at = received_at
    elif not FIRST_MOMENT <= at <= received_at + CLOCK_SKEW_MAX:
        raise UnreadablePayload("occurred_at", "it must be between 1970 and one day from now")
    elif at.utcoffset() != _NO_TIME:
        at = at.astimezone(UTC)
    handle = _identifier(one.handle)
    message_id = _identifier(one.message_id)
    if not (handle and message_id):
        raise UnreadablePayload("message_id" if handle else "handle", "it has no visible character")
    content = _content(one)
    return InboundMessage(
        provider_id=message_id,
        handle=handle,
        content=content,
        occurred_at=at,
        author=one_line(one.author) if one.author else "",
        thread=_identifier(one.thread),
        subject=one_line(one.subject, length_max=SUBJECT_LENGTH_MAX) if one.subject else "",
        kind="message" if content.kind is ContentKind.TEXT else CLAIM_KINDS.get(content.kind, "message"),
        language=language_tag(one.language) if one.language else "",
    )


def _identifier(text: str) -> str:
    """An id as it came, unless somebody hid control characters in it."""
    return text.strip() if text.isprintable() else one_line(text)


def _content(one: AdapterMessage) -> Content:
    if one.content is None:
        text = without_controls(one.text)
        if not text.strip():
            raise UnreadablePayload("text", "a message needs a text or a content")
        return Content(text=text)
    if one.text:
        raise UnreadablePayload("content", "give either text or content")
    given = one.content
    attachments = tuple(
        Attachment(
            name=file_name(file.name),
            content_type=one_line(file.content_type),
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            reference=_identifier(file.reference),
        )
        for file in given.attachments
    )
    text, html = without_controls(given.text), without_controls(given.html)
    if given.kind is ContentKind.TEXT and not (text.strip() or html.strip() or attachments):
        raise UnreadablePayload("content.text", "a message needs a text, markup or an attachment")
    return Content(kind=given.kind, text=text, html=html, attachments=attachments, about=_identifier(given.about))
