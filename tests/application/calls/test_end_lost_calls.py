"""Calls whose end was never told are over some day, and the customer is called back if nobody was seen to answer."""

from datetime import timedelta

import pytest

from application.follower import Follower
from application.policies.end_lost_calls import NOTE, RINGS_FOR, TALKS_FOR, EndLostCalls
from domain.calls.intake import Call
from domain.calls.stages import CallLogged, Direction, Stage
from domain.conversation import Status
from tests.application.situations import Shop, everything

pytestmark = pytest.mark.anyio


async def told(shop: Shop, stage: Stage, call_id: str = "c-1") -> str:
    """Whose call it is."""
    account_id = shop.account_id
    call = Call(
        call_id=call_id,
        direction=Direction.INBOUND,
        handle="+4930901820",
        outcome="answered" if stage is Stage.ENDED else "",
        occurred_at=shop.clock(),
        stage=stage,
    )
    _, customer_id = await shop.calls.take(shop.command(), call, account_id=account_id)
    return customer_id


async def ended(shop: Shop) -> list[CallLogged]:
    """What has been logged once a process that starts now has looked."""
    policy = EndLostCalls(shop.calls, shop.positions, shop.clock)
    await Follower(shop.log, policy).catch_up()
    await policy.look()
    return [one.event for one in await everything(shop.log) if isinstance(one.event, CallLogged)]


async def test_a_call_that_rings_for_too_long_was_missed_and_waits(shop: Shop) -> None:
    customer_id = await told(shop, Stage.RINGING)
    shop.clock.wait((RINGS_FOR - timedelta(seconds=1)).total_seconds())
    assert await ended(shop) == []

    shop.clock.wait(1)
    (missed,) = await ended(shop)

    assert (missed.outcome, missed.note) == ("missed", NOTE)
    (waiting,) = (await shop.customer(customer_id)).conversations.values()
    assert waiting.status is Status.WAITING
    assert await ended(shop) == [missed]


async def test_a_call_that_is_talked_on_may_last(shop: Shop) -> None:
    await told(shop, Stage.RINGING)
    shop.clock.wait(60)
    await told(shop, Stage.ANSWERED)
    shop.clock.wait(RINGS_FOR.total_seconds())
    assert await ended(shop) == []

    shop.clock.wait(TALKS_FOR.total_seconds())
    (over,) = await ended(shop)

    assert (over.outcome, over.duration_seconds) == ("answered", 0), "how long it took nobody knows"


async def test_a_call_whose_end_was_told_is_left_alone(shop: Shop) -> None:
    for stage in Stage:
        await told(shop, stage)
    shop.clock.wait(TALKS_FOR.total_seconds())

    (over,) = await ended(shop)

    assert over.note == ""


async def test_an_end_that_is_told_after_all_changes_nothing(shop: Shop) -> None:
    await told(shop, Stage.RINGING)
    shop.clock.wait(RINGS_FOR.total_seconds())
    lost = await ended(shop)

    await told(shop, Stage.ENDED)

    assert await ended(shop) == lost
