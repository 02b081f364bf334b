"""Frames of the people's socket beside those of the hub: what clients say, and what they are told in answer."""

from typing import Annotated

import msgspec
from msgspec import Meta

WatchName = Annotated[str, Meta(min_length=1, max_length=100)]
Position = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class WatchFrame(msgspec.Struct, frozen=True, tag_field="type", tag="watch", forbid_unknown_fields=True):
    """From the client: show me this, now and from now on.

    Example: `{"type": "watch", "watch": "timeline:customer-…", "after": 42}`
    """

    watch: WatchName
    """`inbox`, `me`, `conversations:all`, `timeline:customer-…`, `queue_board:queue-…`, `expectations:queue-…`,
    `agent_board` or `agent_board:agent-…`, `calls` or `calls:queue-…`. `me` is an agent's own card: presence, its
    reason, and load. `calls` are those that ring at an agent, or that they talk on, each with its `customer_id`: a
    screen that watches it shows who calls while it rings. Positions of expectations are not those of the log."""
    after: Position | None = None
    """The last position seen of it: what was missed comes instead of a snapshot."""


class UnwatchFrame(msgspec.Struct, frozen=True, tag_field="type", tag="unwatch", forbid_unknown_fields=True):
    """From the client: no more of this.

    Example: `{"type": "unwatch", "watch": "inbox"}`
    """

    watch: WatchName


class PingFrame(msgspec.Struct, frozen=True, tag_field="type", tag="ping", forbid_unknown_fields=True):
    """From the client: are you there?"""


class TypingFrame(msgspec.Struct, frozen=True, tag_field="type", tag="typing", forbid_unknown_fields=True):
    """Either way, never stored: somebody writes to, or in, what is watched. For timelines alone.

    Example: `{"type": "typing", "watch": "timeline:customer-…", "is_typing": true}`
    """

    watch: WatchName
    is_typing: bool = True


class PresenceFrame(msgspec.Struct, frozen=True, tag_field="type", tag="presence"):
    """To the client, never stored: the customer has the web chat open, or no longer. For timelines alone.

    Example: `{"type": "presence", "watch": "timeline:customer-…", "is_present": true}`
    """

    watch: str
    is_present: bool


class WatchingFrame(msgspec.Struct, frozen=True, tag_field="type", tag="watching"):
    """To the client, before anything of a watch: the name that its frames carry.

    Example: `{"type": "watching", "watch": "inbox", "name": "conversations:agent-…"}`
    """

    watch: str
    name: str


class PongFrame(msgspec.Struct, frozen=True, tag_field="type", tag="pong"):
    """To the client: here."""


class ProblemFrame(msgspec.Struct, frozen=True, tag_field="type", tag="problem", omit_defaults=True):
    """To the client: a frame that was not carried out, and why.

    Example: `{"type": "problem", "problem": "/problems/unknown", "detail": "…", "watch": "timeline:customer-…"}`
    """

    problem: str
    """As the `type` of a problem document."""
    detail: str
    watch: str = ""


ClientFrame = WatchFrame | UnwatchFrame | TypingFrame | PingFrame
encode = msgspec.json.Encoder().encode
decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
