"""The router's past is the same from the beginning of the log and from any state stored on the way."""

import msgspec
import pytest

from application.explaining.past import router_at
from infrastructure.router_snapshots import PostgresRouterSnapshots
from tests.application.situations import MASTER_KEY, Shop, a_waiting_conversation, an_offered_conversation

pytestmark = pytest.mark.anyio


def kept(shop: Shop) -> PostgresRouterSnapshots:
    return PostgresRouterSnapshots(shop.log.pool, [MASTER_KEY])


async def a_history(shop: Shop) -> list[int]:
    """Positions after each of its parts."""
    positions = []
    for handle in ("one", "two", "three"):
        await an_offered_conversation(shop, handle)
        await a_waiting_conversation(shop, f"{handle} more")
        shop.clock.wait(25)
        await shop.route()
        positions.append(await shop.log.head())
    return positions


async def test_it_stands_at_the_position_and_knows_nothing_behind_it(shop: Shop) -> None:
    first, second, _ = await a_history(shop)

    then = await router_at(shop.log, first)

    assert then.facts.position <= first
    assert then.facts != (await router_at(shop.log, second)).facts


async def test_a_stored_state_and_the_rest_of_the_log_tell_the_same(shop: Shop) -> None:
    first, second, third = await a_history(shop)
    for position in (first, third):
        await kept(shop).save(position, msgspec.msgpack.encode((await router_at(shop.log, position)).facts))

    then = await router_at(shop.log, second, kept(shop))

    assert then.facts == (await router_at(shop.log, second)).facts


async def test_a_stored_state_that_cannot_be_read_costs_only_time(shop: Shop) -> None:
    first, second, _ = await a_history(shop)
    await kept(shop).save(first, b"\xc1")

    then = await router_at(shop.log, second, kept(shop))

    assert then.facts == (await router_at(shop.log, second)).facts
