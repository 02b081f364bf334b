"""A decision of the router that is stale by the time it reaches the log is refused."""

import pytest

from application.commands import Done
from application.use_cases.assign_work import AssignWork
from domain.offers import NotWaiting, OfferGone, OfferStillStands
from domain.policy import RoutingPolicy
from domain.routing.decide import decide
from domain.routing.decisions import Expire, Offer, Withdraw
from domain.workload import AtCapacity
from tests.application.situations import Case, Shop, a_waiting_conversation, an_offered_conversation

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
