"""Why an agent was asked, and why another was not."""

import pytest

from domain.agent import Presence
from domain.offers import NotWaiting
from domain.routing.decisions import Offer
from domain.routing.explain import Candidate, explain
from tests.domain.routing.shop import Shop, replayed
from tests.domain.situations import MEI, OLA, QUEUE


def a_shop_with_one_waiting(*agents: str, capacity: int = 2) -> Shop:
    shop = Shop()
    shop.open_queue(QUEUE, {"returns": 3})
    for agent_id in agents:
        shop.hire(agent_id, {"returns": 3}, capacity)
        shop.turn(agent_id, Presence.AVAILABLE)
        shop.wait(60)
    shop.arrive("first", QUEUE)
    return shop


def excluded(candidates: list[Candidate]) -> dict[str, tuple[str, ...]]:
    return {candidate.agent_id: candidate.excluded for candidate in candidates if candidate.rank is None}


def test_those_who_may_be_asked_come_in_their_order() -> None:
    shop = a_shop_with_one_waiting(OLA, MEI)

    candidates = explain(shop.router, shop.now, "first")

    assert [(candidate.agent_id, candidate.rank, candidate.excluded) for candidate in candidates] == [
        (OLA, 1, ()),
        (MEI, 2, ()),
    ]
    assert [candidate.idle_since for candidate in candidates] == [
        shop.router.facts.desks[agent_id].idle[-1] for agent_id in (OLA, MEI)
    ]


def test_a_missing_skill_excludes() -> None:
    shop = a_shop_with_one_waiting(MEI, OLA)
    shop.train(MEI, {"returns": 2})
    shop.train(OLA, {})

    candidates = explain(shop.router, shop.now, "first")

    assert excluded(candidates) == {
        MEI: ("no skill returns at level 3, has 2",),
        OLA: ("no skill returns at level 3, has 0",),
    }


def test_not_being_available_excludes() -> None:
    shop = a_shop_with_one_waiting(MEI, OLA)
    shop.turn(MEI, Presence.AWAY)
    shop.turn(OLA, Presence.OFFLINE)

    candidates = explain(shop.router, shop.now, "first")

    assert excluded(candidates) == {MEI: ("away",), OLA: ("offline",)}


def test_too_little_room_excludes() -> None:
    shop = a_shop_with_one_waiting(MEI, capacity=3)
    shop.route()
    shop.arrive("second", QUEUE)

    candidates = explain(shop.router, shop.now, "second")

    assert excluded(candidates) == {MEI: ("no room: 2 of 3 units held, 2 needed",)}


def test_having_declined_excludes_for_a_while() -> None:
    shop = a_shop_with_one_waiting(MEI)
    shop.route()
    shop.decline("first")

    candidates = explain(shop.router, shop.now, "first")

    assert excluded(candidates) == {MEI: ("declined it, rests until 2026-11-11T12:02:00+00:00",)}


def test_every_reason_is_told() -> None:
    shop = a_shop_with_one_waiting(MEI)
    shop.route()
    shop.decline("first")
    shop.train(MEI, {})
    shop.turn(MEI, Presence.AWAY)

    candidates = explain(shop.router, shop.now, "first")

    assert excluded(candidates)[MEI] == (
        "no skill returns at level 3, has 0",
        "away",
        "declined it, rests until 2026-11-11T12:02:00+00:00",
    )


def test_a_recorded_decision_is_explained_with_those_before_it_counted_in() -> None:
    shop = a_shop_with_one_waiting(MEI, OLA)
    shop.arrive("second", QUEUE)
    _, offer = shop.route()
    assert isinstance(offer, Offer)
    then = replayed(shop.log[: offer.choice.position])

    candidates = explain(then, offer.choice.decided_at, "second", offer.choice.ordinal)

    assert [candidate.agent_id for candidate in candidates if candidate.rank] == [offer.agent_id] == [OLA]
    assert excluded(candidates) == {MEI: ("no room: 2 of 2 units held, 2 needed",)}


def test_who_missed_the_offer_is_away_in_the_decision_that_follows() -> None:
    shop = a_shop_with_one_waiting(MEI, OLA)
    shop.route()
    shop.wait(20)
    _, offer = shop.decide()
    assert isinstance(offer, Offer)

    candidates = explain(shop.router, shop.now, "first", offer.choice.ordinal)

    assert [candidate.agent_id for candidate in candidates if candidate.rank] == [OLA]
    assert excluded(candidates) == {MEI: ("away, because an offer to them has just run out",)}


def test_explaining_changes_nothing() -> None:
    shop = a_shop_with_one_waiting(MEI)
    before = shop.decide()

    explain(shop.router, shop.now, "first", ordinal=0)

    assert shop.decide() == before


def test_only_what_waits_can_be_explained() -> None:
    shop = a_shop_with_one_waiting(MEI)
    shop.route()

    with pytest.raises(NotWaiting):
        explain(shop.router, shop.now, "first")
    with pytest.raises(NotWaiting):
        explain(shop.router, shop.now, "unknown")
