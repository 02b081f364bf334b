"""Boards on PostgreSQL: a row for each scope that a card is shown in, and for a while a mark where it has left one."""

from collections.abc import Collection, Sequence
from typing import Any

from msgspec.structs import replace
from psycopg.sql import SQL, Identifier
from typing_extensions import override

from application.projections.view import Row
from infrastructure.log.columns import BytesColumn, NumberColumn, TextColumn
from infrastructure.views.columns import FlagColumn, MomentColumn, OptionalTextColumn
from infrastructure.views.registry import LIVE, Shape
from infrastructure.views.store import TableStore

MARKS_KEPT_POSITIONS = 100_000
"""So long the mark of a row that left its scope is kept; who resumes from further back gets a fresh snapshot."""
TIDY_EVERY_POSITIONS = 10_000

# The key comes first in the primary key, so that it also finds all rows of a card.
SHAPE = Shape(
    table="""
    CREATE TABLE {table} (
        scope text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, position bigint NOT NULL,
        is_gone boolean NOT NULL,
        sort_at timestamptz NOT NULL, doc bytea NOT NULL,
        status text, queue_id text, agent_id text, customer_id text)
    """,
    keys=("ALTER TABLE {table} ADD PRIMARY KEY (key, scope)",),
    indexes=(
        "CREATE INDEX ON {table} (scope, position)",
        "CREATE INDEX ON {table} (scope, sort_at, key)",
        "CREATE INDEX ON {table} (position) WHERE is_gone",
    ),
)
# Every change of a row goes into every index, so that these three make a third of what a change costs.
FILTERED_SHAPE = replace(
    SHAPE,
    indexes=(
        *SHAPE.indexes,
        "CREATE INDEX ON {table} (scope, status, sort_at, key)",
        "CREATE INDEX ON {table} (scope, queue_id, sort_at, key)",
        "CREATE INDEX ON {table} (customer_id, sort_at, key)",
    ),
)

_CARDS = SQL("SELECT DISTINCT ON (key) key, doc FROM {table} WHERE key = ANY (%b) AND NOT is_gone")

# The horizon moves in the same statement: nobody may resume from where a mark is already missing.
_PURGE = SQL("""
WITH horizon AS (
    UPDATE onethread_views SET horizon = greatest(horizon, %(upto)s) WHERE table_name = %(table)s
)
DELETE FROM {table} WHERE is_gone AND position <= %(upto)s
""")


class BoardStore(TableStore):
    """Keeps one board."""

    shape = SHAPE
    write = """
, written AS (
    INSERT INTO {table} (scope, key, position, is_gone, sort_at, doc, status, queue_id, agent_id, customer_id)
    SELECT * FROM unnest(%(scopes)b, %(keys)b, %(positions)b, %(gone)b, %(moments)b, %(docs)b,
                         %(statuses)b, %(queues)b, %(agents)b, %(customers)b)
    WHERE EXISTS (SELECT FROM moved)
    ON CONFLICT (key, scope) DO UPDATE SET position = excluded.position, is_gone = excluded.is_gone,
        sort_at = excluded.sort_at, doc = excluded.doc, status = excluded.status, queue_id = excluded.queue_id,
        agent_id = excluded.agent_id, customer_id = excluded.customer_id
)
"""

    marks_kept_positions = MARKS_KEPT_POSITIONS
    tidy_every_positions = TIDY_EVERY_POSITIONS
    _tidied_at = 0

    @override
    async def cards(self, keys: Collection[str]) -> dict[str, bytes]:
        return dict(await self._session.execute(self._find_cards, (TextColumn(list(keys)),)))

    @override
    def _name(self, table: Identifier) -> None:
        super()._name(table)
        self._find_cards = _CARDS.format(table=table)
        self._purge = _PURGE.format(table=table)

    @override
    def _columns(self, rows: Sequence[Row]) -> dict[str, Any]:
        return {
            "scopes": TextColumn([row.scope for row in rows]),
            "keys": TextColumn([row.key for row in rows]),
            "positions": NumberColumn([row.position for row in rows]),
            "gone": FlagColumn([row.is_gone for row in rows]),
            "moments": MomentColumn([row.sort_at for row in rows]),
            "docs": BytesColumn([row.doc for row in rows]),
            "statuses": OptionalTextColumn([row.status for row in rows]),
            "queues": OptionalTextColumn([row.queue_id for row in rows]),
            "agents": OptionalTextColumn([row.agent_id for row in rows]),
            "customers": OptionalTextColumn([row.customer_id for row in rows]),
        }

    @override
    async def _tidy(self, upto: int) -> None:
        """Only of the live build: one that is being filled has nobody who looks."""
        if self.build.role == LIVE and upto - self._tidied_at >= self.tidy_every_positions:
            self._tidied_at = upto
            if (oldest := upto - self.marks_kept_positions) > 0:
                await self._session.execute(self._purge, {"table": self.build.table, "upto": oldest})


class FilteredBoardStore(BoardStore):
    """Keeps a board that people look through by status, queue or customer."""

    shape = FILTERED_SHAPE
