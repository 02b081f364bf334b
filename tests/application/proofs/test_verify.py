"""The whole log is verified on the real one, in one pass, and what is beyond the look-ahead apart."""

from datetime import timedelta

import pytest

from application.proofs import audit as audits
from application.proofs.finding import Promise
from application.proofs.verify import verify_routing
from domain.agent import Presence
from tests.application.situations import (
    Shop,
    a_waiting_conversation,
    an_assigned_conversation,
    an_offered_conversation,
)

pytestmark = pytest.mark.anyio


async def a_day(shop: Shop) -> None:
    """Offers of every fate, by the router and by a person."""
    await shop.decline(await an_offered_conversation(shop, "first"), "lunch")
    ola = await shop.hire("Ola", capacity=4)
    assigned = await an_assigned_conversation(shop, "second")
    await shop.serve.hold(shop.command(), *assigned.ids, assigned.agent_id, "")
    await an_offered_conversation(shop, "third")
    shop.clock.wait(21)
    await shop.route()
    for agent_id in (ola, assigned.agent_id):
        await shop.turn(agent_id, Presence.AVAILABLE)
    await shop.route()
    await shop.steer.transfer_to_agent(shop.command("person-ada"), *assigned.ids, ola, "knows it")


async def test_a_kept_log_has_no_counterexample_and_progress_reaches_its_end(shop: Shop) -> None:
    await a_day(shop)
    told: list[tuple[int, int]] = []

    audit = await verify_routing(shop.log, now=shop.clock(), progress=lambda *done: told.append(done))

    head = await shop.log.head()
    assert audit.findings == []
    assert audit.decisions >= 4
    assert told[-1] == (head, head)


async def test_decisions_beyond_the_look_ahead_are_recomputed_apart(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_day(shop)
    monkeypatch.setattr(audits.RoutingAudit.__init__, "__kwdefaults__", {
        "after": 0, "look_ahead_events": 0, "scans": True,
    })  # fmt: skip

    audit = await verify_routing(shop.log)

    assert audit.late
    assert audit.findings == []


async def test_a_router_that_is_down_shows_at_the_end(shop: Shop) -> None:
    await shop.hire()
    await a_waiting_conversation(shop)
    shop.clock.wait(6)

    audit = await verify_routing(shop.log, now=shop.clock())
    patient = await verify_routing(shop.log, now=shop.clock(), lag=timedelta(seconds=7))

    assert audit.counts == {Promise.IDLE: 1}
    assert patient.holds
