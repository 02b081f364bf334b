"""A decision of the router that is stale by the time it reaches the log is refused."""

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from application.commands import Done
from application.directory import POLICY
from application.proofs.verify import verify_routing
from application.use_cases.assign_work import AssignWork
from domain.offers import NotWaiting, OfferGone, OfferStillStands
from domain.policy import RoutingPolicy
from domain.queue import QueueDefinition
from domain.routing.decide import decide
from domain.routing.decisions import Decision, Expire, Offer, Overflow, Relax, RulesMoved, Withdraw
from domain.routing.pull import NotEligible
from domain.workload import AtCapacity
from tests.application.broken_streams import spoil
from tests.application.situations import (
    Case,
    Shop,
    a_waiting_conversation,
    an_offered_conversation,
    another_process,
    offers,
)

pytestmark = pytest.mark.anyio

OFFER_SECONDS = RoutingPolicy().offer_timeout_seconds
REST_SECONDS = RoutingPolicy().decline_rest_seconds


async def a_decided_offer(shop: Shop) -> tuple[AssignWork, Offer]:
    await shop.router.follower.catch_up()
    (decision,) = decide(shop.router.state, shop.clock())
    assert isinstance(decision, Offer)
    return AssignWork(shop.commands), decision


async def test_an_offer_of_what_no_longer_waits_is_refused(shop: Shop) -> None:
    await shop.hire()
    case = await a_waiting_conversation(shop)
    assign, decision = await a_decided_offer(shop)
    await shop.serve.close(shop.command(), *case.ids, "spam")

    with pytest.raises(NotWaiting):
        await assign.carry_out(shop.command("router"), decision)


async def test_an_offer_of_what_moved_to_another_queue_is_refused(shop: Shop) -> None:
    """The other queue asks for a skill that the agent lacks."""
    await shop.hire()
    case = await a_waiting_conversation(shop)
    assign, decision = await a_decided_offer(shop)
    billing = await shop.open_queue("Billing", required_skills={"billing": 5})
    await shop.steer.transfer_to_queue(shop.command(), *case.ids, billing, "")

    with pytest.raises(NotWaiting, match=shop.queue_id):
        await assign.carry_out(shop.command("router"), decision)


async def test_an_offer_of_what_asks_for_something_else_by_now_is_refused(shop: Shop) -> None:
    """In the same queue, but for a skill, or in a language, that the agent may lack."""
    await shop.hire()
    case = await a_waiting_conversation(shop)
    assign, decision = await a_decided_offer(shop)

    await shop.steer.classify(shop.command(), *case.ids, language="zh")
    with pytest.raises(NotWaiting, match="something else"):
        await assign.carry_out(shop.command("router"), decision)
    await shop.steer.classify(shop.command(), *case.ids, language="")
    await shop.hire("Kai", {"repairs": 5})
    await shop.steer.transfer_to_queue(shop.command(), *case.ids, None, "", {"repairs": 5})
    with pytest.raises(NotWaiting, match="something else"):
        await assign.carry_out(shop.command("router"), decision)


async def a_skill_is_lost(shop: Shop, agent_id: str) -> None:
    await shop.staff.assign_skills(shop.command(), agent_id, {"returns": 2})


async def a_skill_ends(shop: Shop, agent_id: str) -> None:
    await shop.staff.assign_skills(shop.command(), agent_id, {"returns": 5}, {"returns": shop.clock()})


async def a_group_is_left(shop: Shop, agent_id: str) -> None:
    await shop.staff.set_eligibility(shop.command(), agent_id, ["night"], [])


async def a_channel_is_taken(shop: Shop, agent_id: str) -> None:
    await shop.staff.set_eligibility(shop.command(), agent_id, ["day"], ["email"])


@pytest.mark.parametrize("lose", [a_skill_is_lost, a_skill_ends, a_group_is_left, a_channel_is_taken])
async def test_an_offer_to_who_may_not_have_it_any_more_is_refused(
    shop: Shop, lose: Callable[[Shop, str], Awaitable[None]]
) -> None:
    await redefine(shop, required_skills={"returns": 3}, groups=["day"])
    agent_id = await shop.hire(skills={"returns": 5})
    await shop.staff.set_eligibility(shop.command(), agent_id, ["day"], [])
    await a_waiting_conversation(shop)
    assign, decision = await a_decided_offer(shop)
    await lose(shop, agent_id)

    with pytest.raises(NotEligible):
        await assign.carry_out(shop.command("router"), decision)


