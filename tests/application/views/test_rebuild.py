"""Rebuilds: beside the live view and under load, switched in one moment, switched back, and harmless when they fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from typing_extensions import override

from application.follower import Follower
from application.projections.conversations import ALL, Conversations
from application.projections.timeline import Timeline
from application.projections.view import Board
from application.push import Hub
from application.rebuild import NothingToSwitchBackTo, OtherVersion, Rebuild, RebuildUnderWay
from application.views import ConversationFilter, ViewReaders
from domain.event import Recorded
from domain.interaction import NoteWritten
from infrastructure.views.builds import PostgresBuilds
from tests.application.views.histories import Town
from tests.application.views.screens import TICKING, Screen, running, shown_now
from tests.application.views.situations import BOARDS, VIEWS, Unwritable, Views, cards_table, version_of

pytestmark = pytest.mark.anyio

BUILDS = "SELECT table_name, role FROM onethread_views WHERE view = 'conversations' ORDER BY build"


class Renamed(Conversations):
    """The next version of the fold."""

    version = Conversations.version + 1


class Interrupted(Exception):
    """Somebody pulled the plug."""


class Stopping(Conversations):
    """Stops the whole rebuild at some event."""

    @override
    def key(self, recorded: Recorded) -> str | None:
        if recorded.position > 50:
            raise Interrupted
        return super().key(recorded)


@pytest.fixture
def rebuild(town: Town, url: str) -> Rebuild:
    """As this release folds."""
    return a_rebuild(town, url)


def a_rebuild(town: Town, url: str, fold: Board | None = None) -> Rebuild:
    folds: list[Board | Timeline] = [Timeline(), *BOARDS.values(), *([fold] if fold else [])]
    return Rebuild(town.log, PostgresBuilds(url), folds)


@asynccontextmanager
async def a_busy_town(town: Town, views: Views) -> AsyncIterator[None]:
    """Life goes on, and every view follows it, as in a process that serves."""
    followers = [Follower(town.log, projection) for projection in views.all().values()]

    over = asyncio.Event()

    async def live() -> None:
        while not over.is_set():
            await town.live(1)

    tasks = [asyncio.create_task(follower.run()) for follower in followers]
    life = asyncio.create_task(live())
    yield
    over.set()
    await life
    head = await town.log.head()
    for follower in followers:
        assert await follower.reached(head, 20)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("view", VIEWS)
async def test_a_view_is_rebuilt_and_switched_under_load(town: Town, views: Views, rebuild: Rebuild, view: str) -> None:
    await town.live(150)
    await views.catch_up(views.projection(view))
    told: list[tuple[int, int]] = []

    async with a_busy_town(town, views):
        rebuilt = await rebuild.rebuild(view, lambda done, total, _: told.append((done, total)))

    assert rebuilt.is_live
    assert rebuilt.comparison.is_equal
    assert rebuilt.comparison.rows[0] > 0
    assert rebuilt.build.table == f"{view}_v{version_of(view)}_b2"
    assert await views.content(view) == await views.content(rebuilt.build.table) == await views.rebuilt(view)


async def test_progress_is_told_up_to_the_end(town: Town, views: Views, rebuild: Rebuild) -> None:
    who = await town.message()
    for _ in range(25):
        note = NoteWritten(conversation_id="conversation-1", note_id="note-1", text="again")
        await town.append((who, [note] * 100))
    head = await views.catch_up(views.projection("timeline"))
    told: list[tuple[int, int]] = []

    await rebuild.rebuild("timeline", lambda done, total, _: told.append((done, total)))

    assert head > 2_000
    assert told[-1] == (head, head)


async def test_who_watches_sees_no_difference_at_a_switch(
    town: Town, views: Views, rebuild: Rebuild, readers: ViewReaders
) -> None:
    await town.live(100)
    await views.catch_up(views.projection("conversations"))
    async with running(Hub(readers, TICKING)) as hub:
        screen = Screen(hub)
        await screen.watch("conversations", ALL)
        async with a_busy_town(town, views):
            await rebuild.rebuild("conversations")
            await rebuild.rebuild("conversations")

        seen = await screen.reached("conversations", ALL, await town.log.head())
        assert seen == await shown_now(readers, "conversations", ALL)
        assert [frame["type"] for frame in screen.frames].count("snapshot") == 1


async def test_who_watches_gets_a_fresh_snapshot_of_a_build_that_differs(
    town: Town, views: Views, rebuild: Rebuild, readers: ViewReaders
) -> None:
    who = await town.message()
    await town.live(30)
    head = await views.catch_up(views.projection("conversations"))
    await views.change(
        SQL("UPDATE {} SET is_gone = true WHERE customer_id = {}").format(Identifier(cards_table(1)), who)
    )
    async with running(Hub(readers, TICKING)) as hub:
        screen = Screen(hub)
        await screen.watch("conversations", ALL)
        wrong = dict(await screen.reached("conversations", ALL, head))
        screen.frames.clear()

        await rebuild.rebuild("conversations", despite_differences=True)

        await screen.told("snapshot")
        seen = screen.rows[f"conversations:{ALL}"]
        assert len(seen) > len(wrong)
        assert seen == await shown_now(readers, "conversations", ALL)


async def test_a_switch_back_brings_the_build_before_up_to_date(town: Town, views: Views, rebuild: Rebuild) -> None:
    await town.live(60)
    await views.catch_up(views.projection("conversations"))
    with pytest.raises(NothingToSwitchBackTo):
        await rebuild.switch_back("conversations")

    await rebuild.rebuild("conversations")
    await town.live(60)
    await views.catch_up(views.projection("conversations"))
    build = await rebuild.switch_back("conversations")

    assert await views.select(BUILDS) == [(cards_table(1), "live"), (cards_table(2), "previous")]
    assert build.table == cards_table(1)
    assert await views.content("conversations") == await views.content(cards_table(2))


async def test_only_the_build_before_is_kept(town: Town, views: Views, rebuild: Rebuild) -> None:
    await town.live(30)
    await views.catch_up(views.projection("conversations"))

    for _ in range(3):
        await rebuild.rebuild("conversations")

    assert await views.select(BUILDS) == [(cards_table(3), "previous"), (cards_table(4), "live")]
    tables = "SELECT tablename FROM pg_tables WHERE tablename LIKE 'conversations%' ORDER BY 1"
    assert await views.select(tables) == [(cards_table(3),), (cards_table(4),)]


async def test_an_interrupted_rebuild_leaves_the_live_view_alone(town: Town, views: Views, url: str) -> None:
    await town.live(100)
    await views.catch_up(views.projection("conversations"))
    before = await views.content("conversations")

    with pytest.raises(Interrupted):
        await a_rebuild(town, url, Stopping()).rebuild("conversations")

    assert await views.content("conversations") == before
    assert await views.select(BUILDS) == [(cards_table(1), "live"), (cards_table(2), "building")]
    await town.live(10)
    await views.catch_up(views.projection("conversations"))
    assert (await a_rebuild(town, url).rebuild("conversations")).is_live
    assert await views.select(BUILDS) == [(cards_table(1), "previous"), (cards_table(2), "live")]


async def test_a_build_that_differs_is_told_of_and_not_switched_to(town: Town, views: Views, rebuild: Rebuild) -> None:
    who = await town.message()
    await town.message()
    await views.catch_up(views.projection("conversations"))
    await views.change(SQL("UPDATE {} SET doc = '{{}}' WHERE customer_id = {}").format(Identifier(cards_table(1)), who))
    (conversation,) = town.states[who][0].conversations

    rebuilt = await rebuild.rebuild("conversations")

    assert not rebuilt.is_live
    assert rebuilt.comparison.rows == (2, 2)
    assert rebuilt.comparison.differing == [f"{ALL} {conversation}"]
    assert await views.select(BUILDS) == [(cards_table(1), "live")]
    assert (await rebuild.rebuild("conversations", despite_differences=True)).is_live
    assert b"{}" not in [row[5] for row in await views.content("conversations")]


async def test_a_new_version_grows_beside_the_old_one_and_replaces_it(town: Town, views: Views, url: str) -> None:
    await town.live(60)
    old = views.projection("conversations")
    await views.catch_up(old)
    new = views.board(Renamed())
    with pytest.raises(OtherVersion):
        await new.start()

    rebuilt = await a_rebuild(town, url, Renamed()).rebuild("conversations")

    assert rebuilt.build.table == f"conversations_v{Renamed.version}_b2"
    await town.live(5)
    assert await views.catch_up(new) == await town.log.head()
    with pytest.raises(OtherVersion):
        await old.start()
    with pytest.raises(OtherVersion):
        await a_rebuild(town, url, Renamed()).switch_back("conversations")


async def test_a_view_is_rebuilt_by_one_process_at_a_time(town: Town, views: Views, url: str) -> None:
    await town.live(30)
    await views.catch_up(views.projection("conversations"))
    builds = PostgresBuilds(url)

    async with builds.claim("conversations"):
        with pytest.raises(RebuildUnderWay):
            await a_rebuild(town, url).rebuild("conversations")

    assert (await a_rebuild(town, url).rebuild("conversations")).is_live


async def test_a_rebuild_parks_the_streams_that_it_cannot_follow(town: Town, views: Views, url: str) -> None:
    who = await town.message()
    await town.live(60)
    await views.catch_up(views.projection("conversations"))

    rebuilt = await a_rebuild(town, url, Unwritable(who)).rebuild("conversations", despite_differences=True)

    live: Any = views.projection("conversations")
    await live.start()
    assert rebuilt.is_live
    assert list(live.parked) == [who]
    await live.replay_parked(town.log)
    assert not live.parked
    assert await views.content("conversations") == await views.rebuilt("conversations")


async def test_a_switch_waits_for_long_readers_and_lets_the_others_read(
    town: Town, views: Views, rebuild: Rebuild, readers: ViewReaders
) -> None:
    await town.live(30)
    await views.catch_up(views.projection("conversations"))
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'conversations'::regclass"

    async with await psycopg.AsyncConnection.connect(views.url) as reader:
        await reader.execute("SELECT * FROM conversations")
        rebuilding = asyncio.create_task(rebuild.rebuild("conversations"))
        while await views.select(waits) == [(0,)]:
            assert not rebuilding.done()
        assert (await readers.conversations(ConversationFilter())).rows

    assert (await rebuilding).is_live


async def test_a_view_nobody_has_opened_yet_can_be_rebuilt(town: Town, views: Views, rebuild: Rebuild) -> None:
    await town.live(10)

    await rebuild.rebuild("conversations")

    await views.catch_up(views.projection("conversations"))
    assert await views.content("conversations") == await views.rebuilt("conversations")
