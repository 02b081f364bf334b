"""A feed: all watches of one view, kept in step with one query for whatever changed in any of their scopes."""

import asyncio
import logging
from collections.abc import Callable, Sequence

import msgspec

from application.views import Change, ChangeReaders, ViewNotBuilt, ViewsUnreachable
from application.watching.frames import Header, PositionFrame, ShownChange, encode, header_of, snapshot_frame
from application.watching.viewer import Viewer

RETRY_SECONDS = 1.0

logger = logging.getLogger(__name__)

IsShown = Callable[[Header], bool]
"""Whether a watch's viewer may see a row, decided from the row's header."""


class FeedLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much is read at once, and how often."""

    pass_rows_max: int = 5_000
    """Changed rows read at once; the rest follows at once."""
    resume_rows_max: int = 1_000
    """Who missed more gets a fresh snapshot."""
    snapshot_rows_max: int = 2_000
    """Of boards; a larger board's snapshot says that it is not complete."""
    snapshot_entries_max: int = 50
    """Of timelines; a cursor leads to older ones."""
    chosen_entries_max: int = 500
    """Newest entries looked through for a watch that shows only some."""
    poll_seconds: float = 0.25
    """How often views are looked at when nobody says that they moved: projections may run in another process."""


class Watch:
    """One viewer looking at one scope of one view."""

    __slots__ = ("horizon", "is_new", "is_on", "is_shown", "name", "position", "scope", "told", "view", "viewer")

    def __init__(self, viewer: Viewer, view: str, scope: str, is_shown: IsShown | None) -> None:
        self.viewer = viewer
        self.view = view
        self.scope = scope
        self.name = f"{view}:{scope}"
        self.is_shown = is_shown
        self.is_on = True
        self.is_new = True
        """Not yet covered by what the feed has read."""
        self.position = -1
        """What it got by itself, in a snapshot or by resuming; from there on the feed serves it."""
        self.horizon = 0
        self.told = -1
        """The last position that the viewer knows."""

    def send(self, shown: ShownChange) -> None:
        """Sends the change if the viewer may see it."""
        if self.is_on and (self.is_shown is None or shown.change.is_gone or self.is_shown(shown.header)):
            self.told = shown.change.position
            self.viewer.put(shown.frame)


