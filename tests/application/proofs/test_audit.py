"""The audit finds nothing in a true history, and in one that was altered exactly the promise that it breaks."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from application.proofs.audit import RoutingAudit
from application.proofs.finding import Promise
from domain.agent import AgentSignedOut, LoadTaken, Presence
from domain.assignment import ConversationOffered, OfferDeclined, OfferExpired
from domain.event import Event, Recorded, Redacted
from tests.domain.routing.shop import Shop
from tests.domain.routing.situations import a_shop_with
from tests.domain.routing.test_invariants import Day
from tests.domain.situations import MEI, OLA, QUEUE

LAG = timedelta(seconds=5)
Altered = Callable[[Sequence[Recorded]], list[Recorded]]


def audited(log: Sequence[Recorded], lag: timedelta = LAG, look_ahead_events: int = 100) -> RoutingAudit:
    """After it has taken the whole log."""
    audit = RoutingAudit(lag, look_ahead_events=look_ahead_events)
    for recorded in log:
        audit.take(recorded)
    audit.finish()
    return audit


def a_busy_hour() -> Shop:
    """Two agents, three queues; offers are accepted, declined, expired and withdrawn; the router is always in time."""
    shop = a_shop_with(MEI, OLA, capacity=4)
    shop.open_queue("queue-billing", {"billing": 2})
    shop.train(OLA, {"billing": 3})
    for number in range(6):
        shop.arrive(f"c{number}", ("queue-billing", QUEUE)[number % 2], priority=number % 3)
        shop.wait(0.5)
    shop.route()
    shop.decline("c1")
    shop.route()
    shop.accept("c5")
    shop.wait(20)
    shop.route()
    shop.turn(MEI, Presence.AVAILABLE)
    shop.turn(OLA, Presence.AVAILABLE)
    shop.route()
    shop.close("c5")
    shop.route()
    return shop


def with_event(log: Sequence[Recorded], index: int, event: Event) -> list[Recorded]:
    return [replace(one, event=event) if at == index else one for at, one in enumerate(log)]


def first(log: Sequence[Recorded], kind: type[Event]) -> int:
    return next(at for at, one in enumerate(log) if isinstance(one.event, kind))


def last(log: Sequence[Recorded], kind: type[Event]) -> int:
    return max(at for at, one in enumerate(log) if isinstance(one.event, kind))


def test_a_true_history_has_no_counterexample() -> None:
    audit = audited(a_busy_hour().log)

    assert audit.findings == []
    assert audit.decisions > 5


@pytest.mark.parametrize("look_ahead_events", [50, 10_000])
@pytest.mark.parametrize("seed", range(8))
def test_random_days_have_no_counterexample(seed: int, look_ahead_events: int) -> None:
    """Under all that policies and queues can say, the router and the rules told a second time agree."""
    day, steps_seconds = Day(seed), (0, 0.5, 3)
    day.open_doors()
    for _ in range(150):
        day.go_on()
        decide_all(day.shop)
        day.shop.wait(day.random.choice(steps_seconds))
        decide_all(day.shop)

    audit = audited(day.shop.log, timedelta(seconds=max(steps_seconds)), look_ahead_events)

    assert audit.findings == []
    assert audit.late == []
    assert audit.decisions == sum(_is_decided(one.event) for one in day.shop.log) > 5


def decide_all(shop: Shop) -> None:
    """What one round sends elsewhere or lets wait again, the next one offers."""
    while shop.route():
        pass


def _is_decided(event: Event) -> bool:
    return isinstance(event, ConversationOffered) and event.choice is not None


def a_load_too_heavy(log: Sequence[Recorded]) -> list[Recorded]:
    """The last load of all is more than there was room for."""
    at = last(log, LoadTaken)
    return with_event(log, at, replace(log[at].event, units=9))


def another_winner(log: Sequence[Recorded]) -> list[Recorded]:
    """The record says that somebody else was chosen; nobody's load is touched."""
    at = first(log, ConversationOffered)
    event = log[at].event
    assert isinstance(event, ConversationOffered)
    assert event.choice is not None
    return with_event(log, at, replace(event, choice=replace(event.choice, runner_up="agent-nobody")))


def offered_twice(log: Sequence[Recorded]) -> list[Recorded]:
    """At the end something is offered to a second agent by a person, while an offer to the first one stands."""
    at = last(log, ConversationOffered)
    event = log[at].event
    assert isinstance(event, ConversationOffered)
    second = replace(event, offer_id="offer-second", agent_id="agent-second", choice=None)
    position = log[-1].position + 1
    return [*log, replace(log[at], event=second, position=position, recorded_at=log[-1].recorded_at)]


def declined_for_nothing(log: Sequence[Recorded]) -> list[Recorded]:
    at = first(log, OfferDeclined)
    return with_event(log, at, replace(log[at].event, reason=" "))


