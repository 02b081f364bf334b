"""Which builds of each view there are, which of them is live, and the name that always means the live one."""

from typing import Any, LiteralString

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier

from application.rebuild import Build
from infrastructure.views.session import Session, fetch

LIVE, BUILDING, PREVIOUS = "live", "building", "previous"

# A revision counts what happened to a build beside its moving on: its role changed, or a parked stream was mended.
_TABLES: LiteralString = """
CREATE TABLE IF NOT EXISTS onethread_views (
    table_name text PRIMARY KEY, view text NOT NULL, version integer NOT NULL, build integer NOT NULL,
    role text NOT NULL CHECK (role IN ('live', 'building', 'previous')),
    revision bigint NOT NULL DEFAULT 0, horizon bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(), UNIQUE (view, build));
CREATE UNIQUE INDEX IF NOT EXISTS onethread_views_live ON onethread_views (view) WHERE role = 'live';
CREATE TABLE IF NOT EXISTS onethread_parked (
    table_name text NOT NULL, stream text NOT NULL, position bigint NOT NULL, topic text NOT NULL, error text NOT NULL,
    attempts integer NOT NULL, PRIMARY KEY (table_name, stream));
CREATE TABLE IF NOT EXISTS onethread_tracking (application_name text PRIMARY KEY, notification_id bigint)
"""

_LOCK = "SELECT pg_advisory_xact_lock(%s)"
_SCHEMA_LOCK = 0x6F6E_6574_7669_6577  # "onetview": our number among the advisory locks of the database

_BUILDS = """
SELECT table_name, view, version, build, role, revision, horizon, notification_id
FROM onethread_views JOIN onethread_tracking ON application_name = table_name
WHERE view = %s ORDER BY build
"""

_REGISTER = """
WITH tracked AS (INSERT INTO onethread_tracking (application_name, notification_id) VALUES (%(table)s, 0))
INSERT INTO onethread_views (table_name, view, version, build, role)
VALUES (%(table)s, %(view)s, %(version)s, %(number)s, %(role)s)
"""

_STRIKE = """
WITH tracked AS (DELETE FROM onethread_tracking WHERE application_name = %(table)s),
     parked AS (DELETE FROM onethread_parked WHERE table_name = %(table)s)
DELETE FROM onethread_views WHERE table_name = %(table)s
"""

_GIVE_ROLE = """
UPDATE onethread_views SET role = %s, revision = revision + 1, horizon = greatest(horizon, %s) WHERE table_name = %s
"""
_HOLD = "SELECT 1 FROM onethread_views WHERE table_name = %s AND role = %s FOR UPDATE"

_DROP = SQL("DROP TABLE IF EXISTS {table}")
_NO_ALIAS = SQL("DROP VIEW IF EXISTS {view}")
_ALIAS = SQL("CREATE VIEW {view} AS SELECT * FROM {table}")


class Shape(msgspec.Struct, frozen=True):
    """The table that a kind of view needs."""

    table: LiteralString
    """Creates it; `{table}` stands for its name, here and below."""
    keys: tuple[LiteralString, ...]
    """What a build needs from the start."""
    indexes: tuple[LiteralString, ...]
    """What only readers need: a build gets it once it is filled."""


async def prepare(session: Session) -> None:
    """Makes the registry's tables where they are missing. Safe when several processes start at once."""
    async with session.transaction() as connection:
        await fetch(connection, _LOCK, (_SCHEMA_LOCK,))
        await connection.execute(_TABLES)


async def builds(session: Session, view: str) -> list[Build]:
    """All builds of the view, oldest first."""
    return [_build(row) for row in await session.execute(_BUILDS, (view,))]


async def live_build(session: Session, view: str, version: int, shape: Shape) -> Build:
    """The live build; where the view has none, a new one, empty, with everything that readers need."""
    async with session.transaction() as connection:
        await fetch(connection, _LOCK, (_SCHEMA_LOCK,))
        known = [_build(row) for row in await fetch(connection, _BUILDS, (view,))]
        for build in known:
            if build.role == LIVE:
                return build
        build = await _create(connection, view, version, shape, LIVE, known)
        await _run(connection, shape.indexes, build.table)
        await _point(connection, build)
        return build


async def create_build(session: Session, view: str, version: int, shape: Shape) -> Build:
    """A new, empty build beside the live one."""
    async with session.transaction() as connection:
        await fetch(connection, _LOCK, (_SCHEMA_LOCK,))
        known = [_build(row) for row in await fetch(connection, _BUILDS, (view,))]
        return await _create(connection, view, version, shape, BUILDING, known)


async def finish_build(session: Session, build: Build, shape: Shape) -> None:
    """Gives it what readers need."""
    async with session.transaction() as connection:
        await _run(connection, (*shape.indexes, "ANALYZE {table}"), build.table)


async def drop_build(session: Session, build: Build) -> None:
    """Removes it with all that is known of it."""
    async with session.transaction() as connection:
        await fetch(connection, _STRIKE, {"table": build.table})
        await connection.execute(_DROP.format(table=Identifier(build.table)))


async def hold(connection: AsyncConnection[TupleRow], build: Build) -> bool:
    """Until the transaction ends the build cannot move on. False if it no longer has its role."""
    return bool(await fetch(connection, _HOLD, (build.table, build.role)))


async def exchange(connection: AsyncConnection[TupleRow], live: Build, successor: Build, horizon: int) -> None:
    """Makes the successor live, at the moment that the transaction ends. Whoever moves either of them is fenced.

    Who stands at or before the horizon gets a fresh snapshot.
    """
    await fetch(connection, _GIVE_ROLE, (PREVIOUS, 0, live.table))
    await fetch(connection, _GIVE_ROLE, (LIVE, horizon, successor.table))
    await _point(connection, successor)


async def _create(
    connection: AsyncConnection[TupleRow], view: str, version: int, shape: Shape, role: str, known: list[Build]
) -> Build:
    number = 1 + max((build.number for build in known), default=0)
    build = Build(table=f"{view}_v{version}_b{number}", view=view, version=version, number=number, role=role)
    parameters: dict[str, Any] = msgspec.structs.asdict(build)
    await fetch(connection, _REGISTER, parameters)
    await _run(connection, (shape.table, *shape.keys), build.table)
    return build


async def _point(connection: AsyncConnection[TupleRow], build: Build) -> None:
    # Dropped and made anew, because another version of a view may have other columns.
    name = Identifier(build.view)
    await connection.execute(_NO_ALIAS.format(view=name))
    await connection.execute(_ALIAS.format(view=name, table=Identifier(build.table)))


async def _run(connection: AsyncConnection[TupleRow], statements: tuple[LiteralString, ...], table: str) -> None:
    for statement in statements:
        composed: Composed = SQL(statement).format(table=Identifier(table))
        await connection.execute(composed)


def _build(row: TupleRow) -> Build:
    table, view, version, number, role, revision, horizon, position = row
    return Build(
        table=table,
        view=view,
        version=version,
        number=number,
        role=role,
        revision=revision,
        horizon=horizon,
        position=position,
    )
