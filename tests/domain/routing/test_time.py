"""What time does to what waits: it asks less, goes elsewhere, or waits for the doors to open; and the timer for it."""

from datetime import timedelta

from domain.agent import Presence
from domain.conversation import Status
from domain.routing.decide import decide, next_deadline
from domain.routing.decisions import Overflow, Relax
from tests.domain.routing.reference import said
from tests.domain.routing.shop import Shop, replayed
from tests.domain.routing.situations import a_shop_where_mei_declined, a_shop_with, every
from tests.domain.situations import MEI, NOON, OLA, QUEUE

ALL_DAY = [["00:00", "24:00"]]
NIGHT = {"time_zone": "Asia/Shanghai", "weekly": {"wed": [["21:00", "24:00"]]}}
"""NOON, 12:00 UTC on a Wednesday, is 20:00 there."""


def a_shop_with_a_timetable() -> Shop:
    """Mei has the skill at level 3, where 5 is asked for, then 3, then none."""
    shop = a_shop_with(MEI, OLA)
    timetable = [
        {"after_seconds": 10, "lower": {"returns": 3}},
        {"after_seconds": 20, "drop": ["returns"], "widen": ["*"]},
    ]
    shop.open_queue(QUEUE, {"returns": 5}, groups=["day"], relaxation=timetable)
    shop.train(MEI, {"returns": 3})
    shop.entitle(MEI, groups=["day"])
    shop.arrive("first", QUEUE)
    return shop


def test_what_waits_asks_less_step_by_step() -> None:
    shop = a_shop_with_a_timetable()

    before = every(shop.decide())
    shop.wait(10)

    assert before == []
    assert every(shop.decide()) == [("Relax", "first", "1"), ("Offer", "first", MEI)]


def test_all_steps_that_are_due_are_taken_at_once() -> None:
    shop = a_shop_with_a_timetable()
    shop.turn(MEI, Presence.AWAY)

    shop.wait(25)
    relaxed, offer = shop.decide()

    assert isinstance(relaxed, Relax)
    assert (relaxed.step, relaxed.skills, relaxed.groups) == (2, {}, ())
    assert said(offer) == ("Offer", "first", OLA)


def test_a_step_once_taken_is_not_taken_again() -> None:
    shop = a_shop_with_a_timetable()
    shop.turn(MEI, Presence.AWAY)

    shop.wait(10)
    shop.route()

    assert every(shop.decide()) == []


def test_what_waits_too_long_goes_where_it_may_be_served_and_keeps_its_age() -> None:
    shop = a_shop_with(MEI)
    shop.open_queue("queue-rare", {"magic": 9}, overflow=[{"when": "waited", "limit": 30, "to_queue_id": QUEUE}])
    shop.arrive("first", "queue-rare")
    since = shop.now

    shop.wait(30)
    (overflow,) = shop.route()

    assert isinstance(overflow, Overflow)
    assert shop.router.facts.waiting["first"].waiting_since == since
    assert every(shop.decide()) == [("Offer", "first", MEI)]


def test_a_promise_is_due_when_it_was_promised() -> None:
    shop = a_shop_with(MEI)
    limit = {"when": "waited", "limit": 30, "to_queue_id": QUEUE, "promise": "callback", "within_seconds": 600}
    shop.open_queue("queue-rare", {"magic": 9}, overflow=[limit])
    shop.arrive("first", "queue-rare")

    shop.wait(30)
    shop.route()

    assert shop.router.facts.waiting["first"].due_at == shop.now + timedelta(minutes=10)


def test_what_comes_last_goes_elsewhere_where_too_many_wait() -> None:
    shop = a_shop_with()
    shop.open_queue("queue-short", {}, overflow=[{"when": "length", "limit": 2, "to_queue_id": QUEUE}])
    for name in ("first", "second", "third"):
        shop.arrive(name, "queue-short")

    assert every(shop.decide()) == [("Overflow", "third", QUEUE)]


def test_a_queue_is_served_while_it_is_open() -> None:
    shop = a_shop_with(MEI)
    shop.open_queue(QUEUE, {}, opening_hours=NIGHT)
    shop.arrive("first", QUEUE)

    closed, opens = every(shop.decide()), next_deadline(shop.router, shop.now)
    shop.wait(3_600)

    assert (closed, opens) == ([], NOON + timedelta(hours=1))
    assert every(shop.decide()) == [("Offer", "first", MEI)]


def test_work_for_a_closed_queue_goes_elsewhere_at_once() -> None:
    shop = a_shop_with(MEI)
    limit = {"when": "closed", "to_queue_id": QUEUE}
    shop.open_queue("queue-night", {}, opening_hours=NIGHT, overflow=[limit])

    shop.arrive("first", "queue-night")

    assert every(shop.decide()) == [("Overflow", "first", QUEUE)]


def test_nothing_goes_back_where_it_was_too_much() -> None:
    shop = a_shop_with()
    shop.open_queue(QUEUE, {}, overflow=[{"when": "waited", "limit": 5, "to_queue_id": "queue-2"}])
    shop.open_queue("queue-2", {}, overflow=[{"when": "waited", "limit": 5, "to_queue_id": QUEUE}])
    shop.arrive("first", QUEUE)

    shop.wait(5)
    shop.route()
    shop.wait(5)

    assert every(shop.decide()) == []
    assert next_deadline(shop.router, shop.now) is None


def test_a_router_that_starts_cold_knows_of_days_far_from_its_first_moment() -> None:
    shop = a_shop_with(MEI)
    shop.open_queue(QUEUE, {}, opening_hours={"time_zone": "UTC", "weekly": {}, "special": {"2026-11-11": ALL_DAY}})
    shop.arrive("first", QUEUE)

    cold = replayed(shop.log)

    assert every(decide(cold, shop.now)) == [("Offer", "first", MEI)]


def test_a_clock_that_steps_back_undoes_what_time_did() -> None:
    shop = a_shop_with(MEI)
    shop.open_queue(QUEUE, {}, opening_hours=NIGHT)
    shop.arrive("first", QUEUE)
    shop.wait(3_600)
    open_then = every(shop.decide())

    shop.wait(-3_600)

    assert open_then == [("Offer", "first", MEI)]
    assert every(shop.decide()) == []


def test_a_queue_that_overflows_all_the_time_keeps_nobody_elsewhere_waiting() -> None:
    shop = a_shop_with(MEI)
    shop.open_queue("queue-flood", {"magic": 9}, overflow=[{"when": "length", "limit": 1, "to_queue_id": "queue-dam"}])
    shop.open_queue("queue-dam", {"magic": 9})
    shop.open_queue(QUEUE, {})
    for number in range(2):
        shop.arrive(f"flood-{number}", "queue-flood")
    shop.arrive("elsewhere", QUEUE)

    rounds = []
    for number in range(2, 6):
        rounds.append(every(shop.route()))
        shop.arrive(f"flood-{number}", "queue-flood")

    assert rounds == [
        [("Overflow", "flood-1", "queue-dam")],
        [("Offer", "elsewhere", MEI)],
        [("Overflow", "flood-2", "queue-dam"), ("Overflow", "flood-3", "queue-dam")],
        [("Overflow", "flood-4", "queue-dam")],
    ]


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
