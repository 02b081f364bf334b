"""What was declined: who is asked next, and who not again before their rest is over."""

from collections.abc import Callable

import pytest

from domain.agent import Presence
from tests.domain.routing.shop import Shop
from tests.domain.routing.situations import a_shop_where_mei_declined, a_shop_with, every
from tests.domain.situations import KAI, MEI, OLA, QUEUE


def test_who_declined_is_passed_over_for_others() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.arrive("first", QUEUE)
    shop.route()
    shop.decline("first")

    decisions = shop.decide()

    assert every(decisions) == [("Offer", "first", OLA)]


def test_who_declined_first_is_asked_again_once_everybody_declined() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.arrive("first", QUEUE)
    shop.route()
    shop.decline("first")
    shop.route()
    shop.decline("first")

    decisions = shop.decide()

    assert every(decisions) == [("Offer", "first", MEI)]


def a_shop_where_both_declined() -> Shop:
    """Mei and then Ola, each for a minute; Kai is busy."""
    shop = a_shop_with(KAI, MEI, OLA)
    shop.arrive("for Kai", QUEUE)
    shop.route()
    shop.accept("for Kai")
    shop.arrive("first", QUEUE)
    for _ in range(2):
        shop.route()
        shop.decline("first")
        shop.wait(1)
    return shop


def test_nobody_is_asked_again_before_their_rest_is_over_while_somebody_else_is_only_busy() -> None:
    shop = a_shop_where_both_declined()

    asked_at_once = shop.decide()
    shop.wait(58)

    assert asked_at_once == []
    assert every(shop.decide()) == [("Offer", "first", MEI)]


def test_who_was_busy_is_asked_before_who_declined() -> None:
    shop = a_shop_where_both_declined()

    shop.close("for Kai")

    assert every(shop.decide()) == [("Offer", "first", KAI)]


@pytest.mark.parametrize(
    "leave",
    [
        lambda shop: shop.turn(KAI, Presence.AWAY),
        lambda shop: shop.turn(KAI, Presence.OFFLINE),
        lambda shop: shop.train(KAI, {}),
        lambda shop: shop.allow(KAI, 1),
        lambda shop: shop.entitle(KAI, channels=["email"]),
    ],
    ids=["away", "signed out", "unlearnt", "too little capacity", "off the channel"],
)
def test_who_declined_is_asked_again_at_once_when_nobody_else_is_left(leave: Callable[[Shop], None]) -> None:
    shop = a_shop_where_both_declined()
    for agent_id in (KAI, MEI, OLA):
        shop.train(agent_id, {"returns": 1})
    shop.open_queue(QUEUE, {"returns": 1})
    before = shop.decide()

    leave(shop)

    assert before == []
    assert every(shop.decide()) == [("Offer", "first", MEI)]


def test_who_declined_is_asked_again_in_the_list_in_which_the_last_other_misses_an_offer() -> None:
    shop = a_shop_with(KAI, MEI, OLA, capacity=4)
    shop.allow(KAI, 2)
    shop.open_queue(QUEUE, {}, offer_timeout_seconds=5)
    shop.arrive("for Kai", QUEUE)
    shop.route()
    shop.arrive("first", QUEUE)
    for _ in range(2):
        shop.route()
        shop.decline("first")
    before = shop.decide()

    shop.wait(5)

    assert before == []
    assert every(shop.decide()) == [("Expire", "for Kai", KAI), ("Offer", "for Kai", MEI), ("Offer", "first", MEI)]


def test_the_only_agent_is_asked_again_after_the_rest() -> None:
    shop = a_shop_where_mei_declined()
    asked_at_once = shop.decide()
    shop.wait(60)

    decisions = shop.decide()

    assert asked_at_once == []
    assert every(decisions) == [("Offer", "first", MEI)]


def test_what_everybody_declined_holds_nothing_up_behind_it() -> None:
    shop = a_shop_where_mei_declined()
    shop.arrive("second", QUEUE)

    decisions = shop.decide()

    assert every(decisions) == [("Offer", "second", MEI)]
