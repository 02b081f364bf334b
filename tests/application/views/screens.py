"""Screens: clients of the hub that keep what frames tell them and mind their order; and what moves on before them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec

from application.follower import Follower
from application.push import Hub, HubLimits
from application.views import ViewReaders
from application.watching.feed import IsShown
from application.watching.viewer import Disconnected, TooSlow, Viewer
from tests.application.views.histories import Town
from tests.application.views.situations import Views

WAIT_SECONDS_MAX = 30.0
TICKING = HubLimits(tick_seconds=0.02)
"""Positions are told all the time."""


@asynccontextmanager
async def running(hub: Hub) -> AsyncIterator[Hub]:
    """The hub, while it runs."""
    task = asyncio.create_task(hub.run())
    yield hub
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Followed:
    """All views of a town, moved on step by step, and the hub told."""

    def __init__(self, town: Town, views: Views, hub: Hub) -> None:
        self.town = town
        self.projections = views.all()
        self.followers: dict[str, Follower] = {}
        for name, projection in self.projections.items():
            projection.on_advanced.append(hub.advanced)
            self.followers[name] = Follower(town.log, projection, batch_max=7)

    async def catch_up(self) -> int:
        for name, follower in self.followers.items():
            await follower.catch_up()
            await self.projections[name].settle()
        return await self.town.log.head()

    async def live(self, actions: int) -> int:
        await self.town.live(actions)
        return await self.catch_up()


class Screen:
    """Reads all the time. `rows[watch][key]` is what it shows, `position[watch]` how far it has come."""

    def __init__(self, hub: Hub, who: str = "") -> None:
        self.hub = hub
        self.who = who
        self.rows: dict[str, dict[str, Any]] = {}
        self.position: dict[str, int] = {}
        self.older: dict[str, str | None] = {}
        self.frames: list[dict[str, Any]] = []
        self.stood: dict[tuple[str, int], dict[str, Any]] = {}
        """What it showed when it was told that it had come so far, by watch and position."""
        self._put_at: dict[tuple[str, str], int] = {}
        self.unwatched: dict[str, str] = {}
        self._moved = asyncio.Condition()
        self._failure: Exception | None = None
        self.connect()

    def connect(self) -> None:
        """With a new socket; what is on the screen stays."""
        self.viewer = self.hub.connect(self.who)
        self._reading = asyncio.create_task(self._read(self.viewer))

    async def disconnect(self) -> None:
        self.hub.disconnect(self.viewer)
        await self._reading

    async def watch(self, view: str, scope: str, after: int | None = None, is_shown: IsShown | None = None) -> None:
        await self.hub.watch(self.viewer, view, scope, after, is_shown)

    async def reached(self, view: str, scope: str, position: int) -> dict[str, Any]:
        """Waits until the watch has come so far; what it shows then."""
        watch = f"{view}:{scope}"
        await self._until(lambda: self.position.get(watch, -1) >= position)
        return self.rows[watch]

    async def told(self, kind: str) -> dict[str, Any]:
        """Waits for a frame of this type; the newest of them."""
        await self._until(lambda: any(frame["type"] == kind for frame in self.frames))
        return next(frame for frame in reversed(self.frames) if frame["type"] == kind)

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_SECONDS_MAX), self._moved:
            await self._moved.wait_for(lambda: self._failure is not None or condition())
        if self._failure is not None:
            raise self._failure

    async def _read(self, viewer: Viewer) -> None:
        try:
            while True:
                self._apply(msgspec.json.decode(await viewer.next()))
                async with self._moved:
                    self._moved.notify_all()
        except (Disconnected, TooSlow):
            return
        except Exception as error:  # noqa: BLE001  # it is raised where somebody waits for the screen
            self._failure = error
            async with self._moved:
                self._moved.notify_all()

    def _apply(self, frame: dict[str, Any]) -> None:
        self.frames.append(frame)
        watch, kind = frame["watch"], frame["type"]
        if kind == "unwatched":
            self.unwatched[watch] = frame["reason"]
            return
        position = frame["position"]
        if kind == "snapshot":
            self.rows[watch] = {key_of(row): row for row in frame["rows"]}
            self.older[watch] = frame.get("older_cursor")
            self._put_at = {of: position for of, position in self._put_at.items() if of[0] != watch}
        else:
            before, rows = self.position.get(watch, -1), self.rows.setdefault(watch, {})
            assert position >= before, f"out of order: {frame} behind {before}"
            if kind == "put":
                assert position > self._put_at.get((watch, frame["key"]), -1), f"twice: {frame}"
                self._put_at[watch, frame["key"]] = position
                rows[frame["key"]] = frame["row"]
            elif kind == "gone":
                rows.pop(frame["key"], None)
            else:
                self.stood[watch, position] = dict(rows)
        self.position[watch] = position


def key_of(row: dict[str, Any]) -> str:
    return str(row["id"] if "id" in row else row["position"])


async def shown_now(readers: ViewReaders, view: str, scope: str, newest: int = 100_000) -> dict[str, Any]:
    """What a fresh snapshot shows."""
    snapshot = await readers.snapshot(view, scope, newest)
    return {change.key: msgspec.json.decode(change.doc) for change in snapshot.rows}


def newest(rows: dict[str, Any], count: int = 50) -> dict[str, Any]:
    """The newest entries of a timeline by the time that they occurred at."""
    ordered = sorted(rows.items(), key=lambda one: (moment(one[1]["occurred_at"]), one[1]["position"]))
    return dict(ordered[-count:])


def moment(text: str) -> datetime:
    """A time of a row; as text such times have no order, because `…:01.5Z` comes before `…:01Z`."""
    return datetime.fromisoformat(text)
