"""Timelines on PostgreSQL: a row for each entry, never changed once it is there."""

import struct
from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier
from typing_extensions import override

from application.projections.view import Row
from infrastructure.log.columns import BytesColumn, NumberColumn, TextColumn
from infrastructure.views.columns import MomentColumn, microseconds
from infrastructure.views.registry import Shape
from infrastructure.views.store import TableStore

COPY_ROWS_MIN = 1_000
"""From so many rows on, copying them in is faster than one statement with columns."""

# Nothing is looked up while a build is filled, and the fence sees to it that no row comes twice.
SHAPE = Shape(
    table="""
    CREATE TABLE {table} (
        scope text COLLATE "C" NOT NULL, position bigint NOT NULL, sort_at timestamptz NOT NULL, doc bytea NOT NULL)
    """,
    keys=(),
    indexes=(
        "ALTER TABLE {table} ADD PRIMARY KEY (scope, position)",
        "CREATE INDEX ON {table} (scope, sort_at, position)",
    ),
)

_COPY = SQL("COPY {table} (scope, position, sort_at, doc) FROM STDIN (FORMAT BINARY)")

# PostgreSQL's binary copy format: a signature, flags and an empty extension; rows as counted fields; -1.
_COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"
_pack_scope_head = struct.Struct("!hi").pack
_pack_middle = struct.Struct("!iqiqi").pack


class TimelineStore(TableStore):
    """Keeps the timelines of all customers."""

    shape = SHAPE
    write = """
, written AS (
    INSERT INTO {table} (scope, position, sort_at, doc)
    SELECT * FROM unnest(%(scopes)b, %(positions)b, %(moments)b, %(docs)b)
    WHERE EXISTS (SELECT FROM moved)
)
"""

    @override
    def _name(self, table: Identifier) -> None:
        super()._name(table)
        self._copy_rows = _COPY.format(table=table)

    @override
    def _is_bulk(self, rows: Sequence[Row]) -> bool:
        return len(rows) >= COPY_ROWS_MIN

    @override
    async def _write(self, connection: AsyncConnection[TupleRow], rows: Sequence[Row]) -> None:
        if not self._is_bulk(rows):
            await super()._write(connection, rows)
            return
        async with connection.cursor() as cursor, cursor.copy(self._copy_rows) as copy:
            await copy.write(_copied(rows))

    @override
    def _columns(self, rows: Sequence[Row]) -> dict[str, Any]:
        return {
            "scopes": TextColumn([row.scope for row in rows]),
            "positions": NumberColumn([row.position for row in rows]),
            "moments": MomentColumn([row.sort_at for row in rows]),
            "docs": BytesColumn([row.doc for row in rows]),
        }


def _copied(rows: Sequence[Row]) -> bytes:
    parts = [_COPY_HEAD]
    for row in rows:
        scope = row.scope.encode()
        parts += (
            _pack_scope_head(4, len(scope)),
            scope,
            _pack_middle(8, row.position, 8, microseconds(row.sort_at), len(row.doc)),
            row.doc,
        )
    parts.append(_COPY_END)
    return b"".join(parts)
