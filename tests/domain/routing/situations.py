"""Shops that the tests of the router begin in."""

from domain.agent import Presence
from domain.routing.decisions import Decision, Offer
from tests.domain.routing.reference import Said, said
from tests.domain.routing.shop import Shop
from tests.domain.situations import MEI, QUEUE


def a_shop() -> Shop:
    """Nobody is in; one queue asks for nothing."""
    shop = Shop()
    shop.open_queue(QUEUE, {})
    return shop


def a_shop_with(*agents: str, capacity: int = 2) -> Shop:
    """Agents who became available in this order, a minute apart, each with room for one chat."""
    shop = a_shop()
    for agent_id in agents:
        shop.hire(agent_id, {}, capacity)
        shop.turn(agent_id, Presence.AVAILABLE)
        shop.wait(60)
    return shop


def a_shop_where_mei_declined() -> Shop:
    shop = a_shop_with(MEI)
    shop.arrive("first", QUEUE)
    shop.route()
    shop.decline("first")
    return shop


def every(decisions: list[Decision]) -> list[Said]:
    return [said(decision) for decision in decisions]


def the_offer(shop: Shop) -> Offer:
    (decision,) = shop.decide()
    assert isinstance(decision, Offer)
    return decision