def expired_too_soon(log: Sequence[Recorded]) -> list[Recorded]:
    at = first(log, OfferExpired)
    earlier = log[at].occurred_at - timedelta(seconds=1)
    return [replace(one, occurred_at=earlier) if index == at else one for index, one in enumerate(log)]


def an_offer_that_was_never_made(log: Sequence[Recorded]) -> list[Recorded]:
    """The last offer is missing, and ten seconds later its agent leaves."""
    at = last(log, ConversationOffered)
    event = log[at].event
    assert isinstance(event, ConversationOffered)
    left = Recorded(
        event=AgentSignedOut(),
        topic=AgentSignedOut.TOPIC,
        stream=event.agent_id,
        version=1,
        position=log[-1].position + 1,
        occurred_at=log[-1].occurred_at + timedelta(seconds=10),
        recorded_at=log[-1].recorded_at + timedelta(seconds=10),
        actor="test",
    )
    return [*log[:at], *log[at + 2 :], left]


@pytest.mark.parametrize(
    ("alter", "promise"),
    [
        (a_load_too_heavy, Promise.CAPACITY),
        (another_winner, Promise.RECOMPUTED),
        (offered_twice, Promise.LIVE_OFFERS),
        (declined_for_nothing, Promise.REASONS),
        (expired_too_soon, Promise.REASONS),
        (an_offer_that_was_never_made, Promise.IDLE),
    ],
    ids=lambda given: getattr(given, "__name__", str(given)),
)
def test_a_history_that_breaks_one_promise_is_told_of_that_one_alone(alter: Altered, promise: Promise) -> None:
    history = alter(a_busy_hour().log)

    audit = audited(history)

    assert audit.counts == {promise: 1}
    (finding,) = audit.findings
    assert (finding.promise, finding.who != "", finding.what != "") == (promise, True, True)


def test_what_was_overtaken_is_told_with_both_scores() -> None:
    shop = a_shop_with(MEI)
    shop.arrive("later", QUEUE)
    shop.arrive("urgent", QUEUE, priority=5)
    shop.route()
    at = first(shop.log, ConversationOffered)

    audit = audited(with_event(shop.log, at, replace(shop.log[at].event, conversation_id="later")))

    assert audit.counts == {Promise.RECOMPUTED: 1, Promise.OVERTAKEN: 1}
    assert audit.findings[1].what == (f"later with score 1500 went to {MEI}, who could have had urgent with score 1500")


def test_what_went_to_somebody_without_the_skill_is_told() -> None:
    shop = a_shop_with(MEI, OLA)
    shop.open_queue("queue-chinese", {"lang:zh": 5})
    shop.train(OLA, {"lang:zh": 5})
    shop.arrive("chinese", "queue-chinese")
    shop.route()
    at = first(shop.log, ConversationOffered)

    audit = audited(with_event(shop.log, at, replace(shop.log[at].event, agent_id=MEI)))

    assert audit.counts == {Promise.RECOMPUTED: 1, Promise.ELIGIBLE: 1}
    assert audit.findings[1].what == f"chinese went to {MEI}, who may not have it"


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


def test_an_override_is_listed_and_is_no_counterexample() -> None:
    log = a_load_too_heavy(a_busy_hour().log)
    at = last(log, LoadTaken)

    audit = audited(with_event(log, at, replace(log[at].event, override="a birthday")))

    assert audit.findings == []
    assert [one.position for one in audit.loads.overrides] == [log[at].position]


def test_a_decision_appended_far_behind_is_kept_to_be_looked_at_apart() -> None:
    log = a_busy_hour().log

    audit = audited(log, look_ahead_events=0)

    assert audit.findings == []
    assert len(audit.late) + audit.decisions == sum(_is_decided(one.event) for one in log)
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


def test_a_decision_that_names_no_position_of_the_log_is_found() -> None:
    log = a_busy_hour().log
    at = last(log, ConversationOffered)
    event = log[at].event
    assert isinstance(event, ConversationOffered)
    assert event.choice is not None

    audit = audited(with_event(log, at, replace(event, choice=replace(event.choice, position=10_000))))

    assert audit.counts == {Promise.RECOMPUTED: 1}


def test_what_happened_before_the_stretch_asked_about_is_not_told() -> None:
    log = declined_for_nothing(a_busy_hour().log)
    at = first(log, OfferDeclined)
    audits = [RoutingAudit(LAG, after=log[at].position - 1), RoutingAudit(LAG, after=log[at].position)]

    for audit in audits:
        for recorded in log:
            audit.take(recorded)
        audit.finish()

    assert [audit.counts for audit in audits] == [{Promise.REASONS: 1}, {}]
