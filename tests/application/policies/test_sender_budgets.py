"""A restart is no way around an account's rates: the next sender knows from the log what was sent before it began."""

import contextlib
from datetime import timedelta

import pytest

from application.exchange.limits import Limits, Rate
from application.exchange.spent import Spent
from channels.edge.limits import LIMITS
from tests.application.policies.scripted_channel import NOT_NOW, Channel, Killed, reply, sending
from tests.application.situations import NOON, Case, Shop, an_assigned_conversation

pytestmark = pytest.mark.anyio
QUARTER = 15 * 60


async def replies(shop: Shop, case: Case, number: int) -> None:
    for nth in range(number):
        await reply(shop, case, f"Part {nth}")


async def sent_by_a_new_process(shop: Shop, channel: Channel, limits: Limits) -> int:
    """How many have left in all once a sender that starts now has done what is due."""
    await sending(shop, channel, limits).catch_up()
    return len(channel.sent)


async def test_fifteen_messages_of_x_in_a_quarter_stay_fifteen_across_restarts(shop: Shop) -> None:
    case, channel = await an_assigned_conversation(shop), Channel()
    await replies(shop, case, 10)
    assert await sent_by_a_new_process(shop, channel, LIMITS["x"]) == 10
    shop.clock.wait(60)
    await replies(shop, case, 10)
    assert await sent_by_a_new_process(shop, channel, LIMITS["x"]) == 15

    shop.clock.wait(QUARTER - 61)
    assert await sent_by_a_new_process(shop, channel, LIMITS["x"]) == 15
    shop.clock.wait(1)
    assert await sent_by_a_new_process(shop, channel, LIMITS["x"]) == 20


async def test_what_was_sent_in_a_day_counts_for_a_day(shop: Shop) -> None:
    daily = Limits(rates=(Rate(2, 60.0), Rate(3, 86_400.0)))
    case, channel = await an_assigned_conversation(shop), Channel()
    await replies(shop, case, 2)
    await sent_by_a_new_process(shop, channel, daily)
    shop.clock.wait(3_600)
    await replies(shop, case, 3)

    sent = [await sent_by_a_new_process(shop, channel, daily)]
    shop.clock.wait(86_400 - 3_601)
    sent.append(await sent_by_a_new_process(shop, channel, daily))
    shop.clock.wait(1)
    sent.append(await sent_by_a_new_process(shop, channel, daily))

    assert sent == [3, 3, 5]


async def test_one_person_is_spared_by_the_next_sender_too(shop: Shop) -> None:
    case, channel = await an_assigned_conversation(shop), Channel()
    await replies(shop, case, 1)
    await sent_by_a_new_process(shop, channel, LIMITS["whatsapp"])
    await replies(shop, case, 1)

    shop.clock.wait(5)
    assert await sent_by_a_new_process(shop, channel, LIMITS["whatsapp"]) == 1
    shop.clock.wait(1)
    assert await sent_by_a_new_process(shop, channel, LIMITS["whatsapp"]) == 2


async def test_what_another_account_sent_is_not_counted(shop: Shop) -> None:
    case, channel = await an_assigned_conversation(shop), Channel()
    await replies(shop, case, 15)
    await sent_by_a_new_process(shop, channel, LIMITS["x"])

    mine = await Spent(shop.log, shop.states).budget(shop.account_id, LIMITS["x"], shop.clock(), shop.clock())
    others = await Spent(shop.log, shop.states).budget("account-" + "0" * 32, LIMITS["x"], shop.clock(), shop.clock())

    assert mine.free_at(shop.clock()) == NOON + timedelta(seconds=QUARTER)
    assert others.free_at(shop.clock()) == NOON


@pytest.mark.parametrize("answer", [NOT_NOW, Killed()])
async def test_an_attempt_counts_whatever_came_of_it(shop: Shop, answer: object) -> None:
    one_a_minute = Limits(rates=(Rate(1, 60.0),))
    case, channel = await an_assigned_conversation(shop), Channel(answer)  # type: ignore[arg-type]
    await replies(shop, case, 1)
    with contextlib.suppress(Killed):
        await sent_by_a_new_process(shop, channel, one_a_minute)

    budget = await Spent(shop.log, shop.states).budget(shop.account_id, one_a_minute, shop.clock(), shop.clock())

    assert budget.free_at(shop.clock()) == shop.clock() + timedelta(seconds=60)


async def test_a_reply_written_long_ago_and_tried_now_counts_now(shop: Shop) -> None:
    one_a_minute = Limits(rates=(Rate(1, 60.0),))
    case, channel = await an_assigned_conversation(shop), Channel(NOT_NOW)
    await replies(shop, case, 1)
    await sent_by_a_new_process(shop, channel, one_a_minute)
    shop.clock.wait(3_600)
    assert await sent_by_a_new_process(shop, channel, one_a_minute) == 2

    budget = await Spent(shop.log, shop.states).budget(shop.account_id, one_a_minute, shop.clock(), shop.clock())

    assert budget.free_at(shop.clock()) == shop.clock() + timedelta(seconds=60)


async def test_a_sender_that_has_been_alone_for_long_need_not_look(shop: Shop) -> None:
    case, channel = await an_assigned_conversation(shop), Channel()
    await replies(shop, case, 15)
    await sent_by_a_new_process(shop, channel, LIMITS["x"])
    spent, now = Spent(shop.log, shop.states), shop.clock()

    lately = await spent.budget(shop.account_id, LIMITS["x"], now, now - timedelta(hours=23))
    long_ago = await spent.budget(shop.account_id, LIMITS["x"], now, now - timedelta(hours=25))

    assert lately.free_at(now) > now
    assert long_ago.free_at(now) == now
