"""The log, for auditors: every event in its envelope, in order, without secrets."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.access.permissions import Action
from api.http.answer import Answer, json_answer
from api.http.asked import Asked
from api.http.fields import PositionNumber
from api.http.operation import Nothing, read
from api.http.refusals import Unknown
from domain.event import Recorded

SECRETS = {
    "person.admitted": ("password_hash",),
    "person.password_replaced": ("password_hash",),
    "person.key_issued": ("key_hash",),
}
"""Fields of events that nobody needs to see."""
HIDDEN = "(hidden)"
POSITION_DIGITS_MAX = 16


class LogQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From where."""

    after: PositionNumber = 0
    """The last position seen."""
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class EventShown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event in its envelope."""

    position: int
    stream: str
    version: int
    topic: str
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    event: dict[str, Any]
    cause: int | None = None
    """Position of the event that led to it."""
    correlation: str = ""
    command: str = ""


class EventsShown(msgspec.Struct, frozen=True, kw_only=True):
    """Events in order."""

    position: int
    """Up to where this is complete: `after` of the next read."""
    items: list[EventShown]


def shown(recorded: Recorded) -> EventShown:
    """The event as auditors see it: hashes, keys and channel secrets are hidden."""
    event: dict[str, Any] = msgspec.to_builtins(recorded.event)
    for name in SECRETS.get(recorded.topic, ()):
        event[name] = HIDDEN
    if recorded.topic == "account.defined":
        definition = event["definition"]
        event["definition"] = definition | {"settings": dict.fromkeys(definition.get("settings", {}), HIDDEN)}
    return EventShown(
        position=recorded.position,
        stream=recorded.stream,
        version=recorded.version,
        topic=recorded.topic,
        occurred_at=recorded.occurred_at,
        recorded_at=recorded.recorded_at,
        actor=recorded.actor,
        event=event,
        cause=recorded.cause,
        correlation=recorded.correlation,
        command=recorded.command,
    )


@read("/v1/log", Action.READ_LOG, takes=LogQuery, gives=EventsShown)
async def read_log(asked: Asked[LogQuery]) -> Answer:
    """The log after a position.

    Everything that ever happened, in order. An empty list: there is no more yet.
    """
    events, upto = await asked.parts.log.read(asked.given.after, asked.given.limit)
    return json_answer(EventsShown(position=upto, items=[shown(one) for one in events]))


@read("/v1/log/{position}", Action.READ_LOG, gives=EventShown)
async def read_event(asked: Asked[Nothing]) -> Answer:
    """One event by its position."""
    digits = asked.ids["position"]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= POSITION_DIGITS_MAX):
        raise Unknown
    recorded = await asked.parts.log.at(int(digits))
    if recorded is None:
        raise Unknown(f"there is no event at position {digits}")
    return json_answer(shown(recorded))


OPERATIONS = (read_log, read_event)
