"""What goes first: one score, boost plus age, over all that waits."""

from tests.domain.routing.situations import a_shop_with, every
from tests.domain.situations import MEI, QUEUE


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
