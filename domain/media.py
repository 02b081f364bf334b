"""Media: what became of the files that came with messages. Their bytes are kept outside the log."""

import re

from msgspec.structs import replace

from domain.event import Event
from domain.interaction import Attachment


class MediaStored(Event, topic="conversation.media_stored"):
    """The bytes of an attachment are kept with us, and can be downloaded."""

    conversation_id: str
    message_id: str
    """Of the message that it came with."""
    message_position: int
    """Where that message stands in the log: one that came with two contents has attachments at two positions."""
    attachment_index: int
    """Which of the message's attachments, from 0."""
    digest: str
    """What it is downloaded by: a keyed hash of the bytes, 64 hexadecimal digits."""
    sha256: str
    size_bytes: int
    content_type: str
    """What the bytes are, by their content."""
    declared_type: str = ""
    """What they were said to be, where that is something else."""
    name: str = ""
    agent_id: str | None = None
    """Who held the conversation at that moment."""


class MediaRefused(Event, topic="conversation.media_refused"):
    """The bytes of an attachment could not be got."""

    conversation_id: str
    message_id: str
    """Of the message that it came with."""
    message_position: int
    attachment_index: int
    reason: str
    is_final: bool = True
    """False: it is tried again; the next that is told of it is how that ended."""
    agent_id: str | None = None
    """Who held the conversation at that moment."""


MediaEvent = MediaStored | MediaRefused

REFERENCE = re.compile(r"media:([0-9a-f]{64})")
"""Of the reference of an attachment whose bytes came with the message and are kept with us already."""


def kept(attachment: Attachment, *, digest: str) -> Attachment:
    """The attachment with where its bytes are kept. What a mail's markup calls it is kept as well."""
    content_id = attachment.reference.removeprefix("cid:") if attachment.reference.startswith("cid:") else ""
    return replace(attachment, reference=f"media:{digest}", content_id=content_id)


def digest_of(attachment: Attachment) -> str:
    """Where the bytes that came with the message are kept; empty where they did not come with it."""
    found = REFERENCE.fullmatch(attachment.reference)
    return found[1] if found else ""
