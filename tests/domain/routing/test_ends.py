"""What comes back: offers declined, run out or withdrawn, and the moments that a timer waits for."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.agent import Presence
from domain.conversation import Status
from domain.policy import RoutingPolicy
from domain.routing.decide import next_deadline
from domain.routing.decisions import Expire, Offer, Withdraw
from tests.domain.routing.shop import Shop
from tests.domain.routing.situations import a_shop_where_mei_declined, a_shop_with, every, the_offer
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


def test_an_offer_that_ran_out_ends_and_goes_to_somebody_else_in_one_list() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.arrive("first", QUEUE)
    shop.route()
    shop.wait(20)

    decisions = shop.decide()

    assert every(decisions) == [("Expire", "first", MEI), ("Offer", "first", OLA)]


def test_who_missed_an_offer_is_not_asked_in_the_same_list() -> None:
    shop = a_shop_with(MEI)
    shop.arrive("first", QUEUE)
    shop.route()
    shop.wait(20)

    (decision,) = shop.decide()

    assert isinstance(decision, Expire)
    assert (decision.customer_id, decision.agent_id) == ("customer-first", MEI)


def test_an_offer_stands_until_its_time_is_over() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.arrive("first", QUEUE)
    shop.route()
    shop.wait(19.999)

    decisions = shop.decide()

    assert decisions == []


def test_an_offer_to_somebody_who_signed_out_is_withdrawn() -> None:
    shop = a_shop_with(MEI)
    shop.arrive("first", QUEUE)
    (offer,) = shop.route()
    shop.turn(MEI, Presence.OFFLINE)
    shop.wait(20)

    (decision,) = shop.decide()

    assert isinstance(decision, Withdraw)
    assert isinstance(offer, Offer)
    assert (decision.offer_id, decision.agent_id, decision.reason) == (offer.offer_id, MEI, "signed_out")


def test_an_offer_to_somebody_who_went_away_stands() -> None:
    shop = a_shop_with(MEI)
    shop.arrive("first", QUEUE)
    shop.route()
    shop.turn(MEI, Presence.AWAY)

    decisions = shop.decide()

    assert decisions == []


def test_the_queue_says_how_long_an_offer_stands() -> None:
    shop = a_shop_with(MEI)
    shop.open_queue(QUEUE, {}, offer_timeout_seconds=7)
    shop.arrive("first", QUEUE)

    offer = the_offer(shop)

    assert offer.expires_at == shop.now + timedelta(seconds=7)


def test_the_policy_says_how_long_an_offer_stands_where_the_queue_does_not() -> None:
    shop = a_shop_with(MEI)
    shop.adopt(RoutingPolicy(offer_timeout_seconds=33))
    shop.arrive("first", QUEUE)

    offer = the_offer(shop)

    assert offer.expires_at == shop.now + timedelta(seconds=33)


def test_the_timer_waits_for_nothing_where_nothing_is_under_way() -> None:
    shop = a_shop_with(MEI)

    deadline = next_deadline(shop.router, shop.now)

    assert deadline is None


def test_the_timer_waits_for_the_first_offer_that_runs_out() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.arrive("first", QUEUE)
    shop.route()
    shop.wait(5)
    shop.arrive("second", QUEUE)
    shop.route()

    deadline = next_deadline(shop.router, shop.now)

    assert deadline == shop.now + timedelta(seconds=15)


def test_the_timer_forgets_an_offer_that_was_answered() -> None:
    shop = a_shop_with(MEI)
    shop.arrive("first", QUEUE)
    shop.route()
    shop.accept("first")

    deadline = next_deadline(shop.router, shop.now)

    assert deadline is None


def test_the_timer_waits_for_the_end_of_a_rest() -> None:
    shop = a_shop_where_mei_declined()

    deadline = next_deadline(shop.router, shop.now)

    assert deadline == shop.now + timedelta(seconds=60)


def test_the_timer_leaves_what_is_due_to_the_decision() -> None:
    shop = a_shop_with(MEI)
    shop.arrive("first", QUEUE)
    shop.route()
    shop.wait(20)

    deadline = next_deadline(shop.router, shop.now)

    assert deadline is None
    assert [one.id for _, one in shop.every(Status.OFFERED)] == ["first"]
