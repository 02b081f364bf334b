"""Who may be asked, who is, and what goes first: one score, boost plus age, over all that waits."""

from datetime import timedelta

import pytest

from domain.agent import Presence
from domain.policy import ChoiceRule, RoutingPolicy
from domain.routing.explain import explain
from tests.domain.routing.situations import a_shop, a_shop_with, every
from tests.domain.situations import MEI, NOON, OLA, QUEUE


def test_nothing_is_decided_where_nothing_waits() -> None:
    shop = a_shop_with(MEI)

    decisions = shop.decide()

    assert decisions == []


def test_nothing_is_decided_where_nobody_is_available() -> None:
    shop = a_shop()
    shop.hire(MEI, {}, 6)
    shop.turn(MEI, Presence.AWAY)
    shop.arrive("first", QUEUE)

    decisions = shop.decide()

    assert decisions == []


def test_the_longest_idle_agent_is_asked() -> None:
    shop = a_shop_with(OLA, MEI)
    shop.arrive("first", QUEUE)

    decisions = shop.decide()

    assert every(decisions) == [("Offer", "first", OLA)]


def test_the_lower_id_is_asked_of_two_who_are_idle_equally_long() -> None:
    shop = a_shop_with(OLA, MEI)
    shop.turn(OLA, Presence.AWAY)
    shop.turn(MEI, Presence.AWAY)
    shop.turn(OLA, Presence.AVAILABLE)
    shop.turn(MEI, Presence.AVAILABLE)
    shop.arrive("first", QUEUE)

    decisions = shop.decide()

    assert every(decisions) == [("Offer", "first", MEI)]


@pytest.mark.parametrize("choice", ChoiceRule)
def test_a_clock_that_is_set_back_turns_nobodys_turn_round(choice: ChoiceRule) -> None:
    """Mei has just got free, at a time that the clock shows for the second time; Ola has been idle all the while."""
    shop = a_shop_with(MEI, OLA)
    shop.adopt(RoutingPolicy(choice=choice))
    shop.arrive("before", QUEUE)
    shop.route()
    shop.accept("before")
    shop.wait(-3_600)
    shop.close("before")

    shop.arrive("first", QUEUE)
    shop.arrive("second", QUEUE)

    assert every(shop.decide()) == [("Offer", "first", OLA), ("Offer", "second", MEI)]
    assert [one.agent_id for one in explain(shop.router, shop.now, "first")] == [OLA, MEI]
    assert shop.router.facts.desks[OLA].idle[-1] == NOON + timedelta(minutes=1)


def test_an_agent_needs_every_skill_at_its_level() -> None:
    shop = a_shop_with("agent-1", "agent-2", "agent-3")
    shop.open_queue(QUEUE, {"returns": 3, "lang:zh": 5})
    shop.train("agent-1", {"returns": 10})
    shop.train("agent-2", {"returns": 10, "lang:zh": 4})
    shop.train("agent-3", {"returns": 3, "lang:zh": 5})
    shop.arrive("first", QUEUE)

    decisions = shop.decide()

    assert every(decisions) == [("Offer", "first", "agent-3")]


def test_an_agent_needs_room_for_the_units_of_the_channel() -> None:
    shop = a_shop_with(MEI, capacity=5)
    shop.arrive("a call", QUEUE, channel="phone")
    shop.arrive("a chat", QUEUE, channel="webchat")

    decisions = shop.decide()

    assert every(decisions) == [("Offer", "a chat", MEI)]


def test_one_list_fills_nobody_beyond_their_room() -> None:
    shop = a_shop_with(MEI, capacity=5)
    for number in range(4):
        shop.arrive(f"chat {number}", QUEUE)

    decisions = shop.decide()

    assert every(decisions) == [("Offer", "chat 0", MEI), ("Offer", "chat 1", MEI)]


def test_one_list_spreads_work_over_agents_who_could_hold_more() -> None:
    shop = a_shop_with(MEI, OLA, capacity=6)
    for number in range(3):
        shop.arrive(f"chat {number}", QUEUE)

    decisions = shop.decide()

    assert every(decisions) == [("Offer", "chat 0", MEI), ("Offer", "chat 1", OLA), ("Offer", "chat 2", MEI)]


def test_what_is_offered_is_not_offered_again() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.arrive("first", QUEUE)
    shop.route()

    decisions = shop.decide()

    assert decisions == []


def test_the_event_that_frees_capacity_is_enough_to_drain_what_waits() -> None:
    shop = a_shop_with(MEI)
    shop.arrive("first", QUEUE)
    shop.arrive("second", QUEUE)
    shop.route()
    shop.accept("first")
    shop.close("first")

    decisions = shop.decide()

    assert every(decisions) == [("Offer", "second", MEI)]


def test_work_on_hold_leaves_room_for_other_work() -> None:
    shop = a_shop_with(MEI)
    shop.arrive("first", QUEUE)
    shop.arrive("second", QUEUE)
    shop.route()
    shop.accept("first")
    shop.hold("first")

    decisions = shop.decide()

    assert every(decisions) == [("Offer", "second", MEI)]


def test_what_waits_longer_goes_first() -> None:
    shop = a_shop_with(MEI)
    shop.arrive("second by name", QUEUE)
    shop.wait(1)
    shop.arrive("first by name", QUEUE)

    decisions = shop.decide()

    assert every(decisions) == [("Offer", "second by name", MEI)]


def test_what_was_enqueued_first_goes_first_at_the_same_moment() -> None:
    shop = a_shop_with(MEI)
    shop.arrive("b", QUEUE)
    shop.arrive("a", QUEUE)

    decisions = shop.decide()

    assert every(decisions) == [("Offer", "b", MEI)]


def test_a_point_of_priority_is_worth_its_boost_in_waiting_time() -> None:
    shop = a_shop_with(MEI)
    shop.arrive("ordinary", QUEUE)
    shop.wait(299)
    shop.arrive("urgent", QUEUE, priority=1)

    decisions = shop.decide()

    assert every(decisions) == [("Offer", "urgent", MEI)]


def test_age_overtakes_priority_in_the_end() -> None:
    shop = a_shop_with(MEI)
    shop.arrive("ordinary", QUEUE)
    shop.wait(301)
    shop.arrive("urgent", QUEUE, priority=1)

    decisions = shop.decide()

    assert every(decisions) == [("Offer", "ordinary", MEI)]


def test_a_lower_score_is_served_where_nobody_may_take_the_higher() -> None:
    shop = a_shop_with(MEI)
    shop.open_queue("queue-chinese", {"lang:zh": 5})
    shop.arrive("chinese", "queue-chinese", priority=10)
    shop.arrive("ordinary", QUEUE)

    decisions = shop.decide()

    assert every(decisions) == [("Offer", "ordinary", MEI)]


def test_priority_set_while_waiting_counts() -> None:
    shop = a_shop_with(MEI)
    shop.arrive("first", QUEUE)
    shop.arrive("second", QUEUE)
    shop.prioritize("second", 5)

    decisions = shop.decide()

    assert every(decisions) == [("Offer", "second", MEI)]


def test_a_transfer_keeps_the_age() -> None:
    shop = a_shop_with(MEI)
    shop.open_queue("queue-billing", {})
    shop.arrive("first", QUEUE)
    shop.wait(1)
    shop.arrive("second", "queue-billing")
    shop.transfer("first", "queue-billing")

    decisions = shop.decide()

    assert every(decisions) == [("Offer", "first", MEI)]