async def redefine(shop: Shop, **definition: object) -> None:
    defined = msgspec.convert({"name": "Returns", **definition}, QueueDefinition)
    await shop.set_up.define_queue(shop.command(), shop.queue_id, defined)


async def the_queue_pays_more(shop: Shop) -> None:
    await redefine(shop, units={"webchat": 3})


async def the_policy_allows_less(shop: Shop) -> None:
    await shop.set_up.define_policy(shop.command(), RoutingPolicy(at_most={"webchat": 0}))


@pytest.mark.parametrize("change", [the_queue_pays_more, the_policy_allows_less])
async def test_an_offer_that_was_decided_by_other_rules_is_refused_and_breaks_no_promise(
    shop: Shop, change: Callable[[Shop], Awaitable[None]]
) -> None:
    """Also where the process that appends it has not heard of the new rules yet."""
    await shop.hire(capacity=2)
    await a_waiting_conversation(shop)
    async with another_process(shop) as other:
        assign, decision = await a_decided_offer(other)
        await assign.prepare([decision])
        for stream in (shop.queue_id, POLICY):
            await other.states.load(stream)
        await change(shop)

        with pytest.raises(RulesMoved):
            await assign.carry_out(other.command("router"), decision)
        await other.route()

    assert await offers(shop) == []
    assert (await verify_routing(shop.log)).findings == []


async def test_what_was_to_ask_less_or_go_elsewhere_by_other_rules_is_refused(shop: Shop) -> None:
    other_queue = await shop.open_queue("Other")
    overflow = {"when": "waited", "limit": 9, "to_queue_id": other_queue}
    relaxation = [{"after_seconds": 5, "drop": ["returns"]}]
    await redefine(shop, required_skills={"returns": 3}, relaxation=relaxation, overflow=[overflow])
    await a_waiting_conversation(shop)
    decisions: list[Decision] = []
    for seconds in (5, 4):
        shop.clock.wait(seconds)
        await shop.router.follower.catch_up()
        decisions += decide(shop.router.state, shop.clock())
    await redefine(shop, required_skills={"returns": 3})

    assert [type(decision) for decision in decisions] == [Relax, Overflow]
    for decision in decisions:
        with pytest.raises(RulesMoved):
            await AssignWork(shop.commands).carry_out(shop.command("router"), decision)


async def test_rules_that_nobody_can_read_refuse_nothing(shop: Shop) -> None:
    await shop.set_up.define_policy(shop.command(), RoutingPolicy(offer_timeout_seconds=7))
    await shop.hire()
    case = await a_waiting_conversation(shop)
    _, decision = await a_decided_offer(shop)
    spoil(shop, POLICY)

    async with another_process(shop) as other:
        await AssignWork(other.commands).carry_out(other.command("router"), decision)

    assert (await shop.conversation(case)).offer_id == decision.offer_id


async def test_an_offer_to_who_has_no_room_any_more_is_refused(shop: Shop) -> None:
    agent_id = await shop.hire()
    await a_waiting_conversation(shop)
    assign, decision = await a_decided_offer(shop)
    await shop.staff.set_capacity(shop.command(), agent_id, 1)

    with pytest.raises(AtCapacity):
        await assign.carry_out(shop.command("router"), decision)


def expiry(case: Case) -> Expire:
    return Expire(
        conversation_id=case.conversation_id,
        customer_id=case.customer_id,
        offer_id=case.offer_id,
        agent_id=case.agent_id,
    )


async def test_an_offer_expires_only_when_its_time_is_over_and_it_still_stands(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)
    assign = AssignWork(shop.commands)

    with pytest.raises(OfferStillStands):
        await assign.carry_out(shop.command("router"), expiry(offered))
    await shop.accept(offered)
    shop.clock.wait(OFFER_SECONDS)
    with pytest.raises(OfferGone):
        await assign.carry_out(shop.command("router"), expiry(offered))


async def test_withdrawing_an_offer_that_is_gone_does_nothing(shop: Shop) -> None:
    """Not even where the same agent has been made another offer since."""
    offered = await an_offered_conversation(shop)
    await shop.decline(offered)
    shop.clock.wait(REST_SECONDS)
    await shop.route()
    again = await shop.case(offered)
    head = await shop.log.head()
    stale = Withdraw(
        conversation_id=offered.conversation_id,
        customer_id=offered.customer_id,
        offer_id=offered.offer_id,
        agent_id=offered.agent_id,
        reason="signed_out",
    )

    done = await AssignWork(shop.commands).carry_out(shop.command("router"), stale)

    assert again.agent_id == offered.agent_id
    assert done == Done(position=head)
    assert await shop.since(head) == []
