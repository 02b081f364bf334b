"""What the readers ask. Each is one statement, so that rows and position agree, and is made once."""

from functools import cache

from psycopg.sql import SQL, Composable, Identifier, Placeholder

from application.views import Clock

TIMELINE = "timeline"

# Who reads a view holds its name until the answer is there, so that a switch cannot come between rows and position.
_STAND = SQL("""
WITH stand AS MATERIALIZED (
    SELECT notification_id AS position, horizon
    FROM onethread_views JOIN onethread_tracking ON application_name = table_name
    WHERE view = %(view)s AND role = 'live'
)
""")

_POSITION = SQL("{stand} SELECT position FROM stand")

# The one row of `stand` is joined in a nested loop, which keeps the order of the other side.
_ENTRIES = SQL("""
{stand}
SELECT stand.position, stand.horizon, entry.position, entry.sort_at, entry.doc
FROM stand LEFT JOIN LATERAL (
    SELECT position, sort_at, doc FROM {view} WHERE scope = %(scope)s AND NOT is_gone AND {beyond}
    ORDER BY {order} LIMIT %(limit)s
) AS entry ON true
""")
_CARDS = SQL("""
{stand}
SELECT stand.position, stand.horizon, card.position, card.sort_at, card.doc, card.key
FROM stand LEFT JOIN LATERAL (
    SELECT position, sort_at, doc, key FROM {view} WHERE scope = %(scope)s AND NOT is_gone AND {conditions}
    ORDER BY {order} LIMIT %(limit)s
) AS card ON true
""")
_CHANGES = SQL("""
{stand}
SELECT stand.position, stand.horizon, row.position, row.scope, row.key, row.is_gone, row.doc
FROM stand LEFT JOIN LATERAL (
    SELECT position, scope, key, is_gone, doc FROM {view}
    WHERE scope = ANY (%(scopes)b) AND position > %(after)s ORDER BY position LIMIT %(limit)s
) AS row ON true
""")
# Most entries never change: those that did have an index of their own, which is small.
_ENTRY_CHANGES = SQL("""
{stand}
SELECT stand.position, stand.horizon, row.changed, row.scope, row.position::text, row.is_gone, row.doc
FROM stand LEFT JOIN LATERAL (
    (SELECT changed, position, scope, is_gone, doc FROM {view}
     WHERE scope = ANY (%(scopes)b) AND position > %(after)s AND changed = position ORDER BY position LIMIT %(limit)s)
    UNION ALL
    (SELECT changed, position, scope, is_gone, doc FROM {view}
     WHERE scope = ANY (%(scopes)b) AND changed > %(after)s AND changed <> position ORDER BY changed LIMIT %(limit)s)
    ORDER BY changed LIMIT %(limit)s
) AS row ON true
""")
_GET = SQL("SELECT doc FROM {view} WHERE key = %(key)s AND NOT is_gone LIMIT 1")

_TRUE = SQL("true")
_BEYOND_ENTRY = {
    Clock.OCCURRED: SQL("(sort_at, position) < (%(sort_at)s, %(position)s)"),
    Clock.RECORDED: SQL("position < %(position)s"),
}
_ENTRY_ORDER = {Clock.OCCURRED: SQL("sort_at DESC, position DESC"), Clock.RECORDED: SQL("position DESC")}


@cache
def entries(clock: Clock, *, has_cursor: bool) -> str:
    """Newest first: view position, horizon; position, sort_at, doc of each entry."""
    beyond = _BEYOND_ENTRY[clock] if has_cursor else _TRUE
    return _ENTRIES.format(
        stand=_STAND, view=Identifier(TIMELINE), beyond=beyond, order=_ENTRY_ORDER[clock]
    ).as_string()


@cache
def cards(view: str, filters: tuple[str, ...], *, newest_first: bool, has_cursor: bool) -> str:
    """By sort_at and key: view position, horizon; position, sort_at, doc, key of each card."""
    conditions: list[Composable] = [SQL("{} = {}").format(Identifier(name), Placeholder(name)) for name in filters]
    if has_cursor:
        compare = SQL("<") if newest_first else SQL(">")
        conditions.append(SQL("(sort_at, key) {} (%(sort_at)s, %(key)s)").format(compare))
    order = SQL("sort_at DESC, key DESC") if newest_first else SQL("sort_at, key")
    matching = SQL(" AND ").join(conditions or [_TRUE])
    return _CARDS.format(stand=_STAND, view=Identifier(view), conditions=matching, order=order).as_string()


@cache
def changes(view: str) -> str:
    """By position: view position, horizon; position, scope, key, is_gone, doc of each row."""
    statement = _ENTRY_CHANGES if view == TIMELINE else _CHANGES
    return statement.format(stand=_STAND, view=Identifier(view)).as_string()


@cache
def position() -> str:
    """Where the live build of a view stands."""
    return _POSITION.format(stand=_STAND).as_string()


@cache
def one(view: str) -> str:
    """The doc of a card, in whichever scope."""
    return _GET.format(view=Identifier(view)).as_string()
