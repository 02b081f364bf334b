"""Expected waits beside a router on the real log: kept, taken over, fenced, tidied, and told how old they are."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from application.expectations.expect_waits import ExpectWaits
from application.expectations.expectation import VIEW, Changed, Expectation, ExpectationsMoved, First, Outcome, Tally
from application.follower import Follower
from infrastructure.expectations import PostgresExpectations
from infrastructure.log.pool import ReadPool
from tests.application.situations import NOON, Case, Shop, a_waiting_conversation

pytestmark = pytest.mark.anyio
ENOUGH = 8


@pytest.fixture
async def store(shop: Shop) -> AsyncIterator[PostgresExpectations]:
    pool = ReadPool(shop.url, connections_max=2, timeout_seconds=10)
    await pool.open()
    made = PostgresExpectations(shop.url, pool)
    await made.open()
    yield made
    await pool.close()


class Beside:
    """What runs beside the shop's router, one step at a time."""

    def __init__(self, shop: Shop, store: PostgresExpectations) -> None:
        self.shop = shop
        self.outcomes: list[Outcome] = []
        self.revisions: list[int] = []
        self.waits = ExpectWaits(
            shop.log, shop.router, store, shop.clock, self.outcomes.append, [lambda _, at: self.revisions.append(at)]
        )
        self.follower = Follower(shop.log, self.waits)

    async def look(self) -> None:
        await self.follower.catch_up()
        await self.shop.router.follower.catch_up()
        await self.waits.look()


async def a_line(shop: Shop, length: int) -> list[Case]:
    line = []
    for number in range(length):
        line.append(await a_waiting_conversation(shop, f"customer {number}"))
        shop.clock.wait(1)
    return line


async def served(beside: Beside, line: list[Case], seconds_each: float) -> None:
    """Mei takes them one after the other."""
    shop = beside.shop
    for case in line:
        shop.clock.wait(seconds_each)
        await shop.route()
        offered = await shop.case(case)
        await shop.accept(offered)
        await shop.serve.close(shop.command(), *offered.ids, "solved")
        await beside.look()


async def test_what_is_told_is_kept_and_says_when_it_was_checked(shop: Shop, store: PostgresExpectations) -> None:
    beside, line = Beside(shop, store), await a_line(shop, 2)

    await beside.look()

    shown = await store.shown([case.conversation_id for case in line])
    assert shown.checked_at == shop.clock()
    assert [shown.expectations[case.conversation_id].place for case in line] == [1, 2]
    assert beside.revisions == [2]


async def test_nothing_is_written_while_nothing_changes(shop: Shop, store: PostgresExpectations) -> None:
    beside = Beside(shop, store)
    await a_line(shop, 2)
    await beside.look()
    before = shop.clock()

    shop.clock.wait(4)
    await beside.look()
    unchanged = await store.shown([])
    shop.clock.wait(1)
    await beside.look()

    assert unchanged.checked_at == before
    assert (await store.shown([])).checked_at == before + timedelta(seconds=5)
    assert beside.revisions == [2]


async def test_waits_that_ended_are_counted_by_queue_and_day(shop: Shop, store: PostgresExpectations) -> None:
    beside, line = Beside(shop, store), await a_line(shop, ENOUGH + 3)
    await beside.look()
    await shop.hire(capacity=2)

    await served(beside, line, 10.0)

    tallies = await store.tallies(shop.queue_id, NOON.date())
    assert (
        sum(one.taken for one in tallies) == len(beside.outcomes) == len(line) - 6
    )  # six are taken before it is known
    assert {(one.queue_id, one.day) for one in tallies} == {(shop.queue_id, NOON.date())}
    assert await store.tallies(shop.queue_id, NOON.date() + timedelta(days=1)) == []


async def test_whoever_takes_over_knows_the_pace_and_what_was_first_said(
    shop: Shop, store: PostgresExpectations
) -> None:
    before, line = Beside(shop, store), await a_line(shop, ENOUGH + 3)
    await before.look()
    await shop.hire(capacity=2)
    await served(before, line[:ENOUGH], 10.0)
    last = line[-1].conversation_id
    told = (await store.shown([last])).expectations[last]

    after = Beside(shop, store)
    await after.look()
    await served(after, line[ENOUGH:], 10.0)

    again = (await store.load()).firsts
    assert told.expected_seconds is not None
    assert [one.first.at for one in after.outcomes] == [min(one.first.at for one in after.outcomes)] * 3
    assert all(one.first.at < told.as_of + timedelta(seconds=1) for one in after.outcomes)
    assert again == {}


async def test_a_writer_that_was_overtaken_writes_nothing(shop: Shop, store: PostgresExpectations) -> None:
    beside, other = Beside(shop, store), Beside(shop, store)
    await other.waits.start()
    await a_line(shop, 1)
    await beside.look()

    with pytest.raises(ExpectationsMoved):
        await store.save(Changed(gone=[("conversation-1", shop.queue_id)]), after=0, at=shop.clock())

    assert (await store.load()).revision == 1


