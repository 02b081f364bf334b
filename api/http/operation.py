"""Operations: what can be asked over HTTP, each a value that the server, the document and the tests read."""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import msgspec

from api.access.permissions import Action
from api.http.answer import Answer, Stands
from api.http.asked import Asked
from api.http.refusals import Invalid

T = TypeVar("T")
Run = Callable[[Asked[T]], Awaitable[Answer]]
KeyUse = Literal["required", "optional", "none"]


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No body, or an empty object; no query."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one path."""

    name: str
    """The function's, and the `operationId` of the document."""
    method: Literal["GET", "POST"]
    path: str
    """With the names of its ids in braces: `/v1/queues/{queue_id}/retire`."""
    summary: str
    description: str
    action: Action | None
    """What the role must allow; None where nobody has to sign in."""
    takes: type[Any]
    """The type of the body of a command or the query of a read; `bytes` for a body that is read by a channel."""
    gives: Any
    """The type of the answer's body; None where it has none of ours."""
    status: int = 200
    key: KeyUse = "none"
    """Of the Idempotency-Key header."""
    media_type: str = "application/json"
    """Of the body."""
    also_takes: tuple[str, ...] = ()
    """Further media types that the body may be of."""
    answer_media_type: str = "application/json"
    is_large: bool = False
    """Takes a body as large as the largest mail."""
    is_file: bool = False
    """Takes a body as large as the largest file that is kept."""
    bytes_max: int | None = None
    """Of a body, where that is a matter of its own."""
    form: Mapping[str, Any] = field(default_factory=dict)
    """Of a body that is a form: its fields as JSON Schema describes them, all of them needed."""
    large_channels: frozenset[str] = frozenset()
    """Where the path names one of these channels, the same."""
    has_revision: bool = False
    """Works on a conversation, whose ETag `If-Match` may name."""
    statuses: tuple[int, ...] = ()
    """Further statuses it may answer, beyond what the rest says."""
    example: Any = None
    """A body, or an answer where it takes none."""
    read_apart: Callable[[bytes, Invalid], Any] | None = None
    """What to make of a body that is not what it takes; raises the refusal where there is nothing to be made of it."""
    other_answers: Mapping[int, Any] = field(default_factory=dict)
    """Answers of ours with another status, and their types."""
    run: Run[Any]

    @property
    def path_names(self) -> list[str]:
        """Of what stands in braces in the path."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def takes_body(self) -> bool:
        return self.method != "GET"

    @property
    def demands_body(self) -> bool:
        """Whether the body has a field that must be given; else none at all will do."""
        if self.takes is bytes:
            return True
        return any(field.required for field in msgspec.structs.fields(self.takes))


def read(
    path: str,
    action: Action | None,
    *,
    gives: Any,
    takes: type[T] = Nothing,  # type: ignore[assignment]  # the default is a type as any other
    **more: Any,
) -> Callable[[Run[T]], Operation]:
    """A GET that changes nothing. The function's docstring is its documentation."""
    return lambda run: _operation(run, method="GET", path=path, action=action, takes=takes, gives=gives, **more)


def command(
    path: str,
    action: Action | None,
    *,
    gives: Any = Stands,
    takes: type[T] = Nothing,  # type: ignore[assignment]  # as above
    key: KeyUse = "required",
    **more: Any,
) -> Callable[[Run[T]], Operation]:
    """A POST. The function's docstring is its documentation."""
    return lambda run: _operation(
        run, method="POST", path=path, action=action, takes=takes, gives=gives, key=key, **more
    )


def _operation(run: Run[Any], **said: Any) -> Operation:
    summary, _, description = inspect.cleandoc(run.__doc__ or "").partition("\n")
    return Operation(
        name=getattr(run, "__name__", ""),
        summary=summary.rstrip("."),
        description=description.strip() or summary,
        run=run,
        **said,
    )
