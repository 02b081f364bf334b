"""The router begins at its newest snapshot, knows what the whole log would have told it, and trusts no wrong one."""

import asyncio
import contextlib
from collections.abc import Iterator
from itertools import pairwise

import msgspec
import psycopg
import pytest

from application.router import Router
from application.router_snapshots import NEWEST, Trail, decoded, surplus
from application.use_cases.assign_work import AssignWork
from domain.routing.facts import Facts
from infrastructure.router_snapshots import PostgresRouterSnapshots
from tests.application.recomputing import demand_every_choice_comes_out_the_same
from tests.application.situations import (
    MASTER_KEY,
    Shop,
    a_waiting_conversation,
    an_assigned_conversation,
    an_offered_conversation,
    another_process,
    offers,
)

pytestmark = pytest.mark.anyio

FORGET_FROM = "DELETE FROM onethread_events WHERE notification_id >= %s"
MOVE = """
UPDATE onethread_router_snapshots AS kept SET sealed = other.sealed, wrapped_key = other.wrapped_key
FROM onethread_router_snapshots AS other WHERE other.position = %s AND kept.position = %s
"""
STORED = "SELECT state_name, position, sealed FROM onethread_router_snapshots ORDER BY state_name, position"


def snapshots_of(shop: Shop, state_name: str = "router.2") -> PostgresRouterSnapshots:
    return PostgresRouterSnapshots(shop.log.pool, [MASTER_KEY], state_name)


def a_router(shop: Shop, trail: Trail | None = None) -> Router:
    """In a process that begins now."""
    return Router(shop.log, AssignWork(shop.commands), shop.clock, trail or Trail(snapshots_of(shop)))


def encoded(router: Router) -> bytes:
    return msgspec.msgpack.encode(router.state.facts)


async def a_snapshot(shop: Shop) -> int:
    """Of what the shop's router knows now; the position it was taken at."""
    await shop.route()
    await snapshots_of(shop).save(shop.router.follower.position, encoded(shop.router))
    return shop.router.follower.position


@contextlib.contextmanager
def leading(router: Router) -> Iterator[None]:
    """It runs, and decides."""
    running = asyncio.gather(router.run(), router.lead())
    try:
        yield
    finally:
        running.cancel()


async def test_a_router_begins_at_the_newest_snapshot_and_knows_all_that_came_since(shop: Shop) -> None:
    await an_assigned_conversation(shop, "before")
    at = await a_snapshot(shop)
    await an_offered_conversation(shop, "after")
    late = a_router(shop)

    assert await late.start() == at
    await late.settle()

    assert late.state.facts == shop.router.state.facts


async def test_no_decision_is_lost_or_doubled_where_the_snapshot_is_older_than_the_decisions(shop: Shop) -> None:
    for number in range(5):
        await shop.hire(f"agent {number}", capacity=4)
    cases = [await a_waiting_conversation(shop, f"visitor-{number}") for number in range(8)]
    await shop.router.follower.catch_up()
    await snapshots_of(shop).save(shop.router.follower.position, encoded(shop.router))
    await shop.route()
    made = await offers(shop)
    late = a_router(shop)

    await late.settle()

    assert await offers(shop) == made
    assert sorted(one.conversation_id for one in made) == sorted(case.conversation_id for case in cases)
    assert await demand_every_choice_comes_out_the_same(shop.log) == 8


async def test_the_nearest_snapshot_before_a_position_is_found(shop: Shop) -> None:
    first = await a_snapshot(shop)
    await a_waiting_conversation(shop)
    second = await a_snapshot(shop)

    found = [await snapshots_of(shop).nearest(position) for position in (first - 1, first, second - 1, second, NEWEST)]

    assert [one and one[1] for one in found] == [None, first, first, second, second]
    assert found[1] is not None
    assert decoded(found[1][0]).waiting == {}
    assert found[4] == (encoded(shop.router), second)


async def test_a_snapshot_ahead_of_a_restored_log_is_refused(shop: Shop) -> None:
    """Even when the log has grown past it again: then it tells of events that never were."""
    good = await a_snapshot(shop)
    await a_waiting_conversation(shop)
    ahead = await a_snapshot(shop)
    with psycopg.connect(shop.url) as connection:
        connection.execute(FORGET_FROM, (good + 1,))
    async with another_process(shop) as restored:
        assert await nearest_position(restored) == good
        for number in range(ahead - good):
            await restored.hire(f"agent {number}")

        assert await restored.log.head() > ahead
        assert await nearest_position(restored) == good


async def nearest_position(shop: Shop) -> int:
    found = await snapshots_of(shop).nearest(NEWEST)
    return found[1] if found else 0


