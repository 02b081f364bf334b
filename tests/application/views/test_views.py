"""Reading views: pages in order, filters, both clocks, cursors that lead on, and cursors that mean nothing."""

from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from application.projections.conversations import ALL
from application.projections.lines import Draft, Lines
from application.views import Clock, ConversationFilter, CursorInvalid, Page, ViewNotBuilt, ViewReaders
from domain.conversation import Status
from infrastructure.views.cursors import write_cursor
from tests.application.views.histories import NOON, QUEUES, Town
from tests.application.views.screens import moment
from tests.application.views.situations import Views

pytestmark = pytest.mark.anyio


BAD_CURSORS = (
    "",
    "x",
    "not a cursor",
    "你好",
    "=" * 10,
    "A" * 10_000,
    urlsafe_b64encode(msgspec.msgpack.encode({"order": "occurred"})).decode(),
    urlsafe_b64encode(msgspec.msgpack.encode(["occurred", "1"])).decode(),
    urlsafe_b64encode(msgspec.msgpack.encode(["occurred", 2**62, 1, ""])).decode(),
    urlsafe_b64encode(msgspec.msgpack.encode(["occurred", -(2**62), 1, ""])).decode(),
    urlsafe_b64encode(msgspec.msgpack.encode(["occurred", 1, 2**63, ""])).decode(),
    urlsafe_b64encode(msgspec.msgpack.encode(["occurred", 1, -1, ""])).decode(),
    urlsafe_b64encode(msgspec.msgpack.encode(["occurred", 1, 1, "", 1])).decode(),
    write_cursor("recorded", NOON, position=1),
    write_cursor("conversations", NOON, key="conversation-1"),
)


@pytest.fixture
async def built(views: Views) -> None:
    """All views, empty."""
    for projection in views.all().values():
        await projection.start()


@pytest.fixture
async def busy(town: Town, views: Views) -> Town:
    """A town with some history, and all its views."""
    await town.live(300)
    for projection in views.all().values():
        await views.catch_up(projection)
    return town


def docs(page: Page) -> list[dict[str, Any]]:
    return [msgspec.json.decode(row) for row in page.rows]


async def all_timeline(readers: ViewReaders, who: str, clock: Clock, limit: int) -> list[dict[str, Any]]:
    """Every page of a timeline, one after another."""
    page = await readers.timeline(who, clock=clock, limit=limit)
    entries = docs(page)
    while page.next_cursor is not None:
        assert len(page.rows) == limit
        page = await readers.timeline(who, clock=clock, cursor=page.next_cursor, limit=limit)
        entries += docs(page)
    return entries


@pytest.mark.parametrize("limit", [1, 7, 200])
async def test_the_pages_of_a_timeline_are_the_whole_of_it_newest_first(
    busy: Town, readers: ViewReaders, limit: int
) -> None:
    who = max(busy.streams("customer"), key=lambda stream: busy.states[stream][1])
    draft = Draft(Lines())
    for event in await busy.log.read_stream(who):
        draft.take(event)
    rows = [row for row in draft.rows() if not row.is_gone]

    occurred = await all_timeline(readers, who, Clock.OCCURRED, limit)
    recorded = await all_timeline(readers, who, Clock.RECORDED, limit)

    in_order = sorted(rows, key=lambda one: (one.sort_at, int(one.key)), reverse=True)
    assert occurred == [msgspec.json.decode(row.doc) for row in in_order]
    assert [entry["position"] for entry in recorded] == sorted((int(row.key) for row in rows), reverse=True)
    assert occurred != recorded
    assert len(rows) > 10


async def test_entries_told_late_say_so_and_stand_where_they_occurred(town: Town, views: Views, readers: Any) -> None:
    who = await town.message()
    town.now += timedelta(hours=1)
    town._occurred_at = lambda at: at - timedelta(minutes=30)  # type: ignore[method-assign]
    await town.message(who, "told late")
    await views.catch_up(views.projection("timeline"))

    newest = docs(await readers.timeline(who))[0]

    assert newest["is_late"]
    assert moment(newest["recorded_at"]) - moment(newest["occurred_at"]) >= timedelta(minutes=30)


