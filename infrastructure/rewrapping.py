"""After a change of the master key: what former ones wrapped in the database, wrapped once more by the active one."""

from collections.abc import AsyncIterator
from typing import LiteralString

from infrastructure.log.columns import BytesColumn, TextColumn
from infrastructure.log.keys import MasterKeys, Rewrapped, UnknownMasterKey, WrongMasterKey
from infrastructure.log.pool import ReadPool

TABLES: dict[str, tuple[LiteralString, LiteralString]] = {
    "streams": ("onethread_stream_keys", "stream"),
    "deliveries": ("onethread_deliveries", "id"),
    "snapshots of the router": ("onethread_router_snapshots", "state_name"),
}
"""What holds wrapped keys, in which table, and the column that says what each key belongs to."""
PAGE = 1_000

# What was wrapped by others than the active key, by what it belongs to; several may belong to one.
_FORMER = """
SELECT {owner}, wrapped_key FROM {table}
WHERE {owner} >= %s AND substring(wrapped_key FROM 1 FOR %s) <> %s AND wrapped_key <> ALL (%b)
ORDER BY {owner} LIMIT %s
"""
# Only where it still is what was read: a key that was destroyed meanwhile must not come back.
_REPLACE = """
UPDATE {table} AS kept SET wrapped_key = one.rewrapped
FROM unnest(%b::text[], %b::bytea[], %b::bytea[]) AS one (owner, former, rewrapped)
WHERE kept.{owner} = one.owner AND kept.wrapped_key = one.former
"""


async def rewrap_table(pool: ReadPool, masters: MasterKeys, what: str) -> AsyncIterator[Rewrapped]:
    """Page by page, while others read and write; may end anywhere and begin again. `what` is one of `TABLES`.

    Raises LogUnreachable.
    """
    table, owner = TABLES[what]
    former, replace = _FORMER.format(table=table, owner=owner), _REPLACE.format(table=table, owner=owner)
    after, active, lost = "", masters.active, list[bytes]()
    while rows := await pool.execute(former, (after, len(active), active, BytesColumn(lost), PAGE)):
        page = Rewrapped()
        changed: list[tuple[str, bytes, bytes]] = []
        for one, wrapped in rows:
            try:
                changed.append((one, wrapped, masters.rewrap(one, wrapped)))
            except (UnknownMasterKey, WrongMasterKey) as error:
                page.lost.append(str(error))
                lost.append(wrapped)
        if changed:
            owners, old, new = zip(*changed, strict=True)
            await pool.execute(replace, (TextColumn(owners), BytesColumn(old), BytesColumn(new)))
        page.done += len(changed)
        after = rows[-1][0]
        yield page
