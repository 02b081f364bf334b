"""The AsyncAPI 3 document of both sockets, made from the frames' own types."""

from collections.abc import Sequence
from typing import Any, get_args

import msgspec

from api.http.schemas import Schemas
from api.sockets.connection import Code
from api.sockets.frames import (
    PingFrame,
    PongFrame,
    PresenceFrame,
    ProblemFrame,
    TypingFrame,
    UnwatchFrame,
    WatchFrame,
    WatchingFrame,
)
from application.watching import frames as hub
from channels import webchat

PEOPLE_SAY = (WatchFrame, UnwatchFrame, TypingFrame, PingFrame)
PEOPLE_HEAR = (
    WatchingFrame,
    hub.SnapshotFrame,
    hub.PutFrame,
    hub.GoneFrame,
    hub.PositionFrame,
    hub.UnwatchedFrame,
    TypingFrame,
    PresenceFrame,
    PongFrame,
    ProblemFrame,
)
VISITORS_SAY: tuple[type[msgspec.Struct], ...] = get_args(webchat.VisitorFrame)
VISITORS_HEAR: tuple[type[msgspec.Struct], ...] = get_args(webchat.ServerFrame)

CODES = {
    Code.NORMAL: "Done.",
    Code.TOO_LARGE: "A frame is over the limit.",
    Code.TRY_AGAIN: "This server is full, is stopping, or cannot do it at the moment.",
    Code.UNREADABLE: "A binary frame, or another breach of the protocol.",
    Code.NOT_SIGNED_IN: "The ticket or token is wrong, out of date or used; or the session is over.",
    Code.ORIGIN: "The page is not one that may open this socket.",
    Code.UNKNOWN: "There is no such channel account.",
    Code.TOO_SLOW: "You did not read. Connect again and resume each watch after its last position.",
    Code.TOO_MANY: "You said too much in too short a time, or have too many sockets open.",
}
REFUSING = "A socket that is refused is accepted first, then closed with a code, so that browsers learn why."
PEOPLE = """
For agents, supervisors and auditors. Get a ticket from `POST /v1/tickets` and open the socket with it, once.

Say `watch`: after a `watching` frame with the name that the frames of the watch carry, a `snapshot` at a position
comes, then every later change once, in order. Come back with the last position as `after` and get what was missed, or
a fresh snapshot. A watch that you may no longer look at ends at once with `unwatched` and the reason.

`expectations:queue-…` tells for all that waits in a queue where it stands and how long it has still to wait, whenever
that changes noticeably; its positions are its own, not those of the log.
""".strip()
VISITORS = """
For visitors of a web chat. Say `hello` first: without a token you are new, with the one you were given you are known
again, and get what you missed after the last position you saw. Make the id of each message yourself and send it again
until `stored` comes: the same id is the same message. Show each position once: after `identified` all that the
customer said and heard in this web chat is told anew, save what was `stored` on this very socket.

Say `places` in `hello` to be told by `place` where you stand while you wait, and for how long still; `place` 0 ends it.

Whoever the shop's own site vouches for, by an HMAC or a signed JWT, is one customer on every device. Who only says so
is a stranger whose claim agents see. When they sign out, the page forgets its token.

To send files, upload each by `POST /v1/webchat/{account_id}/files` and name its ticket in a `message`; it need not have
a text then. Files that come with a `message` or a `reply` are had by `POST /v1/webchat/{account_id}/media/{media_id}`.

A frame has at most 32 KiB, a message 8,000 characters; beyond 20 at once, 2 a second, a frame is `refused` and says
when to send it again. `typing` and `presence` are never stored; the same `typing` within a second goes no further.
""".strip()


def asyncapi_document() -> dict[str, Any]:
    """The whole document, ready for JSON."""
    told: list[type[msgspec.Struct]] = [*PEOPLE_SAY, *PEOPLE_HEAR, *VISITORS_SAY, *VISITORS_HEAR]
    schemas = Schemas(told)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Onethread's sockets", "version": "1", "description": _codes()},
        "defaultContentType": "application/json",
        "channels": {
            "people": {
                "address": "/v1/socket",
                "title": "What people watch",
                "description": PEOPLE,
                "messages": {**_references(PEOPLE_SAY), **_references(PEOPLE_HEAR)},
                "bindings": {"ws": {"query": _query("ticket", "From `POST /v1/tickets`.")}},
            },
            "visitors": {
                "address": "/v1/webchat/{account_id}/socket",
                "title": "Web chat",
                "description": VISITORS,
                "parameters": {"account_id": {"description": "The web chat's channel account."}},
                "messages": {**_references(VISITORS_SAY), **_references(VISITORS_HEAR)},
            },
        },
        "operations": {
            "peopleSay": _operation("receive", "people", PEOPLE_SAY),
            "peopleHear": _operation("send", "people", PEOPLE_HEAR),
            "visitorsSay": _operation("receive", "visitors", VISITORS_SAY),
            "visitorsHear": _operation("send", "visitors", VISITORS_HEAR),
        },
        "components": {
            "messages": {_name(frame): _message(frame) for frame in told},
            "schemas": schemas.components,
        },
    }


def _codes() -> str:
    rows = "\n".join(f"| {code.value} | {meaning} |" for code, meaning in CODES.items())
    return f"{REFUSING}\n\n| code | meaning |\n| --- | --- |\n{rows}"


def _name(frame: type[msgspec.Struct]) -> str:
    return frame.__name__


def _message(frame: type[msgspec.Struct]) -> dict[str, Any]:
    summary, _, _ = (frame.__doc__ or "").partition("\n")
    return {"name": _name(frame), "summary": summary, "payload": {"$ref": f"#/components/schemas/{_name(frame)}"}}


def _references(frames: Sequence[type[msgspec.Struct]]) -> dict[str, Any]:
    return {_name(frame): {"$ref": f"#/components/messages/{_name(frame)}"} for frame in frames}


def _query(name: str, description: str) -> dict[str, Any]:
    return {"type": "object", "required": [name], "properties": {name: {"type": "string", "description": description}}}


def _operation(action: str, channel: str, frames: Sequence[type[msgspec.Struct]]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{_name(frame)}"} for frame in dict.fromkeys(frames)],
    }
