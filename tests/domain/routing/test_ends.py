"""What comes back: offers that ran out or are withdrawn."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.agent import Presence
from domain.assignment import ConversationOffered
from domain.policy import RoutingPolicy
from domain.routing.decide import next_deadline
from domain.routing.decisions import Expire, Offer, Withdraw
from tests.domain.routing.shop import Shop
from tests.domain.routing.situations import a_shop, a_shop_with, every, the_offer
from tests.domain.situations import MEI, NOON, OLA, QUEUE


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


def a_shop_for_returns(*, mei_until: float | None = None) -> Shop:
    """The first is offered to Mei, who can do it; so can Ola, who came later."""
    shop = a_shop()
    shop.open_queue(QUEUE, {"returns": 3}, groups=["day"])
    for agent_id in (MEI, OLA):
        shop.hire(agent_id, {}, 4)
        expires = {"returns": shop.now + timedelta(seconds=mei_until)} if mei_until and agent_id == MEI else None
        shop.train(agent_id, {"returns": 5}, expires)
        shop.entitle(agent_id, groups=["day"])
    shop.turn(MEI, Presence.AVAILABLE)
    shop.arrive("first", QUEUE)
    shop.route()
    shop.turn(OLA, Presence.AVAILABLE)
    shop.wait(5)
    return shop


def unlearn(shop: Shop) -> None:
    shop.train(MEI, {"returns": 2})


def leave_the_group(shop: Shop) -> None:
    shop.entitle(MEI, groups=["night"])


def lose_the_channel(shop: Shop) -> None:
    shop.entitle(MEI, groups=["day"], channels=["email"])


def ask_more(shop: Shop) -> None:
    shop.open_queue(QUEUE, {"returns": 3, "lang:zh": 1}, groups=["day"])
    shop.train(OLA, {"returns": 5, "lang:zh": 1})


def ask_another_group(shop: Shop) -> None:
    shop.open_queue(QUEUE, {"returns": 3}, groups=["late"])
    shop.entitle(OLA, groups=["late"])


def learn_the_language(shop: Shop) -> None:
    shop.train(OLA, {"returns": 5, "lang:zh": 1})
    shop.adopt(RoutingPolicy(language_prefix="lang:"))
    shop.classify("first", language="zh")


@pytest.mark.parametrize(
    ("lose", "lack"),
    [
        (unlearn, "no skill returns at level 3, has 2"),
        (leave_the_group, "in none of the groups day"),
        (lose_the_channel, "does not serve webchat"),
        (ask_more, "no skill lang:zh at level 1, has 0"),
        (ask_another_group, "in none of the groups late"),
        (learn_the_language, "no skill lang:zh at level 1, has 0"),
    ],
)
def test_an_offer_is_withdrawn_from_who_may_not_have_it_any_more(lose: Callable[[Shop], None], lack: str) -> None:
    shop = a_shop_for_returns()
    lose(shop)

    decisions = shop.decide()

    assert every(decisions) == [("Withdraw", "first", MEI), ("Offer", "first", OLA)]
    assert isinstance(decisions[0], Withdraw)
    assert decisions[0].reason == f"not eligible: {lack}"


def test_an_offer_ends_with_the_skill_that_it_needs_and_the_timer_knows_when() -> None:
    shop = a_shop_for_returns(mei_until=10)
    before, deadline = shop.decide(), next_deadline(shop.router, shop.now)
    shop.wait(5)

    decisions = shop.decide()

    assert before == []
    assert deadline == NOON + timedelta(seconds=10)
    assert every(decisions) == [("Withdraw", "first", MEI), ("Offer", "first", OLA)]


def test_what_is_withdrawn_waits_on_with_its_age_and_nobody_rests_from_it() -> None:
    shop = a_shop_for_returns()
    shop.turn(OLA, Presence.AWAY)
    unlearn(shop)
    shop.route()
    shop.train(MEI, {"returns": 9})

    shop.route()

    assert shop.find("first")[1].agent_id == MEI
    offered = [one.event for one in shop.log if isinstance(one.event, ConversationOffered)]
    assert [offer.choice and offer.choice.score for offer in offered] == [0, 5]


def test_who_loses_an_offer_is_asked_at_once_for_what_they_may_have() -> None:
    shop = a_shop_for_returns()
    shop.turn(OLA, Presence.OFFLINE)
    shop.open_queue("queue-other", {})
    shop.allow(MEI, 2)
    shop.arrive("second", "queue-other")
    unlearn(shop)

    decisions = shop.decide()

    assert every(decisions) == [("Withdraw", "first", MEI), ("Offer", "second", MEI)]


def test_what_is_accepted_stays_with_who_may_not_be_offered_it_any_more() -> None:
    shop = a_shop_for_returns()
    shop.accept("first")
    unlearn(shop)

    decisions = shop.decide()

    assert decisions == []


def test_who_can_do_it_again_before_anybody_looked_keeps_the_offer() -> None:
    shop = a_shop_for_returns()
    unlearn(shop)
    shop.train(MEI, {"returns": 3})

    decisions = shop.decide()

    assert decisions == []


def test_less_capacity_takes_no_offer_away() -> None:
    shop = a_shop_for_returns()
    shop.allow(MEI, 0)

    decisions = shop.decide()

    assert decisions == []
