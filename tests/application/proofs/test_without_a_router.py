"""What waits while no router leads is told as that, and what waits beside one that leads as a broken promise."""

from datetime import datetime, timedelta

import pytest

from application.proofs.finding import Promise, Unled
from application.proofs.leads import Gap, Leads
from application.router import Lead
from tests.application.proofs.situations import audited
from tests.domain.routing.shop import Shop
from tests.domain.routing.situations import a_shop_with
from tests.domain.situations import MEI, NOON, OLA, QUEUE

HOUR = 3_600.0


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def led(*stretches: tuple[float, float]) -> Leads:
    """By a router from and until so many seconds after noon."""
    return Leads(Lead(after(since), after(until)) for since, until in stretches)


def a_shop_that_waits() -> Shop:
    """Two conversations, since 120 and 130 seconds after noon, and an agent with room for one."""
    shop = a_shop_with(MEI)
    shop.wait(60)
    shop.arrive("first", QUEUE)
    shop.wait(10)
    shop.arrive("second", QUEUE)
    return shop


def test_what_waits_since_the_router_stopped_is_a_note_and_breaks_no_promise() -> None:
    shop = a_shop_that_waits()

    audit = audited(shop.log, leads=led((0, 123)), now=after(HOUR))

    assert audit.holds
    assert audit.idle.unled == [Unled(since=after(123), until=None, conversations=2)]
    assert audit.idle.longest == timedelta(0)


def test_what_a_router_overlooked_before_it_stopped_is_a_finding() -> None:
    shop = a_shop_that_waits()

    audit = audited(shop.log, leads=led((0, 126)), now=after(HOUR))

    (finding,) = audit.findings
    assert (finding.promise, finding.who) == (Promise.IDLE, "first")
    assert finding.what == f"waited {HOUR - 120:g} s while {MEI} had room for it, a router led for 6 s of them"
    assert audit.idle.unled == [Unled(since=after(126), until=None, conversations=1)]


def test_a_break_is_told_with_its_end_and_what_is_offered_after_it_is_in_time() -> None:
    shop = a_shop_that_waits()
    shop.wait(HOUR)
    came_back = shop.now - timedelta(seconds=2)
    shop.route()

    audit = audited(shop.log, leads=Leads([Lead(NOON, after(121)), Lead(came_back, after(2 * HOUR))]))

    assert audit.holds
    assert audit.idle.unled == [Unled(since=after(121), until=came_back, conversations=2)]


def test_what_still_waits_when_a_router_has_been_back_for_longer_than_the_lag_is_a_finding() -> None:
    shop = a_shop_that_waits()
    shop.wait(HOUR)
    shop.route()

    audit = audited(shop.log, leads=Leads([Lead(NOON, after(121)), Lead(shop.now - timedelta(seconds=6), shop.now)]))

    assert audit.counts == {Promise.IDLE: 2}


def test_breaks_too_short_to_matter_do_not_excuse_what_waits_through_all_of_them() -> None:
    shop = a_shop_that_waits()

    audit = audited(shop.log, leads=led((0, 200), (207, 300), (307, 400)), now=after(390))

    assert audit.counts == {Promise.IDLE: 2}


def test_nothing_is_excused_of_the_time_before_leads_were_recorded() -> None:
    shop = a_shop_that_waits()

    audits = [audited(shop.log, leads=leads, now=after(HOUR)) for leads in (Leads(), led((2 * HOUR, 3 * HOUR)))]

    assert [audit.counts for audit in audits] == [{Promise.IDLE: 2}] * 2
    assert [audit.idle.unled for audit in audits] == [[], []]


def test_nobody_is_told_of_a_break_in_which_nothing_waited_beside_room() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.wait(HOUR)
    shop.arrive("first", QUEUE)
    shop.route()

    audit = audited(shop.log, leads=Leads([Lead(NOON, after(121)), Lead(shop.now, shop.now)]), now=shop.now)

    assert (audit.findings, audit.idle.unled) == ([], [])


@pytest.mark.parametrize(
    ("since", "until", "longest", "gaps"),
    [
        (5, 8, 3, []),
        (5, 15, 5, [(10, 20)]),
        (12, 15, 0, [(10, 20)]),
        (12, 35, 10, [(10, 20), (30, None)]),
        (15, 24, 4, [(10, 20)]),
        (31, 90, 0, [(30, None)]),
        (-9, 25, 19, [(10, 20)]),
        (-9, -2, 7, []),
    ],
)
def test_of_a_time_only_the_longest_lead_without_a_break_counts(
    since: float, until: float, longest: float, gaps: list[tuple[float, float | None]]
) -> None:
    leads = led((20, 30), (0, 10))

    assert leads.longest_within(after(since), after(until)) == timedelta(seconds=longest)
    assert list(leads.gaps_within(after(since), after(until))) == [
        Gap(after(begun), None if ended is None else after(ended)) for begun, ended in gaps
    ]


def a_shop_that_opens_after_an_hour() -> Shop:
    """Mei has been there, and the work too, for most of an hour when the queue opens."""
    shop = a_shop_with(MEI)
    hours = {"time_zone": "UTC", "weekly": {"wed": [["13:00", "18:00"]]}}
    shop.open_queue(QUEUE, {}, opening_hours=hours)
    shop.arrive("first", QUEUE)
    shop.wait(HOUR - 60 + 7)
    return shop


def test_a_wait_that_is_looked_into_begins_when_the_queue_opened() -> None:
    shop = a_shop_that_opens_after_an_hour()

    audit = audited(shop.log, now=shop.now)
    patient = audited(shop.log, timedelta(seconds=7), now=shop.now)

    (finding,) = audit.findings
    assert finding.what == f"waited 7 s while {MEI} had room for it"
    assert audit.idle.longest == timedelta(seconds=7)
    assert patient.holds


def test_a_router_that_led_only_while_the_queue_was_closed_overlooked_nothing() -> None:
    shop = a_shop_that_opens_after_an_hour()

    audit = audited(shop.log, leads=led((0, HOUR)), now=shop.now)

    assert audit.holds
    assert audit.idle.unled == [Unled(since=after(HOUR), until=None, conversations=1)]
