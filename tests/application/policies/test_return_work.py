"""Whoever signs out leaves nothing behind: their conversations wait again, with their age."""

import pytest

from application.follower import Follower
from application.policies.return_work import ReturnWork
from domain.agent import Presence
from domain.conversation import Status
from tests.application.broken_streams import spoil
from tests.application.situations import (
    NOON,
    Shop,
    an_assigned_conversation,
    an_offered_conversation,
    another_process,
    everything,
)

pytestmark = pytest.mark.anyio


def returning(shop: Shop) -> Follower:
    return Follower(shop.log, ReturnWork(shop.states, shop.steer, shop.staff, shop.positions, shop.clock))


async def test_all_that_they_have_goes_back_to_where_it_came_from(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop, "assigned")
    held = await an_assigned_conversation(shop, "held")
    await shop.serve.hold(shop.command(), *held.ids, held.agent_id, "asks the warehouse")
    offered = await an_offered_conversation(shop, "offered")
    assert {assigned.agent_id, held.agent_id, offered.agent_id} == {assigned.agent_id}
    shop.clock.wait(300)
    await shop.turn(assigned.agent_id, Presence.OFFLINE)

    await returning(shop).catch_up()

    for case in (assigned, held, offered):
        now = await shop.conversation(case)
        assert (now.status, now.queue_id, now.agent_id) == (Status.WAITING, shop.queue_id, None)
        assert now.waiting_since == NOON
    agent = await shop.agent(assigned.agent_id)
    assert (agent.work, agent.on_hold) == ({}, {})


async def test_it_says_why_it_moved(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    await shop.turn(assigned.agent_id, Presence.OFFLINE)
    signed_out_at = await shop.log.head()

    await returning(shop).catch_up()

    transferred = (await everything(shop.log, signed_out_at))[0]
    assert (transferred.topic, transferred.actor, transferred.cause) == (
        "conversation.transferred", "return_work", signed_out_at,
    )  # fmt: skip


async def test_who_is_back_already_keeps_their_work(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    await shop.turn(assigned.agent_id, Presence.OFFLINE)
    await shop.staff.sign_in(shop.command(), assigned.agent_id)
    head = await shop.log.head()

    await returning(shop).catch_up()

    assert await shop.since(head) == []


async def test_what_was_closed_meanwhile_stays_closed(shop: Shop) -> None:
    assigned, other = await an_assigned_conversation(shop, "li"), await an_assigned_conversation(shop, "ola")
    await shop.turn(assigned.agent_id, Presence.OFFLINE)
    async with another_process(shop) as elsewhere:
        await elsewhere.serve.close(shop.command(), *assigned.ids, "refunded")

    await returning(shop).catch_up()

    assert (await shop.conversation(assigned)).status is Status.CLOSED
    assert (await shop.conversation(other)).status is Status.WAITING


async def test_a_repeat_returns_nothing_twice(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    await shop.turn(assigned.agent_id, Presence.OFFLINE)
    await returning(shop).catch_up()
    head = await shop.log.head()

    again = returning(shop)
    again.position = 0
    await again.catch_up()

    assert await shop.since(head) == []


async def test_it_goes_on_where_it_stopped(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    await shop.turn(assigned.agent_id, Presence.OFFLINE)
    head = await shop.log.head()
    await returning(shop).catch_up(head)

    assert await returning(shop).reaction.start() == head


async def test_who_signs_out_in_another_process_is_seen_to_have_left(shop: Shop) -> None:
    """Here the agent is remembered as present."""
    assigned = await an_assigned_conversation(shop)
    async with another_process(shop) as elsewhere:
        await elsewhere.turn(assigned.agent_id, Presence.OFFLINE)

        await returning(shop).catch_up()

    assert (await shop.conversation(assigned)).status is Status.WAITING


async def test_an_agent_whom_nobody_can_read_does_not_keep_the_work_of_others(shop: Shop) -> None:
    of_broken = await an_assigned_conversation(shop, "li")
    await shop.turn(of_broken.agent_id, Presence.OFFLINE)
    of_sound = await an_assigned_conversation(shop, "ola")
    await shop.turn(of_sound.agent_id, Presence.OFFLINE)
    spoil(shop, of_broken.agent_id)

    async with another_process(shop) as other:
        await returning(other).catch_up()

    assert of_sound.agent_id != of_broken.agent_id
    assert (await shop.conversation(of_sound)).status is Status.WAITING


async def test_what_is_returned_goes_to_a_colleague(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    colleague = await shop.hire("Ola")
    await shop.turn(assigned.agent_id, Presence.OFFLINE)
    await returning(shop).catch_up()

    await shop.route()

    assert (await shop.conversation(assigned)).agent_id == colleague
