"""The port for media: how the bytes of an attachment are got from the provider that keeps them, and kept with us."""

import hashlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec
from msgspec.structs import replace

from domain.account import AccountDefinition
from domain.intake import InboundMessage
from domain.interaction import Attachment
from domain.media import kept


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """An attachment's bytes, as the provider gave them."""

    body: bytes
    content_type: str = ""
    """What the provider says it is; what it really is, its bytes say."""
    name: str = ""


class Why(StrEnum):
    """Why the bytes could not be got, in few words, for the metrics."""

    PROVIDER = "provider"
    """The provider says no, or not now."""
    GONE = "gone"
    """The provider has it no more."""
    ADDRESS = "address"
    """It lies where we do not go: another host, or an address that is not public."""
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    BROKEN = "broken"
    """The connection, or what came over it."""
    ACCOUNT = "account"
    """The channel account is gone, or lacks a setting."""
    LOST = "lost"
    """It was kept with us and is not there any more."""
    UNEXPECTED = "unexpected"
    """Something went wrong here; the log of the process has more."""


class MediaRefused(Exception):
    """The provider will not give it, now or ever."""

    def __init__(self, reason: str, *, is_final: bool, why: Why = Why.PROVIDER) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final
        self.why = why


class Get(Protocol):
    """An HTTP GET that cannot be turned against the inside network."""

    async def __call__(self, url: str, *, hosts: Collection[str], headers: Mapping[str, str] = {}) -> Fetched:
        """Goes only to these hosts (`.fbcdn.net` means all below it), by https, at a public address; also when it is
        redirected, and then without the headers where the host changes.

        Raises MediaRefused: for a status that is not 2xx, for too many bytes, for a host that is not allowed.
        """
        ...


Fetch = Callable[[AccountDefinition, Attachment, Get], Awaitable[Fetched]]
"""Gets the bytes of one attachment by its reference. Raises MediaRefused."""


Link = Callable[[str, str, datetime], str]
"""By customer, digest and since when: an address at which a provider can fetch the file from us for a while."""


class StoredMedia(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of bytes that are kept."""

    digest: str
    """A keyed hash of the bytes, 64 hexadecimal digits: their address, which tells nobody outside what they are."""
    sha256: str
    size_bytes: int
    content_type: str
    """What they are, by their content."""


def attachment_of(stored: StoredMedia, name: str = "") -> Attachment:
    """The file as part of what somebody says."""
    return Attachment(
        name=name,
        content_type=stored.content_type,
        size_bytes=stored.size_bytes,
        sha256=stored.sha256,
        reference=f"media:{stored.digest}",
    )


class MediaNotStored(Exception):
    """The media store takes nothing at the moment. Nothing was kept; try again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MediaBroken(Exception):
    """What is kept there was altered, or sealed by a master key that this process was not given."""


class MediaStore(Protocol):
    """Where bytes are kept, encrypted, outside the log. The same bytes are kept once."""

    async def put(self, body: bytes, content_type: str = "", name: str = "") -> StoredMedia:
        """Keeps the bytes; they are durable when it returns. Safe to repeat. Type and name are what the sender says,
        and only help to tell what the bytes are. Raises MediaNotStored.
        """
        ...

    async def get(self, digest: str) -> tuple[StoredMedia, bytes] | None:
        """What is kept there, or None. Raises MediaBroken, and MediaNotStored where it cannot be told at the moment."""
        ...


class MediaObserver(Protocol):
    """Who counts what becomes of attachments."""

    def media_stored(self, *, size_bytes: int) -> None:
        """One is kept with us now."""

    def media_refused(self, *, why: str, is_final: bool) -> None:
        """One try failed; `is_final` if there will be no other."""


async def keep_files(
    message: InboundMessage, bodies: Iterable[bytes], store: MediaStore, *, bytes_max: int
) -> InboundMessage:
    """The message with references to its files' bytes, which are kept by then: for doors where the bytes come with it.

    An attachment's bytes are those of `bodies` that have its SHA-256; others are left alone. Files over the limit keep
    their reference, so that they are recorded as refused. To be called before the message is received; repeated, it
    leads to the same message. Raises MediaNotStored: whoever brought the message must bring it again.
    """
    wanted = {attachment.sha256: attachment for attachment in message.content.attachments if attachment.size_bytes}
    digests: dict[str, str] = {}
    for body in bodies if wanted else ():
        attachment = wanted.get(hashlib.sha256(body).hexdigest())
        if attachment is not None and attachment.sha256 not in digests and len(body) <= bytes_max:
            stored = await store.put(body, attachment.content_type, attachment.name)
            digests[attachment.sha256] = stored.digest
    attachments = [
        kept(attachment, digest=digests[attachment.sha256]) if attachment.sha256 in digests else attachment
        for attachment in message.content.attachments
    ]
    return replace(message, content=replace(message.content, attachments=tuple(attachments)))
