"""Work that cannot be read is out of the line: it keeps no agent from other work, and waits again when it can be."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from application.explaining.explain_decisions import ExplainDecisions
from application.follower import Follower
from application.policies.return_work import ReturnWork
from application.proofs.verify import verify_routing
from application.router import Router
from application.router_snapshots import Trail
from application.use_cases.assign_work import AssignWork
from domain.agent import Presence
from domain.assignment import ConversationEnqueued, ConversationOffered
from domain.conversation import Status
from domain.event import Event, Recorded
from domain.policy import RoutingPolicy
from domain.queue import WorkPutBack, WorkSetAside
from infrastructure.router_snapshots import PostgresRouterSnapshots
from infrastructure.views.readers import PostgresViewReaders
from tests.application.broken_streams import forget, mend, spoil
from tests.application.situations import (
    MASTER_KEY,
    NOON,
    Case,
    Shop,
    a_waiting_conversation,
    an_assigned_conversation,
    an_offered_conversation,
    another_process,
)

pytestmark = pytest.mark.anyio

OFFER_SECONDS = RoutingPolicy().offer_timeout_seconds


async def a_broken_first_in_line(shop: Shop) -> tuple[Case, Case]:
    """One that cannot be read waits longest, one that can behind it, and an agent has room for one."""
    broken = await a_waiting_conversation(shop, "broken")
    shop.clock.wait(1)
    sound = await a_waiting_conversation(shop, "sound")
    await shop.hire(capacity=2)
    spoil(shop, broken.customer_id)
    return broken, sound


async def of_queue(shop: Shop) -> list[Event]:
    """What was written beside the work, since the queue was opened."""
    return [one.event for one in await shop.log.read_stream(shop.queue_id, 1)]


async def test_it_takes_no_agents_place_and_is_decided_about_once(shop: Shop) -> None:
    broken, sound = await a_broken_first_in_line(shop)

    async with another_process(shop) as other:
        await other.route()
        await other.route()

        assert (await other.conversation(sound)).status is Status.OFFERED
        assert other.router.refused == 1
        assert broken.conversation_id not in other.router.state.facts.waiting
        (aside,) = await of_queue(other)
        await other.directory_follower.catch_up()
        known = other.directory.queues[shop.queue_id]
        assert known.set_aside == {broken.conversation_id: broken.customer_id}, "as the log has it: plans compare both"
    assert isinstance(aside, WorkSetAside)
    assert (aside.conversation_id, aside.customer_id) == (broken.conversation_id, broken.customer_id)
    assert aside.reason


async def test_what_a_router_remembers_of_somebody_who_was_erased_leaves_the_line(shop: Shop) -> None:
    erased = await a_waiting_conversation(shop, "erased")
    await shop.route()
    snapshots = PostgresRouterSnapshots(shop.log.pool, [MASTER_KEY])
    await snapshots.save(await shop.log.head(), msgspec.msgpack.encode(shop.router.state.facts))
    await shop.hire(capacity=2)
    forget(shop, erased.customer_id)

    async with another_process(shop) as other:
        router = Router(other.log, AssignWork(other.commands), other.clock, Trail(snapshots))
        await router.settle()

        assert router.state.facts.waiting == {}
        (aside,) = await of_queue(other)
    assert isinstance(aside, WorkSetAside)
    assert aside.reason == "its customer was erased"


async def test_an_offer_of_it_frees_the_agent_when_its_time_is_over(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)
    spoil(shop, offered.customer_id)
    shop.clock.wait(OFFER_SECONDS)

    async with another_process(shop) as other:
        await other.route()

        agent = await other.agent(offered.agent_id)
        assert (agent.work, agent.presence) == ({}, Presence.AVAILABLE)
        assert [type(one) for one in await of_queue(other)] == [WorkSetAside]


async def test_who_signs_out_is_free_of_it_and_the_rest_goes_back(shop: Shop) -> None:
    broken, sound = await an_assigned_conversation(shop, "broken"), await an_assigned_conversation(shop, "sound")
    spoil(shop, broken.customer_id)
    await shop.turn(broken.agent_id, Presence.OFFLINE)

    async with another_process(shop) as other:
        policy = ReturnWork(other.states, other.steer, other.staff, other.positions, other.clock)
        await Follower(other.log, policy).catch_up()

        assert (await other.agent(broken.agent_id)).work == {}
        assert (await other.conversation(sound)).status is Status.WAITING


async def taken_over(shop: Shop) -> None:
    """A router begins to lead in another process, and has nothing more to do."""
    async with another_process(shop) as other:
        leading = asyncio.ensure_future(other.router.lead())
        await asyncio.sleep(0)
        await other.route()  # what is put back is read
        await other.route()
        leading.cancel()


async def test_what_can_be_read_again_waits_with_its_age_once_another_router_leads(shop: Shop) -> None:
    broken, _ = await a_broken_first_in_line(shop)
    await taken_over(shop)
    mend(shop, broken.customer_id)
    await shop.hire("Ola", capacity=2)

    await taken_over(shop)
    head = await shop.log.head()
    await taken_over(shop)

    assert (await shop.conversation(broken)).status is Status.OFFERED
    again = [one for one in await told_of(shop, broken) if isinstance(one, ConversationEnqueued)][-1]
    assert (again.waiting_since, again.queue_id) == (NOON, shop.queue_id)
    assert [type(one) for one in await of_queue(shop)] == [WorkSetAside, WorkPutBack]
    assert await shop.log.head() == head, "it is put back once"


async def told_of(shop: Shop, case: Case) -> list[Event]:
    return [one.event for one in await shop.log.read_stream(case.customer_id)]


async def test_what_has_ended_meanwhile_is_not_put_back_into_the_line(shop: Shop) -> None:
    broken, _ = await a_broken_first_in_line(shop)
    await taken_over(shop)
    mend(shop, broken.customer_id)
    await shop.serve.close(shop.command(), *broken.ids, "spam")

    await taken_over(shop)

    assert (await shop.conversation(broken)).status is Status.CLOSED
    assert [type(one) for one in await of_queue(shop)] == [WorkSetAside, WorkPutBack]


async def accepted_while_no_router_could_read_it(shop: Shop) -> Case:
    """The router took the load of an offer that was over from the agent, who had accepted it elsewhere."""
    offered = await an_offered_conversation(shop)
    spoil(shop, offered.customer_id)
    shop.clock.wait(OFFER_SECONDS)
    async with another_process(shop) as other:
        await other.route()
    await shop.accept(offered)
    assert (await shop.agent(offered.agent_id)).work == {}
    mend(shop, offered.customer_id)
    return offered


async def let_go_while_nobody_could_read_it(shop: Shop) -> Case:
    """An agent who had accepted it left."""
    assigned = await an_assigned_conversation(shop)
    spoil(shop, assigned.customer_id)
    await shop.turn(assigned.agent_id, Presence.OFFLINE)
    async with another_process(shop) as other:
        policy = ReturnWork(other.states, other.steer, other.staff, other.positions, other.clock)
        await Follower(other.log, policy).catch_up()
    mend(shop, assigned.customer_id)
    return assigned


@pytest.mark.parametrize("is_on_hold", [False, True])
async def test_what_was_accepted_meanwhile_is_with_its_agent_again(shop: Shop, *, is_on_hold: bool) -> None:
    accepted = await accepted_while_no_router_could_read_it(shop)
    if is_on_hold:
        await shop.serve.hold(shop.command(), *accepted.ids, accepted.agent_id, "asks the warehouse")

    await taken_over(shop)

    agent = await shop.agent(accepted.agent_id)
    assert list(agent.on_hold if is_on_hold else agent.work) == [accepted.conversation_id]
    assert (await shop.conversation(accepted)).holder == accepted.agent_id
    assert (await verify_routing(shop.log, now=shop.clock())).holds


@pytest.mark.parametrize("lose", [accepted_while_no_router_could_read_it, let_go_while_nobody_could_read_it])
async def test_what_the_agent_has_left_since_waits_again_with_its_age(
    shop: Shop, lose: Callable[[Shop], Awaitable[Case]]
) -> None:
    lost = await lose(shop)
    await shop.turn(lost.agent_id, Presence.OFFLINE)

    await taken_over(shop)
    head = await shop.log.head()
    await taken_over(shop)

    now = await shop.conversation(lost)
    assert (now.status, now.queue_id, now.waiting_since) == (Status.WAITING, shop.queue_id, NOON)
    assert await shop.log.head() == head, "it is put back once"


async def test_who_comes_back_has_again_what_was_let_go_of_when_they_left(shop: Shop) -> None:
    lost = await let_go_while_nobody_could_read_it(shop)
    await shop.staff.sign_in(shop.command(), lost.agent_id)

    await taken_over(shop)

    assert list((await shop.agent(lost.agent_id)).work) == [lost.conversation_id]
    assert (await shop.conversation(lost)).status is Status.ASSIGNED


async def test_what_waits_elsewhere_where_no_router_saw_it_come_waits_again(shop: Shop) -> None:
    broken = await a_waiting_conversation(shop, "broken")
    ola = await shop.hire("Ola")
    async with another_process(shop) as other:
        spoil(shop, broken.customer_id)
        await other.route()
        await shop.steer.transfer_to_agent(shop.command(), *broken.ids, ola, "")
        unseen = max(one.version for one in await shop.log.read_stream(broken.customer_id, 1)) - 1
        spoil(shop, broken.customer_id, unseen)
        await other.router.follower.catch_up()
        mend(shop, broken.customer_id)
        mend(shop, broken.customer_id, unseen)

        leading = asyncio.ensure_future(other.router.lead())
        await asyncio.sleep(0)
        await other.router.act()
        leading.cancel()

    assert (await shop.conversation(broken)).status is Status.WAITING
    assert (await shop.agent(ola)).work == {}


async def test_what_was_decided_beside_it_is_explained_and_proven(shop: Shop) -> None:
    await a_broken_first_in_line(shop)
    async with another_process(shop) as other:
        await other.route()
        offered = await latest_offer(other)

        told = await ExplainDecisions(other.log, PostgresViewReaders(other.log.pool)).explain(offered)
        audit = await verify_routing(other.log, now=other.clock())

    assert (told.assignment.recomputed, told.assignment.unproven) == (True, "")
    assert (audit.holds, audit.unproven) == (True, 0)


async def test_a_decision_beside_work_that_was_erased_later_is_unproven_rather_than_wrong(shop: Shop) -> None:
    erased = await a_waiting_conversation(shop, "erased")
    shop.clock.wait(1)
    await a_waiting_conversation(shop, "sound")
    await shop.hire(capacity=4)
    await shop.route()
    offered = await latest_offer(shop)
    forget(shop, erased.customer_id)

    async with another_process(shop) as other:
        told = await ExplainDecisions(other.log, PostgresViewReaders(other.log.pool)).explain(offered)

    assert told.assignment.recomputed is None
    assert told.assignment.unproven == "work of people who have been erased since waited beside it"


async def latest_offer(shop: Shop) -> Recorded:
    found, _ = await shop.log.read(0, 1_000, (ConversationOffered.TOPIC,))
    return found[-1]
