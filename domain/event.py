"""What an event is: a business fact with a stable topic, and the envelope it is recorded in."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, dataclass_transform

import msgspec

if TYPE_CHECKING:
    from typing_extensions import override

TOPICS: dict[str, type["Event"]] = {}
"""Every event of the system by its topic: the allow-list that stored rows are decoded with."""


class RuleBroken(Exception):
    """A command that the domain refuses. Its docstring is the sentence the caller reads."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or (type(self).__doc__ or "").strip())


class _EventMeta(msgspec.StructMeta):
    """Makes each event frozen and keyword-only, and enters its topic in the catalogue.

    Events cannot form cycles, so the collector need not look at them: with hundreds of thousands in memory its pauses
    would reach 70 ms.
    """

    def __new__(
        mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], *, topic: str = "", **_: bool
    ) -> Any:
        cls: Any = super().__new__(
            mcls, name, bases, namespace, frozen=True, kw_only=True, omit_defaults=True, gc=False
        )
        if topic:
            if topic in TOPICS:
                raise ValueError(f"topic {topic!r} names two events: {TOPICS[topic].__name__} and {name}")
            cls.TOPIC = topic
            TOPICS[topic] = cls
        return cls


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Event(msgspec.Struct, metaclass=_EventMeta, frozen=True, kw_only=True):
    """A business fact in the past tense. Payload only: who, when and why stand in its envelope."""

    TOPIC: ClassVar[str] = ""

    if TYPE_CHECKING:

        @override
        def __init_subclass__(cls, *, topic: str) -> None: ...


class Redacted(Event, topic="log.redacted"):
    """Stands where an event was whose key has been destroyed: it happened, what it said is gone.

    Never appended; readers see it in place of an event they can no longer decrypt.
    """

    original_topic: str


class Recorded(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event in its envelope, as every reader of the log gets it."""

    event: Event
    topic: str
    """As stored; differs from `event.TOPIC` only for a redacted event."""
    stream: str
    """Kind and id, as in `customer-0193a7…`."""
    version: int
    """Place in the stream's history, from 1."""
    position: int
    """Place in the log, from 1."""
    occurred_at: datetime
    """When the sender says it happened (aware, UTC)."""
    recorded_at: datetime
    """When the log took it (aware, UTC)."""
    actor: str
    """Who did it: a person's, key's or part's id, as in `agent-…`, `key-…`, `router`."""
    cause: int | None = None
    """Position of the event that led to it."""
    correlation: str = ""
    """The same for all that one outside request set going."""
    command: str = ""
    """Id of the command that appended it."""


def kind_of(stream: str) -> str:
    """The stream's kind: `customer` for `customer-0193…`."""
    return stream.partition("-")[0]


def without(mapping: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A copy of the mapping that lacks the key."""
    copy = dict(mapping)
    copy.pop(key, None)
    return copy
