"""Whenever a stream has grown by a hundred events, keep its state, so that it loads fast."""

import logging
from collections.abc import Collection, Sequence

import msgspec

from application.log import Snapshots, UnreadableEvent
from application.positions import Positions
from application.states import States
from domain.event import Recorded, kind_of
from domain.streams import AGGREGATES

EVENTS_BETWEEN_SNAPSHOTS = 100

logger = logging.getLogger(__name__)


class KeepSnapshots:
    """Off the command path: a snapshot that fails or comes late costs a slower load, nothing else."""

    name = "keep_snapshots"
    topics: Collection[str] = ()

    def __init__(self, states: States, snapshots: Snapshots, positions: Positions) -> None:
        self._states = states
        self._snapshots = snapshots
        self._positions = positions

    async def start(self) -> int:
        return await self._positions.load(self.name)

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        due = {one.stream: one.version for one in batch if one.version % EVENTS_BETWEEN_SNAPSHOTS == 0}
        for stream, at_least in sorted(due.items()):
            try:
                state, version = await self._states.load(stream, at_least)
            except UnreadableEvent as error:
                logger.warning("no snapshot is kept: %s", error)
                continue
            name = AGGREGATES[kind_of(stream)].state_name
            await self._snapshots.save(stream, name, msgspec.msgpack.encode(state), version)
        if due or len(batch) > EVENTS_BETWEEN_SNAPSHOTS:
            await self._positions.save(self.name, upto)
