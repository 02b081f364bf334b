"""Push: a snapshot and every later frame are as good as a fresh snapshot, whoever comes, goes or reads slowly."""

import asyncio
import random
from typing import Any

import pytest
from psycopg.sql import SQL, Identifier

from application.projections.agent_board import TEAM
from application.projections.conversations import ALL
from application.projections.projection import Projection
from application.push import Hub, HubLimits
from application.views import ViewReaders
from application.watching.feed import FeedLimits
from tests.application.views.histories import QUEUES, Town
from tests.application.views.screens import TICKING, Followed, Screen, newest, running, shown_now
from tests.application.views.situations import Stumbling, Views, cards_table

pytestmark = pytest.mark.anyio

PUT_BACK = SQL("""
    TRUNCATE {table};
    INSERT INTO {table} SELECT * FROM kept;
    UPDATE onethread_tracking SET notification_id = {position} WHERE application_name = {name}
""")


def scopes(town: Town) -> list[tuple[str, str]]:
    """Everything that somebody may look at."""
    agents, customers = town.streams("agent"), town.streams("customer")
    return [
        ("conversations", ALL),
        ("agent_board", TEAM),
        *(("queue_board", queue) for queue in QUEUES),
        *(("conversations", agent) for agent in agents),
        *(("timeline", customer) for customer in customers[:8]),
    ]


async def somebody(
    hub: Hub, looked_at: list[tuple[str, str]], chance: random.Random, done: asyncio.Event
) -> tuple[Screen, set[tuple[str, str]]]:
    """Comes and goes, watches this and that, and resumes what was watched: the screen, and what it watches at last."""
    screen, watched = Screen(hub), set[tuple[str, str]]()
    while not done.is_set():
        for _ in range(chance.randrange(40)):
            await asyncio.sleep(0)
        match chance.randrange(5):
            case 0:
                await screen.disconnect()
                screen.connect()
                for view, scope in watched:
                    await screen.watch(view, scope, screen.position[f"{view}:{scope}"])
            case 1 if watched:
                view, scope = watched.pop()
                hub.unwatch(screen.viewer, view, scope, "looked enough")
            case _:
                view, scope = chance.choice(looked_at)
                await screen.watch(view, scope)
                watched.add((view, scope))
                await screen.reached(view, scope, 0)
    return screen, watched


@pytest.mark.parametrize("seed", range(4))
async def test_a_snapshot_and_later_frames_equal_a_fresh_snapshot(
    followed: Followed, hub: Hub, readers: ViewReaders, seed: int
) -> None:
    followed.town.random.seed(seed)
    looked_at = scopes(followed.town)
    done = asyncio.Event()
    people = [
        asyncio.create_task(somebody(hub, looked_at, random.Random(seed * 100 + number), done)) for number in range(6)
    ]
    truth: dict[tuple[str, int], dict[str, Any]] = {}
    head = 0
    for _ in range(25):
        head = await followed.live(3)
        truth |= {(f"{view}:{scope}", head): await shown_now(readers, view, scope) for view, scope in looked_at}
    done.set()
    compared = 0
    for screen, watched in await asyncio.gather(*people):
        for view, scope in watched:
            await screen.reached(view, scope, head)
        for (watch, position), seen in screen.stood.items():
            if (now := truth.get((watch, position))) is not None:
                compared += 1
                assert shown(watch, seen) == shown(watch, now), (watch, position, seed)
        await screen.disconnect()
    assert compared, "nobody was told a position at which the truth is known"


def shown(watch: str, rows: dict[str, Any]) -> dict[str, Any]:
    """Of a timeline only the newest entries are shown; the others may have been scrolled away."""
    return newest(rows) if watch.startswith("timeline") else rows


async def test_who_resumes_gets_exactly_what_was_missed(followed: Followed, hub: Hub, readers: ViewReaders) -> None:
    screen, others = Screen(hub), Screen(hub)
    for one in (screen, others):
        await one.watch("conversations", ALL)
        await one.reached("conversations", ALL, 0)
    await screen.disconnect()
    left_at = screen.position[f"conversations:{ALL}"]
    head = await followed.live(20)
    screen.frames.clear()

    screen.connect()
    await screen.watch("conversations", ALL, left_at)

    assert await screen.reached("conversations", ALL, head) == await shown_now(readers, "conversations", ALL)
    assert {frame["type"] for frame in screen.frames} == {"put", "position"}
    assert min(frame["position"] for frame in screen.frames) > left_at
    assert await others.reached("conversations", ALL, head) == screen.rows[f"conversations:{ALL}"]


