"""Patience with slow requests: who takes too much time or room is told so, and others go on."""

import asyncio
import time
from typing import Any

import pytest

from api.http import patience
from api.http.bodies import read_body
from api.http.patience import Patience, Room
from api.http.refusals import BodyTooSlow, NoRoom

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "TICK_SECONDS", 0.01)


async def test_a_wait_that_takes_too_long_is_ended_and_its_task_goes_on() -> None:
    patient = Patience(0.0)

    with pytest.raises(TimeoutError):
        await patient.wait_for(asyncio.Event().wait())

    assert await patient.wait_for(answer()) == 42


async def test_what_comes_in_time_is_given_and_the_timer_stops() -> None:
    patient = Patience(60.0)

    given = await asyncio.gather(*(patient.wait_for(answer()) for _ in range(3)))
    while patient._timer is not None:  # noqa: ASYNC110  # it ends by itself at its next tick
        await asyncio.sleep(0)

    assert given == [42, 42, 42]


async def test_somebody_elses_cancellation_is_no_time_out() -> None:
    waiting = asyncio.create_task(Patience(60.0).wait_for(asyncio.Event().wait()))
    await asyncio.sleep(0)

    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_body_that_comes_in_drops_is_given_up_although_it_never_pauses_for_long() -> None:
    pieces = iter([b"x"] * 1_000)

    async def a_drop() -> Any:
        later = time.monotonic() + 0.001
        while time.monotonic() < later:  # noqa: ASYNC110  # it is about time, and nobody sets an event
            await asyncio.sleep(0)
        return {"type": "http.request", "body": next(pieces), "more_body": True}

    with pytest.raises(BodyTooSlow):
        await read_body(a_drop, None, 1_000, Patience(0.02), Room(1_000))

    assert next(pieces, None) is not None


async def test_bodies_under_way_share_the_room_until_they_are_over() -> None:
    room, is_in, may_go = Room(100), asyncio.Event(), asyncio.Event()

    async def the_first() -> None:
        room.take(60)
        is_in.set()
        await may_go.wait()
        room.leave()

    first = asyncio.create_task(the_first())
    await is_in.wait()
    with pytest.raises(NoRoom):
        room.take(60)
    room.take(40)
    room.leave()
    may_go.set()
    await first

    room.take(60)


async def test_a_body_alone_has_room_however_large() -> None:
    room = Room(100)

    room.take(80)
    room.take(80)

    with pytest.raises(NoRoom):
        await asyncio.create_task(another(room))


async def another(room: Room) -> None:
    room.take(1)


async def answer() -> int:
    return 42
