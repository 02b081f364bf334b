"""Who looks for lost agents knows how long they have looked without a gap; and signs out whom nobody vouches for."""

from datetime import timedelta

import pytest

from application.policies.sign_out_lost import GAP_SECONDS_MAX, SignOutLost, Watch
from domain.agent import AgentSignedOut
from infrastructure.agent_leases import PostgresAgentLeases
from infrastructure.log.pool import ReadPool
from tests.application.situations import NOON, Shop

pytestmark = pytest.mark.anyio


def test_a_gap_in_looking_begins_the_time_anew() -> None:
    watch = Watch()

    assert [watch.look(now) for now in (100.0, 101.0, 105.0)] == [0.0, 1.0, 5.0]
    assert watch.look(105.0 + GAP_SECONDS_MAX + 1) == 0.0


def test_an_interruption_begins_the_time_anew() -> None:
    watch = Watch()
    watch.look(100.0)

    watch.interrupt()

    assert watch.look(101.0) == 0.0


async def test_whom_nobody_vouches_for_is_signed_out_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infrastructure.agent_leases.LOST_MAX", 1)
    pool = ReadPool(shop.url, connections_max=1, timeout_seconds=10)
    await pool.open()
    try:
        here, there = PostgresAgentLeases(pool, "here"), PostgresAgentLeases(pool, "there")
        gone, moved = await shop.hire("Mei"), await shop.hire("Ola")
        nobody = "agent-" + "0" * 32
        await here.renew([gone, moved, nobody], 60, NOON)
        await there.renew([moved], 60, NOON + timedelta(seconds=30))
        sign_out = SignOutLost(here, shop.staff, shop.directory, shop.clock)
        head = await shop.log.head()

        await sign_out.sweep(NOON + timedelta(seconds=59))
        assert await shop.since(head) == []
        await sign_out.sweep(NOON + timedelta(seconds=60))
        await sign_out.sweep(NOON + timedelta(seconds=61))

        assert await shop.since(head) == [AgentSignedOut(reason="connection lost")]
        assert not (await shop.agent(gone)).is_signed_in
        assert (await shop.agent(moved)).is_signed_in
        assert await here.lost(NOON + timedelta(seconds=61)) == []
    finally:
        await pool.close()