@pytest.mark.parametrize("after", [0, 10_000_000])
async def test_who_resumes_from_a_position_that_means_nothing_gets_a_snapshot(
    followed: Followed, hub: Hub, after: int
) -> None:
    screen = Screen(hub)

    await screen.watch("agent_board", TEAM, after)

    assert (await screen.told("snapshot"))["position"] == followed.projections["agent_board"].position


async def test_who_missed_too_much_gets_a_fresh_snapshot(followed: Followed, readers: ViewReaders) -> None:
    hub = Hub(readers, HubLimits(feed=FeedLimits(resume_rows_max=2)))
    screen = Screen(hub)

    await screen.watch("conversations", ALL, 1)

    assert await screen.told("snapshot")
    await hub.close()


async def test_who_resumes_behind_the_horizon_gets_a_fresh_snapshot(followed: Followed, views: Views, hub: Hub) -> None:
    await views.change("UPDATE onethread_views SET horizon = 40")
    fresh, resumed = Screen(hub), Screen(hub)

    await fresh.watch("conversations", ALL, 40)
    await resumed.watch("conversations", ALL, 41)

    assert await fresh.told("snapshot")
    assert (await resumed.told("position")) == resumed.frames[-1]
    assert not [frame for frame in resumed.frames if frame["type"] == "snapshot"]


async def test_a_timeline_begins_with_its_newest_entries_and_leads_to_the_older_ones(
    followed: Followed, hub: Hub, readers: ViewReaders
) -> None:
    who = await followed.town.message()
    for _ in range(60):
        await followed.town.message(who)
    head = await followed.catch_up()
    screen = Screen(hub)

    await screen.watch("timeline", who)
    shown = await screen.reached("timeline", who, head)

    page = await readers.timeline(who, cursor=screen.older[f"timeline:{who}"], limit=200)
    assert len(shown) == 50
    assert list(shown) == list(newest(shown))
    assert len(page.rows) + len(shown) == len(await shown_now(readers, "timeline", who))


async def test_views_that_move_in_another_process_are_noticed(town: Town, views: Views, readers: ViewReaders) -> None:
    elsewhere: Projection = views.projection("conversations")
    await views.catch_up(elsewhere)
    async with running(Hub(readers, TICKING)) as hub:
        screen = Screen(hub)
        await screen.watch("conversations", ALL)

        who = await town.message()
        head = await views.catch_up(elsewhere)

        (row,) = (await screen.reached("conversations", ALL, head)).values()
        assert row["customer_id"] == who


async def test_after_a_replay_everybody_gets_a_fresh_snapshot(
    town: Town, views: Views, hub: Hub, readers: ViewReaders
) -> None:
    wang, _ = await town.message(), await town.message()
    board = Stumbling(wang, "conversation.message_received")
    projection = views.board(board)
    projection.on_advanced.append(hub.advanced)
    head = await views.catch_up(projection)
    screen = Screen(hub)
    await screen.watch("conversations", ALL)
    assert len(await screen.reached("conversations", ALL, head)) == 2
    screen.frames.clear()

    board.topic = ""
    await projection.replay_parked(town.log)

    await screen.told("snapshot")
    assert screen.rows[f"conversations:{ALL}"] == await shown_now(readers, "conversations", ALL)
    left_at = screen.position[f"conversations:{ALL}"]
    late = Screen(hub)
    await late.watch("conversations", ALL, left_at)
    assert await late.told("snapshot")


async def test_after_the_view_was_put_back_everybody_gets_a_fresh_snapshot(
    town: Town, views: Views, hub: Hub, readers: ViewReaders
) -> None:
    projection = views.projection("conversations")
    await town.live(40)
    earlier = await views.catch_up(projection)
    name = cards_table(1)
    await views.change(SQL("CREATE TABLE kept AS SELECT * FROM {}").format(Identifier(name)))
    await town.live(40)
    later = await views.catch_up(projection)
    screen = Screen(hub)
    await screen.watch("conversations", ALL)
    await screen.reached("conversations", ALL, later)
    screen.frames.clear()

    put_back = PUT_BACK.format(table=Identifier(name), position=earlier, name=name)
    await views.change(put_back)  # as a crash of the server may: views do not wait for the disk
    hub.nudge()

    assert (await screen.told("snapshot"))["position"] == earlier
    await views.catch_up(projection)
    assert await screen.reached("conversations", ALL, later) == await shown_now(readers, "conversations", ALL)
