"""A history read from the real log, after real routers and use cases: nothing of it is made by hand."""

import pytest

from application.policies.return_work import ReturnWork
from application.whatif.recorded.history import ABANDONED, ACCEPTED, BACK, CLOSED, DECLINED
from application.whatif.recorded.identity import Identity
from application.whatif.recorded.reading import read_recording
from application.whatif.recorded.times import Work
from domain.agent import Presence
from tests.application.situations import (
    Case,
    Shop,
    a_waiting_conversation,
    an_assigned_conversation,
    an_offered_conversation,
)

pytestmark = pytest.mark.anyio


def seen(what: str, position: int, head: int) -> None:
    """Progress that nobody looks at."""
    assert what in ("offers", "history")
    assert position <= head


def of(shop: Shop) -> Work:
    return shop.queue_id, "webchat"


async def close(shop: Shop, case: Case, after_seconds: float) -> None:
    shop.clock.wait(after_seconds)
    await shop.serve.close(shop.command(), *case.ids, "done")


async def test_what_agents_and_customers_did_is_in_the_history(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    shop.clock.wait(40)
    await shop.serve.hold(shop.command(), *assigned.ids, assigned.agent_id, "asks the warehouse")
    shop.clock.wait(1_000)
    await shop.serve.resume(shop.command(), *assigned.ids, assigned.agent_id)
    await close(shop, assigned, 10)
    gone = await a_waiting_conversation(shop, "gone")
    await close(shop, gone, 33)
    declined = await an_offered_conversation(shop, "declined")
    shop.clock.wait(4)
    await shop.decline(declined)

    history = (await read_recording(shop.log, None, None, seen)).finish()

    assert history.handling[of(shop)] == [(50.0, CLOSED)]
    assert (33.0, ABANDONED) in history.patience[of(shop)]
    assert history.answers[of(shop)] == [(0.0, ACCEPTED), (4.0, DECLINED)]


async def test_an_offer_that_the_router_ended_is_known_as_its_doing(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)
    shop.clock.wait(60)
    await shop.route()
    shop.clock.wait(60)
    await shop.turn(offered.agent_id, Presence.AVAILABLE)
    await shop.route()

    history = (await read_recording(shop.log, None, None, seen)).finish()

    assert history.absences == [(60.0, BACK)]
    assert not [change for change in history.changes if getattr(change.event, "reason", "") == "missed an offer"]


async def test_work_that_was_returned_says_nothing_about_its_length(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    head = await shop.log.head()
    shop.clock.wait(70)
    await shop.turn(assigned.agent_id, Presence.OFFLINE)
    policy = ReturnWork(shop.states, shop.steer, shop.staff, shop.positions, shop.clock)
    await policy.take((await shop.log.read(head, 100, policy.topics))[0], await shop.log.head())

    history = (await read_recording(shop.log, None, None, seen)).finish()

    assert history.handling[of(shop)] == [(70.0, None)]
    assert len(history.arrivals) == 1


async def test_every_decision_of_a_real_router_is_proven_identical(shop: Shop) -> None:
    for number in range(3):
        await shop.hire(f"agent {number}", capacity=4)
        shop.clock.wait(1)
    cases = [await a_waiting_conversation(shop, f"visitor-{number}") for number in range(9)]
    await shop.route()
    for place, case in enumerate([await shop.case(case) for case in cases[:6]]):
        shop.clock.wait(1)
        await (shop.accept(case) if place % 2 else shop.decline(case))
        await shop.route()
    shop.clock.wait(60)
    await shop.route()
    identity = Identity()

    await read_recording(shop.log, None, None, seen, identity=identity)

    assert identity.identical == identity.due > 8
