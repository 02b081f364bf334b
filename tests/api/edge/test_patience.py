"""Patience with slow requests: who waits too long is told so, whoever else cancels is heard, and others go on."""

import asyncio

import pytest

from api.http import patience
from api.http.patience import Patience

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


async def answer() -> int:
    return 42