@pytest.mark.parametrize("limit", [2, 200])
async def test_conversations_are_found_by_what_they_are(busy: Town, readers: ViewReaders, limit: int) -> None:
    everything = busy.conversations(*Status)
    agent_id = next(one.agent_id for _, one in everything if one.agent_id)
    someone = everything[0][0]

    async def found(which: ConversationFilter) -> list[dict[str, Any]]:
        page = await readers.conversations(which, limit=limit)
        cards = docs(page)
        while page.next_cursor is not None:
            page = await readers.conversations(which, cursor=page.next_cursor, limit=limit)
            cards += docs(page)
        changed = [moment(card["updated_at"]) for card in cards]
        assert changed == sorted(changed, reverse=True)
        return cards

    def expected(**wanted: Any) -> set[str]:
        return {one.id for _, one in everything if all(getattr(one, name) == wanted[name] for name in wanted)}

    def ids(cards: list[dict[str, Any]]) -> set[str]:
        assert len({card["id"] for card in cards}) == len(cards)
        return {card["id"] for card in cards}

    assert ids(await found(ConversationFilter())) == expected()
    assert ids(await found(ConversationFilter(status="waiting"))) == expected(status=Status.WAITING)
    assert ids(await found(ConversationFilter(queue_id=QUEUES[0]))) == expected(queue_id=QUEUES[0])
    assert ids(await found(ConversationFilter(agent_id=agent_id))) == expected(agent_id=agent_id)
    assert ids(await found(ConversationFilter(customer_id=someone))) == {
        one.id for who, one in everything if who == someone
    }
    both = ConversationFilter(queue_id=QUEUES[1], status="assigned")
    assert ids(await found(both)) == expected(queue_id=QUEUES[1], status=Status.ASSIGNED)


async def test_a_queue_board_begins_with_who_waits_longest(busy: Town, readers: ViewReaders) -> None:
    waiting = docs(await readers.queue_board(QUEUES[0], limit=200))

    since = [moment(row["waiting_since"]) for row in waiting]
    still = [one for _, one in busy.conversations(Status.WAITING, Status.OFFERED) if one.queue_id == QUEUES[0]]
    assert since == sorted(since)
    assert {row["id"] for row in waiting} == {one.id for one in still}
    assert len(waiting) > 2


async def test_the_agent_board_shows_everybody_and_their_load(busy: Town, readers: ViewReaders) -> None:
    first = await readers.agent_board(limit=3)
    second = await readers.agent_board(cursor=first.next_cursor, limit=3)

    board = {row["id"]: row.get("load", 0) for row in docs(first) + docs(second)}
    assert board == {agent: busy.states[agent][0].load for agent in busy.streams("agent")}


async def test_a_page_tells_the_position_it_was_read_at(busy: Town, readers: ViewReaders) -> None:
    head = await busy.log.head()

    assert (await readers.agent_board()).position == head
    assert (await readers.timeline("customer-nobody")).position == head
    assert await readers.position("timeline") == head


async def test_one_card_is_found_by_its_key(busy: Town, readers: ViewReaders) -> None:
    (_, one), *_ = busy.conversations(Status.ASSIGNED)

    found = await readers.get("conversations", one.id)

    assert found is not None
    assert msgspec.json.decode(found)["conversation"]["agent_id"] == one.agent_id
    assert await readers.get("conversations", "conversation-unknown") is None


async def test_what_is_gone_is_not_shown(busy: Town, readers: ViewReaders) -> None:
    changes = (await readers.changes("queue_board", list(QUEUES), 0, 10_000)).changes
    gone = [change for change in changes if change.is_gone]

    assert {change.doc for change in gone} == {b""}
    for queue in QUEUES:
        shown = (await readers.snapshot("queue_board", queue, 1_000)).rows
        assert not {row.key for row in shown} & {change.key for change in gone if change.scope == queue}


@pytest.mark.parametrize("limit", [5, 50, 10_000])
async def test_changes_read_bit_by_bit_are_all_the_changes(busy: Town, readers: ViewReaders, limit: int) -> None:
    scopes = [ALL, *busy.streams("agent")]
    found = await readers.changes("conversations", scopes, 0, limit)
    changes = list(found.changes)
    while not found.is_complete:
        found = await readers.changes("conversations", scopes, found.position, limit)
        changes += found.changes

    everything = (await readers.changes("conversations", scopes, 0, 100_000)).changes
    assert [one.position for one in changes] == sorted(one.position for one in everything)
    assert {(one.scope, one.key) for one in changes} == {(one.scope, one.key) for one in everything}
    assert len(changes) == len(everything) > 20
    assert found.position == await busy.log.head()


async def test_a_cursor_of_something_else_is_refused(built: None, readers: ViewReaders) -> None:
    for cursor in BAD_CURSORS:
        with pytest.raises(CursorInvalid):
            await readers.timeline("customer-1", cursor=cursor)


@pytest.mark.parametrize("key", ["\0", "\ud800"])
async def test_a_cursor_that_no_database_takes_is_refused(built: None, readers: ViewReaders, key: str) -> None:
    packed = msgspec.msgpack.encode(["agent_board", 1, 0, "KEY"])
    cursor = urlsafe_b64encode(
        packed.replace(b"\xa3KEY", bytes([0xA0 + len(raw := key.encode("utf-8", "surrogatepass"))]) + raw)
    )

    with pytest.raises(CursorInvalid):
        await readers.agent_board(cursor=cursor.decode())


async def test_a_view_that_was_never_built_says_so(readers: ViewReaders) -> None:
    with pytest.raises(ViewNotBuilt):
        await readers.timeline("customer-1")
    with pytest.raises(ViewNotBuilt):
        await readers.position("timeline")
