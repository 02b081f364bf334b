"""The timeline: everything that happened with one customer, whatever the channel, one entry an event."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from application.projections.view import Row, encode
from domain.event import Event, Recorded
from domain.interaction import MessageContradicted, MessageReceived
from domain.streams import topics_of

LATE_AFTER = timedelta(minutes=5)
"""Told this long after it occurred, an entry is marked as late."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a timeline.

    Example: `{"position": 42, "kind": "conversation.message_received", "occurred_at": "2026-11-11T00:00:01Z",
    "recorded_at": "2026-11-11T00:00:02Z", "actor": "key-…", "event": {"conversation_id": "conversation-…", …}}`
    """

    position: int
    kind: str
    """The event's topic."""
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    event: Event
    cause: int | None = None
    is_late: bool = False


class Timeline:
    """The entries of a customer's stream. Its scope is the customer."""

    name = "timeline"
    version = 1
    topics = topics_of("customer", "conversation")

    def row(self, recorded: Recorded) -> Row:
        """The entry of the event."""
        entry = Entry(
            position=recorded.position,
            kind=recorded.topic,
            occurred_at=recorded.occurred_at,
            recorded_at=recorded.recorded_at,
            actor=recorded.actor,
            event=_shown(recorded.event),
            cause=recorded.cause,
            is_late=recorded.recorded_at - recorded.occurred_at > LATE_AFTER,
        )
        return Row(
            scope=recorded.stream,
            key=str(recorded.position),
            position=recorded.position,
            sort_at=recorded.occurred_at,
            doc=encode(entry),
        )

    def rows(self, batch: Sequence[Recorded]) -> list[Row]:
        return [self.row(recorded) for recorded in batch]


def _shown(event: Event) -> Event:
    """Without the sender's markup, which nobody should show before it is sanitised. The log keeps it."""
    if isinstance(event, MessageReceived | MessageContradicted) and event.content.html:
        return replace(event, content=replace(event.content, html=""))
    return event
