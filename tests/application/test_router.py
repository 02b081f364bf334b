"""The router puts what waits before the right agent, and its decisions can be taken again from the log."""

import asyncio
from datetime import timedelta

import pytest

from domain.agent import LoadReleased, Presence, PresenceChanged
from domain.assignment import Choice, ConversationOffered, OfferExpired, OfferWithdrawn
from domain.conversation import Status
from domain.policy import RoutingPolicy
from domain.routing.facts import EDITION
from tests.application.recomputing import demand_every_choice_comes_out_the_same
from tests.application.situations import (
    NOON,
    Shop,
    a_message,
    a_waiting_conversation,
    an_assigned_conversation,
    an_offered_conversation,
    offers,
)

pytestmark = pytest.mark.anyio

OFFER_SECONDS = RoutingPolicy().offer_timeout_seconds
REST_SECONDS = RoutingPolicy().decline_rest_seconds


async def test_what_waits_is_offered_to_the_longest_idle_and_says_why(shop: Shop) -> None:
    first = await shop.hire("Mei")
    shop.clock.wait(10)
    second = await shop.hire("Ola")
    case = await a_waiting_conversation(shop)
    head = await shop.log.head()
    shop.clock.wait(5)

    await shop.route()

    (offered,) = await offers(shop, head)
    assert (offered.conversation_id, offered.agent_id, offered.units) == (case.conversation_id, first, 2)
    assert offered.expires_at == shop.clock() + timedelta(seconds=OFFER_SECONDS)
    assert offered.choice == Choice(
        position=head,
        ordinal=0,
        decided_at=shop.clock(),
        policy_version=0,
        rule="longest_idle",
        score=5.0,
        eligible=2,
        idle_since=NOON,
        runner_up=second,
        runner_up_idle_since=NOON + timedelta(seconds=10),
        parts={"age": 5.0},
        edition=EDITION,
    )


async def test_the_decision_names_the_router_and_what_it_had_read(shop: Shop) -> None:
    await shop.hire()
    await a_waiting_conversation(shop)
    head = await shop.log.head()

    await shop.route()

    recorded = await shop.log.at(head + 1)
    assert recorded is not None
    assert (recorded.actor, recorded.cause) == ("router", head)


async def test_the_one_who_waits_longest_goes_first(shop: Shop) -> None:
    cases = []
    for handle in ("one", "two", "three"):
        cases.append(await a_waiting_conversation(shop, handle))
        shop.clock.wait(1)
    await shop.hire(capacity=4)

    await shop.route()

    assert [offered.conversation_id for offered in await offers(shop)] == [one.conversation_id for one in cases[:2]]


async def test_skills_decide_who_is_asked(shop: Shop) -> None:
    await shop.hire("Mei", {"lang:zh": 4})
    chinese = await shop.hire("Li", {"lang:zh": 5})
    queue_id = await shop.open_queue("Chinese", required_skills={"lang:zh": 5})
    account_id = await shop.open_account("webchat", queue_id)

    await shop.receive(a_message(), account_id=account_id)
    await shop.route()

    assert [offered.agent_id for offered in await offers(shop)] == [chinese]


async def test_what_is_declined_goes_to_the_next(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)
    await shop.hire("Ola")
    await shop.decline(offered)

    await shop.route()

    again = await shop.case(offered)
    assert again.agent_id not in ("", offered.agent_id)


async def test_the_only_agent_is_asked_again_after_a_rest(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)
    await shop.decline(offered)
    shop.clock.wait(REST_SECONDS - 1)
    await shop.route()
    assert (await shop.conversation(offered)).status is Status.WAITING

    shop.clock.wait(1)
    await shop.route()

    again = await shop.case(offered)
    assert (again.agent_id, again.offer_id != offered.offer_id) == (offered.agent_id, True)
    assert (await shop.conversation(offered)).waiting_since == NOON


async def test_an_offer_stands_until_its_time_is_over(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)
    head = await shop.log.head()

    shop.clock.wait(OFFER_SECONDS - 1)
    await shop.route()

    assert await shop.since(head) == []
    assert await shop.case(offered) == offered


