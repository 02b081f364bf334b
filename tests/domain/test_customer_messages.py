"""What a customer writes: which conversation it belongs to, and whether that waits."""

from datetime import datetime, timedelta

import pytest

from domain import conversation, customer, intake
from domain.assignment import ConversationEnqueued
from domain.conversation import ConversationOpened, ConversationReopened
from domain.customer import Customer, CustomerRegistered, IdentityLinked, TooManyConversations
from domain.event import Event
from domain.intake import InboundMessage, Intake
from domain.interaction import Content, ContentKind, MessageContradicted, MessageReceived
from tests.domain.situations import (
    ACCOUNT,
    CONVERSATION,
    IN_A_MINUTE,
    IN_A_WEEK,
    MEI,
    NOON,
    QUEUE,
    a_closed_conversation,
    a_conversation_in_wrap_up,
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


def enqueued(
    conversation_id: str, at: datetime = NOON, priority: int = 2, known_agent_id: str | None = None
) -> ConversationEnqueued:
    return ConversationEnqueued(
        conversation_id=conversation_id,
        queue_id=QUEUE,
        channel="webchat",
        priority=priority,
        waiting_since=at,
        due_at=at + timedelta(minutes=1),
        known_agent_id=known_agent_id,
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
        enqueued(CONVERSATION, at=IN_A_MINUTE, known_agent_id=MEI),
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


def amending(kind: ContentKind, about: str = "m-1") -> InboundMessage:
    return InboundMessage(
        provider_id="m-2",
        handle="visitor-1",
        content=Content(kind=kind, about=about, text="👍"),
        occurred_at=NOON,
        thread="thread-1",
        kind=kind,
    )


@pytest.mark.parametrize("kind", [ContentKind.REACTION, ContentKind.UNSEND])
def test_what_asks_for_nothing_joins_a_closed_conversation_and_queues_nothing(kind: ContentKind) -> None:
    before = joan(a_closed_conversation())

    (event,) = receive(before, amending(kind), at=IN_A_MINUTE)

    assert isinstance(event, MessageReceived)
    assert event.conversation_id == CONVERSATION
    after = after_customer(before, *[event]).conversations[CONVERSATION]
    assert (after.status, after.latest_provider_id) == (conversation.Status.CLOSED, "")


@pytest.mark.parametrize("kind", [ContentKind.REACTION, ContentKind.UNSEND])
def test_what_asks_for_nothing_does_not_bring_an_agent_back_from_wrap_up(kind: ContentKind) -> None:
    before = joan(a_conversation_in_wrap_up())

    events = receive(before, amending(kind))

    after = after_customer(before, *events).conversations[CONVERSATION]
    assert after.status is conversation.Status.WRAPPING


def test_what_comes_before_its_message_lets_nobody_wait_until_that_comes() -> None:
    early = receive(customer.NEW, amending(ContentKind.UNSEND))
    before = after_customer(customer.NEW, *early)

    later = receive(before)

    assert not [event for event in early if isinstance(event, ConversationEnqueued)]
    assert [type(event) for event in later] == [customer.CustomerNamed, MessageReceived, ConversationEnqueued]


def test_an_edit_has_words_and_goes_where_a_message_would() -> None:
    events = receive(joan(a_closed_conversation()), amending(ContentKind.EDIT), at=IN_A_MINUTE)

    assert [type(event) for event in events] == [ConversationReopened, MessageReceived, ConversationEnqueued]


def test_an_edit_is_not_what_a_reply_answers() -> None:
    before = joan(an_assigned_conversation())
    said = after_customer(before, *receive(before))

    edited = after_customer(said, *receive(said, amending(ContentKind.EDIT)))

    assert edited.conversations[CONVERSATION].latest_provider_id == "m-1"


def test_every_new_address_of_the_sender_is_linked_once_and_in_order() -> None:
    message = InboundMessage(
        provider_id="m-1",
        handle="visitor-1",
        content=Content(text="Hello?"),
        occurred_at=NOON,
        other_handles=("US.2", intake.WITHHELD, "US.1", "visitor-1", "", "US.2"),
    )

    events = receive(customer.NEW, message)

    linked = [event.handle for event in events if isinstance(event, IdentityLinked)]
    assert linked == ["visitor-1", "US.2", "US.1"]
    again = receive(after_customer(customer.NEW, *events), message)
    assert not [event for event in again if isinstance(event, IdentityLinked)]
