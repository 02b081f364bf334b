"""The port `application.rebuild.Builds` on PostgreSQL: builds side by side, compared, and put in each other's place."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from zlib import crc32

from application.projections.view import Fenced
from application.rebuild import Build, CatchUp, Comparison, RebuildUnderWay
from application.views import ViewsUnreachable
from infrastructure.views import registry
from infrastructure.views.board_store import BoardStore, FilteredBoardStore
from infrastructure.views.comparison import compare
from infrastructure.views.session import LONG_STATEMENT_TIMEOUT_SECONDS, Session, fetch
from infrastructure.views.statements import TIMELINE
from infrastructure.views.store import TableStore
from infrastructure.views.timeline_store import TimelineStore

SWITCH_ATTEMPTS_MAX = 60
SWITCH_PAUSE_SECONDS = 0.5

KINDS: dict[str, type[TableStore]] = {
    TIMELINE: TimelineStore,
    "conversations": FilteredBoardStore,
    "decisions": FilteredBoardStore,
}
"""How views are kept that are not plain boards."""

_CLAIM = "SELECT pg_try_advisory_lock(%s, %s)"
_RELEASE = "SELECT pg_advisory_unlock(%s, %s)"
_CLAIMS = 0x0E_7E_AE  # our claims among the advisory locks of the database
_DO_NOT_WAIT_LONG = "SET LOCAL lock_timeout = '1s'"
_STANDS_AT = "SELECT notification_id FROM onethread_tracking WHERE application_name = %s"


def store_of(database_url: str, view: str, version: int, build: Build | None = None) -> TableStore:
    """Where the view is kept: its live build, or the given one."""
    return _kind(view)(database_url, view, version, build)


class PostgresBuilds:
    """Opens a connection for each thing it does, because that takes long or is done seldom."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url

    @asynccontextmanager
    async def claim(self, view: str) -> AsyncIterator[None]:
        """As `Builds.claim`. The claim ends with the connection, however that ends."""
        key = (_CLAIMS, crc32(view.encode()) & 0x7FFF_FFFF)
        async with self._session() as session:
            await registry.prepare(session)
            if not (await session.execute(_CLAIM, key))[0][0]:
                raise RebuildUnderWay
            yield
            await session.execute(_RELEASE, key)

    async def all(self, view: str) -> Sequence[Build]:
        """As `Builds.all`."""
        async with self._session() as session:
            return await registry.builds(session, view)

    async def create(self, view: str, version: int) -> Build:
        """As `Builds.create`."""
        shape = _kind(view).shape
        async with self._session() as session:
            await registry.live_build(session, view, version, shape)
            return await registry.create_build(session, view, version, shape)

    def store(self, build: Build) -> TableStore:
        """As `Builds.store`."""
        return store_of(self._database_url, build.view, build.version, build)

    async def finish(self, build: Build) -> None:
        """As `Builds.finish`."""
        async with self._session() as session:
            await registry.finish_build(session, build, _kind(build.view).shape)

    async def compare(self, live: Build, other: Build, catch_up: CatchUp) -> Comparison:
        """As `Builds.compare`: the live build in one snapshot, to whose position the other one is brought."""
        async with self._session() as old, self._session() as new:
            return await compare(old, new, live, other, catch_up)

    async def switch(self, live: Build, other: Build, catch_up: CatchUp, *, is_equal: bool) -> None:
        """As `Builds.switch`. Waits for whoever reads the view at length, without letting the others wait for that."""
        for _ in range(SWITCH_ATTEMPTS_MAX - 1):
            try:
                await self._switch(live, other, catch_up, is_equal=is_equal)
            except ViewsUnreachable:
                await asyncio.sleep(SWITCH_PAUSE_SECONDS)
            else:
                return
        await self._switch(live, other, catch_up, is_equal=is_equal)

    async def _switch(self, live: Build, other: Build, catch_up: CatchUp, *, is_equal: bool) -> None:
        async with self._session() as session, session.transaction() as connection:
            await connection.execute(_DO_NOT_WAIT_LONG)
            if not await registry.hold(connection, live):
                raise Fenced(f"{live.table} is no longer live")
            position = (await fetch(connection, _STANDS_AT, (live.table,)))[0][0]
            await catch_up(position)
            await registry.exchange(connection, live, other, horizon=0 if is_equal else position)

    async def drop(self, build: Build) -> None:
        """As `Builds.drop`."""
        async with self._session() as session:
            await registry.drop_build(session, build)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        session = Session(self._database_url, LONG_STATEMENT_TIMEOUT_SECONDS)
        try:
            yield session
        finally:
            await session.close()


def _kind(view: str) -> type[TableStore]:
    return KINDS.get(view, BoardStore)
