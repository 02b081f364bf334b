"""Agents take what waits by themselves; of all who want the same, one gets it."""

import asyncio

import pytest

from application.commands import Done
from domain.agent import LoadTaken, NotSignedIn, Presence
from domain.assignment import ConversationOffered, OfferAccepted
from domain.conversation import Status
from domain.offers import NotWaiting
from domain.routing.pull import NotEligible
from domain.workload import AtCapacity
from tests.application.recomputing import demand_every_choice_comes_out_the_same
from tests.application.situations import (
    Case,
    Shop,
    a_message,
    a_waiting_conversation,
    an_assigned_conversation,
    an_offered_conversation,
    another_process,
    kinds,
)

pytestmark = pytest.mark.anyio


async def pick(shop: Shop, case: Case, agent_id: str) -> Done:
    return await shop.steer.pick(shop.command(agent_id), *case.ids, agent_id)


async def a_puller(shop: Shop, **more: object) -> str:
    """An agent who is at work, but to whom nothing is offered."""
    agent_id = await shop.hire("Ola", **more)  # type: ignore[arg-type]
    await shop.turn(agent_id, Presence.AWAY)
    return agent_id


async def test_who_picks_has_it_at_once_and_the_log_says_how(shop: Shop) -> None:
    case, agent_id = await a_waiting_conversation(shop), await a_puller(shop)
    head = await shop.log.head()

    await pick(shop, case, agent_id)

    offered, accepted, taken = await shop.since(head)
    assert isinstance(offered, ConversationOffered)
    assert (offered.agent_id, offered.by, offered.choice, offered.units) == (agent_id, "picked", None, 2)
    assert accepted == OfferAccepted(
        conversation_id=case.conversation_id, queue_id=shop.queue_id, offer_id=offered.offer_id, agent_id=agent_id
    )
    assert taken == LoadTaken(
        conversation_id=case.conversation_id, customer_id=case.customer_id, units=2, channel="webchat", kind="chat"
    )
    assert (await shop.conversation(case)).holder == agent_id


async def test_of_two_who_pick_the_same_one_gets_it(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    agents = [await a_puller(shop), await a_puller(shop)]

    async with another_process(shop) as elsewhere:
        outcomes = await asyncio.gather(
            pick(shop, case, agents[0]), pick(elsewhere, case, agents[1]), return_exceptions=True
        )

    assert sorted(type(one).__name__ for one in outcomes) == ["Done", "NotWaiting"]
    assert sorted([(await shop.agent(one)).load for one in agents]) == [0, 2]


async def test_of_the_router_and_who_picks_one_gets_it(shop: Shop) -> None:
    cases = [await a_waiting_conversation(shop, f"visitor {number}") for number in range(6)]
    available, puller = await shop.hire("Mei", capacity=12), await a_puller(shop, capacity=12)

    async with another_process(shop) as elsewhere:
        routed, *picked = await asyncio.gather(
            shop.route(), *(pick(elsewhere, case, puller) for case in cases), return_exceptions=True
        )
    await shop.route()

    assert routed is None
    assert all(isinstance(one, Done | NotWaiting) for one in picked)
    held = [(await shop.conversation(case)).agent_id for case in cases]
    assert set(held) <= {available, puller}
    assert held.count(puller) == sum(isinstance(one, Done) for one in picked)
    loads = [(await shop.agent(one)).load for one in (available, puller)]
    assert loads == [2 * held.count(available), 2 * held.count(puller)]
    await demand_every_choice_comes_out_the_same(shop.log)


async def test_picking_what_is_offered_to_oneself_accepts_it(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)
    head = await shop.log.head()

    await pick(shop, offered, offered.agent_id)
    await pick(shop, offered, offered.agent_id)

    assert kinds(await shop.since(head)) == ["conversation.offer_accepted"]


async def test_what_a_colleague_has_or_is_offered_is_not_waiting(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)
    puller = await a_puller(shop)

    with pytest.raises(NotWaiting, match="offered to somebody"):
        await pick(shop, offered, puller)
    await shop.accept(offered)
    with pytest.raises(NotWaiting):
        await pick(shop, offered, puller)
    await shop.serve.close(shop.command(), *offered.ids, "refunded")
    with pytest.raises(NotWaiting):
        await pick(shop, offered, puller)


async def test_picking_needs_the_skills_room_and_being_at_work(shop: Shop) -> None:
    queue_id = await shop.open_queue("Chinese", required_skills={"lang:zh": 5})
    account_id = await shop.open_account("webchat", queue_id)
    (receipt,) = await shop.receive(a_message(), account_id=account_id)
    case = await shop.case(receipt)
    beginner, busy = await a_puller(shop, skills={"lang:zh": 4}), await a_puller(shop, skills={"lang:zh": 5})
    await shop.staff.set_capacity(shop.command(), busy, 1)
    head = await shop.log.head()

    with pytest.raises(NotEligible, match="no skill lang:zh at level 5, has 4"):
        await pick(shop, case, beginner)
    with pytest.raises(AtCapacity, match="0 of 1 units held, 2 needed"):
        await pick(shop, case, busy)
    assert await shop.since(head) == []
    await shop.turn(busy, Presence.OFFLINE)
    with pytest.raises(NotSignedIn):
        await pick(shop, case, busy)


async def test_what_relaxed_may_be_picked_by_whom_it_asks_for_now(shop: Shop) -> None:
    steps = [{"after_seconds": 60, "lower": {"lang:zh": 2}}]
    queue_id = await shop.open_queue("Chinese", required_skills={"lang:zh": 5}, relaxation=steps)
    account_id = await shop.open_account("webchat", queue_id)
    (receipt,) = await shop.receive(a_message(), account_id=account_id)
    case, beginner = await shop.case(receipt), await a_puller(shop, skills={"lang:zh": 2})
    shop.clock.wait(60)
    await shop.route()

    await pick(shop, case, beginner)

    assert (await shop.conversation(case)).holder == beginner


async def test_a_repeated_pick_gets_its_first_answer(shop: Shop) -> None:
    case, agent_id = await a_waiting_conversation(shop), await a_puller(shop)
    first = await shop.steer.pick(shop.command(agent_id, key="pick"), *case.ids, agent_id)
    await shop.steer.transfer_to_queue(shop.command(), *case.ids, shop.queue_id, "")

    again = await shop.steer.pick(shop.command(agent_id, key="pick"), *case.ids, agent_id)

    assert (again.position, again.is_repeat) == (first.position, True)
    assert (await shop.conversation(case)).status is Status.WAITING


async def test_one_who_is_full_on_calls_is_told_so(shop: Shop) -> None:
    assigned, other = await an_assigned_conversation(shop), await a_waiting_conversation(shop, "ola")
    await shop.staff.set_capacity(shop.command(), assigned.agent_id, 3)

    with pytest.raises(AtCapacity, match="2 of 3 units held, 2 needed"):
        await pick(shop, other, assigned.agent_id)
