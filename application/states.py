"""Decision states of streams: kept in the process, moved forward by what it appended, re-read on a conflict."""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from application.directory import POLICY
from application.log import Log, Snapshots, UnreadableEvent
from domain.event import Event, Recorded, kind_of
from domain.streams import AGGREGATES

STATES_MAX = 50_000
"""States kept; the one not used for longest goes first."""
TOGETHER_MAX = 200
"""Streams read at once: what is done while one answer is decoded has to wait."""


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
        return found if found is not None and found[1] >= at_least else (await self._read([stream]))[stream]

    async def load_all(self, streams: Collection[str]) -> None:
        """Puts those at hand that are not, asking for many at once: for who is about to load them one by one.

        What cannot be read is left out, and is told when it is loaded by itself.
        """
        missing = sorted(set(streams) - self._known.keys())
        for first in range(0, len(missing), TOGETHER_MAX):
            with suppress(UnreadableEvent):
                await self._read(missing[first : first + TOGETHER_MAX])

    def begin(self, stream: str) -> tuple[Any, int]:
        """State and version of a stream that was just given its id, so that there is nothing to read."""
        return AGGREGATES[kind_of(stream)].new, 0

    def moved(self, stream: str, state: Any, version: int) -> None:
        """The process appended or read: so the stream stood at that version. What is known of a later one stays."""
        known = self._known.get(stream)
        if known is None or known[1] < version:
            self._known[stream] = (state, version)
            if len(self._known) > self._states_max:
                self._known.popitem(last=False)

    def saw(self, recorded: Recorded) -> None:
        """Somebody appended it, in whatever process: what is at hand moves on with it, or is let go."""
        known = self._known.get(recorded.stream)
        if known is None or known[1] >= recorded.version:
            return
        if known[1] + 1 == recorded.version:
            self._known[recorded.stream] = fold(recorded.stream, known[0], [recorded.event]), recorded.version
        else:
            self.forget(recorded.stream)

    def forget(self, stream: str) -> None:
        """Somebody else appended, or the stream was erased: read it again next time."""
        self._known.pop(stream, None)

    async def moved_on(self, stream: str, version: int) -> bool:
        """Whether others have appended behind the version; if so, it is read again next time."""
        if not await self._log.read_stream(stream, version):
            return False
        self.forget(stream)
        return True

    async def _read(self, streams: Sequence[str]) -> dict[str, tuple[Any, int]]:
        aggregates = {stream: AGGREGATES[kind_of(stream)] for stream in streams}
        found: dict[str, tuple[Any, int]] = {stream: (one.new, 0) for stream, one in aggregates.items()}
        stored = await self._snapshots.load_all({stream: one.state_name for stream, one in aggregates.items()})
        for stream, (state, version) in stored.items():
            found[stream] = msgspec.msgpack.decode(state, type=type(aggregates[stream].new)), version
        versions = {stream: version for stream, (_, version) in found.items()}
        for recorded in await self._log.read_streams(versions):
            state, _ = found[recorded.stream]
            found[recorded.stream] = aggregates[recorded.stream].evolve(state, recorded.event), recorded.version
        for stream, (state, version) in found.items():
            if version or stream == POLICY:  # which each decision looks at, be there one or not
                self.moved(stream, state, version)  # while this was read, the process may have appended more
        return found


def fold(stream: str, state: Any, events: Sequence[Event]) -> Any:
    """The state after the events."""
    evolve = AGGREGATES[kind_of(stream)].evolve
    for event in events:
        state = evolve(state, event)
    return state
