"""Decision states of streams: kept in the process, moved forward by what it appended, re-read on a conflict."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import msgspec

from application.log import Log, Snapshots
from domain.event import Event, kind_of
from domain.streams import AGGREGATES

STATES_MAX = 50_000
"""States kept; the one not used for longest goes first."""


class States:
    """The state and version of any stream."""

    def __init__(self, log: Log, snapshots: Snapshots, states_max: int = STATES_MAX) -> None:
        self._log = log
        self._snapshots = snapshots
        self._states_max = states_max
        self._known: OrderedDict[str, tuple[Any, int]] = OrderedDict()

    def peek(self, stream: str) -> tuple[Any, int] | None:
        """State and version if they are at hand."""
        if (found := self._known.get(stream)) is not None:
            self._known.move_to_end(stream)
        return found

    async def load(self, stream: str, at_least: int = 0) -> tuple[Any, int]:
        """State and version; a stream that does not exist yet is new, at version 0.

        What is at hand may lag behind what other processes appended; below `at_least` it is read again.
        """
        found = self.peek(stream)
        return found if found is not None and found[1] >= at_least else await self._read(stream)

    def begin(self, stream: str) -> tuple[Any, int]:
        """State and version of a stream that was just given its id, so that there is nothing to read."""
        return AGGREGATES[kind_of(stream)].new, 0

    def moved(self, stream: str, state: Any, version: int) -> None:
        """The process appended or read: so the stream stood at that version. What is known of a later one stays."""
        known = self._known.get(stream)
        if known is None or known[1] < version:
            self._keep(stream, state, version)

    def forget(self, stream: str) -> None:
        """Somebody else appended, or the stream was erased: read it again next time."""
        self._known.pop(stream, None)

    async def moved_on(self, stream: str, version: int) -> bool:
        """Whether others have appended behind the version; if so, it is read again next time."""
        if not await self._log.read_stream(stream, version):
            return False
        self.forget(stream)
        return True

    async def _read(self, stream: str) -> tuple[Any, int]:
        aggregate = AGGREGATES[kind_of(stream)]
        state, version = aggregate.new, 0
        if (stored := await self._snapshots.load(stream, aggregate.state_name)) is not None:
            state, version = msgspec.msgpack.decode(stored[0], type=type(aggregate.new)), stored[1]
        for recorded in await self._log.read_stream(stream, version):
            state, version = aggregate.evolve(state, recorded.event), recorded.version
        if version:
            self.moved(stream, state, version)  # while this was read, the process may have appended more
        return state, version

    def _keep(self, stream: str, state: Any, version: int) -> None:
        self._known[stream] = (state, version)
        self._known.move_to_end(stream)
        if len(self._known) > self._states_max:
            self._known.popitem(last=False)


def fold(stream: str, state: Any, events: Sequence[Event]) -> Any:
    """The state after the events."""
    evolve = AGGREGATES[kind_of(stream)].evolve
    for event in events:
        state = evolve(state, event)
    return state