class Feed:
    """Reads on from `position` for everybody; those who have just joined are read for from where they stand."""

    def __init__(self, view: str, readers: ChangeReaders, limits: FeedLimits) -> None:
        self.view = view
        self.position = -1
        """Everything up to here has gone to all watches that are not new."""
        self._readers = readers
        self._limits = limits
        self._stale: list[Watch] = []
        """Those that need a fresh snapshot."""
        self._joined: list[Watch] = []
        """Those to be admitted before the next reading."""
        self._new: list[Watch] = []
        self._by_scope: dict[str, set[Watch]] = {}
        self._horizon = 0
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def join(self, watch: Watch, after: int | None) -> None:
        """Brings the watch to a position of its own; from the feed's next reading on it gets what comes later."""
        if after is None or not await self._resume(watch, after):
            await self._show(watch)
        if watch.is_on:
            self._joined.append(watch)
            self.wake()
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._run(), name=f"push {self.view}")

    def leave(self, watch: Watch) -> None:
        """Nothing more goes to the watch."""
        watch.is_on = False
        if (watching := self._by_scope.get(watch.scope)) is not None:
            watching.discard(watch)
            if not watching:
                del self._by_scope[watch.scope]
        self._new = [other for other in self._new if other is not watch]

    def wake(self) -> None:
        """There may be something new."""
        self._woken.set()

    async def close(self) -> None:
        """Stops reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._by_scope or self._joined or self._stale:
            try:
                async with asyncio.timeout(self._limits.poll_seconds):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()
            try:
                while not await self._read_on():
                    pass
            except (ViewsUnreachable, ViewNotBuilt) as error:
                logger.warning("nothing can be pushed of %s: %s", self.view, error)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                logger.exception("nothing can be pushed of %s", self.view)
                await asyncio.sleep(RETRY_SECONDS)

    async def _read_on(self) -> bool:
        """Reads once and sends what it finds. True when nothing is left to read."""
        while self._stale:
            if (watch := self._stale[-1]).is_on:
                watch.is_new = True
                await self._show(watch)
                self._joined.append(watch)
            self._stale.pop()
        self._admit()
        if not self._by_scope:
            return True
        after = min([self.position, *(watch.position for watch in self._new)])
        found = await self._readers.changes(self.view, list(self._by_scope), after, self._limits.pass_rows_max)
        if self._is_rewritten(found.position, found.horizon, is_complete=found.is_complete):
            self._renew()
            return False
        self._send(found.changes)
        if found.position >= self.position:
            self.position = found.position
            for watch in self._new:
                watch.is_new = False
            self._new.clear()
        else:  # too much for the newcomers to be read at once
            for watch in self._new:
                watch.position = max(watch.position, found.position)
        return found.is_complete

    def _admit(self) -> None:
        if not self._by_scope and self._joined:
            self.position = min(watch.position for watch in self._joined)
            self._horizon = min(watch.horizon for watch in self._joined)
        for watch in self._joined:
            if watch.is_on:
                self._by_scope.setdefault(watch.scope, set()).add(watch)
                self._new.append(watch)
        self._joined = []

    def _send(self, changes: Sequence[Change]) -> None:
        for change in changes:
            watching = self._by_scope.get(change.scope)
            if not watching:
                continue
            shown = ShownChange(f"{self.view}:{change.scope}", change)
            for watch in tuple(watching):  # whoever is too slow leaves under our hands
                if change.position > watch.position and (watch.is_new or change.position > self.position):
                    watch.send(shown)

    def _is_rewritten(self, position: int, horizon: int, *, is_complete: bool) -> bool:
        """Whether rows may have changed behind our back: a parked stream was replayed, the view was put back."""
        if is_complete and position < self.position:
            return True
        return horizon > self._horizon and horizon >= self.position

    def _renew(self) -> None:
        """Everybody gets a fresh snapshot."""
        self._stale += [watch for watching in self._by_scope.values() for watch in watching]
        self._by_scope.clear()
        self._new.clear()

    async def _show(self, watch: Watch) -> None:
        """Sends a snapshot."""
        limits, is_shown = self._limits, watch.is_shown
        if self.view != "timeline":
            most = limits.snapshot_rows_max
        else:
            most = limits.snapshot_entries_max if is_shown is None else limits.chosen_entries_max
        snapshot = await self._readers.snapshot(self.view, watch.scope, most)
        rows = snapshot.rows if is_shown is None else [row for row in snapshot.rows if is_shown(header_of(row))]
        if watch.is_on:
            watch.position = watch.told = snapshot.position
            watch.horizon = snapshot.horizon
            watch.viewer.put(snapshot_frame(watch.name, snapshot, rows))

    async def _resume(self, watch: Watch, after: int) -> bool:
        """Sends what was missed. False if that is not known any more, or too much."""
        found = await self._readers.changes(self.view, [watch.scope], after, self._limits.resume_rows_max)
        if not found.is_complete or not found.horizon < after <= found.position:
            return False
        for change in found.changes:
            watch.send(ShownChange(watch.name, change))
        watch.position = found.position
        watch.horizon = found.horizon
        self._tell_position(watch, found.position)
        return True

    def tell_positions(self) -> None:
        """Tells quiet watches how far they have come, so that they can resume from there."""
        for watch in [watch for watching in self._by_scope.values() for watch in watching]:
            if watch.is_on and not watch.is_new and watch.told < self.position:
                self._tell_position(watch, self.position)

    def _tell_position(self, watch: Watch, position: int) -> None:
        if watch.is_on:
            watch.told = position
            watch.viewer.put(encode(PositionFrame(watch.name, position)))
