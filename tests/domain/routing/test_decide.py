"""Who may be asked, and who is."""

from domain.agent import Presence
from tests.domain.routing.situations import a_shop, a_shop_with, every
from tests.domain.situations import MEI, OLA, QUEUE


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
