"""Files on their way out: what a channel takes of them, so that nobody writes a reply that can never arrive."""

from collections.abc import Sequence

import msgspec

from domain.event import RuleBroken
from domain.interaction import Attachment, ReplyWritten


class FileNotTaken(RuleBroken):
    """The customer's channel does not take this file."""


class FileUnknown(RuleBroken):
    """Nobody brought such a file for this customer: upload it first."""


class FileKind(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A sort of file that a channel takes."""

    sent_as: str
    """What the channel calls it: `image`, `document`…"""
    types: tuple[str, ...]
    """Media types, as in `image/png`; `*/*` is any."""
    bytes_max: int
    text_length_max: int | None = None
    """Characters of a text beside it; 0: none goes with it; None: as many as without a file."""

    is_linked: bool = False
    """The channel fetches it from us, for which we need a public address."""

    def takes(self, content_type: str) -> bool:
        return content_type in self.types or "*/*" in self.types


class Files(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a channel takes in one reply."""

    kinds: tuple[FileKind, ...]
    """The first that takes a file's type and size is what it is sent as."""
    count_max: int = 1
    bytes_max: int | None = None
    """Of all together; None: as each may have."""


def kind_of(files: Files | None, attachment: Attachment) -> FileKind | None:
    """What it is sent as; None where the channel does not take it."""
    size_bytes = attachment.size_bytes or 0
    fitting = (one for one in (files.kinds if files else ()) if one.takes(attachment.content_type))
    return next((one for one in fitting if size_bytes <= one.bytes_max), None)


def demand_file(channel: str, files: Files | None, attachment: Attachment, field: str) -> FileKind:
    """What it is sent as. Raises FileNotTaken, which begins with the field.

    Example: `"attachments[0]: whatsapp takes no image/tiff, but image/jpeg, image/png, …"`
    """
    if files is None:
        raise FileNotTaken(f"{field}: {channel} takes no files")
    if (kind := kind_of(files, attachment)) is not None:
        return kind
    sizes = [one.bytes_max for one in files.kinds if one.takes(attachment.content_type)]
    if not sizes:
        taken = ", ".join(dict.fromkeys(name for one in files.kinds for name in one.types))
        raise FileNotTaken(f"{field}: {channel} takes no {attachment.content_type}, but {taken}")
    raise FileNotTaken(
        f"{field}: {channel} takes {attachment.content_type} of at most {max(sizes)} bytes; "
        f"this has {attachment.size_bytes}"
    )


def demand_files(channel: str, files: Files | None, attachments: Sequence[Attachment], text: str) -> None:
    """Raises FileNotTaken for the first thing that the channel does not take, be it the text beside a file."""
    if not attachments:
        return
    kinds = [
        demand_file(channel, files, attachment, f"attachments[{nth}]") for nth, attachment in enumerate(attachments)
    ]
    assert files is not None  # or the first attachment was refused
    if len(attachments) > files.count_max:
        raise FileNotTaken(f"attachments: {channel} takes {files.count_max} in one reply; these are {len(attachments)}")
    size_bytes = sum(one.size_bytes or 0 for one in attachments)
    if files.bytes_max is not None and size_bytes > files.bytes_max:
        raise FileNotTaken(
            f"attachments: {channel} takes {files.bytes_max} bytes in one reply; these have {size_bytes}"
        )
    limits = [one.text_length_max for one in kinds if one.text_length_max is not None]
    if limits and len(text) > min(limits):
        sent_as = kinds[0].sent_as
        beside = f"at most {min(limits)} characters" if min(limits) else "no text"
        raise FileNotTaken(f"text: {channel} takes {beside} beside a file sent as {sent_as}; this has {len(text)}")


def words_of(reply: ReplyWritten) -> str:
    """What it says; else what it carries, in one line: `invoice.pdf, map.png`."""
    if reply.text or reply.template is None:
        return reply.text or ", ".join(one.name or one.content_type for one in reply.attachments)
    return reply.template.summary
