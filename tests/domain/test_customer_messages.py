"""What a customer writes: which conversation it belongs to, and whether that waits."""

from datetime import datetime, timedelta

import pytest

from domain import conversation, customer, intake
from domain.assignment import ConversationEnqueued
from domain.conversation import ConversationOpened, ConversationReopened
from domain.customer import Customer, CustomerRegistered, IdentityLinked
from domain.event import Event
from domain.intake import InboundMessage, Intake, TooManyConversations
from domain.interaction import Content, MessageContradicted, MessageReceived
from tests.domain.situations import (
    ACCOUNT,
    CONVERSATION,
    IN_A_MINUTE,
    IN_A_WEEK,
    MEI,
    NOON,
    QUEUE,
    a_closed_conversation,
    a_waiting_conversation,
    after_customer,
    an_assigned_conversation,
    an_open_conversation,
    joan,
    opening,
)

WHAT_JOAN_WROTE = InboundMessage(
    provider_id="m-1",
    handle="visitor-1",
    content=Content(text="Where is my parcel?"),
    occurred_at=NOON,
    author="Joan",
    thread="thread-1",
)
INTAKE = Intake(queue_id=QUEUE, priority=2, service_level=timedelta(minutes=1))
NEW_CONVERSATION = "conversation-new"
LINKED = IdentityLinked(channel="webchat", account_id=ACCOUNT, handle="visitor-1")


def receive(before: Customer, message: InboundMessage = WHAT_JOAN_WROTE, at: datetime = NOON) -> list[Event]:
    return intake.receive_message(
        before,
        message,
        channel="webchat",
        account_id=ACCOUNT,
        scope=ACCOUNT,
        intake=INTAKE,
        message_id="message-1",
        new_conversation_id=NEW_CONVERSATION,
        at=at,
    )


def received(conversation_id: str, agent_id: str | None = None) -> MessageReceived:
    return MessageReceived(
        conversation_id=conversation_id,
        message_id="message-1",
        provider_id="m-1",
        channel="webchat",
        account_id=ACCOUNT,
        handle="visitor-1",
        content=Content(text="Where is my parcel?"),
        author="Joan",
        agent_id=agent_id,
        said_at=NOON,
    )


def enqueued(conversation_id: str, at: datetime = NOON, priority: int = 2) -> ConversationEnqueued:
    return ConversationEnqueued(
        conversation_id=conversation_id,
        queue_id=QUEUE,
        channel="webchat",
        priority=priority,
        waiting_since=at,
        due_at=at + timedelta(minutes=1),
    )


def test_somebody_new_is_met_and_waits() -> None:
    events = receive(customer.NEW)

    assert events == [
        CustomerRegistered(name="Joan"),
        LINKED,
        ConversationOpened(
            conversation_id=NEW_CONVERSATION,
            channel="webchat",
            account_id=ACCOUNT,
            thread="thread-1",
            customer_name="Joan",
        ),
        received(NEW_CONVERSATION),
        enqueued(NEW_CONVERSATION),
    ]


def test_somebody_known_joins_their_open_thread() -> None:
    events = receive(joan(an_assigned_conversation()))

    assert events == [received(CONVERSATION, agent_id=MEI)]


def test_a_second_message_does_not_enqueue_twice() -> None:
    events = receive(joan(a_waiting_conversation()))

    assert events == [received(CONVERSATION)]


def test_a_message_in_another_thread_opens_another_conversation() -> None:
    other = InboundMessage(
        provider_id="m-1", handle="visitor-1", content=Content(text="Hello?"), occurred_at=NOON, thread="thread-2"
    )

    opened, *_ = receive(joan(a_waiting_conversation()), other)

    assert isinstance(opened, ConversationOpened)
    assert (opened.conversation_id, opened.thread, opened.customer_name) == (NEW_CONVERSATION, "thread-2", "Joan")


def test_a_message_that_proves_its_conversation_joins_it_from_any_thread() -> None:
    other = InboundMessage(
        provider_id="m-1",
        handle="visitor-1",
        content=Content(text="Hello?"),
        occurred_at=NOON,
        thread="thread-2",
        conversation_id=CONVERSATION,
    )

    (event,) = receive(joan(an_assigned_conversation()), other)

    assert isinstance(event, MessageReceived)
    assert event.conversation_id == CONVERSATION


def test_a_message_in_time_reopens_the_conversation_which_waits_anew() -> None:
    events = receive(joan(a_closed_conversation()), at=IN_A_MINUTE)

    assert events == [
        ConversationReopened(conversation_id=CONVERSATION),
        received(CONVERSATION),
        enqueued(CONVERSATION, at=IN_A_MINUTE),
    ]


def test_a_message_too_late_to_reopen_opens_another_conversation() -> None:
    late = IN_A_WEEK + timedelta(microseconds=1)

    opened, *_ = receive(joan(a_closed_conversation()), at=late)

    assert isinstance(opened, ConversationOpened)
    assert opened.conversation_id == NEW_CONVERSATION


def test_a_conversation_opened_by_hand_waits_once_its_customer_writes() -> None:
    events = receive(joan(an_open_conversation()))

    assert events == [received(CONVERSATION), enqueued(CONVERSATION)]


def test_a_higher_priority_of_its_own_outweighs_the_queue() -> None:
    before = after_customer(
        joan(an_open_conversation()), conversation.ConversationPrioritized(conversation_id=CONVERSATION, priority=9)
    )

    events = receive(before)

    assert events[-1] == enqueued(CONVERSATION, priority=9)


def test_work_without_service_level_is_due_at_no_time() -> None:
    *_, event = intake.receive_message(
        customer.NEW,
        WHAT_JOAN_WROTE,
        channel="webchat",
        account_id=ACCOUNT,
        scope=ACCOUNT,
        intake=Intake(queue_id=QUEUE),
        message_id="message-1",
        new_conversation_id=NEW_CONVERSATION,
        at=NOON,
    )

    assert isinstance(event, ConversationEnqueued)
    assert (event.due_at, event.priority) == (None, 0)


def test_a_customer_has_at_most_1000_open_conversations() -> None:
    full = after_customer(customer.NEW, *(opening(number) for number in range(2, 1_002)))

    with pytest.raises(TooManyConversations):
        receive(full)


def test_a_known_message_with_other_content_is_kept_beside_the_first() -> None:
    before = joan(an_assigned_conversation())

    events = intake.contradict_message(before, WHAT_JOAN_WROTE, original=received(CONVERSATION), original_position=41)

    assert events == [
        MessageContradicted(
            conversation_id=CONVERSATION,
            message_id="message-1",
            provider_id="m-1",
            content=Content(text="Where is my parcel?"),
            original_position=41,
            agent_id=MEI,
        )
    ]


def test_a_contradiction_to_a_forgotten_conversation_is_kept_too() -> None:
    (event,) = intake.contradict_message(joan(), WHAT_JOAN_WROTE, original=received(CONVERSATION), original_position=41)

    assert isinstance(event, MessageContradicted)
    assert event.agent_id is None
