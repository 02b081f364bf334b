"""Timelines on PostgreSQL: a row for each entry, found again by what later events call its message."""

import struct
from collections.abc import Collection, Sequence
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier
from typing_extensions import override

from application.projections.timeline import EntryRow
from application.projections.view import Row
from infrastructure.log.columns import BytesColumn, NumberColumn, TextColumn
from infrastructure.views.columns import FlagColumn, MomentColumn, microseconds
from infrastructure.views.registry import Shape
from infrastructure.views.session import fetch
from infrastructure.views.store import TableStore

COPY_ROWS_MIN = 200
"""From so many rows on, copying them in is faster than one statement with columns."""

# A build needs the names from the start, to find what later events change. The fence keeps rows from coming twice.
SHAPE = Shape(
    table="""
    CREATE TABLE {table} (
        scope text COLLATE "C" NOT NULL, position bigint NOT NULL, changed bigint NOT NULL,
        sort_at timestamptz NOT NULL, name bigint, alias bigint, is_missing boolean NOT NULL, is_gone boolean NOT NULL,
        told bytea NOT NULL, doc bytea NOT NULL)
    """,
    keys=(
        "CREATE INDEX ON {table} (name) WHERE name IS NOT NULL",
        "CREATE INDEX ON {table} (alias) WHERE alias IS NOT NULL",
        "CREATE INDEX ON {table} (name) WHERE is_missing AND NOT is_gone",
    ),
    indexes=(
        "ALTER TABLE {table} ADD PRIMARY KEY (scope, position)",
        "CREATE INDEX ON {table} (scope, sort_at, position)",
        "CREATE INDEX ON {table} (scope, changed) WHERE changed <> position",
    ),
)

_COPY = SQL("""
COPY {table} (scope, position, changed, sort_at, name, alias, is_missing, is_gone, told, doc)
FROM STDIN (FORMAT BINARY)
""")
_ENTRIES = SQL("""
SELECT scope, position, changed, sort_at, coalesce(name, 0), coalesce(alias, 0), is_missing, told, doc
FROM {table} WHERE name = ANY (%(names)b) AND NOT is_gone
UNION ALL
SELECT scope, position, changed, sort_at, coalesce(name, 0), coalesce(alias, 0), is_missing, told, doc
FROM {table} WHERE alias = ANY (%(names)b) AND NOT is_gone
""")
_MISSING = SQL("SELECT name FROM {table} WHERE is_missing AND NOT is_gone AND name IS NOT NULL LIMIT %s")

# PostgreSQL's binary copy format: a signature, flags and an empty extension; rows as counted fields; -1.
_COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"
_pack_scope_head = struct.Struct("!hi").pack
_pack_plain = struct.Struct("!iqiqiqiqii?i?ii").pack  # a row that nothing was told about, without an alias
_pack_moments = struct.Struct("!iqiqiq").pack
_pack_number = struct.Struct("!iq").pack
_pack_flags = struct.Struct("!i?i?i").pack
_pack_length = struct.Struct("!i").pack
_NULL = _pack_length(-1)


class TimelineStore(TableStore):
    """Keeps the timelines of all customers."""

    shape = SHAPE
    write = """
, given AS (
    SELECT * FROM unnest(%(scopes)b, %(positions)b, %(changes)b, %(moments)b, %(names)b, %(aliases)b, %(missing)b,
                         %(gone)b, %(told)b, %(docs)b, %(new)b)
        AS row (scope, position, changed, sort_at, name, alias, is_missing, is_gone, told, doc, is_new)
    WHERE EXISTS (SELECT FROM moved)
), written AS (
    INSERT INTO {table} (scope, position, changed, sort_at, name, alias, is_missing, is_gone, told, doc)
    SELECT scope, position, changed, sort_at, nullif(name, 0), nullif(alias, 0), is_missing, is_gone, told, doc
    FROM given WHERE is_new
), rewritten AS (
    UPDATE {table} AS entry SET changed = given.changed, sort_at = given.sort_at, alias = nullif(given.alias, 0),
        is_gone = given.is_gone, told = given.told, doc = given.doc
    FROM given
    WHERE NOT given.is_new AND entry.name = given.name AND entry.scope = given.scope
      AND entry.position = given.position
)
"""

    @override
    async def entries(self, names: Collection[int]) -> Sequence[EntryRow]:
        found = await self._session.execute(self._find_entries, {"names": NumberColumn(list(names))})
        return [_entry(row) for row in found]

    @override
    async def missing(self, limit: int) -> Collection[int]:
        return [name for (name,) in await self._session.execute(self._find_missing, (limit,))]

    @override
    def _name(self, table: Identifier) -> None:
        super()._name(table)
        self._copy_rows = _COPY.format(table=table)
        self._find_entries = _ENTRIES.format(table=table)
        self._find_missing = _MISSING.format(table=table)

    @override
    def _is_bulk(self, rows: Sequence[Row]) -> bool:
        return len(rows) >= COPY_ROWS_MIN

    @override
    async def _write(self, connection: AsyncConnection[TupleRow], rows: Sequence[Row]) -> None:
        if not self._is_bulk(rows):
            await super()._write(connection, rows)
            return
        entries = [row for row in rows if isinstance(row, EntryRow)]
        async with connection.cursor() as cursor, cursor.copy(self._copy_rows) as copy:
            await copy.write(_copied([row for row in entries if row.is_new]))
        if changed := [row for row in entries if not row.is_new]:
            await fetch(connection, self._write_rows, self._columns(changed))

    @override
    def _columns(self, rows: Sequence[Row]) -> dict[str, Any]:
        entries = [row for row in rows if isinstance(row, EntryRow)]
        return {
            "scopes": TextColumn([row.scope for row in entries]),
            "positions": NumberColumn([int(row.key) for row in entries]),
            "changes": NumberColumn([row.position for row in entries]),
            "moments": MomentColumn([row.sort_at for row in entries]),
            "names": NumberColumn([row.name for row in entries]),
            "aliases": NumberColumn([row.alias for row in entries]),
            "missing": FlagColumn([row.is_missing for row in entries]),
            "gone": FlagColumn([row.is_gone for row in entries]),
            "told": BytesColumn([row.told for row in entries]),
            "docs": BytesColumn([row.doc for row in entries]),
            "new": FlagColumn([row.is_new for row in entries]),
        }


def _entry(row: TupleRow) -> EntryRow:
    scope, position, changed, sort_at, name, alias, is_missing, told, doc = row
    return EntryRow(
        scope=scope,
        key=str(position),
        position=changed,
        sort_at=sort_at,
        doc=doc,
        name=name,
        alias=alias,
        told=told,
        is_missing=is_missing,
    )


def _copied(rows: Sequence[EntryRow]) -> bytes:
    parts = [_COPY_HEAD]
    for row in rows:
        scope = row.scope.encode()
        parts += (_pack_scope_head(10, len(scope)), scope)
        position, moment = int(row.key), microseconds(row.sort_at)
        if row.name and not row.alias and not row.told:
            flags = (1, row.is_missing, 1, row.is_gone)
            parts.append(_pack_plain(8, position, 8, row.position, 8, moment, 8, row.name, -1, *flags, 0, len(row.doc)))
        else:
            parts += (
                _pack_moments(8, position, 8, row.position, 8, moment),
                _pack_number(8, row.name) if row.name else _NULL,
                _pack_number(8, row.alias) if row.alias else _NULL,
                _pack_flags(1, row.is_missing, 1, row.is_gone, len(row.told)),
                row.told,
                _pack_length(len(row.doc)),
            )
        parts.append(row.doc)
    parts.append(_COPY_END)
    return b"".join(parts)
