"""What a decision says about itself, and that it can be taken again."""

from datetime import timedelta

import msgspec

from domain.agent import Presence
from domain.policy import RoutingPolicy
from domain.routing.decide import decide, recompute
from domain.routing.decisions import Offer
from domain.routing.facts import EDITION
from tests.domain.routing.shop import replayed
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
