"""The sender's clock: pauses are as long as providers ask for, whatever happens to the time of day meanwhile."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from application.exchange.limits import PAUSE_MAX
from application.exchange.sending import Refusal, Rejected
from application.policies.steady_clock import SteadyClock
from tests.application.policies.scripted_channel import Channel, reply, sending
from tests.application.situations import NOON, Clock, Shop, an_assigned_conversation, another_process

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


FLOOD = Rejected(reason="429", refusal=Refusal.RETRY_LATER, retry_after_seconds=60, concerns_account=True)
"""The provider wants nothing from the account for a minute."""
BUSY = replace(FLOOD, concerns_account=False)
"""Nor for this one person."""


@pytest.mark.parametrize("refused", [FLOOD, BUSY])
@pytest.mark.parametrize("step", [-HOUR, HOUR])
async def test_a_clock_that_is_set_neither_lengthens_nor_shortens_a_pause(
    shop: Shop, refused: Rejected, step: timedelta
) -> None:
    case, channel = await an_assigned_conversation(shop), Channel(refused)
    sender = sending(shop, channel)
    await reply(shop, case)
    await sender.catch_up()

    shop.clock.now += step
    shop.clock.wait(59)
    await sender.catch_up()
    early = len(channel.sent)
    shop.clock.wait(1)
    await sender.catch_up()

    assert (early, len(channel.sent)) == (1, 2)


async def test_a_pause_from_a_clock_that_was_far_ahead_ends_after_a_day_at_the_latest(shop: Shop) -> None:
    case, channel = await an_assigned_conversation(shop), Channel()
    shop.clock.now += 1_000 * HOUR
    await reply(shop, case)
    await sending(shop, Channel(FLOOD)).catch_up()

    async with another_process(shop) as elsewhere:
        shop.clock.now = NOON
        sender = sending(elsewhere, channel)
        await sender.catch_up()
        shop.clock.wait(PAUSE_MAX.total_seconds() - 1)
        await sender.catch_up()
        early = len(channel.sent)
        shop.clock.wait(1)
        await sender.catch_up()

    assert (early, len(channel.sent)) == (0, 1)


def test_a_steady_clock_goes_on_as_time_does() -> None:
    clock = Clock()
    steady = SteadyClock(clock, clock.monotonic)

    clock.wait(5)
    clock.now -= HOUR

    assert steady.now() == NOON + timedelta(seconds=5)
    assert steady.of(clock.now + HOUR) == NOON + HOUR + timedelta(seconds=5)
    assert steady.of(clock.now + 2 * PAUSE_MAX) == NOON + PAUSE_MAX + timedelta(seconds=5)
