"""What a decision says about itself, for whom it waits, and that it can be taken again."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from domain.agent import Presence
from domain.policy import RoutingPolicy
from domain.routing.decide import decide, next_deadline, recompute
from domain.routing.decisions import Offer
from domain.routing.facts import EDITION
from tests.domain.routing.shop import Shop, replayed
from tests.domain.routing.situations import a_shop_with, every, the_offer
from tests.domain.situations import KAI, MEI, NOON, OLA, QUEUE


def test_a_choice_says_why() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.adopt(RoutingPolicy())
    shop.arrive("first", QUEUE, priority=2)
    shop.wait(1.5)

    offer = the_offer(shop)

    assert msgspec.to_builtins(offer.choice, builtin_types=[type(NOON)]) == {
        "position": len(shop.log),
        "ordinal": 0,
        "decided_at": shop.now,
        "policy_version": 1,
        "rule": "longest_idle",
        "score": 601.5,
        "eligible": 2,
        "idle_since": NOON,
        "runner_up": OLA,
        "runner_up_idle_since": NOON + timedelta(minutes=1),
        "parts": {"age": 1.5, "priority": 600},
        "edition": EDITION,
    }


def test_a_choice_without_alternative_names_no_runner_up() -> None:
    shop = a_shop_with(MEI)
    shop.arrive("first", QUEUE)

    choice = the_offer(shop).choice

    assert (choice.eligible, choice.runner_up, choice.runner_up_idle_since) == (1, None, None)


def test_asking_again_gives_the_same_and_leaves_the_state_alone() -> None:
    shop = a_shop_with(MEI, OLA)
    for number in range(3):
        shop.arrive(f"chat {number}", QUEUE)
    before = msgspec.msgpack.encode(shop.router.facts)

    first, second = shop.decide(), shop.decide()

    assert first == second
    assert len(first) == 2
    assert msgspec.msgpack.encode(shop.router.facts) == before


def test_a_decision_is_recomputed_from_the_log() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.arrive("first", QUEUE)
    shop.arrive("second", QUEUE)
    _, offer = shop.route()
    assert isinstance(offer, Offer)

    again = recompute(replayed(shop.log[: offer.choice.position]), offer.choice)

    assert again == offer


def test_a_decision_of_an_earlier_edition_is_taken_again_by_the_rules_of_its_day() -> None:
    """By the clock Mei is idle for longer, by the order of events Ola is; then both decline, and Kai is busy."""
    shop = a_shop_with(KAI, OLA, MEI)
    shop.adopt(RoutingPolicy(decline_rest_seconds=600))
    shop.arrive("for Kai", QUEUE)
    shop.route()
    shop.wait(-3_600)
    shop.turn(MEI, Presence.AWAY)
    shop.turn(MEI, Presence.AVAILABLE)
    shop.arrive("first", QUEUE)

    of_old = [decide(shop.router, shop.now, edition=1)]
    of_now = [shop.decide()]
    for _ in range(2):
        shop.route()
        shop.decline("first")
        of_old.append(decide(shop.router, shop.now, edition=1))
        of_now.append(shop.decide())

    assert [every(one) for one in of_old] == [[("Offer", "first", agent_id)] for agent_id in (MEI, MEI, OLA)]
    assert [every(one) for one in of_now] == [[("Offer", "first", OLA)], [("Offer", "first", MEI)], []]
    (again,) = of_old[0]
    assert isinstance(again, Offer)
    assert again.choice.edition == 1
    cold = replayed(shop.log)
    for choice in (again.choice,):
        assert recompute(replayed(shop.log[: choice.position]), choice) == again
    assert every(decide(cold, shop.now, edition=1)) == [("Offer", "first", OLA)]


def test_a_choice_that_was_never_made_cannot_be_recomputed() -> None:
    shop = a_shop_with(MEI)
    shop.arrive("first", QUEUE)
    invented = msgspec.structs.replace(the_offer(shop).choice, ordinal=1)

    again = recompute(shop.router, invented)

    assert again is None


def test_a_list_ends_at_its_limit_and_the_next_goes_on() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.arrive("first", QUEUE)
    shop.arrive("second", QUEUE)

    first = shop.route(limit=1)
    second = shop.route(limit=1)

    assert every(first) == [("Offer", "first", MEI)]
    assert every(second) == [("Offer", "second", OLA)]


def a_shop_that_waits_for_mei() -> Shop:
    """Somebody named Mei for what waits. She has no room; Ola has."""
    shop = a_shop_with(MEI, OLA)
    shop.adopt(RoutingPolicy(preferred_agent_seconds=30, known_agent_seconds=10))
    shop.allow(MEI, 1)
    shop.arrive("first", QUEUE)
    shop.wait(100)
    shop.prefer("first", MEI)
    return shop


def test_it_waits_for_the_agent_who_was_named_from_then_on() -> None:
    shop = a_shop_that_waits_for_mei()

    before = every(shop.decide())
    shop.allow(MEI, 2)

    assert before == []
    choice = the_offer(shop).choice
    assert every(shop.decide()) == [("Offer", "first", MEI)]
    assert (choice.preference, choice.passed_over) == ("preferred_agent", "")


def test_waiting_for_the_agent_who_was_named_is_over_in_time() -> None:
    shop = a_shop_that_waits_for_mei()
    over = next_deadline(shop.router, shop.now)

    shop.wait(30)

    assert over == shop.now
    assert every(shop.decide()) == [("Offer", "first", OLA)]
    assert the_offer(shop).choice.passed_over == f"{MEI}: waited for until {shop.now.isoformat()}"


@pytest.mark.parametrize(
    ("change", "passed_over"),
    [
        (lambda shop: shop.turn(MEI, Presence.AWAY), f"{MEI}: away"),
        (lambda shop: shop.turn(MEI, Presence.OFFLINE), f"{MEI}: offline"),
        (lambda shop: shop.open_queue(QUEUE, {}, groups=["night"]), f"{MEI}: in none of the groups night"),
        (lambda shop: shop.transfer("first", QUEUE, {"returns": 1}), f"{MEI}: no skill returns at level 1, has 0"),
        (lambda shop: shop.entitle(MEI, channels=["email"]), f"{MEI}: does not serve webchat"),
        (lambda shop: shop.prefer("first", "agent-nobody"), "agent-nobody: there is no such agent"),
        (lambda shop: shop.adopt(RoutingPolicy(preferred_agent_seconds=0)), f"{MEI}: the policy waits for nobody"),
        (lambda shop: shop.prefer("first", None), ""),
    ],
    ids=["away", "signed out", "group", "skill", "channel", "unknown", "policy", "taken back"],
)
def test_it_goes_to_somebody_else_at_once_where_waiting_is_pointless_and_says_why(
    change: Callable[[Shop], None], passed_over: str
) -> None:
    shop = a_shop_that_waits_for_mei()
    shop.entitle(OLA, groups=["night"])
    shop.train(OLA, {"returns": 1})

    change(shop)

    assert every(shop.decide()) == [("Offer", "first", OLA)]
    assert the_offer(shop).choice.passed_over == passed_over


def test_who_was_named_and_declines_is_waited_for_no_longer() -> None:
    shop = a_shop_that_waits_for_mei()
    shop.allow(MEI, 2)
    shop.route()

    shop.decline("first")

    assert every(shop.decide()) == [("Offer", "first", OLA)]
    assert the_offer(shop).choice.passed_over == f"{MEI}: declined it"


def test_who_was_named_goes_before_who_knows_the_customer_and_they_before_others() -> None:
    shop = a_shop_that_waits_for_mei()
    shop.hire(KAI, {}, 2)
    shop.turn(KAI, Presence.AVAILABLE)
    shop.prefer("first", KAI)
    shop.route()
    shop.accept("first")
    shop.prefer("first", OLA)
    shop.transfer("first", QUEUE)

    for_the_named = every(shop.decide())
    shop.turn(OLA, Presence.AWAY)
    choice = the_offer(shop).choice

    assert for_the_named == [("Offer", "first", OLA)]
    assert every(shop.decide()) == [("Offer", "first", KAI)]
    assert (choice.preference, choice.passed_over) == ("known_agent", f"{OLA}: away")
