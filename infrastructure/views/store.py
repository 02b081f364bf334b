"""How a build moves on: rows and position in one statement, and only from where this process left it.

A build is fenced by its position (another process has moved it) and its revision (its role changed, or streams that
were parked were taken up again). Both are checked under row locks, so that of two writers one always finds out.
"""

import logging
from collections.abc import Collection, Sequence
from typing import Any, LiteralString

from msgspec.structs import replace
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from application.projections.view import Fenced, Parked, Row
from application.rebuild import Build, OtherVersion
from infrastructure.log.columns import NumberColumn, TextColumn
from infrastructure.views import registry
from infrastructure.views.registry import Shape
from infrastructure.views.session import Session, fetch

logger = logging.getLogger(__name__)

# A switch holds the build's row until it is done: a writer that comes meanwhile waits here, then finds no such row.
_MOVE: LiteralString = """
WITH fence AS (
    SELECT FROM onethread_views WHERE table_name = %(table)s AND revision = %(revision)s FOR SHARE
), moved AS (
    UPDATE onethread_tracking SET notification_id = %(upto)s
    WHERE application_name = %(table)s AND notification_id = %(after)s AND EXISTS (SELECT FROM fence)
    RETURNING 1
)
"""
_MOVED_ALREADY: LiteralString = "WITH moved AS (SELECT 1)"
_HAS_MOVED: LiteralString = "SELECT count(*) FROM moved"
_MOVE_ONLY: LiteralString = _MOVE + _HAS_MOVED

# Locked first: only a statement that begins after the lock was got sees what its holder before has written.
_LOCK = "SELECT 1 FROM onethread_views WHERE table_name = %s FOR UPDATE"
_REVISE = """
UPDATE onethread_views SET revision = revision + 1, horizon = greatest(horizon, %(horizon)s)
WHERE table_name = %(table)s AND revision = %(revision)s
  AND EXISTS (SELECT FROM onethread_tracking WHERE application_name = %(table)s AND notification_id = %(after)s)
RETURNING revision
"""

_PARKED = "SELECT stream, position, topic, error, attempts FROM onethread_parked WHERE table_name = %s"

_PARK = """
INSERT INTO onethread_parked (table_name, stream, position, topic, error, attempts)
SELECT %(table)s, * FROM unnest(%(streams)b, %(positions)b, %(topics)b, %(errors)b, %(attempts)b)
ON CONFLICT (table_name, stream) DO UPDATE SET position = excluded.position, topic = excluded.topic,
    error = excluded.error, attempts = excluded.attempts
"""
_FOLLOW_AGAIN = "DELETE FROM onethread_parked WHERE table_name = %s AND stream = %s"


