"""What goes first: one score, boost plus age, over all that waits."""

from domain.policy import ChoiceRule
from domain.routing.lines import Lines, Terms
from domain.workload import Ask
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


def for_one(agent_id: str) -> Terms:
    ask = Ask(channel="webchat", units=2)
    return Terms(skills=(), groups=(), preferred=(), ask=ask, choice=ChoiceRule.LONGEST_IDLE, agent_id=agent_id)


def test_who_comes_back_to_a_forgotten_line_stands_in_the_one_that_took_its_place() -> None:
    lines = Lines()
    for position, agent_id in enumerate(("kim", "lee"), 1):
        lines.join(agent_id, lines.line(for_one(agent_id)), key=1, position=position)
    stood = lines.leave("kim")
    lines.leave("lee")
    lines.join("another", lines.line(for_one("kim")), key=2, position=3)

    assert stood is not None
    lines.put_back("kim", *stood)

    now = lines.line(for_one("kim"))
    assert lines.line_of("kim") is now
    assert [lines.conversations[place] for place in now.waiting] == ["kim", "another"]
    assert lines.first[now.number] == now.waiting[0]
