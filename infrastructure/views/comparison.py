"""Compares two builds of a view: checksums of parts of the tables first, and row by row only where those differ."""

import asyncio
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier

from application.rebuild import DIFFERENCES_MAX, Build, CatchUp, Comparison
from infrastructure.views.session import Session, fetch
from infrastructure.views.statements import TIMELINE

PARTS = 1024
"""Into so many parts the rows are divided by the hash of their scope; only parts that differ are looked at closely."""

_STANDS_AT = "SELECT notification_id FROM onethread_tracking WHERE application_name = %s"

# A hash of the whole row, all columns; exclusive or does not care for the order.
_SUMS = SQL("""
SELECT hashtext(scope) & {last_part} AS part, count(*), bit_xor(hash_record_extended(line, 0))
FROM {table} AS line WHERE {is_there} GROUP BY part
""")
_ROWS = SQL("""
SELECT scope || ' ' || {key}, hash_record_extended(line, 0)
FROM {table} AS line WHERE {is_there} AND hashtext(scope) & {last_part} = ANY (%s::int[])
""")


async def compare(old: Session, new: Session, live: Build, other: Build, catch_up: CatchUp) -> Comparison:
    """The live build as one snapshot sees it; the other one is brought to the same position and then stands still."""
    async with old.transaction() as snapshot:
        await snapshot.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        position = (await fetch(snapshot, _STANDS_AT, (live.table,)))[0][0]
        await catch_up(position)
        async with new.transaction() as standing:
            before, after = await asyncio.gather(_sums(snapshot, live), _sums(standing, other))
            parts = [part for part in before.keys() | after.keys() if before.get(part) != after.get(part)]
            differing = await _differing(snapshot, standing, live, other, sorted(parts)[:DIFFERENCES_MAX])
    rows = sum(count for count, _ in before.values()), sum(count for count, _ in after.values())
    return Comparison(position=position, rows=rows, differing=differing)


async def _sums(connection: AsyncConnection[TupleRow], build: Build) -> dict[int, tuple[int, int]]:
    rows = await fetch(connection, _for(_SUMS, build))
    return {part: (count, checksum) for part, count, checksum in rows}


async def _differing(
    snapshot: AsyncConnection[TupleRow],
    standing: AsyncConnection[TupleRow],
    live: Build,
    other: Build,
    parts: list[int],
) -> list[str]:
    if not parts:
        return []
    before: dict[str, Any] = dict(await fetch(snapshot, _for(_ROWS, live), (parts,)))
    after: dict[str, Any] = dict(await fetch(standing, _for(_ROWS, other), (parts,)))
    differing = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    return sorted(differing)[:DIFFERENCES_MAX]


def _for(statement: SQL, build: Build) -> Composed:
    is_timeline = build.view == TIMELINE
    return statement.format(
        table=Identifier(build.table),
        last_part=PARTS - 1,
        key=SQL("position") if is_timeline else SQL("key"),
        is_there=SQL("NOT is_gone"),
    )
