"""Reads the log once for the offers that were decided, and once from its beginning for everything else."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import datetime

from application.log import Log, UnreadableEvent
from application.whatif.recorded.identity import OFFERED, Identity
from application.whatif.recorded.recording import BEGINNING, END, TOPICS, Recording
from domain.event import Recorded

PAGE = 5_000
Progress = Callable[[str, int, int], None]
"""What is being read, up to which position, and the last position."""


async def read_recording(
    log: Log,
    since: datetime | None,
    until: datetime | None,
    progress: Progress,
    *,
    identity: Identity | None = None,
) -> Recording:
    """What was recorded from `since` until before `until`. With `identity`, each decision is taken again on the way.

    Raises NotIdentical, LogUnreachable.
    """
    since, until, head = since or BEGINNING, until or END, await log.head()
    if identity is not None:
        async for batch, position in pages(log, head, OFFERED):
            identity.note(offer for offer in batch if since <= offer.recorded_at < until)
            progress("offers", position, head)
    recording = Recording(since, until)
    async for batch, position in pages(log, head, TOPICS):
        for recorded in batch:
            recording.take(recorded)
            if identity is not None:
                identity.check(recording.state)
        progress("history", position, head)
        if recording.is_over and (identity is None or identity.is_done):
            break
    if identity is not None:
        identity.demand_done()
    return recording


async def pages(log: Log, head: int, topics: Collection[str]) -> AsyncIterator[tuple[Sequence[Recorded], int]]:
    """The log up to `head`, in order. What cannot be decoded is passed, as the router passes it."""
    position = 0
    while position < head:
        try:
            batch, position = await log.read(position, min(PAGE, head - position), topics)
        except UnreadableEvent as error:
            batch, position = [], error.position
        yield [recorded for recorded in batch if recorded.position <= head], position
