"""The audit finds nothing in a true history, and idle agents where the router slept."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from random import Random

import pytest
from msgspec.structs import replace

from application.log import UnreadableEvent
from application.proofs.audit import RoutingAudit
from application.proofs.finding import Promise
from application.proofs.floor import Floor
from domain.agent import Presence
from domain.assignment import ConversationEnqueued, OfferDeclined
from domain.event import Recorded, Redacted, kind_of
from domain.queue import WorkPutBack, WorkSetAside
from domain.routing.evolve import TOPICS
from tests.application.proofs.situations import LAG, a_busy_hour, audited, decide_all, first, is_decided, with_event
from tests.domain.routing.day import Day
from tests.domain.routing.situations import a_shop_with
from tests.domain.situations import MEI, OLA, QUEUE

SEEDS = range(8)


def test_a_true_history_has_no_counterexample() -> None:
    audit = audited(a_busy_hour().log)

    assert audit.findings == []
    assert audit.decisions > 5


@cache
def a_random_day(seed: int) -> list[Recorded]:
    """The router is never more than three seconds late. Some of the work is set aside, and some of it put back."""
    day = Day(seed)
    day.open_doors()
    for _ in range(150):
        day.go_on()
        decide_all(day.shop)
        day.shop.wait(day.random.choice((0, 0.5, 3)))
        decide_all(day.shop)
    return day.shop.log


@pytest.mark.parametrize("look_ahead_events", [50, 10_000])
@pytest.mark.parametrize("seed", SEEDS)
def test_random_days_have_no_counterexample(seed: int, look_ahead_events: int) -> None:
    """Under all that policies and queues can say, the router and the rules told a second time agree."""
    log = a_random_day(seed)

    audit = audited(log, timedelta(seconds=3), look_ahead_events)

    assert audit.findings == []
    assert (audit.late, audit.unproven) == ([], 0)
    assert audit.decisions == sum(is_decided(one.event) for one in log) > 5


def test_in_the_random_days_work_is_set_aside_and_put_back() -> None:
    happened = {type(one.event) for seed in SEEDS for one in a_random_day(seed)}

    assert {WorkSetAside, WorkPutBack} <= happened


def without_some(log: Sequence[Recorded], seed: int) -> list[Recorded | UnreadableEvent]:
    """As who reads it that cannot read three events about customers and agents."""
    known = [one.position for one in log if kind_of(one.stream) in ("customer", "agent") and one.topic in TOPICS]
    broken = Random(seed).sample(known, 3)
    return [
        UnreadableEvent(one.position, one.stream, one.version, one.topic, "broken") if one.position in broken else one
        for one in log
    ]


@pytest.mark.parametrize("look_ahead_events", [50, 10_000])
@pytest.mark.parametrize("seed", SEEDS)
def test_what_cannot_be_read_is_held_against_nobody(seed: int, look_ahead_events: int) -> None:
    log = a_random_day(seed)

    audit = audited(without_some(log, seed), timedelta(seconds=3), look_ahead_events, now=log[-1].recorded_at)

    assert (audit.findings, audit.late) == ([], [])
    assert audit.decisions > 5


def test_it_is_noticed_when_what_cannot_be_read_counts_on_as_it_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Floor, "lose", lambda *_: [])

    found = [audited(without_some(a_random_day(seed), seed), timedelta(seconds=3)).counts for seed in SEEDS]

    assert any(found)


def test_beside_what_cannot_be_read_everything_else_is_looked_at() -> None:
    log = a_busy_hour().log
    at = first(log, OfferDeclined)
    log = with_event(log, at, replace(log[at].event, reason=""))
    broken = next(one for one in log if one.stream == "customer-c5" and isinstance(one.event, ConversationEnqueued))

    audit = audited([
        UnreadableEvent(one.position, one.stream, one.version, one.topic, "broken") if one is broken else one
        for one in log
    ])  # fmt: skip

    assert audit.counts == {Promise.REASONS: 1}
    assert audit.unproven > 0


def test_what_rests_or_is_for_somebody_else_was_not_overtaken() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.open_queue("queue-chinese", {"lang:zh": 5})
    shop.arrive("chinese", "queue-chinese", priority=9)
    shop.arrive("declined", QUEUE, priority=5)
    shop.route()
    shop.turn(OLA, Presence.AWAY)
    shop.decline("declined")
    shop.arrive("ordinary", QUEUE)
    shop.route()

    audit = audited(shop.log)

    assert (audit.findings, audit.decisions) == ([], 2)


def test_nothing_is_idle_while_nobody_may_take_it() -> None:
    shop = a_shop_with(MEI)
    shop.open_queue("queue-chinese", {"lang:zh": 5})
    shop.arrive("chinese", "queue-chinese")
    shop.wait(3_600)
    shop.train(MEI, {"lang:zh": 6})
    shop.route()

    assert audited(shop.log).findings == []


def test_a_sleeping_router_shows_as_idle_agents_and_the_longest_is_told() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.arrive("first", QUEUE)
    shop.wait(30)
    shop.arrive("second", QUEUE)
    shop.wait(10)
    shop.route()

    audit = audited(shop.log)

    assert [(finding.promise, finding.who) for finding in audit.findings] == [
        (Promise.IDLE, "first"),
        (Promise.IDLE, "second"),
    ]
    assert audit.idle.longest == timedelta(seconds=40)
    assert audited(shop.log, timedelta(seconds=40)).findings == []


def test_what_still_waits_at_the_end_is_looked_at_too() -> None:
    shop = a_shop_with(MEI)
    shop.arrive("first", QUEUE)
    audit = RoutingAudit(LAG)
    for recorded in shop.log:
        audit.take(recorded)

    audit.finish(shop.now + timedelta(seconds=6))

    assert audit.counts == {Promise.IDLE: 1}


def test_a_decision_appended_far_behind_is_kept_to_be_looked_at_apart() -> None:
    log = a_busy_hour().log

    audit = audited(log, look_ahead_events=0)

    assert audit.findings == []
    assert len(audit.late) + audit.decisions == sum(is_decided(one.event) for one in log)
    assert audit.late


def test_decisions_beside_the_work_of_an_erased_customer_are_not_called_wrong() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.arrive("erased", QUEUE)
    shop.arrive("other", QUEUE)
    shop.route()
    log = [
        replace(one, event=Redacted(original_topic=one.topic)) if one.stream == "customer-erased" else one
        for one in shop.log
    ]

    audit = audited(log)

    assert (audit.findings, audit.unproven) == ([], 1)
