"""A second router, a late one and a stale one do no harm."""

import asyncio

import pytest

from application.router import REST_AFTER_REFUSAL, Router
from application.use_cases.assign_work import AssignWork
from domain.agent import Presence
from domain.conversation import Status
from domain.policy import RoutingPolicy
from tests.application.situations import (
    Case,
    Shop,
    a_message,
    a_waiting_conversation,
    an_assigned_conversation,
    an_offered_conversation,
    another_process,
    offers,
)

pytestmark = pytest.mark.anyio

OFFER_SECONDS = RoutingPolicy().offer_timeout_seconds


async def test_a_second_router_by_mistake_never_doubles_an_offer(shop: Shop) -> None:
    agents = [await shop.hire(f"agent {number}", capacity=4) for number in range(3)]
    async with another_process(shop) as other:
        here_and_there = (shop.router, other.router)
        await asyncio.gather(*(router.settle() for router in here_and_there))
        await shop.receive(*(a_message(f"m-{number}", f"visitor-{number}") for number in range(10)))
        await asyncio.gather(*(router.follower.catch_up() for router in here_and_there))

        await asyncio.gather(*(router.act() for router in here_and_there))

        assert len(await offers(shop)) == 6
        assert [(await shop.agent(agent_id)).load for agent_id in agents] == [4, 4, 4]
        assert sum(router.refused for router in here_and_there) == 6
        shop.clock.wait(REST_AFTER_REFUSAL.total_seconds())
        await asyncio.gather(*(router.settle() for router in here_and_there))
        assert len(await offers(shop)) == 6


async def a_stale_router(shop: Shop) -> tuple[Case, str]:
    """It is about to offer the case to an agent who has just gone away. Returns the other agent."""
    first, second = sorted([await shop.hire("Mei"), await shop.hire("Ola")])
    await shop.route()
    case = await a_waiting_conversation(shop)
    await shop.router.follower.catch_up()
    await shop.turn(first, Presence.AWAY)
    return case, second


async def test_a_refused_decision_is_taken_anew_as_soon_as_the_news_are_read(shop: Shop) -> None:
    case, other = await a_stale_router(shop)

    await shop.router.act()
    assert (shop.router.refused, await offers(shop)) == (1, [])
    await shop.route()

    assert (await shop.case(case)).agent_id == other


async def test_a_router_does_not_decide_while_it_has_not_read_why_it_was_refused(shop: Shop) -> None:
    await a_stale_router(shop)

    for _ in range(3):
        await shop.router.act()

    assert shop.router.refused == 1


async def test_a_router_elsewhere_judges_by_the_log_not_by_its_memory(shop: Shop) -> None:
    """It remembers the agent as away, from the offer that it let run out; the agent came back through this process."""
    agent_id = await shop.hire()
    case = await a_waiting_conversation(shop)
    async with another_process(shop) as other:
        await other.route()
        shop.clock.wait(OFFER_SECONDS)
        await other.route()
        await shop.turn(agent_id, Presence.AVAILABLE)

        await other.route()

        assert other.router.refused == 0
    assert (await shop.conversation(case)).status is Status.OFFERED


async def test_a_router_that_starts_late_knows_what_was_decided(shop: Shop) -> None:
    await an_offered_conversation(shop)
    await an_assigned_conversation(shop, "another")
    head = await shop.log.head()
    late = Router(shop.log, AssignWork(shop.commands), shop.clock)

    await late.settle()

    assert await shop.since(head) == []
    await shop.route()
    assert late.state.facts == shop.router.state.facts
