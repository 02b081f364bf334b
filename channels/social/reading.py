"""What social media share when they are read: moments in milliseconds, links, ids where none is given, claims."""

import hashlib
import json
from datetime import datetime
from typing import Any

from channels.edge.payload import a_text, at_second
from channels.edge.text import one_line, without_controls
from domain.interaction import Content, ContentKind

LINK_LENGTH_MAX = 4_096
"""Characters of a link to a file; a signed one takes 500 to 1,500."""
UNKNOWN_HANDLE = "unknown"
"""Whoever sent a message that names no sender."""
CLAIM_KINDS = {ContentKind.EDIT: "edit", ContentKind.UNSEND: "unsend", ContentKind.SYSTEM: "system"}


def claim_kind(content: Content) -> str:
    """What a provider's id counts: the same id may come back for an edit, an unsend or a reaction."""
    if content.kind is ContentKind.REACTION:
        return "reaction" if content.text else "reaction_removal"
    return CLAIM_KINDS.get(content.kind, "message")


def at_millisecond(value: Any, *, received_at: datetime) -> datetime:
    """The time of Unix milliseconds, as a number or a string of one; `received_at` where that makes no sense."""
    try:
        seconds = float(value) / 1_000
    except (TypeError, ValueError, OverflowError):
        return received_at
    return at_second(seconds, received_at=received_at)


def a_link(value: Any) -> str:
    """A URL to fetch something by; empty where it is none or longer than any provider's."""
    link = without_controls(a_text(value)).strip()
    return link if len(link) <= LINK_LENGTH_MAX and link.startswith(("https://", "http://")) else ""


def id_from_content(item: Any) -> str:
    """An id for what has none: the same content again is the same thing.

    Example: `{"text": "Hi"}` → `"sha256:0a4b…"`
    """
    canonical = json.dumps(item, sort_keys=True, default=str).encode("utf-8", "replace")
    return f"sha256:{hashlib.sha256(canonical).hexdigest()}"


def lines(*parts: str) -> str:
    """The parts that say something, each on a line of its own."""
    return "\n".join(part for part in parts if part)


def unsupported(medium: str, name: str, *, about: str = "") -> Content:
    """Example: `unsupported("LINE", "hologram")` → `"This kind of LINE message cannot be shown: hologram"`."""
    text = one_line(f"This kind of {medium} message cannot be shown: {name or 'unnamed'}")
    return Content(kind=ContentKind.UNSUPPORTED, text=text, about=about)


def led_here_by(sort: Any, name: Any, title: Any = "") -> str:
    """Example: `led_here_by("ad", "120208", "Winter sale")` → `'ad 120208 "Winter sale"'`."""
    words = one_line(a_text(title))
    return one_line(" ".join(part for part in (a_text(sort), a_text(name), f'"{words}"' if words else "") if part))
