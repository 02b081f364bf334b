"""Conversations are queued, tagged, closed and reopened; closing frees whoever has them."""

from datetime import timedelta

import pytest

from domain.agent import LoadReleased
from domain.assignment import AlreadyWaiting, ConversationEnqueued
from domain.calls.intake import Call
from domain.calls.stages import Direction
from domain.conversation import (
    ConversationClosed,
    ConversationIsClosed,
    ConversationStillOpen,
    PriorityOutOfRange,
    ReopenPeriodOver,
    Status,
    TooManyTags,
)
from domain.queue import QueueRetiredAlready, QueueUnknown
from tests.application.situations import (
    NOON,
    Case,
    Shop,
    a_closed_conversation,
    a_conversation_on_hold,
    a_waiting_conversation,
    an_assigned_conversation,
    an_offered_conversation,
    kinds,
)

pytestmark = pytest.mark.anyio


async def a_logged_call(shop: Shop) -> Case:
    """Open, but neither waiting nor with anybody."""
    account_id = await shop.open_account("phone")
    call = Call(call_id="c-1", direction=Direction.INBOUND, handle="+4712345678", outcome="answered", occurred_at=NOON)
    _, customer_id = await shop.calls.take(shop.command(), call, account_id=account_id)
    (conversation_id,) = (await shop.customer(customer_id)).conversations
    return Case(customer_id=customer_id, conversation_id=conversation_id)


async def test_tags_are_put_on_and_taken_off_once(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    head = await shop.log.head()

    for _ in range(2):
        await shop.steer.tag(shop.command(), *case.ids, "vip")
    for _ in range(2):
        await shop.steer.untag(shop.command(), *case.ids, "vip")

    assert kinds(await shop.since(head)) == ["conversation.tagged", "conversation.untagged"]


async def test_there_is_a_limit_to_tags(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    for number in range(50):
        await shop.steer.tag(shop.command(), *case.ids, f"tag-{number}")

    with pytest.raises(TooManyTags):
        await shop.steer.tag(shop.command(), *case.ids, "one more")


async def test_a_priority_is_set_within_its_range_while_open(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    await shop.steer.set_priority(shop.command(), *case.ids, 7)
    head = await shop.log.head()

    await shop.steer.set_priority(shop.command(), *case.ids, 7)

    assert await shop.since(head) == []
    assert (await shop.conversation(case)).priority == 7
    with pytest.raises(PriorityOutOfRange):
        await shop.steer.set_priority(shop.command(), *case.ids, 11)
    await shop.serve.close(shop.command(), *case.ids, "spam")
    with pytest.raises(ConversationIsClosed):
        await shop.steer.set_priority(shop.command(), *case.ids, 1)


async def test_work_that_nobody_has_can_be_put_into_a_queue_once(shop: Shop) -> None:
    case = await a_logged_call(shop)

    await shop.steer.enqueue(shop.command(), *case.ids, None)

    assert (await shop.conversation(case)).status is Status.WAITING
    with pytest.raises(AlreadyWaiting):
        await shop.steer.enqueue(shop.command(), *case.ids, None)
    await shop.serve.close(shop.command(), *case.ids, "answered")
    with pytest.raises(ConversationIsClosed):
        await shop.steer.enqueue(shop.command(), *case.ids, None)


async def test_work_is_put_only_into_a_queue_that_takes_some(shop: Shop) -> None:
    case = await a_logged_call(shop)
    retired = await shop.open_queue("Old")
    await shop.set_up.retire_queue(shop.command(), retired)
    await shop.directory_follower.catch_up()

    with pytest.raises(QueueUnknown):
        await shop.steer.enqueue(shop.command(), *case.ids, "queue-unknown")
    with pytest.raises(QueueRetiredAlready):
        await shop.steer.enqueue(shop.command(), *case.ids, retired)


async def test_work_enters_a_queue_with_its_priority_and_service_level(shop: Shop) -> None:
    case = await a_logged_call(shop)
    urgent = await shop.open_queue("Urgent", priority=5, service_level_seconds=30)

    done = await shop.steer.enqueue(shop.command(), *case.ids, urgent)

    (enqueued,) = await shop.since(done.position - 1)
    assert enqueued == ConversationEnqueued(
        conversation_id=case.conversation_id,
        queue_id=urgent,
        channel="phone",
        priority=5,
        waiting_since=NOON,
        due_at=NOON + timedelta(seconds=30),
    )


async def test_closing_frees_the_agent(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    head = await shop.log.head()

    await shop.serve.close(shop.command(), *assigned.ids, "refunded")

    closed, released = await shop.since(head)
    assert closed == ConversationClosed(
        conversation_id=assigned.conversation_id,
        agent_id=assigned.agent_id,
        queue_id=shop.queue_id,
        disposition="refunded",
        reopenable_until=NOON + timedelta(days=7),
    )
    assert released == LoadReleased(conversation_id=assigned.conversation_id, units=2, reason="closed")


async def test_closing_twice_is_not_news(shop: Shop) -> None:
    closed = await a_closed_conversation(shop)
    head = await shop.log.head()

    await shop.serve.close(shop.command(), *closed.ids, "spam")

    assert await shop.since(head) == []


async def test_closing_what_is_offered_takes_the_offer_back(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)
    head = await shop.log.head()

    await shop.serve.close(shop.command(), *offered.ids, "spam")

    withdrawn, closed, released = await shop.since(head)
    assert kinds([withdrawn]) == ["conversation.offer_withdrawn"]
    assert isinstance(closed, ConversationClosed)
    assert closed.agent_id is None, "nobody had accepted it"
    assert released == LoadReleased(conversation_id=offered.conversation_id, units=2, reason="withdrawn")


async def test_closing_what_is_on_hold_lets_go_of_it(shop: Shop) -> None:
    held = await a_conversation_on_hold(shop)

    await shop.serve.close(shop.command(), *held.ids, "refunded")

    assert (await shop.agent(held.agent_id)).on_hold == {}


async def test_a_reopened_conversation_waits_from_now_on(shop: Shop) -> None:
    closed = await a_closed_conversation(shop)
    shop.clock.wait(60)

    await shop.serve.reopen(shop.command(), *closed.ids)

    now = await shop.conversation(closed)
    assert (now.status, now.queue_id, now.waiting_since) == (Status.WAITING, shop.queue_id, shop.clock())


async def test_only_what_was_closed_not_long_ago_is_reopened(shop: Shop) -> None:
    closed = await a_closed_conversation(shop)
    waiting = await a_waiting_conversation(shop, "ola")

    with pytest.raises(ConversationStillOpen):
        await shop.serve.reopen(shop.command(), *waiting.ids)
    shop.clock.wait(7 * 86_400 + 1)
    with pytest.raises(ReopenPeriodOver):
        await shop.serve.reopen(shop.command(), *closed.ids)