async def test_marks_of_those_who_left_are_dropped_behind_the_horizon(shop: Shop, store: PostgresExpectations) -> None:
    one = Expectation(id="conversation-1", customer_id="customer-1", queue_id="queue-1", place=1, as_of=NOON)
    await store.save(Changed(told=[one]), after=0, at=NOON)
    await store.save(Changed(gone=[one.key]), after=1, at=NOON)
    marked = await store.changes(VIEW, ["queue-1", "customer-1"], 1, 10)

    await store.save(Changed(told=[one]), after=2, at=NOON + timedelta(minutes=1))
    await store.save(Changed(gone=[one.key]), after=3, at=NOON + timedelta(minutes=1))
    await store.save(Changed(), after=4, at=NOON + timedelta(hours=1))

    found = await store.changes(VIEW, ["queue-1"], 0, 10)
    assert [(change.scope, change.key, change.is_gone) for change in marked.changes] == [
        ("queue-1", "conversation-1", True),
        ("customer-1", "conversation-1", True),
    ]
    assert (found.changes, found.position, found.horizon) == ([], 4, 4)


async def test_changes_come_in_order_and_never_end_within_one(shop: Shop, store: PostgresExpectations) -> None:
    told = [
        Expectation(id=f"conversation-{place}", customer_id="customer-1", queue_id="queue-1", place=place, as_of=NOON)
        for place in range(1, 5)
    ]
    await store.save(Changed(told=told), after=0, at=NOON)

    found = await store.changes(VIEW, ["queue-1", "customer-1"], 0, 4)
    rest = await store.changes(VIEW, ["queue-1", "customer-1"], found.position, 10)

    assert [change.position for change in found.changes] == [1, 1, 2, 2]
    assert (found.position, found.is_complete) == (2, False)
    assert ([change.position for change in rest.changes], rest.is_complete) == ([3, 3, 4, 4], True)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("scope", ["queue-1", "queue-2", "customer-1"])
async def test_an_old_snapshot_and_what_changed_since_make_a_new_one(
    shop: Shop, store: PostgresExpectations, scope: str, seed: int
) -> None:
    chance, revision = random.Random(seed), 0
    keys = [(f"conversation-{number}", f"queue-{queue}") for number in range(6) for queue in (1, 2)]
    before, seen = await store.snapshot(VIEW, scope, 100), dict[str, bytes]()
    for step in range(12):
        moved = chance.sample(keys, 4)
        told = [
            Expectation(id=one, customer_id=f"customer-{one[-1]}", queue_id=queue_id, place=step + 1, as_of=NOON)
            for one, queue_id in {key[0]: key for key in moved[:2]}.values()
        ]
        gone = {key for key in keys if key[0] in {one.id for one in told}} - {one.key for one in told} | {moved[3]}
        changed = Changed(told=told, gone=sorted(gone - {one.key for one in told}))
        revision = await store.save(changed, after=revision, at=NOON)

    position = before.position
    while (found := await store.changes(VIEW, [scope], position, 3)).changes:
        for change in found.changes:
            seen.pop(change.key, None)
            if not change.is_gone:
                seen[change.key] = change.doc
        position = found.position

    after = await store.snapshot(VIEW, scope, 100)
    assert seen == {row.key: row.doc for row in after.rows}
    assert position == after.position == revision


async def test_sums_of_a_day_add_up(shop: Shop, store: PostgresExpectations) -> None:
    def of_an_hour(**counts: Any) -> Tally:
        return Tally(queue_id="queue-1", day=NOON.date(), bucket=60, **counts)

    one = of_an_hour(taken=2, within=1, longer=1, error_seconds=12.5, absolute_error_seconds=20.0)
    other = of_an_hour(taken=1, shorter=1, given_up=3, error_seconds=-2.5, absolute_error_seconds=2.5)

    await store.save(Changed(tallies=[one]), after=0, at=NOON)
    await store.save(Changed(tallies=[other]), after=0, at=NOON)

    expected = of_an_hour(
        taken=3, within=1, shorter=1, longer=1, given_up=3, error_seconds=10.0, absolute_error_seconds=22.5
    )
    assert await store.tallies("queue-1", NOON.date()) == [expected]


async def test_a_wait_that_goes_on_beyond_its_band_is_counted_while_it_does(
    shop: Shop, store: PostgresExpectations
) -> None:
    told = [
        Expectation(id=f"conversation-{one}", customer_id="customer-1", queue_id="queue-1", place=1, as_of=NOON)
        for one in range(3)
    ]
    first = First(at=NOON, expected_seconds=40.0, low_seconds=10.0, high_seconds=64.0)
    later = replace(first, at=NOON + timedelta(seconds=30))
    firsts = {told[0].key: first, told[1].key: later}  # of the third, nothing was known
    await store.save(Changed(told=told, firsts=firsts), after=0, at=NOON)

    in_time = await store.overdue("queue-1")
    await store.save(Changed(), after=3, at=NOON + timedelta(seconds=65))
    one_beyond, elsewhere = await store.overdue("queue-1"), await store.overdue("queue-2")
    await store.save(Changed(gone=[told[0].key]), after=3, at=NOON + timedelta(seconds=66))

    assert (in_time, one_beyond, elsewhere) == ({}, {30: 1}, {})
    assert await store.overdue("queue-1") == {}


async def test_before_anything_was_told_nothing_is_shown(shop: Shop, store: PostgresExpectations) -> None:
    shown, found = await store.shown(["conversation-1"]), await store.snapshot(VIEW, "queue-1", 10)

    assert (shown.expectations, shown.checked_at) == ({}, None)
    assert (found.rows, found.position) == ([], 0)
