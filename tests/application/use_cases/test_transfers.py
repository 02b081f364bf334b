"""A conversation that is handed on keeps its age, and is with one agent at a time."""

import pytest

from application.use_cases.steer_conversations import SkillsUnmatched
from domain.agent import AgentUnknown, NotAvailable, Presence, Work
from domain.assignment import ConversationOffered, ConversationTransferred
from domain.conversation import ConversationIsClosed, Status
from domain.queue import QueueRetiredAlready, QueueUnknown
from domain.workload import AtCapacity
from tests.application.situations import (
    NOON,
    Shop,
    a_waiting_conversation,
    an_assigned_conversation,
    an_offered_conversation,
    kinds,
)

pytestmark = pytest.mark.anyio


async def retire_the_queue(shop: Shop) -> None:
    await shop.set_up.retire_queue(shop.command(), shop.queue_id)
    await shop.directory_follower.catch_up()


async def test_it_waits_in_the_other_queue_with_its_age(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    billing = await shop.open_queue("Billing")
    shop.clock.wait(60)
    head = await shop.log.head()

    await shop.steer.transfer_to_queue(shop.command(), *assigned.ids, billing, "it is about an invoice")

    transferred = (await shop.since(head))[0]
    assert transferred == ConversationTransferred(
        conversation_id=assigned.conversation_id,
        from_agent_id=assigned.agent_id,
        to_queue_id=billing,
        from_queue_id=shop.queue_id,
        reason="it is about an invoice",
    )
    now = await shop.conversation(assigned)
    assert (now.status, now.queue_id, now.agent_id, now.waiting_since) == (Status.WAITING, billing, None, NOON)
    assert (await shop.agent(assigned.agent_id)).work == {}


async def test_it_keeps_the_higher_priority(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    await shop.steer.set_priority(shop.command(), *case.ids, 4)
    lower, higher = await shop.open_queue("Lower", priority=1), await shop.open_queue("Higher", priority=6)

    await shop.steer.transfer_to_queue(shop.command(), *case.ids, lower, "")
    assert (await shop.conversation(case)).priority == 4

    await shop.steer.transfer_to_queue(shop.command(), *case.ids, higher, "")
    assert (await shop.conversation(case)).priority == 6


async def test_what_is_offered_is_withdrawn_first(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)
    billing = await shop.open_queue("Billing")
    head = await shop.log.head()

    await shop.steer.transfer_to_queue(shop.command(), *offered.ids, billing, "")

    events = await shop.since(head)
    assert kinds(events) == [
        "conversation.offer_withdrawn",
        "conversation.transferred",
        "conversation.enqueued",
        "agent.load_released",
    ]
    assert isinstance(events[1], ConversationTransferred)
    assert events[1].from_agent_id is None, "nobody had accepted it"
    assert (await shop.agent(offered.agent_id)).work == {}


async def test_an_offer_that_was_handed_on_does_not_cost_the_agent_the_turn(shop: Shop) -> None:
    first, second = await shop.hire("Mei"), await shop.hire("Ola")
    shop.clock.wait(60)
    offered = await an_offered_conversation(shop)
    billing = await shop.open_queue("Billing", required_skills={"billing": 1})
    await shop.steer.transfer_to_queue(shop.command(), *offered.ids, billing, "")
    shop.clock.wait(60)

    again = await an_offered_conversation(shop, "next")

    assert {offered.agent_id} < {first, second}
    assert again.agent_id == offered.agent_id


async def test_only_a_queue_that_takes_work_is_sent_any(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    head = await shop.log.head()
    with pytest.raises(QueueUnknown):
        await shop.steer.transfer_to_queue(shop.command(), *case.ids, "queue-unknown", "")
    assert await shop.since(head) == []

    await retire_the_queue(shop)
    with pytest.raises(QueueRetiredAlready):
        await shop.steer.transfer_to_queue(shop.command(), *case.ids, shop.queue_id, "")


@pytest.mark.parametrize(
    ("skills", "reason"),
    [
        ({"klingon": 10}, "skills: nobody has 'klingon' at level 10"),
        ({"repairs": 7}, "skills: nobody has 'repairs' at level 7; the highest is 6"),
        ({"lifts": 1}, "skills: nobody has 'lifts' at level 1"),
    ],
    ids=["unknown", "too high", "expired"],
)
async def test_a_skill_that_nobody_has_is_not_asked_for(shop: Shop, skills: dict[str, int], reason: str) -> None:
    case = await a_waiting_conversation(shop)
    agent_id = await shop.hire("Kai", {"repairs": 6})
    await shop.staff.assign_skills(shop.command(), agent_id, {"repairs": 6, "lifts": 5}, {"lifts": NOON})
    await shop.directory_follower.catch_up()
    head = await shop.log.head()

    with pytest.raises(SkillsUnmatched) as refused:
        await shop.steer.transfer_to_queue(shop.command(), *case.ids, None, "", skills)

    assert str(refused.value) == reason
    assert await shop.since(head) == []


async def test_what_is_closed_is_not_handed_on(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    colleague = await shop.hire()
    await shop.serve.close(shop.command(), *case.ids, "spam")

    with pytest.raises(ConversationIsClosed):
        await shop.steer.transfer_to_queue(shop.command(), *case.ids, shop.queue_id, "")
    with pytest.raises(ConversationIsClosed):
        await shop.steer.transfer_to_agent(shop.command(), *case.ids, colleague, "")
    with pytest.raises(ConversationIsClosed):
        await shop.steer.return_to_queue(shop.command(), *case.ids, "")


async def test_a_colleague_is_offered_it_at_once(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    colleague = await shop.hire("Ola")

    await shop.steer.transfer_to_agent(shop.command(), *assigned.ids, colleague, "knows the case")

    now = await shop.conversation(assigned)
    assert (now.status, now.agent_id, now.waiting_since) == (Status.OFFERED, colleague, NOON)
    assert (await shop.agent(assigned.agent_id)).work == {}
    assert (await shop.agent(colleague)).work == {
        assigned.conversation_id: Work(assigned.customer_id, 2, "webchat", "chat")
    }
    offers = [event for event in await shop.since(0) if isinstance(event, ConversationOffered)]
    assert offers[-1].choice is None, "a person chose"


async def test_what_the_colleague_declines_waits_with_its_age(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    colleague = await shop.hire("Ola")
    await shop.steer.transfer_to_agent(shop.command(), *assigned.ids, colleague, "")
    shop.clock.wait(5)

    await shop.decline(await shop.case(assigned))

    now = await shop.conversation(assigned)
    assert (now.status, now.queue_id, now.waiting_since) == (Status.WAITING, shop.queue_id, NOON)


async def test_the_router_leaves_an_offer_to_a_colleague_alone(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    colleague = await shop.hire("Ola")
    await shop.steer.transfer_to_agent(shop.command(), *assigned.ids, colleague, "")
    head = await shop.log.head()

    await shop.route()

    assert await shop.since(head) == []


async def test_a_colleague_needs_to_be_there_and_have_room(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    away, busy = await shop.hire("Ola"), await shop.hire("Kai", capacity=1)
    await shop.turn(away, Presence.AWAY)
    head = await shop.log.head()
    transfer = shop.steer.transfer_to_agent

    with pytest.raises(NotAvailable):
        await transfer(shop.command(), *assigned.ids, away, "")
    with pytest.raises(AtCapacity):
        await transfer(shop.command(), *assigned.ids, busy, "")
    with pytest.raises(AgentUnknown):
        await transfer(shop.command(), *assigned.ids, "agent-" + "0" * 32, "")

    assert await shop.since(head) == []


async def test_handing_it_to_who_has_it_is_not_news(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)
    head = await shop.log.head()

    await shop.steer.transfer_to_agent(shop.command(), *offered.ids, offered.agent_id, "")
    assert await shop.since(head) == []

    await shop.accept(offered)
    head = await shop.log.head()
    await shop.steer.transfer_to_agent(shop.command(), *offered.ids, offered.agent_id, "")
    assert await shop.since(head) == []


async def test_what_came_from_a_retired_queue_may_return_to_it(shop: Shop) -> None:
    """What waits in a retired queue is still served, so nothing may get stuck beside it."""
    assigned = await an_assigned_conversation(shop)
    await retire_the_queue(shop)

    await shop.steer.return_to_queue(shop.command(), *assigned.ids, "the agent signed out")

    now = await shop.conversation(assigned)
    assert (now.status, now.queue_id, now.waiting_since) == (Status.WAITING, shop.queue_id, NOON)


async def test_a_colleague_may_take_over_from_a_retired_queue(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    colleague = await shop.hire("Ola")
    await retire_the_queue(shop)

    await shop.steer.transfer_to_agent(shop.command(), *assigned.ids, colleague, "")

    assert (await shop.conversation(assigned)).agent_id == colleague