async def test_a_snapshot_where_the_log_has_no_event_is_not_stored(shop: Shop) -> None:
    await snapshots_of(shop).save(await shop.log.head() + 1, encoded(shop.router))

    assert stored(shop) == []


def stored(shop: Shop) -> list[tuple[str, int, bytes]]:
    with psycopg.connect(shop.url) as connection:
        return list(connection.execute(STORED).fetchall())


async def test_a_snapshot_of_another_version_is_ignored_and_the_newest_of_it_is_kept(shop: Shop) -> None:
    for _ in range(3):
        await shop.hire()
        await shop.route()
        await snapshots_of(shop, "router.0").save(shop.router.follower.position, encoded(shop.router))
    await a_waiting_conversation(shop)

    assert await nearest_position(shop) == 0
    at = await a_snapshot(shop)

    assert [(name, position < at) for name, position, _ in stored(shop)] == [("router.0", True), ("router.2", False)]


async def test_a_snapshot_is_sealed_and_bound_to_its_place(shop: Shop) -> None:
    await shop.hire("Mei Lin")
    first = await a_snapshot(shop)
    await a_waiting_conversation(shop)
    second = await a_snapshot(shop)

    assert all(b"Mei Lin" not in sealed for _, _, sealed in stored(shop))
    stranger = PostgresRouterSnapshots(shop.log.pool, [b"another key than that, 32 bytes."])
    assert await stranger.nearest(NEWEST) is None
    with psycopg.connect(shop.url) as connection:
        connection.execute(MOVE, (first, second))
    assert await snapshots_of(shop).nearest(NEWEST) is None


async def test_a_snapshot_that_cannot_be_read_is_passed_over(shop: Shop) -> None:
    await an_offered_conversation(shop)
    await snapshots_of(shop).save(await shop.log.head(), b"of long ago")
    late = a_router(shop)

    await late.settle()

    assert late.state.facts == shop.router.state.facts


async def test_the_router_that_leads_takes_snapshots_beside_its_work(shop: Shop) -> None:
    router = a_router(shop, Trail(snapshots_of(shop), events_between=10, seconds_between=0))
    standby = a_router(shop, Trail(snapshots_of(shop), events_between=1, seconds_between=0))
    following = asyncio.create_task(standby.run())
    with leading(router):
        for number in range(10):
            await shop.hire(f"agent {number}")
            await a_waiting_conversation(shop, f"visitor-{number}")
        head = await shop.log.head()
        assert await router.follower.reached(head, 10)
        assert await standby.follower.reached(head, 10)
    following.cancel()

    positions = [position for _, position, _ in stored(shop)]

    assert 3 <= len(positions) <= head // 10
    assert all(later - earlier >= 10 for earlier, later in pairwise(positions))


async def until_stored() -> None:
    if under_way := [task for task in asyncio.all_tasks() if task.get_name() == "router snapshot"]:
        await asyncio.wait(under_way)


async def test_facts_are_taken_as_they_are_at_that_moment(shop: Shop) -> None:
    await shop.hire()
    await shop.route()
    trail = Trail(snapshots_of(shop), events_between=1)
    facts, at = shop.router.state.facts, shop.router.follower.position
    before = msgspec.msgpack.encode(facts)

    trail.keep(facts, at)
    facts.desks.clear()
    await until_stored()

    assert await snapshots_of(shop).nearest(NEWEST) == (before, at)


async def test_a_quick_succession_of_events_takes_no_second_snapshot(shop: Shop) -> None:
    await shop.hire()
    head = await shop.log.head()
    trail = Trail(snapshots_of(shop), events_between=1, seconds_between=600)

    for position in range(1, head + 1):
        trail.keep(Facts(), position)
        await until_stored()

    assert [position for _, position, _ in stored(shop)] == [1]


def test_the_trail_gets_sparser_with_age_and_keeps_the_newest() -> None:
    kept: list[int] = []
    for position in range(20_000, 200_000_000, 20_000):
        kept.append(position)
        gone = surplus(kept)
        kept = [one for one in kept if one not in gone]

    newest = kept[-1]
    assert (newest, len(kept) < 70) == (199_980_000, True)
    ages = [newest - position for position in kept]
    for older, younger in pairwise([newest, *ages]):
        assert older - younger <= max(40_000, older / 2), "whoever explains a decision reads at most half of its age"


def test_nothing_is_surplus_of_a_few() -> None:
    assert surplus([]) == []
    assert surplus([7]) == []
    assert surplus([20_000, 40_000, 60_000]) == []