async def test_who_misses_an_offer_is_away_and_it_goes_to_the_next(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)
    other = await shop.hire("Ola")
    head = await shop.log.head()

    shop.clock.wait(OFFER_SECONDS)
    await shop.route()

    expired, released, away, again, _ = await shop.since(head)
    assert expired == OfferExpired(
        conversation_id=offered.conversation_id,
        queue_id=shop.queue_id,
        offer_id=offered.offer_id,
        agent_id=offered.agent_id,
    )
    assert released == LoadReleased(conversation_id=offered.conversation_id, units=2, reason="expired")
    assert away == PresenceChanged(presence=Presence.AWAY, reason="missed an offer")
    assert isinstance(again, ConversationOffered)
    assert again.agent_id == other


async def test_a_burst_fills_everybody_and_overloads_nobody(shop: Shop) -> None:
    agents = [await shop.hire(f"agent {number}", capacity=5) for number in range(4)]
    burst = [a_message(f"m-{number}", f"visitor-{number}") for number in range(20)]
    await shop.receive(*burst)

    await asyncio.gather(shop.route(), shop.receive(a_message("m-20", "visitor-20")))
    await shop.route()

    assert [(await shop.agent(agent_id)).load for agent_id in agents] == [4, 4, 4, 4]
    assert len(await offers(shop)) == 8


async def test_what_frees_capacity_drains_the_queue(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    await shop.staff.set_capacity(shop.command(), assigned.agent_id, 2)
    waiting = await a_waiting_conversation(shop, "next")
    await shop.route()
    assert (await shop.conversation(waiting)).status is Status.WAITING

    await shop.serve.close(shop.command(), *assigned.ids, "refunded")
    await shop.route()

    assert (await shop.conversation(waiting)).agent_id == assigned.agent_id


async def test_a_running_router_follows_what_happens(shop: Shop) -> None:
    await shop.hire()
    running = asyncio.gather(shop.router.run(), shop.router.lead())
    (receipt,) = await shop.receive(a_message())

    enqueued_at = receipt.position + 1
    assert await shop.log.wait_past(enqueued_at, wait_seconds=10)

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (await shop.conversation(receipt)).status is Status.OFFERED


async def test_who_signs_out_loses_the_offer_and_the_next_gets_it(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)
    other = await shop.hire("Ola")
    head = await shop.log.head()
    await shop.turn(offered.agent_id, Presence.OFFLINE)

    await shop.route()

    _, withdrawn, released, again, _ = await shop.since(head)
    assert isinstance(withdrawn, OfferWithdrawn)
    assert (withdrawn.offer_id, withdrawn.reason) == (offered.offer_id, "signed_out")
    assert released == LoadReleased(conversation_id=offered.conversation_id, units=2, reason="withdrawn")
    assert isinstance(again, ConversationOffered)
    assert again.agent_id == other


async def test_who_loses_the_channel_loses_the_offer_and_what_they_accepted_stays(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    offered = await an_offered_conversation(shop, "next")
    head = await shop.log.head()
    await shop.staff.set_eligibility(shop.command(), offered.agent_id, [], ["email"])

    await shop.route()

    _, withdrawn, released = await shop.since(head)
    assert isinstance(withdrawn, OfferWithdrawn)
    assert (withdrawn.offer_id, withdrawn.reason) == (offered.offer_id, "not eligible: does not serve webchat")
    assert released == LoadReleased(conversation_id=offered.conversation_id, units=2, reason="withdrawn")
    waiting = await shop.conversation(offered)
    assert (waiting.status, waiting.waiting_since) == (Status.WAITING, NOON)
    assert (await shop.conversation(assigned)).status is Status.ASSIGNED


async def test_what_a_person_offers_stands_whatever_the_agent_can_do(shop: Shop) -> None:
    waiting = await a_waiting_conversation(shop)
    agent_id = await shop.hire()
    await shop.staff.set_eligibility(shop.command(), agent_id, [], ["email"])
    await shop.steer.transfer_to_agent(shop.command(), *waiting.ids, agent_id, "they know why")
    head = await shop.log.head()

    await shop.route()

    assert await shop.since(head) == []


async def test_every_choice_comes_out_the_same_again(shop: Shop) -> None:
    for number in range(3):
        await shop.hire(f"agent {number}", capacity=4)
        shop.clock.wait(1)
    cases = [await a_waiting_conversation(shop, f"visitor-{number}") for number in range(9)]
    await shop.route()
    for place, case in enumerate([await shop.case(case) for case in cases[:6]]):
        shop.clock.wait(1)
        await (shop.accept(case) if place % 2 else shop.decline(case))
        await shop.route()
    shop.clock.wait(OFFER_SECONDS)
    await shop.route()

    assert await demand_every_choice_comes_out_the_same(shop.log) > 8
