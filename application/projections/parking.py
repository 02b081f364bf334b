"""Parking: what is kept of a stream that a projection cannot follow, and what a replay of it has to read."""

import logging
from collections.abc import Collection

from application.log import Log, LogUnreachable, UnreadableEvent
from application.projections.view import Parked
from domain.event import Recorded

ERROR_CHARACTERS_MAX = 500
PARKED_STREAMS_MAX = 10_000
"""Of one view. More are no fault of the streams: the view then stands still until its fold is mended."""

logger = logging.getLogger(__name__)


class TooManyParked(Exception):
    """This view cannot follow so many streams that its fold must be wrong. It stands still."""


class Unreadable(Exception):
    """The log itself cannot give the stream's events."""


def park(projection: str, recorded: Recorded, error: Exception) -> Parked:
    """The event's stream, parked there. The log tells of it without what the event says."""
    logger.error(
        "%s parks a stream at position %d (%s): %s",
        projection,
        recorded.position,
        recorded.topic,
        type(error).__name__,
    )
    return Parked(
        projection=projection,
        stream=recorded.stream,
        position=recorded.position,
        topic=recorded.topic,
        error=told(error),
    )


def unreadable(projection: str, error: UnreadableEvent) -> Parked:
    """The stream of an event that cannot be decoded, parked there."""
    return Parked(
        projection=projection, stream=error.stream, position=error.position, topic=error.topic, error=told(error)
    )


async def missed(log: Log, parked: Parked, upto: int, topics: Collection[str]) -> list[Recorded]:
    """The stream's events from the parked one up to the position. Raises Unreadable, LogUnreachable."""
    try:
        first = await log.at(parked.position)
        assert first is not None  # an event never leaves the log
        events = await log.read_stream(parked.stream, first.version - 1)
    except LogUnreachable:
        raise
    except Exception as error:
        raise Unreadable(told(error)) from error
    return [one for one in events if one.position <= upto and (not topics or one.topic in topics)]


def told(error: Exception) -> str:
    """`KeyError: 'colour'`: for people who look into it, next to the view's own data."""
    return f"{type(error).__name__}: {error}"[:ERROR_CHARACTERS_MAX]
