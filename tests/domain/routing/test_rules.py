"""What policies and queues may say beyond skills: who goes first, who may be asked, and what time changes."""

from datetime import timedelta

import pytest

from domain.agent import Presence
from domain.policy import ChoiceRule, RoutingPolicy
from domain.routing.decide import next_deadline
from tests.domain.routing.shop import Shop
from tests.domain.routing.situations import a_shop_with, every, the_offer
from tests.domain.situations import KAI, MEI, OLA, QUEUE


def served(shop: Shop) -> list[str]:
    return [decision.conversation_id for decision in shop.decide()]


def a_shop_with_two_waiting(rules: RoutingPolicy) -> Shop:
    """One agent with room for one chat; `first` came a minute before `second`."""
    shop = a_shop_with(MEI)
    shop.turn(MEI, Presence.AWAY)
    shop.adopt(rules)
    shop.arrive("first", QUEUE)
    shop.wait(60)
    shop.arrive("second", QUEUE)
    return shop


@pytest.mark.parametrize("boost_seconds", [59, 61])
def test_a_tier_is_worth_its_boost(boost_seconds: int) -> None:
    shop = a_shop_with_two_waiting(RoutingPolicy(tiers={"vip": boost_seconds}))
    shop.classify("second", tier="vip")

    shop.turn(MEI, Presence.AVAILABLE)

    assert served(shop) == ["second" if boost_seconds > 60 else "first"]


def test_a_mood_is_worth_its_boost() -> None:
    shop = a_shop_with_two_waiting(RoutingPolicy(sentiments={"angry": 90}))
    shop.classify("second", sentiment="angry")

    shop.turn(MEI, Presence.AVAILABLE)

    assert the_offer(shop).choice.parts == {"age": 0.0, "sentiment": 90}


def test_an_age_adjusted_counts_in_the_order_and_not_in_the_wait() -> None:
    shop = a_shop_with_two_waiting(RoutingPolicy())
    shop.adjust_age("second", 61)

    shop.turn(MEI, Presence.AVAILABLE)

    assert served(shop) == ["second"]
    assert shop.router.facts.waiting["second"].waiting_since == shop.now


def test_a_deadline_that_nears_goes_before_what_is_older() -> None:
    shop = a_shop_with(MEI)
    shop.adopt(RoutingPolicy(deadline_lead_seconds=10))
    shop.turn(MEI, Presence.AWAY)
    shop.open_queue("queue-patient", {}, service_level_seconds=3_600)
    shop.arrive("patient", "queue-patient")
    shop.wait(1)
    shop.arrive("urgent", QUEUE)  # due in a minute

    shop.wait(49)
    before = next_deadline(shop.router, shop.now)
    shop.turn(MEI, Presence.AVAILABLE)
    assert served(shop) == ["patient"]
    shop.wait(1)

    assert before == shop.now
    assert served(shop) == ["urgent"]


def test_a_language_asks_for_its_skill() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.adopt(RoutingPolicy(language_prefix="lang:", language_level=4))
    shop.train(OLA, {"lang:zh": 4})
    shop.arrive("first", QUEUE)
    shop.classify("first", language="zh")

    assert every(shop.decide()) == [("Offer", "first", OLA)]


def test_only_members_of_the_queues_groups_serve_it() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.open_queue(QUEUE, {}, groups=["night", "day"])
    shop.entitle(OLA, groups=["night"])

    shop.arrive("first", QUEUE)

    assert every(shop.decide()) == [("Offer", "first", OLA)]


def test_an_agent_serves_only_the_channels_they_may() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.entitle(MEI, channels=["email"])

    shop.arrive("first", QUEUE)

    assert every(shop.decide()) == [("Offer", "first", OLA)]


def test_a_skill_counts_until_it_ends() -> None:
    shop = a_shop_with(MEI)
    shop.open_queue(QUEUE, {"returns": 3})
    shop.train(MEI, {"returns": 5}, {"returns": shop.now + timedelta(seconds=30)})

    shop.arrive("first", QUEUE)
    in_time = every(shop.decide())
    shop.wait(30)

    assert in_time == [("Offer", "first", MEI)]
    assert every(shop.decide()) == []


def test_those_with_the_preferred_skills_are_asked_first_and_the_others_all_the_same() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.open_queue(QUEUE, {}, preferred_skills={"returns": 2})
    shop.train(OLA, {"returns": 2})

    shop.arrive("first", QUEUE)
    shop.arrive("second", QUEUE)

    assert every(shop.decide()) == [("Offer", "first", OLA), ("Offer", "second", MEI)]
    assert [decision.choice.preference for decision in shop.decide()] == ["preferred_skills", ""]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("rule", "chosen"),
    [
        (ChoiceRule.LONGEST_IDLE, MEI),
        (ChoiceRule.MOST_SKILLED, OLA),
        (ChoiceRule.LEAST_LOADED, KAI),
        (ChoiceRule.WEIGHTED, OLA),
    ],
)
def test_each_way_of_choosing_chooses_its_own(rule: ChoiceRule, chosen: str) -> None:
    """Mei has been idle for longest, Ola knows most, Kai has the most room by far."""
    shop = a_shop_with(MEI, OLA, KAI, capacity=4)
    for agent_id, level in ((MEI, 3), (OLA, 9), (KAI, 5)):
        shop.train(agent_id, {"returns": level})
    shop.allow(KAI, 40)
    for number in range(3):
        shop.arrive(f"held {number}", QUEUE)
        shop.route()
        shop.wait(1)
    shop.open_queue(QUEUE, {"returns": 1}, choice=rule)

    shop.arrive("first", QUEUE)

    assert every(shop.decide()) == [("Offer", "first", chosen)]


