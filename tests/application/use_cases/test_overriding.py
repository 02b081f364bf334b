"""What supervisors, agents and programs tell routing about one conversation, and how it follows."""

import pytest

from application.ids import new_id
from domain.agent import AgentUnknown, LoadTaken, NotAvailable, Presence
from domain.assignment import ConversationEnqueued, ConversationOffered
from domain.classification import (
    AgeAdjusted,
    AgeAdjustmentOutOfRange,
    AgentPreferred,
    ConversationClassified,
    Marks,
)
from domain.conversation import ConversationIsClosed, Status
from domain.policy import RoutingPolicy
from domain.workload import AtCapacity
from tests.application.recomputing import demand_every_choice_comes_out_the_same
from tests.application.situations import (
    NOON,
    Case,
    Shop,
    a_closed_conversation,
    a_message,
    a_waiting_conversation,
    an_assigned_conversation,
    offers,
)

pytestmark = pytest.mark.anyio


async def set_rules(shop: Shop, **rules: object) -> None:
    await shop.set_up.define_policy(shop.command(), RoutingPolicy(**rules))  # type: ignore[arg-type]
    await shop.directory_follower.catch_up()


async def on_the_phone(shop: Shop, agent_id: str) -> Case:
    """The agent is on a call."""
    account_id = await shop.open_account("phone")
    (receipt,) = await shop.receive(a_message("call", "+4930901820"), account_id=account_id)
    case = await shop.case(receipt)
    await shop.steer.transfer_to_agent(shop.command(), *case.ids, agent_id, "")
    await shop.accept(await shop.case(case))
    return case