class TableStore:
    """One build of one view: the live one, whichever that is at the moment, or the given one."""

    shape: Shape
    write: LiteralString
    """`, written AS (INSERT INTO {table} … WHERE EXISTS (SELECT FROM moved) …)`, the rows in columns."""

    def __init__(self, database_url: str, view: str, version: int, build: Build | None = None) -> None:
        self.view = view
        self.version = version
        self._session = Session(database_url)
        self._given = build
        self._build: Build | None = build
        self._after = -1

    async def close(self) -> None:
        """Disconnects."""
        await self._session.close()

    @property
    def build(self) -> Build:
        """The build that is open."""
        assert self._build is not None, "open the store first"
        return self._build

    async def open(self) -> int:
        """As `Store.open`. Raises OtherVersion, ViewsUnreachable; Fenced when the given build is gone."""
        await registry.prepare(self._session)
        if self._given is None:
            build = await registry.live_build(self._session, self.view, self.version, self.shape)
        else:
            known = await registry.builds(self._session, self.view)
            found = next((one for one in known if one.table == self._given.table), None)
            if found is None:
                raise Fenced(f"{self._given.table} is gone")
            build = found
        if build.version != self.version:
            raise OtherVersion(f"{self.view} stands at version {build.version}, this release folds {self.version}")
        self._build = build
        self._after = build.position
        self._name(Identifier(build.table))
        return build.position

    async def cards(self, keys: Collection[str]) -> dict[str, bytes]:
        """As `Store.cards`. A view without cards has none."""
        del keys
        return {}

    async def entries(self, names: Collection[int]) -> Sequence[Any]:
        """As `Store.entries`. A board has none."""
        del names
        return ()

    async def missing(self, limit: int) -> Collection[int]:
        """As `Store.missing`. A board has none."""
        del limit
        return ()

    async def parked(self) -> dict[str, Parked]:
        """As `Store.parked`."""
        rows = await self._session.execute(_PARKED, (self.build.table,))
        return {
            stream: Parked(
                projection=self.view, stream=stream, position=position, topic=topic, error=error, attempts=attempts
            )
            for stream, position, topic, error, attempts in rows
        }

    async def save(self, rows: Sequence[Row], parked: Sequence[Parked], upto: int) -> None:
        """As `Store.save`. Raises Fenced, Unstorable, ViewsUnreachable."""
        move = {**self._place(), "upto": upto}
        if parked or self._is_bulk(rows):
            async with self._session.transaction() as connection:
                self._demand(await fetch(connection, _MOVE_ONLY, move))
                await self._write(connection, rows)
                await self._park(connection, parked)
        elif rows:
            self._demand(await self._session.execute(self._save_rows, move | self._columns(rows)))
        else:
            self._demand(await self._session.execute(_MOVE_ONLY, move))
        self._after = upto
        await self._tidy(upto)

    async def mend(self, stream: str, rows: Sequence[Row], parked: Parked | None) -> None:
        """As `Store.mend`. Raises Fenced, Unstorable, ViewsUnreachable."""
        async with self._session.transaction() as connection:
            await fetch(connection, _LOCK, (self.build.table,))
            revised = await fetch(connection, _REVISE, {**self._place(), "horizon": self._after if rows else 0})
            if not revised:
                raise Fenced(self.build.table)
            await self._write(connection, rows)
            await fetch(connection, _FOLLOW_AGAIN, (self.build.table, stream))
            await self._park(connection, [parked] if parked else [])
        self._build = replace(self.build, revision=revised[0][0])

    def _place(self) -> dict[str, Any]:
        return {"table": self.build.table, "revision": self.build.revision, "after": self._after}

    def _demand(self, moved: list[TupleRow]) -> None:
        if not moved[0][0]:
            raise Fenced(f"{self.build.table} no longer stands at {self._after}")

    async def _park(self, connection: AsyncConnection[TupleRow], parked: Sequence[Parked]) -> None:
        if parked:
            columns = {
                "table": self.build.table,
                "streams": TextColumn([one.stream for one in parked]),
                "positions": NumberColumn([one.position for one in parked]),
                "topics": TextColumn([one.topic for one in parked]),
                "errors": TextColumn([_storable(one.error) for one in parked]),
                "attempts": NumberColumn([one.attempts for one in parked]),
            }
            await fetch(connection, _PARK, columns)

    async def _write(self, connection: AsyncConnection[TupleRow], rows: Sequence[Row]) -> None:
        """Writes the rows within a transaction that has seen to the position."""
        if rows:
            await fetch(connection, self._write_rows, self._columns(rows))

    def _name(self, table: Identifier) -> None:
        """Makes the statements for this table."""
        self._save_rows = SQL(_MOVE + self.write + _HAS_MOVED).format(table=table)
        self._write_rows = SQL(_MOVED_ALREADY + self.write + _HAS_MOVED).format(table=table)

    def _is_bulk(self, rows: Sequence[Row]) -> bool:
        """Whether they are better copied in."""
        del rows
        return False

    def _columns(self, rows: Sequence[Row]) -> dict[str, Any]:
        """The rows as `write` takes them."""
        raise NotImplementedError

    async def _tidy(self, upto: int) -> None:
        """Removes what nobody needs any more, now and then."""


def _storable(text: str) -> str:
    """PostgreSQL's text takes no NUL, UTF-8 no lone surrogate."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
