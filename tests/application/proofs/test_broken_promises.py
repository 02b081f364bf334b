"""A history that was altered is told of exactly the promise that it breaks."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from application.proofs.audit import RoutingAudit
from application.proofs.finding import Promise
from domain.agent import AgentSignedOut, LoadTaken, Presence
from domain.assignment import ConversationOffered, OfferDeclined, OfferExpired
from domain.event import Recorded
from domain.policy import RoutingPolicy
from domain.routing.decide import decide
from domain.routing.decisions import Offer
from tests.application.proofs.situations import (
    LAG,
    a_busy_hour,
    audited,
    first,
    last,
    with_event,
)
from tests.domain.routing.situations import a_shop_with
from tests.domain.situations import KAI, MEI, OLA, QUEUE

Altered = Callable[[Sequence[Recorded]], list[Recorded]]


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


@pytest.mark.parametrize(
    ("rules", "score"), [(RoutingPolicy(tiers={"vip": 600}), 608), (RoutingPolicy(deadline_lead_seconds=55), 3_608)]
)
def test_what_was_overtaken_is_weighed_by_the_rules_of_that_moment(rules: RoutingPolicy, score: int) -> None:
    """They came when both waited; the deadline of the second neared after that."""
    shop = a_shop_with(MEI)
    shop.open_queue("queue-patient", {}, service_level_seconds=600)
    shop.arrive("earlier", "queue-patient")
    shop.wait(1)
    shop.arrive("urgent", QUEUE)
    shop.classify("urgent", tier="vip")
    shop.adopt(rules)
    shop.wait(8)
    shop.route()
    at = first(shop.log, ConversationOffered)

    audit = audited(with_event(shop.log, at, replace(shop.log[at].event, conversation_id="earlier")))

    (overtaken,) = [one for one in audit.findings if one.promise is Promise.OVERTAKEN]
    assert overtaken.what.endswith(f"who could have had urgent with score {score}")


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


def test_an_override_is_listed_and_is_no_counterexample() -> None:
    log = a_load_too_heavy(a_busy_hour().log)
    at = last(log, LoadTaken)

    audit = audited(with_event(log, at, replace(log[at].event, override="a birthday")))

    assert audit.findings == []
    assert [one.position for one in audit.loads.overrides] == [log[at].position]


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


@pytest.mark.parametrize(("edition", "counts"), [(1, {}), (2, {Promise.RECOMPUTED: 1, Promise.ELIGIBLE: 1})])
def test_who_is_asked_again_too_soon_is_found_by_the_rules_of_the_day(edition: int, counts: dict[Promise, int]) -> None:
    """Mei and Ola have declined it and Kai is busy; by the first edition of the rules Mei is asked again at once."""
    shop = a_shop_with(KAI, MEI, OLA)
    shop.arrive("for Kai", QUEUE)
    shop.route()
    shop.accept("for Kai")
    shop.arrive("first", QUEUE)
    for _ in range(2):
        shop.route()
        shop.decline("first")
    (again,) = decide(shop.router, shop.now, edition=1)
    assert isinstance(again, Offer)
    shop.obey(replace(again, choice=replace(again.choice, edition=edition)))

    assert audited(shop.log).counts == counts


@pytest.mark.parametrize(("named_is", "counts"), [(Presence.AVAILABLE, {}), (Presence.AWAY, {Promise.IDLE: 1})])
def test_what_waits_for_somebody_who_is_not_there_is_found(named_is: Presence, counts: dict[Promise, int]) -> None:
    """Mei, who has no room, was named for it; Ola has room, and in the end she leaves without having been asked."""
    shop = a_shop_with(MEI, OLA)
    shop.allow(MEI, 1)
    shop.arrive("first", QUEUE)
    shop.prefer("first", MEI)
    shop.turn(MEI, named_is)
    shop.wait(10)
    shop.turn(OLA, Presence.OFFLINE)

    assert audited(shop.log).counts == counts


def test_where_the_rules_wait_for_nobody_they_do_not_with_a_clock_that_was_set_back_either() -> None:
    """Mei, who has no room, was named for it, a minute later than the clock tells when Ola gets it."""
    shop = a_shop_with(MEI, OLA)
    shop.adopt(RoutingPolicy(preferred_agent_seconds=0))
    shop.allow(MEI, 1)
    shop.arrive("first", QUEUE)
    shop.prefer("first", MEI)
    shop.wait(-60)

    (offer,) = shop.route()

    assert isinstance(offer, Offer)
    assert offer.agent_id == OLA
    assert audited(shop.log).counts == {}
