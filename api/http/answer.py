"""Answers: status, headers and a body that is JSON already, sent as they are."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from application.commands import Done
from application.plans.problems import Problem

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send

JSON = "application/json"
KEEP_NOTHING = (("cache-control", "no-store"), ("x-content-type-options", "nosniff"))
_KEEP_NOTHING_BYTES = tuple((name.encode(), value.encode()) for name, value in KEEP_NOTHING)
_encode = msgspec.json.encode


class Answer:
    """An answer to one request. It is an ASGI application, so that the framework sends it without looking into it."""

    __slots__ = ("body", "headers", "media_type", "problem", "status")

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        headers: Sequence[tuple[str, str]] = (),
        media_type: str = JSON,
        problem: str = "",
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers
        self.media_type = media_type
        self.problem = problem
        """The kind of problem it tells, for the metrics; empty for none."""

    def to_asgi_response(self, **_: Any) -> "Answer":
        """The framework's error path asks for it."""
        return self

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        del scope, receive  # an answer is the same whoever asked
        headers = [
            *_KEEP_NOTHING_BYTES,
            (b"content-length", str(len(self.body)).encode()),
            *((name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers),
        ]
        if self.body:
            headers.append((b"content-type", self.media_type.encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


class Stands(msgspec.Struct, kw_only=True):
    """Where a command led: once a view has reached the position, it shows the change."""

    position: int


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """What is taken, and is likely not meant.

    Example: `{"field": "$.required_skills.returns", "detail": "nobody has this skill"}`
    """

    field: str
    detail: str


def doubts(problems: Iterable[Problem]) -> list[Doubt]:
    """Warnings as the caller reads them."""
    return [Doubt(field=f"$.{one.path}" if one.path else "$", detail=one.reason) for one in problems]


def json_answer(document: Any, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Answer:
    """The document as JSON."""
    return Answer(status, _encode(document), headers)


def done_answer(done: Done, document: Stands | None = None, status: int = 200) -> Answer:
    """The answer to a command: `{"position": 42, …}`. A repeat has the body of the first time, and a header says so."""
    headers = [("onethread-position", str(done.position))]
    if done.is_repeat:
        headers.append(("idempotent-replayed", "true"))
    return Answer(status, _encode(document or Stands(position=done.position)), headers)
