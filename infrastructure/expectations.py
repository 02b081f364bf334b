"""The port `application.expectations.expectation` on PostgreSQL, and its rows as a view that can be watched.

The one writer numbers what it writes: a row's revision plays the part that the position has in other views.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from psycopg.rows import TupleRow

from application.expectations.expectation import (
    Changed,
    Expectation,
    ExpectationsMoved,
    First,
    Kept,
    Shown,
    Tally,
)
from application.expectations.pace import Pace
from application.log import LogUnreachable
from application.views import Change, Changes, Snapshot, ViewsUnreachable
from infrastructure.deliveries.tables import create_table
from infrastructure.expectation_statements import (
    CHANGES,
    FIRSTS,
    OVERDUE,
    PACES,
    SAVE,
    SHOWN,
    SNAPSHOT,
    STANDS,
    TABLES,
    TALLIES,
    TIDY,
)
from infrastructure.log.columns import BytesColumn, Column, NumberColumn, TextColumn
from infrastructure.log.pool import ReadPool

TIDY_EVERY = timedelta(minutes=10)
_decode = msgspec.json.Decoder(Expectation).decode
_decode_first = msgspec.json.Decoder(First).decode
_encode = msgspec.json.Encoder().encode


class PostgresExpectations:
    """Open it before it is used."""

    def __init__(self, database_url: str, pool: ReadPool) -> None:
        self._database_url = database_url
        self._pool = pool
        self._tidied: datetime | None = None

    async def open(self) -> None:
        """Makes the tables where they are missing. Raises LogUnreachable."""
        await asyncio.to_thread(create_table, self._database_url, TABLES)

    async def load(self) -> Kept:
        """As the port."""
        stands = await self._pool.execute(STANDS)
        firsts = await self._pool.execute(FIRSTS)
        paces = await self._pool.execute(PACES)
        return Kept(
            revision=stands[0][0] if stands else 0,
            firsts={(row[0], row[1]): _decode_first(row[2]) if row[2] else None for row in firsts},
            paces={row[0]: msgspec.json.decode(row[1], type=Pace) for row in paces},
        )

    async def save(self, changed: Changed, *, after: int, at: datetime) -> int:
        """As the port. Those who left come first, so that who goes from one queue to another is last seen there."""
        from_gone = after + len(changed.gone)
        upto = from_gone + len(changed.told)
        firsts = [changed.firsts.get(one.key) for one in changed.told]
        parameters: dict[str, Any] = {
            "after": after,
            "upto": upto,
            "at": at,
            "gone": TextColumn([key[0] for key in changed.gone]),
            "gone_from": TextColumn([key[1] for key in changed.gone]),
            "gone_revision": NumberColumn(range(after + 1, from_gone + 1)),
            "id": TextColumn([one.id for one in changed.told]),
            "customer_id": TextColumn([one.customer_id for one in changed.told]),
            "queue_id": TextColumn([one.queue_id for one in changed.told]),
            "place": NumberColumn([one.place for one in changed.told]),
            "revision": NumberColumn(range(from_gone + 1, upto + 1)),
            "doc": BytesColumn([_encode(one) for one in changed.told]),
            "first": BytesColumn([_encode(first) if first else b"" for first in firsts]),
            "asked": TextColumn(list(changed.paces)),
            "pace": BytesColumn([_encode(pace) for pace in changed.paces.values()]),
            **_tally_columns(changed.tallies),
        }
        rows = await self._pool.execute(SAVE, parameters)
        if rows[0][0] == 0:
            raise ExpectationsMoved(f"it does not stand at {after}")
        if self._tidied is None or at - self._tidied >= TIDY_EVERY:
            self._tidied = at
            await self._pool.execute(TIDY, {"at": at})
        return upto

    async def shown(self, conversation_ids: Collection[str]) -> Shown:
        """As the port."""
        rows = await self._pool.execute(SHOWN, {"ids": TextColumn(list(conversation_ids))})
        found = [_decode(row[1]) for row in rows if row[1] is not None]
        return Shown(expectations={one.id: one for one in found}, checked_at=rows[0][0] if rows else None)

    async def tallies(self, queue_id: str, since: date) -> Sequence[Tally]:
        """As the port."""
        rows = await self._pool.execute(TALLIES, {"queue_id": queue_id, "since": since})
        return [Tally(**dict(zip(Tally.__struct_fields__, row, strict=True))) for row in rows]

    async def overdue(self, queue_id: str) -> Mapping[int, int]:
        """As the port; at the time at which the lines were last looked at."""
        rows = await self._pool.execute(OVERDUE, {"queue_id": queue_id})
        firsts = ((checked_at, _decode_first(first)) for checked_at, first in rows)
        return Counter(first.bucket for checked_at, first in firsts if checked_at > first.band_ends_at)

    async def snapshot(self, view: str, scope: str, limit: int) -> Snapshot:
        """As `ViewReaders.snapshot`, in the order of places; a scope is a queue or a customer."""
        del view
        position, horizon, rows = await self._standing(SNAPSHOT, {"scope": scope, "limit": limit + 1})
        return Snapshot(
            rows=[Change(scope, row[1], row[0], is_gone=False, doc=row[2]) for row in rows[:limit]],
            position=position,
            horizon=horizon,
            is_complete=len(rows) <= limit,
        )

    async def changes(self, view: str, scopes: Collection[str], after: int, limit: int) -> Changes:
        """As `ViewReaders.changes`."""
        del view
        parameters = {"scopes": TextColumn(list(scopes)), "after": after, "limit": limit + 1}
        position, horizon, rows = await self._standing(CHANGES, parameters)
        is_complete = len(rows) <= limit
        if not is_complete:  # one row may be in two scopes, at the same revision
            position = rows[-1][0] - 1
            rows = [row for row in rows if row[0] <= position]
        return Changes(
            changes=[Change(scope, key, at, is_gone, b"" if is_gone else doc) for at, key, doc, scope, is_gone in rows],
            position=position,
            is_complete=is_complete,
            horizon=horizon,
        )

    async def _standing(self, statement: str, parameters: dict[str, Any]) -> tuple[int, int, list[TupleRow]]:
        """Nothing was ever told: nothing is shown, from the beginning."""
        try:
            rows = await self._pool.execute(statement, parameters)
        except LogUnreachable as error:
            raise ViewsUnreachable(ViewsUnreachable.__doc__) from error
        if not rows:
            return 0, -1, []
        return rows[0][0], rows[0][1], [row[2:] for row in rows if row[2] is not None]


def _tally_columns(tallies: Sequence[Tally]) -> dict[str, Column]:
    numbers = ("bucket", "taken", "within", "shorter", "longer", "given_up")
    sums = ("error_seconds", "absolute_error_seconds")
    return {
        "tally_queue": TextColumn([one.queue_id for one in tallies]),
        "tally_day": TextColumn([one.day.isoformat() for one in tallies]),
        **{f"tally_{name}": NumberColumn([getattr(one, name) for one in tallies]) for name in numbers},
        **{f"tally_{name}": TextColumn([repr(getattr(one, name)) for one in tallies]) for name in sums},
    }
