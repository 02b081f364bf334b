"""Who works on a conversation: waiting, held, handed on. Offers are `test_offers.py`."""

import pytest

from domain import assignment
from domain.assignment import (
    AlreadyWaiting,
    ConversationEnqueued,
    ConversationHeld,
    ConversationResumed,
    ConversationTransferred,
    NotOnHold,
    OnHold,
    WrapUpStarted,
)
from domain.conversation import Conversation, ConversationIsClosed, Status
from domain.interaction import NotTheHolder
from tests.domain.situations import (
    CONVERSATION,
    IN_A_MINUTE,
    MEI,
    NOON,
    OLA,
    QUEUE,
    a_closed_conversation,
    a_conversation_in_wrap_up,
    a_conversation_on_hold,
    a_waiting_conversation,
    after,
    an_assigned_conversation,
    an_offered_conversation,
    an_open_conversation,
    where,
)


def test_an_open_conversation_is_enqueued() -> None:
    conversation = an_open_conversation()

    events = assignment.enqueue(conversation, queue_id=QUEUE, at=NOON, due_at=IN_A_MINUTE, priority=2)

    assert events == [
        ConversationEnqueued(
            conversation_id=CONVERSATION,
            queue_id=QUEUE,
            channel="webchat",
            priority=2,
            waiting_since=NOON,
            due_at=IN_A_MINUTE,
        )
    ]
    waiting = after(conversation, events)
    assert where(waiting) == (Status.WAITING, None, None, 0)
    assert (waiting.queue_id, waiting.priority, waiting.waiting_since, waiting.due_at) == (QUEUE, 2, NOON, IN_A_MINUTE)


def test_a_conversation_keeps_its_priority_where_none_is_said() -> None:
    conversation = after(
        a_waiting_conversation(), assignment.transfer(a_waiting_conversation(), to_queue_id="queue-billing")
    )

    (event,) = assignment.enqueue(conversation, queue_id="queue-billing", at=IN_A_MINUTE, due_at=None)

    assert isinstance(event, ConversationEnqueued)
    assert (event.priority, event.waiting_since) == (2, NOON)


@pytest.mark.parametrize(
    "conversation",
    [
        a_waiting_conversation(),
        an_offered_conversation(),
        an_assigned_conversation(),
        a_conversation_on_hold(),
        a_conversation_in_wrap_up(),
    ],
    ids=lambda one: one.status,
)
def test_only_an_open_conversation_is_enqueued(conversation: Conversation) -> None:
    with pytest.raises(AlreadyWaiting):
        assignment.enqueue(conversation, queue_id=QUEUE, at=NOON, due_at=None)


def test_a_closed_conversation_is_not_enqueued() -> None:
    with pytest.raises(ConversationIsClosed):
        assignment.enqueue(a_closed_conversation(), queue_id=QUEUE, at=NOON, due_at=None)


def test_a_transfer_says_from_whom_to_where() -> None:
    conversation = an_assigned_conversation()

    events = assignment.transfer(conversation, to_queue_id="queue-billing", to_agent_id=OLA, reason="an invoice")

    assert events == [
        ConversationTransferred(
            conversation_id=CONVERSATION,
            from_agent_id=MEI,
            to_queue_id="queue-billing",
            to_agent_id=OLA,
            from_queue_id=QUEUE,
            reason="an invoice",
        )
    ]
    transferred = after(conversation, events)
    assert where(transferred) == (Status.OPEN, None, None, 0)
    assert (transferred.queue_id, transferred.waiting_since) == ("queue-billing", NOON)


def test_a_closed_conversation_is_not_transferred() -> None:
    with pytest.raises(ConversationIsClosed):
        assignment.transfer(a_closed_conversation(), to_queue_id="queue-billing")


def test_the_holder_puts_a_conversation_on_hold() -> None:
    conversation = an_assigned_conversation()

    events = assignment.hold(conversation, agent_id=MEI, reason="asks the warehouse")

    assert events == [ConversationHeld(conversation_id=CONVERSATION, agent_id=MEI, reason="asks the warehouse")]
    assert where(after(conversation, events)) == (Status.ON_HOLD, MEI, None, 2)


def test_holding_twice_is_ignored() -> None:
    events = assignment.hold(a_conversation_on_hold(), agent_id=MEI, reason="still")

    assert events == []


@pytest.mark.parametrize(
    ("conversation", "agent_id"),
    [
        (an_assigned_conversation(), OLA),
        (an_offered_conversation(), MEI),
        (a_waiting_conversation(), MEI),
        (an_open_conversation(), MEI),
    ],
    ids=["another", "offered", "waiting", "open"],
)
def test_only_the_holder_holds_resumes_and_wraps_up(conversation: Conversation, agent_id: str) -> None:
    with pytest.raises(NotTheHolder):
        assignment.hold(conversation, agent_id=agent_id, reason="why not")
    with pytest.raises(NotTheHolder):
        assignment.resume(conversation, agent_id=agent_id)
    with pytest.raises(NotTheHolder):
        assignment.start_wrap_up(conversation, agent_id=agent_id)


def test_a_closed_conversation_is_neither_held_nor_wrapped_up() -> None:
    with pytest.raises(ConversationIsClosed):
        assignment.hold(a_closed_conversation(), agent_id=MEI, reason="why not")
    with pytest.raises(ConversationIsClosed):
        assignment.start_wrap_up(a_closed_conversation(), agent_id=MEI)


def test_a_closed_conversation_is_nobodys_to_resume() -> None:
    with pytest.raises(NotTheHolder):
        assignment.resume(a_closed_conversation(), agent_id=MEI)


def test_a_conversation_on_hold_is_resumed() -> None:
    conversation = a_conversation_on_hold()

    events = assignment.resume(conversation, agent_id=MEI)

    assert events == [ConversationResumed(conversation_id=CONVERSATION, agent_id=MEI)]
    assert where(after(conversation, events)) == (Status.ASSIGNED, MEI, None, 2)


def test_only_what_is_on_hold_is_resumed() -> None:
    with pytest.raises(NotOnHold):
        assignment.resume(an_assigned_conversation(), agent_id=MEI)


def test_wrap_up_keeps_the_capacity() -> None:
    conversation = an_assigned_conversation()

    events = assignment.start_wrap_up(conversation, agent_id=MEI)

    assert events == [WrapUpStarted(conversation_id=CONVERSATION, agent_id=MEI)]
    assert where(after(conversation, events)) == (Status.WRAPPING, MEI, None, 2)


def test_starting_wrap_up_twice_is_ignored() -> None:
    events = assignment.start_wrap_up(a_conversation_in_wrap_up(), agent_id=MEI)

    assert events == []


def test_what_is_on_hold_is_resumed_before_it_is_wrapped_up() -> None:
    with pytest.raises(OnHold):
        assignment.start_wrap_up(a_conversation_on_hold(), agent_id=MEI)
