"""The router's past: its state at any position, from the nearest stored one and the events behind it."""

import asyncio
import logging

import msgspec

from application.explaining.gaps import Gaps
from application.log import Log, UnreadableEvent
from application.router_snapshots import RouterSnapshots, decoded
from domain.routing.evolve import TOPICS, evolve
from domain.routing.state import RouterState

EVENTS_AT_ONCE = 1_000
"""Read and folded before others get their turn."""


logger = logging.getLogger(__name__)


async def router_at(
    log: Log, position: int, snapshots: RouterSnapshots | None = None, gaps: Gaps | None = None
) -> RouterState:
    """The router as it stood when it had read the log up to the position, and nothing behind it.

    Reads the log from the nearest snapshot, or from its beginning. What cannot be decoded is passed, as the router
    itself does; `gaps` tells then what could not be read. Raises LogUnreachable.
    """
    gaps = gaps or Gaps()
    state, after = await _begun(position, snapshots)
    while after < position:
        try:
            batch, after = await log.read(after, min(EVENTS_AT_ONCE, position - after), TOPICS)
        except UnreadableEvent as error:
            after = error.position
            gaps.pass_over(error)
            continue
        for recorded in batch:
            if recorded.position <= position:
                gaps.note(recorded)
                evolve(state, recorded)
        await asyncio.sleep(0)
    return state


async def _begun(position: int, snapshots: RouterSnapshots | None) -> tuple[RouterState, int]:
    """What is stored nearest before the position; where that cannot be read, the whole log says the same."""
    stored = None if snapshots is None else await snapshots.nearest(position)
    if stored is None:
        return RouterState(), 0
    try:
        return RouterState(decoded(stored[0])), stored[1]
    except msgspec.MsgspecError as error:
        logger.warning("the router's state at position %d cannot be read: %s", stored[1], error)
        return RouterState(), 0
