"""Decisions of one round go into the log together, each judged by itself, those on the same stream in their order."""

import msgspec
import pytest

from application.router import REST_AFTER_REFUSAL, Router
from application.router_snapshots import Trail
from application.use_cases.assign_work import AssignWork
from domain.agent import LoadTaken
from domain.assignment import ConversationOffered
from domain.conversation import Status
from domain.policy import RoutingPolicy
from infrastructure.router_snapshots import PostgresRouterSnapshots
from tests.application.broken_streams import spoil
from tests.application.situations import (
    MASTER_KEY,
    Case,
    Shop,
    a_message,
    a_waiting_conversation,
    another_process,
    everything,
    offers,
)

pytestmark = pytest.mark.anyio

OFFER_SECONDS = RoutingPolicy().offer_timeout_seconds
REST_SECONDS = REST_AFTER_REFUSAL.total_seconds()


async def test_offers_of_one_round_to_one_agent_go_into_the_log_in_their_order(shop: Shop) -> None:
    agent_id = await shop.hire(capacity=20)
    cases = []
    for number in range(10):
        cases.append(await a_waiting_conversation(shop, f"visitor-{number}"))
        shop.clock.wait(1)
    head = await shop.log.head()

    await shop.route()

    recorded = await everything(shop.log, head)
    offered = [one.event for one in recorded if isinstance(one.event, ConversationOffered)]
    taken = [
        one.event.conversation_id for one in recorded if one.stream == agent_id and isinstance(one.event, LoadTaken)
    ]
    assert [one.choice.ordinal for one in offered if one.choice] == list(range(10))
    assert [one.conversation_id for one in offered] == taken == [case.conversation_id for case in cases]
    assert shop.router.refused == 0


async def test_conversations_of_one_customer_are_offered_in_one_round(shop: Shop) -> None:
    agents = [await shop.hire(f"agent {number}", capacity=2) for number in range(2)]
    case = await a_waiting_conversation(shop)
    await shop.receive(a_message("m-2", thread="another"))
    head = await shop.log.head()

    await shop.route()

    assert sorted(one.agent_id for one in await offers(shop)) == sorted(agents)
    streams = {one.stream for one in await everything(shop.log, head) if isinstance(one.event, ConversationOffered)}
    assert streams == {case.customer_id}
    assert (shop.router.refused, await every_choice_position(shop)) == (0, {head})


async def every_choice_position(shop: Shop) -> set[int]:
    return {one.choice.position for one in await offers(shop) if one.choice}


async def test_what_ends_and_what_begins_goes_in_one_round_in_order(shop: Shop) -> None:
    """The one who missed it is away and gets nothing; the other gets it at once."""
    first, second = await shop.hire("Mei", capacity=2), await shop.hire("Ola", capacity=2)
    case = await a_waiting_conversation(shop)
    await shop.route()
    missed = await shop.case(case)
    shop.clock.wait(OFFER_SECONDS)
    head = await shop.log.head()

    await shop.route()

    assert (await shop.case(case)).agent_id == ({first, second} - {missed.agent_id}).pop()
    (again,) = await offers(shop, head)
    assert again.choice is not None
    assert (again.choice.position, again.choice.ordinal, shop.router.refused) == (head, 1, 0)


async def test_a_process_that_knows_no_state_reads_those_of_a_round_together(shop: Shop) -> None:
    """Of streams that were never read here, and of such as have moved on elsewhere."""
    agent_id = await shop.hire(capacity=100)
    for number in range(20):
        await a_waiting_conversation(shop, f"visitor-{number}")
    async with another_process(shop) as other:
        await other.states.load(agent_id)
        await shop.staff.set_capacity(shop.command(), agent_id, 30)

        await other.route()

        assert (len(await offers(shop)), other.router.refused) == (15, 0)


async def test_one_who_cannot_be_read_holds_up_nobody_else(shop: Shop) -> None:
    await shop.hire(capacity=100)
    broken = await a_waiting_conversation(shop, "broken")
    cases = [await a_waiting_conversation(shop, f"visitor-{number}") for number in range(5)]
    spoil(shop, broken.customer_id)
    async with another_process(shop) as other:
        await other.route()

        assert other.router.refused > 0
    assert [(await shop.conversation(case)).status for case in cases] == [Status.OFFERED] * 5


async def a_router_that_is_wrong(shop: Shop) -> tuple[Router, Case]:
    """It thinks that a conversation waits which has been closed, and no news will tell it."""
    case = await a_waiting_conversation(shop)
    await shop.hire(capacity=100)
    await shop.router.follower.catch_up()
    snapshots = PostgresRouterSnapshots(shop.log.pool, [MASTER_KEY])
    wrong = msgspec.msgpack.encode(shop.router.state.facts)
    await shop.serve.close(shop.command(), *case.ids, "spam")
    await snapshots.save(await shop.log.head(), wrong)
    return Router(shop.log, AssignWork(shop.commands), shop.clock, Trail(snapshots)), case


async def test_what_is_refused_again_and_again_waits_a_while_in_between(shop: Shop) -> None:
    router, _ = await a_router_that_is_wrong(shop)

    await router.settle()
    await router.settle()
    assert router.refused == 1
    shop.clock.wait(REST_SECONDS)
    await router.settle()

    assert router.refused == 2


async def test_news_end_the_rest_so_that_others_do_not_wait_with_it(shop: Shop) -> None:
    router, wrong = await a_router_that_is_wrong(shop)
    await router.settle()

    case = await a_waiting_conversation(shop, "next")
    await router.settle()

    assert (await shop.conversation(case)).status is Status.OFFERED
    assert (await shop.conversation(wrong)).status is Status.CLOSED


async def test_a_clock_that_is_set_back_ends_the_rest(shop: Shop) -> None:
    router, _ = await a_router_that_is_wrong(shop)
    await router.settle()

    shop.clock.wait(-3600)
    await router.settle()

    assert router.refused == 2


async def test_a_clock_that_is_set_back_loses_and_doubles_nothing(shop: Shop) -> None:
    agents = [await shop.hire(f"agent {number}", capacity=2) for number in range(2)]
    first = await a_waiting_conversation(shop, "first")
    await shop.route()
    shop.clock.wait(-3600)
    second = await a_waiting_conversation(shop, "second")
    await shop.route()
    offered = [await shop.case(case) for case in (first, second)]
    assert sorted(case.agent_id for case in offered) == sorted(agents)

    shop.clock.wait(OFFER_SECONDS)
    await shop.route()
    assert await shop.case(first) == offered[0], "its time is not over by any clock"
    assert (await shop.conversation(second)).status is Status.WAITING
    shop.clock.wait(3600)
    await shop.route()

    assert (await shop.conversation(first)).status is Status.WAITING
    assert (len(await offers(shop)), shop.router.refused) == (2, 0)
