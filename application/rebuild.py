"""Rebuild: a new build of a view grows beside the live one, is compared with it, takes its place, and can give it back.

The live build keeps moving all the while, in whichever process; whoever moves it finds itself fenced at the switch,
looks which build is live, and goes on with that one.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from application.log import Log
from application.projections.loading import Progress, load
from application.projections.projection import Projection, projection_of
from application.projections.timeline import Timeline
from application.projections.view import Board, Store

DIFFERENCES_MAX = 20
"""Keys of rows that differ, in a report."""
CLOSE_POSITIONS = 2_000
"""So near to the live build the rest is taken while the live build waits."""


class RebuildUnderWay(Exception):
    """Another process rebuilds this view at the moment. Wait for it to end."""


class NothingToSwitchBackTo(Exception):
    """There is no earlier build of this view."""


class OtherVersion(Exception):
    """The build is of another version than this release folds. Rebuild the view, or use the release that folds it."""


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """One table of a view."""

    table: str
    view: str
    version: int
    number: int
    role: str
    """`live`, `building` or `previous`."""
    revision: int = 0
    horizon: int = 0
    position: int = 0


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two builds of a view at the same position. Marks of rows that are gone do not count."""

    position: int
    rows: tuple[int, int]
    """Of the live build and of the new one."""
    differing: list[str]
    """`scope key` of rows that are in only one of them or not the same in both; the first few."""

    @property
    def is_equal(self) -> bool:
        return not self.differing and self.rows[0] == self.rows[1]


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """What a rebuild came to."""

    build: Build
    comparison: Comparison
    is_live: bool
    """False: it differs from the live build, which stays."""


CatchUp = Callable[[int], Awaitable[None]]
"""Brings the build that is not live to exactly this position."""


class Builds(Protocol):
    """The builds of all views. `infrastructure/views/builds.py` keeps this contract."""

    def claim(self, view: str) -> AbstractAsyncContextManager[None]:
        """While this lasts nobody else rebuilds the view. Raises RebuildUnderWay."""

    async def all(self, view: str) -> Sequence[Build]:
        """Every build of the view, oldest first."""

    async def create(self, view: str, version: int) -> Build:
        """A new one, empty, beside the live one; an empty live one too, where there is none."""

    def store(self, build: Build) -> Store:
        """Where to write it."""

    async def finish(self, build: Build) -> None:
        """Gives a filled build what readers need."""

    async def compare(self, live: Build, other: Build, catch_up: CatchUp) -> Comparison:
        """Both at one position; the live one may move on meanwhile."""

    async def switch(self, live: Build, other: Build, catch_up: CatchUp, *, is_equal: bool) -> None:
        """Makes the other one live, at the very position at which the live one stands still for it.

        Where it is not known to be equal, everybody who looks on gets a fresh snapshot.
        """

    async def drop(self, build: Build) -> None:
        """Removes it."""


class Rebuild:
    """Rebuilds views. The same log, the same fold, so that the view can only come out right."""

    def __init__(self, log: Log, builds: Builds, folds: Sequence[Board | Timeline]) -> None:
        self._log = log
        self._builds = builds
        self._folds: Mapping[str, Board | Timeline] = {fold.name: fold for fold in folds}

    async def rebuild(
        self, view: str, on_progress: Progress | None = None, *, despite_differences: bool = False
    ) -> Rebuilt:
        """A new build of the view from position 1. One that differs from a live build of the same version is dropped,
        unless it is wanted all the same, as after a fault in the fold was mended.

        When it is interrupted the live build stays as it was; the next rebuild clears away what was left.
        Raises RebuildUnderWay, ViewsUnreachable, LogUnreachable, Fenced.
        """
        fold = self._folds[view]
        async with self._builds.claim(view):
            await self._clear(view, "building")
            build = await self._builds.create(view, fold.version)
            live = await self._live(view)
            projection = projection_of(fold, self._builds.store(build))
            try:
                await projection.start()
                await self._approach(projection, view, on_progress)
                await self._builds.finish(build)
                await self._approach(projection, view, on_progress)
                comparison = await self._builds.compare(live, build, self._to(projection))
                is_wanted = comparison.is_equal or despite_differences or live.version != build.version
                if not is_wanted:
                    await self._builds.drop(build)
                    return Rebuilt(build=build, comparison=comparison, is_live=False)
                await self._approach(projection, view, on_progress)
                await self._builds.switch(live, build, self._to(projection), is_equal=comparison.is_equal)
                await self._clear(view, "previous", but=live)
                return Rebuilt(build=build, comparison=comparison, is_live=True)
            finally:
                await projection.close()

    async def switch_back(self, view: str, on_progress: Progress | None = None) -> Build:
        """Brings the build before up to date and makes it live again; the one that was live can be switched back to.

        Raises NothingToSwitchBackTo, OtherVersion, RebuildUnderWay, ViewsUnreachable, LogUnreachable.
        """
        fold = self._folds[view]
        async with self._builds.claim(view):
            earlier = [one for one in await self._builds.all(view) if one.role == "previous"]
            if not earlier:
                raise NothingToSwitchBackTo
            previous = earlier[-1]
            if previous.version != fold.version:
                raise OtherVersion(
                    f"{previous.table} is of version {previous.version}, this release folds {fold.version}"
                )
            projection = projection_of(fold, self._builds.store(previous))
            try:
                await projection.start()
                await self._approach(projection, view, on_progress)
                await self._builds.switch(await self._live(view), previous, self._to(projection), is_equal=False)
                return previous
            finally:
                await projection.close()

    async def _approach(self, projection: Projection, view: str, on_progress: Progress | None) -> None:
        """Gets as near to the live build as that moves on."""
        while (ahead := (await self._live(view)).position) - projection.position > CLOSE_POSITIONS:
            await load(self._log, projection, ahead, on_progress)

    def _to(self, projection: Projection) -> CatchUp:
        async def catch_up(position: int) -> None:
            await load(self._log, projection, position)

        return catch_up

    async def _live(self, view: str) -> Build:
        return next(one for one in await self._builds.all(view) if one.role == "live")

    async def _clear(self, view: str, role: str, but: Build | None = None) -> None:
        for build in await self._builds.all(view):
            if build.role == role and (but is None or build.table != but.table):
                await self._builds.drop(build)
