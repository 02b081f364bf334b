"""The router's past is the same from the beginning of the log and from any state stored on the way."""

import msgspec
import pytest

from application.explaining.past import router_at
from tests.application.situations import Shop, a_waiting_conversation, an_offered_conversation

pytestmark = pytest.mark.anyio


class KeptStates:
    """States of the router by position, as they were kept."""

    def __init__(self, stored: dict[int, bytes]) -> None:
        self.stored = stored

    async def nearest(self, position: int) -> tuple[bytes, int] | None:
        found = max((at for at in self.stored if at <= position), default=None)
        return None if found is None else (self.stored[found], found)


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
    kept = msgspec.msgpack.encode((await router_at(shop.log, first)).facts)
    later = msgspec.msgpack.encode((await router_at(shop.log, third)).facts)
    snapshots = KeptStates({first: kept, third: later})

    then = await router_at(shop.log, second, snapshots)

    assert then.facts == (await router_at(shop.log, second)).facts


async def test_a_stored_state_that_cannot_be_read_costs_only_time(shop: Shop) -> None:
    first, second, _ = await a_history(shop)

    then = await router_at(shop.log, second, KeptStates({first: b"\xc1"}))

    assert then.facts == (await router_at(shop.log, second)).facts