async def test_what_is_said_adds_up_and_can_be_taken_back(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    head = await shop.log.head()

    await shop.steer.classify(shop.command(), *case.ids, tier="vip", language="zh")
    await shop.steer.classify(shop.command(), *case.ids, sentiment="angry", language="")
    await shop.steer.classify(shop.command(), *case.ids, tier="vip")

    assert await shop.since(head) == [
        ConversationClassified(
            conversation_id=case.conversation_id, marks=Marks(tier="vip", language="zh"), queue_id=shop.queue_id
        ),
        ConversationClassified(
            conversation_id=case.conversation_id, marks=Marks(tier="vip", sentiment="angry"), queue_id=shop.queue_id
        ),
    ]


async def test_a_vip_goes_before_who_waited_longer(shop: Shop) -> None:
    await set_rules(shop, tiers={"vip": 600})
    first = await a_waiting_conversation(shop, "first")
    shop.clock.wait(60)
    vip = await a_waiting_conversation(shop, "vip")
    await shop.steer.classify(shop.command(), *vip.ids, tier="vip")
    await shop.hire(capacity=2)

    await shop.route()

    (offered,) = await offers(shop)
    assert offered.conversation_id == vip.conversation_id
    assert offered.choice is not None
    assert offered.choice.parts == {"age": 0.0, "tier": 600}
    assert (await shop.conversation(first)).status is Status.WAITING
    await demand_every_choice_comes_out_the_same(shop.log)


async def test_a_known_language_asks_for_its_skill(shop: Shop) -> None:
    await set_rules(shop, language_prefix="lang:")
    case = await a_waiting_conversation(shop)
    await shop.steer.classify(shop.command(), *case.ids, language="zh")
    await shop.hire("Mei")
    chinese = await shop.hire("Li", {"lang:zh": 1})

    await shop.route()

    assert [offered.agent_id for offered in await offers(shop)] == [chinese]


async def test_an_adjusted_age_moves_it_and_leaves_the_wait_as_measured(shop: Shop) -> None:
    older = await a_waiting_conversation(shop, "older")
    shop.clock.wait(60)
    adjusted = await a_waiting_conversation(shop, "adjusted")
    head = await shop.log.head()

    await shop.steer.adjust_age(shop.command(), *adjusted.ids, 61, "was cut off")
    assert await shop.since(head) == [
        AgeAdjusted(conversation_id=adjusted.conversation_id, seconds=61, queue_id=shop.queue_id, reason="was cut off")
    ]
    await shop.hire(capacity=2)
    await shop.route()

    (offered,) = await offers(shop)
    assert offered.conversation_id == adjusted.conversation_id
    assert (await shop.conversation(adjusted)).waiting_since == shop.clock()
    assert (await shop.conversation(older)).status is Status.WAITING


async def test_it_waits_for_who_was_named_and_their_next_conversation_does_too(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    named, other = await shop.hire("Mei", capacity=0), await shop.hire("Ola")
    head = await shop.log.head()

    await shop.steer.prefer_agent(shop.command(), *case.ids, named, "account manager", later_too=True)
    await shop.route()
    assert await shop.since(head) == [
        AgentPreferred(
            conversation_id=case.conversation_id,
            agent_id=named,
            queue_id=shop.queue_id,
            later_too=True,
            reason="account manager",
        )
    ]
    shop.clock.wait(60)
    await shop.route()

    (offered,) = await offers(shop, head)
    assert (offered.agent_id, offered.choice and offered.choice.passed_over) == (
        other,
        f"{named}: waited for until {shop.clock().isoformat()}",
    )
    await shop.serve.close(shop.command(), *case.ids, "done")
    shop.clock.wait(8 * 86_400)
    (receipt,) = await shop.receive(a_message("again"))
    enqueued = [event for event in await shop.since(head) if isinstance(event, ConversationEnqueued)]
    assert [one.preferred_agent_id for one in enqueued] == [named]
    assert receipt.conversation_id != case.conversation_id
    await demand_every_choice_comes_out_the_same(shop.log)


async def test_only_somebody_who_works_here_can_be_named(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)

    with pytest.raises(AgentUnknown):
        await shop.steer.prefer_agent(shop.command(), *case.ids, new_id("agent"), "")


async def test_what_is_closed_is_neither_classified_nor_aged(shop: Shop) -> None:
    closed, waiting = await a_closed_conversation(shop), await a_waiting_conversation(shop, "ola")

    with pytest.raises(ConversationIsClosed):
        await shop.steer.classify(shop.command(), *closed.ids, tier="vip")
    with pytest.raises(ConversationIsClosed):
        await shop.steer.adjust_age(shop.command(), *closed.ids, 60, "")
    with pytest.raises(AgeAdjustmentOutOfRange):
        await shop.steer.adjust_age(shop.command(), *waiting.ids, 8 * 86_400, "")


async def test_a_supervisor_gives_it_to_who_has_no_room_and_the_log_says_why(shop: Shop) -> None:
    assigned, busy = await an_assigned_conversation(shop), await shop.hire("Kai", capacity=1)
    with pytest.raises(AtCapacity):
        await shop.steer.transfer_to_agent(shop.command(), *assigned.ids, busy, "")
    head = await shop.log.head()

    await shop.steer.transfer_to_agent(shop.command(), *assigned.ids, busy, "", "the customer asked for Kai")

    events = await shop.since(head)
    (offered,) = [event for event in events if isinstance(event, ConversationOffered)]
    (taken,) = [event for event in events if isinstance(event, LoadTaken)]
    assert (offered.agent_id, offered.by, offered.choice) == (busy, "given", None)
    assert taken.override == "the customer asked for Kai"
    assert (await shop.agent(busy)).load == 2
    await shop.turn(busy, Presence.AWAY)
    other = await a_waiting_conversation(shop, "ola")
    with pytest.raises(NotAvailable):
        await shop.steer.transfer_to_agent(shop.command(), *other.ids, busy, "", "there is nobody else")


async def test_a_given_offer_stands_as_long_as_its_queue_says(shop: Shop) -> None:
    queue_id = await shop.open_queue("Patient", offer_timeout_seconds=90)
    account_id, agent_id = await shop.open_account("webchat", queue_id), await shop.hire()
    (receipt,) = await shop.receive(a_message(), account_id=account_id)

    await shop.steer.transfer_to_agent(shop.command(), receipt.customer_id, receipt.conversation_id, agent_id, "")

    (offered,) = await offers(shop)
    assert (offered.expires_at - NOON).total_seconds() == 90


async def test_a_transfer_to_a_skill_waits_for_it_with_its_age(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    technician = await shop.hire("Kai", {"repairs": 6})
    shop.clock.wait(60)
    head = await shop.log.head()

    await shop.steer.transfer_to_queue(shop.command(), *assigned.ids, None, "it is broken", {"repairs": 5})
    (enqueued,) = [event for event in await shop.since(head) if isinstance(event, ConversationEnqueued)]
    await shop.route()

    assert (enqueued.queue_id, enqueued.skills, enqueued.waiting_since) == (shop.queue_id, {"repairs": 5}, NOON)
    assert (await shop.conversation(assigned)).agent_id == technician


async def test_who_signs_out_returns_it_with_the_skill_it_asked_for(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    await shop.hire("Kai", {"repairs": 6})
    await shop.steer.transfer_to_queue(shop.command(), *assigned.ids, None, "", {"repairs": 5})
    await shop.route()

    await shop.steer.return_to_queue(shop.command(), *assigned.ids, "the agent signed out")
    returned = await shop.conversation(assigned)
    await shop.steer.transfer_to_queue(shop.command(), *assigned.ids, shop.queue_id, "")

    assert (returned.status, returned.skills) == (Status.WAITING, {"repairs": 5})
    assert (await shop.conversation(assigned)).skills == {}


async def test_a_call_keeps_chats_from_being_resumed_and_handed_over(shop: Shop) -> None:
    await set_rules(shop, blocks={"call": ("chat",)}, units={"phone": 1, "webchat": 1})
    held = await an_assigned_conversation(shop)
    await shop.serve.hold(shop.command(), *held.ids, held.agent_id, "asks the warehouse")
    call = await on_the_phone(shop, held.agent_id)
    chat = await a_waiting_conversation(shop, "ola")

    with pytest.raises(AtCapacity, match="blocked by call"):
        await shop.serve.resume(shop.command(), *held.ids, held.agent_id)
    with pytest.raises(AtCapacity, match="blocked by call"):
        await shop.steer.transfer_to_agent(shop.command(), *chat.ids, held.agent_id, "")
    await shop.steer.transfer_to_agent(shop.command(), *chat.ids, held.agent_id, "", "nobody else speaks Finnish")
    await shop.serve.close(shop.command(), *call.ids, "done")
    await shop.serve.resume(shop.command(), *held.ids, held.agent_id)

    assert (await shop.conversation(held)).status is Status.ASSIGNED


async def test_wrapping_up_still_takes_its_load(shop: Shop) -> None:
    assigned, other = await an_assigned_conversation(shop), await a_waiting_conversation(shop, "ola")
    await shop.staff.set_capacity(shop.command(), assigned.agent_id, 3)
    await shop.serve.wrap_up(shop.command(), *assigned.ids, assigned.agent_id)

    with pytest.raises(AtCapacity):
        await shop.steer.pick(shop.command(), *other.ids, assigned.agent_id)
