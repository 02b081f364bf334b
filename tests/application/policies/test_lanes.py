"""Lanes: each account's attachments wait apart, nothing is lost where one is full, and what is left is known."""

import asyncio
from collections.abc import Callable

import pytest

from application.policies.lanes import AT_ONCE_MAX, Lanes, Waiting
from tests.application.policies.media.situations import until
from tests.application.situations import NOON

pytestmark = pytest.mark.anyio


def waiting(account_id: str, position: int, index: int = 0) -> Waiting:
    return Waiting(account_id, position, index, NOON)


class Work:
    """Settles what it is told to; the rest hangs until it may go on."""

    def __init__(self, hangs: Callable[[Waiting], bool] = lambda _: False) -> None:
        self.tried: list[tuple[str, int]] = []
        self.settled: list[tuple[str, int]] = []
        self.may_go_on = asyncio.Event()
        self.stored: list[Waiting] = []
        """What can be read again."""
        self._hangs = hangs

    async def attempt(self, one: Waiting) -> float | None:
        self.tried.append((one.account_id, one.position))
        if self._hangs(one):
            await self.may_go_on.wait()
        self.settled.append((one.account_id, one.position))
        return None

    async def read_again(self, after: int) -> tuple[list[Waiting], int]:
        """Three at a time."""
        found = [one for one in self.stored if one.position > after][:3]
        done = set(self.settled)
        upto = found[-1].position if found else max(one.position for one in self.stored)
        return [
            waiting(one.account_id, one.position) for one in found if (one.account_id, one.position) not in done
        ], upto


async def settled(work: Work, count: int) -> None:
    await until(lambda: len(work.settled) >= count)


async def test_a_lane_that_hangs_holds_up_no_other() -> None:
    work = Work(hangs=lambda one: one.account_id == "stuck")
    lanes = Lanes(work.attempt, work.read_again)

    lanes.take([waiting("stuck", place) for place in range(1, 11)] + [waiting("other", 11)], 11)
    await settled(work, 1)

    assert work.settled == [("other", 11)]
    assert len(work.tried) == AT_ONCE_MAX + 1
    assert (lanes.waiting, lanes.settled, lanes.oldest_since) == (10, 0, NOON)
    work.may_go_on.set()
    await lanes.idle()
    assert (lanes.waiting, lanes.settled, lanes.oldest_since) == (0, 11, None)


async def test_what_is_settled_ends_below_the_oldest_that_is_not() -> None:
    work = Work(hangs=lambda one: one.position == 5)
    lanes = Lanes(work.attempt, work.read_again)

    lanes.take([waiting("a", place) for place in (3, 5, 7)], 9)
    await settled(work, 2)

    assert lanes.settled == 4
    work.may_go_on.set()
    await lanes.idle()
    assert lanes.settled == 9


async def test_a_full_lane_leaves_the_rest_where_it_is_and_goes_back_for_it() -> None:
    work = Work(hangs=lambda _: True)
    lanes = Lanes(work.attempt, work.read_again, waiting_max=4)
    work.stored = [waiting("ab"[place % 2], place) for place in range(1, 41)]

    lanes.take(work.stored[:30], 30)
    lanes.take(work.stored[30:], 40)

    assert (lanes.waiting, lanes.settled) == (8, 0)
    work.may_go_on.set()
    await lanes.idle()
    assert sorted(set(work.settled)) == sorted((one.account_id, one.position) for one in work.stored)
    assert len(work.settled) == 40
    assert lanes.settled == 40


async def test_what_is_taken_twice_is_tried_once() -> None:
    work = Work(hangs=lambda _: True)
    lanes = Lanes(work.attempt, work.read_again)

    lanes.take([waiting("a", 1), waiting("a", 1, 1)], 1)
    lanes.begin(0)
    lanes.take([waiting("a", 1), waiting("a", 1, 1)], 1)
    work.may_go_on.set()
    await lanes.idle()

    assert work.settled == [("a", 1), ("a", 1)]


async def test_what_fails_in_a_way_nobody_foresaw_stays_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    async def attempt(one: Waiting) -> float | None:
        if one.position == 1:
            raise ZeroDivisionError
        return await work.attempt(one)

    work = Work()
    lanes = Lanes(attempt, work.read_again)

    lanes.take([waiting("a", 1), waiting("a", 2)], 2)
    await settled(work, 1)

    assert work.settled == [("a", 2)]
    assert (lanes.waiting, lanes.settled) == (1, 0)
    assert "it is tried again" in caplog.text
    await lanes.close()
    assert lanes.waiting == 0
