"""Push: everything that somebody looks at, the moment it changes. First a snapshot, then every later frame, in order.

hub.connect(who) -> Viewer                        one for each socket
await hub.watch(viewer, view, scope, after)       a snapshot, or, with a position to resume after, what was missed
hub.unwatch(viewer, view, scope, reason)          tells the viewer and sends no more of it
hub.recheck(may_watch)                            ends every watch that is no longer allowed
hub.disconnect(viewer)
await viewer.next() -> bytes                      the next frame to send; raises TooSlow, Disconnected
"""

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from application.views import ChangeReaders, ViewReaders
from application.watching.feed import Feed, FeedLimits, IsShown, Watch
from application.watching.frames import UnwatchedFrame, encode
from application.watching.viewer import Disconnected, Viewer, ViewerLimits


class TooManyViewers(Exception):
    """This server has as many open sockets as it takes. Try again shortly."""


class TooManyWatches(Exception):
    """One socket watches a limited number of things. End a watch first."""


class HubLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one process takes on."""

    viewers_max: int = 10_000
    tick_seconds: float = 15.0
    """How often quiet watches are told how far they have come, and viewers who do not read are looked for."""
    viewer: ViewerLimits = ViewerLimits()
    feed: FeedLimits = FeedLimits()


class Hub:
    """Sends everybody what they watch. Used on one event loop; reads views only while somebody watches them."""

    def __init__(
        self,
        readers: ViewReaders,
        limits: HubLimits = HubLimits(),  # noqa: B008  # frozen
        also: Mapping[str, ChangeReaders] = {},
    ) -> None:
        self._readers = readers
        self._also = also
        """Views that have readers of their own, by name."""
        self._limits = limits
        self._feeds: dict[str, Feed] = {}
        self._watches: dict[Viewer, dict[tuple[str, str], Watch]] = {}
        self._frames_before = 0
        """Given to viewers who are over."""

    async def run(self) -> None:
        """Until it is cancelled; then all viewers are disconnected."""
        try:
            while True:
                await asyncio.sleep(self._limits.tick_seconds)
                self.tick()
        finally:
            await self.close()

    def tick(self) -> None:
        """Tells quiet watches how far they have come, and cuts off viewers who do not read."""
        for viewer in list(self._watches):
            viewer.demand_speed()
        for feed in self._feeds.values():
            feed.tell_positions()

    def connect(self, who: str = "") -> Viewer:
        """A new viewer. Raises TooManyViewers."""
        if len(self._watches) >= self._limits.viewers_max:
            raise TooManyViewers
        viewer = Viewer(who, self._limits.viewer, self._gone)
        self._watches[viewer] = {}
        return viewer

    def disconnect(self, viewer: Viewer) -> None:
        """Its socket is closed. Safe to repeat."""
        viewer.end(Disconnected)

    async def watch(
        self, viewer: Viewer, view: str, scope: str, after: int | None = None, is_shown: IsShown | None = None
    ) -> None:
        """Sends a snapshot, or, with a position to resume after, what was missed; then everything that comes later.

        Watching the same again begins anew. With `is_shown` the viewer sees only rows of which it says so.
        Raises TooManyWatches, Disconnected, ViewsUnreachable, ViewNotBuilt.
        """
        mine = self._watches.get(viewer)
        if mine is None:
            raise Disconnected
        if (before := mine.pop((view, scope), None)) is not None:
            self._feed(view).leave(before)
        if len(mine) >= self._limits.viewer.watches_max:
            raise TooManyWatches
        watch = mine[view, scope] = Watch(viewer, view, scope, is_shown)
        try:
            await self._feed(view).join(watch, after)
        except BaseException:
            if mine.get((view, scope)) is watch:
                del mine[view, scope]
            watch.is_on = False
            raise

    def unwatch(self, viewer: Viewer, view: str, scope: str, reason: str = "") -> None:
        """Tells the viewer and sends no more of it. Nothing where it was not watched."""
        watch = self._watches.get(viewer, {}).pop((view, scope), None)
        if watch is not None:
            self._feed(view).leave(watch)
            viewer.put(encode(UnwatchedFrame(watch.name, reason)))

    def recheck(self, may_watch: Callable[[Viewer, str, str], bool], reason: str = "not allowed any more") -> None:
        """Ends every watch of which `may_watch(viewer, view, scope)` no longer says yes."""
        for viewer, mine in list(self._watches.items()):
            for view, scope in list(mine):
                if not may_watch(viewer, view, scope):
                    self.unwatch(viewer, view, scope, reason)

    def advanced(self, view: str, position: int) -> None:
        """The view now stands at the position; called in process by whoever moves it."""
        feed = self._feeds.get(view)
        if feed is not None and position != feed.position:
            feed.wake()

    def nudge(self) -> None:
        """Views may have moved in another process."""
        for feed in self._feeds.values():
            feed.wake()

    async def close(self) -> None:
        """Ends all viewers."""
        for viewer in list(self._watches):
            self.disconnect(viewer)
        for feed in self._feeds.values():
            await feed.close()

    @property
    def frames_sent(self) -> int:
        """Frames given to viewers since the start."""
        return self._frames_before + sum(viewer.frames_sent for viewer in self._watches)

    @property
    def viewers(self) -> int:
        """How many sockets are open."""
        return len(self._watches)

    @property
    def watches(self) -> int:
        """How many things are watched."""
        return sum(len(mine) for mine in self._watches.values())

    def oldest_unsent_seconds(self) -> float:
        """How long the frame that has waited longest has waited."""
        now = asyncio.get_running_loop().time()
        return max((viewer.unsent_seconds(now) for viewer in self._watches), default=0.0)

    def _feed(self, view: str) -> Feed:
        if view not in self._feeds:
            self._feeds[view] = Feed(view, self._also.get(view, self._readers), self._limits.feed)
        return self._feeds[view]

    def _gone(self, viewer: Viewer) -> None:
        self._frames_before += viewer.frames_sent
        for watch in self._watches.pop(viewer, {}).values():
            self._feed(watch.view).leave(watch)
