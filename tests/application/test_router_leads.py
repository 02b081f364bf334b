"""When a router led is recorded: a stretch for each time without a break, whoever led."""

import asyncio
from datetime import timedelta

import psycopg
import pytest

from application.proofs.finding import Promise, Unled
from application.proofs.verify import verify_routing
from application.router import LEAD_BREAK_SECONDS, Lead, Router
from application.use_cases.assign_work import AssignWork
from infrastructure.log.pool import ReadPool
from infrastructure.router_leads import PostgresRouterLeads
from tests.application.situations import NOON, Shop, a_waiting_conversation

pytestmark = pytest.mark.anyio

SECONDS_MAX = 20


def a_router(shop: Shop, leads: PostgresRouterLeads) -> Router:
    return Router(shop.log, AssignWork(shop.commands), shop.clock, leads=leads)


async def test_notes_make_one_stretch_until_there_is_a_break(shop: Shop) -> None:
    leads = PostgresRouterLeads(shop.log.pool)

    for second in (0, 2, LEAD_BREAK_SECONDS, 1, 100, 106, 106, 50):
        await leads.note(NOON + timedelta(seconds=second))

    told = [((one.since - NOON).total_seconds(), (one.until - NOON).total_seconds()) for one in await leads.stretches()]
    assert told == [(0, 6), (50, 50), (100, 106)]


async def test_whoever_leads_writes_it_down_and_whoever_follows_does_not(shop: Shop) -> None:
    leads = PostgresRouterLeads(shop.log.pool)
    router = a_router(shop, leads)
    await router.settle()
    assert await leads.stretches() == []

    leading = asyncio.create_task(router.lead())
    async with asyncio.timeout(SECONDS_MAX):
        while not await leads.stretches():
            pass
    leading.cancel()

    assert await leads.stretches() == [Lead(NOON, NOON)]


async def test_a_router_leads_on_while_it_cannot_be_written_down(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    impatient = ReadPool(shop.url, connections_max=1, timeout_seconds=0.1)
    await impatient.open()
    router = a_router(shop, PostgresRouterLeads(impatient))

    with psycopg.connect(shop.url) as connection:
        connection.execute("LOCK TABLE onethread_router_leads")
        leading = asyncio.create_task(router.lead())
        async with asyncio.timeout(SECONDS_MAX):
            while "could not be recorded" not in caplog.text:
                await shop.log.head()

    assert router.leads
    assert not leading.done()
    leading.cancel()
    await impatient.close()


async def test_a_log_whose_router_has_stopped_keeps_its_promises(shop: Shop) -> None:
    leads = PostgresRouterLeads(shop.log.pool)
    await leads.note(shop.clock())
    await shop.hire()
    shop.clock.wait(1)
    await a_waiting_conversation(shop)
    shop.clock.wait(600)

    audit = await verify_routing(shop.log, now=shop.clock(), leads=leads)
    strict = await verify_routing(shop.log, now=shop.clock())

    assert (audit.holds, audit.idle.unled) == (True, [Unled(since=NOON, until=None, conversations=1)])
    assert strict.counts == {Promise.IDLE: 1}