def a_shop_whose_customer_knows_mei() -> Shop:
    """Mei served the conversation, handed it back and has no room; Ola has."""
    shop = a_shop_with(MEI)
    shop.adopt(RoutingPolicy(known_agent_seconds=30))
    shop.arrive("first", QUEUE)
    shop.route()
    shop.accept("first")
    shop.transfer("first", QUEUE)
    shop.allow(MEI, 0)
    shop.hire(OLA, {}, 2)
    shop.turn(OLA, Presence.AVAILABLE)
    return shop


def test_a_customer_waits_for_the_agent_who_knows_them() -> None:
    shop = a_shop_whose_customer_knows_mei()

    before = every(shop.decide())
    shop.allow(MEI, 2)

    assert before == []
    assert the_offer(shop).agent_id == MEI
    assert the_offer(shop).choice.preference == "known_agent"


def test_waiting_for_the_agent_who_knows_them_is_over_in_time() -> None:
    shop = a_shop_whose_customer_knows_mei()
    over = next_deadline(shop.router, shop.now)

    shop.wait(30)

    assert over == shop.now
    assert every(shop.decide()) == [("Offer", "first", OLA)]


@pytest.mark.parametrize(("dropped", "offers"), [([], []), (["lang:zh"], [("Offer", "first", MEI)])])
def test_a_language_that_was_given_up_is_not_asked_for_again_wherever_it_goes(
    dropped: list[str], offers: list[tuple[str, str, str]]
) -> None:
    """It goes on twice, and nobody speaks it."""
    shop = a_shop_with(MEI)
    shop.adopt(RoutingPolicy(language_prefix="lang:"))
    nobody = {"groups": ("nobody",), "relaxation": [{"after_seconds": 5, "drop": dropped}]}
    shop.open_queue(QUEUE, {}, **nobody, overflow=[{"when": "waited", "limit": 10, "to_queue_id": "queue-2"}])
    shop.open_queue("queue-2", {"returns": 1}, overflow=[{"when": "waited", "limit": 10, "to_queue_id": "queue-3"}])
    shop.open_queue("queue-3", {})
    shop.arrive("first", QUEUE)
    shop.classify("first", language="zh")
    for _ in range(4):
        shop.wait(5)
        shop.route()

    _, one = shop.find("first")
    assert (one.queue_id, one.language) == ("queue-3", "zh")
    assert every(shop.decide()) == offers


@pytest.mark.parametrize("leaves_by", [Presence.AWAY, Presence.OFFLINE])
def test_nobody_waits_for_an_agent_who_is_not_there(leaves_by: Presence) -> None:
    shop = a_shop_whose_customer_knows_mei()

    shop.turn(MEI, leaves_by)

    assert every(shop.decide()) == [("Offer", "first", OLA)]


def test_what_is_not_carried_out_is_decided_again_whatever_has_become_of_its_line() -> None:
    shop = a_shop_whose_customer_knows_mei()
    shop.allow(MEI, 2)
    decided = every(shop.decide())

    shop.open_queue("queue-billing", {"billing": 1})
    shop.arrive("second", "queue-billing")

    assert decided == [("Offer", "first", MEI)]
    assert every(shop.decide()) == decided


def test_what_is_put_back_waits_in_its_line_and_is_decided_again() -> None:
    shop = a_shop_with(MEI)
    shop.arrive("first", QUEUE)
    decided = every(shop.decide())

    shop.router.put_back()

    assert shop.router.lines.is_waiting("first")
    assert every(shop.decide()) == decided == [("Offer", "first", MEI)]


def test_the_line_for_one_agent_hides_no_other_once_it_is_empty() -> None:
    """Its number has no meaning any more, and is not the number of the last line."""
    shop = a_shop_whose_customer_knows_mei()
    shop.open_queue("queue-nobody", {"unheard of": 1})
    shop.open_queue("queue-billing", {"billing": 1})
    shop.train(OLA, {"billing": 1})
    shop.allow(OLA, 0)
    shop.arrive("for nobody", "queue-nobody")
    shop.arrive("second", "queue-billing")
    before = every(shop.decide())

    shop.allow(MEI, 2)
    shop.allow(OLA, 2)

    assert before == []
    assert every(shop.decide()) == [("Offer", "first", MEI), ("Offer", "second", OLA)]
