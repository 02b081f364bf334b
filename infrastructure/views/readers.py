"""The port `application.views` on PostgreSQL: reads the live build of each view, through the name that means it."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import TupleRow

from application.log import LogUnreachable
from application.projections import calls
from application.projections.agent_board import TEAM
from application.projections.conversations import ALL
from application.projections.decisions import EVERYBODY
from application.views import (
    CallFilter,
    Change,
    Changes,
    Clock,
    ConversationFilter,
    DecisionFilter,
    Page,
    Snapshot,
    ViewNotBuilt,
    ViewsUnreachable,
)
from infrastructure.log.columns import TextColumn
from infrastructure.log.pool import ReadPool
from infrastructure.views import statements
from infrastructure.views.cursors import read_cursor, write_cursor
from infrastructure.views.statements import TIMELINE

_NEWEST_FIRST = frozenset({"conversations", "decisions"})
"""Boards that show the newest first, or the last changed; the others show the oldest first."""


class _Standing(NamedTuple):
    """Rows, and how the view stood."""

    position: int
    horizon: int
    rows: list[TupleRow]


class PostgresViewReaders:
    """Every answer is one statement; docs go out as they are stored."""

    def __init__(self, pool: ReadPool) -> None:
        self._pool = pool

    async def timeline(
        self, customer_id: str, *, clock: Clock = Clock.OCCURRED, cursor: str | None = None, limit: int = 50
    ) -> Page:
        """As `ViewReaders.timeline`."""
        found = await self._entries(customer_id, clock, cursor, limit)
        last = found.rows[limit - 1] if len(found.rows) > limit else None
        return Page(
            rows=[row[2] for row in found.rows[:limit]],
            next_cursor=write_cursor(clock, last[1], position=last[0]) if last else None,
            position=found.position,
        )

    async def conversations(self, which: ConversationFilter, *, cursor: str | None = None, limit: int = 50) -> Page:
        """As `ViewReaders.conversations`. An agent's are those of the inbox."""
        wanted = {"status": which.status, "queue_id": which.queue_id, "customer_id": which.customer_id}
        filters = {name: value for name, value in wanted.items() if value is not None}
        return await self._page("conversations", which.agent_id or ALL, filters, cursor, limit)

    async def queue_board(self, queue_id: str, *, cursor: str | None = None, limit: int = 50) -> Page:
        """As `ViewReaders.queue_board`."""
        return await self._page("queue_board", queue_id, {}, cursor, limit)

    async def agent_board(self, *, cursor: str | None = None, limit: int = 50) -> Page:
        """As `ViewReaders.agent_board`."""
        return await self._page("agent_board", TEAM, {}, cursor, limit)

    async def calls(self, which: CallFilter, *, cursor: str | None = None, limit: int = 50) -> Page:
        """As `ViewReaders.calls`."""
        filters = {} if which.stage is None else {"status": which.stage}
        return await self._page("calls", which.account_id or calls.ALL, filters, cursor, limit)

    async def decisions(self, which: DecisionFilter, *, cursor: str | None = None, limit: int = 50) -> Page:
        """As `ViewReaders.decisions`."""
        wanted = {"status": which.outcome, "queue_id": which.queue_id}
        filters = {name: value for name, value in wanted.items() if value is not None}
        return await self._page("decisions", which.agent_id or EVERYBODY, filters, cursor, limit)

    async def get(self, view: str, key: str) -> bytes | None:
        """As `ViewReaders.get`."""
        rows = await self._ask(statements.one(view), {"key": key})
        return rows[0][0] if rows else None

    async def snapshot(self, view: str, scope: str, limit: int) -> Snapshot:
        """As `ViewReaders.snapshot`."""
        if view == TIMELINE:
            return await self._newest_entries(scope, limit)
        found = await self._cards(view, scope, {}, None, limit)
        return Snapshot(
            rows=[Change(scope, key, at, is_gone=False, doc=doc) for at, _, doc, key in found.rows[:limit]],
            position=found.position,
            horizon=found.horizon,
            is_complete=len(found.rows) <= limit,
        )

    async def changes(self, view: str, scopes: Collection[str], after: int, limit: int) -> Changes:
        """As `ViewReaders.changes`."""
        parameters = {"view": view, "scopes": TextColumn(list(scopes)), "after": after, "limit": limit + 1}
        position, horizon, rows = await self._standing(statements.changes(view), parameters)
        is_complete = len(rows) <= limit
        if not is_complete:
            # One event changes a few rows, all at its position: an answer never ends between them.
            position = rows[-1][0] - 1
            rows = [row for row in rows if row[0] <= position]
        return Changes(
            changes=[Change(scope, key, at, is_gone, doc) for at, scope, key, is_gone, doc in rows],
            position=position,
            is_complete=is_complete,
            horizon=horizon,
        )

    async def position(self, view: str) -> int:
        """As `ViewReaders.position`."""
        rows = await self._ask(statements.position(), {"view": view})
        if not rows:
            raise ViewNotBuilt(ViewNotBuilt.__doc__)
        return int(rows[0][0])

    async def _newest_entries(self, customer_id: str, limit: int) -> Snapshot:
        found = await self._entries(customer_id, Clock.OCCURRED, None, limit)
        is_complete = len(found.rows) <= limit
        rows = found.rows[:limit][::-1]
        oldest = None if is_complete else write_cursor(Clock.OCCURRED, rows[0][1], position=rows[0][0])
        return Snapshot(
            rows=[Change(customer_id, str(at), at, is_gone=False, doc=doc) for at, _, doc in rows],
            position=found.position,
            horizon=found.horizon,
            older_cursor=oldest,
            is_complete=is_complete,
        )

    async def _page(self, view: str, scope: str, filters: dict[str, str], cursor: str | None, limit: int) -> Page:
        found = await self._cards(view, scope, filters, cursor, limit)
        last = found.rows[limit - 1] if len(found.rows) > limit else None
        return Page(
            rows=[row[2] for row in found.rows[:limit]],
            next_cursor=write_cursor(view, last[1], key=last[3]) if last else None,
            position=found.position,
        )

    async def _entries(self, customer_id: str, clock: Clock, cursor: str | None, limit: int) -> _Standing:
        """One more than asked for, to know whether there is more."""
        parameters: dict[str, Any] = {"view": TIMELINE, "scope": customer_id, "limit": limit + 1}
        if cursor is not None:
            last = read_cursor(cursor, clock)
            parameters |= {"sort_at": last.sort_at, "position": last.position}
        return await self._standing(statements.entries(clock, has_cursor=cursor is not None), parameters)

    async def _cards(self, view: str, scope: str, filters: dict[str, str], cursor: str | None, limit: int) -> _Standing:
        """One more than asked for, to know whether there is more."""
        parameters: dict[str, Any] = {"view": view, "scope": scope, "limit": limit + 1, **filters}
        if cursor is not None:
            last = read_cursor(cursor, view)
            parameters |= {"sort_at": last.sort_at, "key": last.key}
        statement = statements.cards(
            view, tuple(filters), newest_first=view in _NEWEST_FIRST, has_cursor=cursor is not None
        )
        return await self._standing(statement, parameters)

    async def _standing(self, statement: str, parameters: dict[str, Any]) -> _Standing:
        rows: Sequence[TupleRow] = await self._ask(statement, parameters)
        if not rows:
            raise ViewNotBuilt(ViewNotBuilt.__doc__)
        # Where nothing matches, the standing comes alone, beside an empty row.
        return _Standing(rows[0][0], rows[0][1], [row[2:] for row in rows if row[2] is not None])

    async def _ask(self, statement: str, parameters: dict[str, Any]) -> list[TupleRow]:
        try:
            return await self._pool.execute(statement, parameters)
        except LogUnreachable as error:
            raise ViewsUnreachable(ViewsUnreachable.__doc__) from error
        except psycopg.errors.UndefinedTable as error:
            raise ViewNotBuilt(ViewNotBuilt.__doc__) from error
