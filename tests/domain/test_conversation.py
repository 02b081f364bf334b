"""The life of a conversation: closed, reopened, tagged, prioritized."""

import pytest

from domain import conversation
from domain.conversation import (
    Conversation,
    ConversationClosed,
    ConversationIsClosed,
    ConversationOpened,
    ConversationPrioritized,
    ConversationReopened,
    ConversationStillOpen,
    ConversationTagged,
    ConversationUntagged,
    PriorityOutOfRange,
    ReopenPeriodOver,
    Status,
    TooManyTags,
)
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
    after,
    an_assigned_conversation,
    an_offered_conversation,
    an_open_conversation,
)


def a_tagged_conversation() -> Conversation:
    return after(an_open_conversation(), [ConversationTagged(conversation_id=CONVERSATION, tag="fragile")])


def test_an_opened_conversation_knows_its_channel_and_thread() -> None:
    event = ConversationOpened(
        conversation_id=CONVERSATION, channel="email", account_id=ACCOUNT, thread="<1@shop>", subject="My parcel"
    )

    opened = conversation.opened(event)

    assert opened == Conversation(
        id=CONVERSATION, channel="email", account_id=ACCOUNT, thread="<1@shop>", subject="My parcel", revision=1
    )


def test_closing_says_whose_work_it_was() -> None:
    before = an_assigned_conversation()

    events = conversation.close(before, disposition="refunded", reopenable_until=IN_A_WEEK)

    assert events == [
        ConversationClosed(
            conversation_id=CONVERSATION,
            agent_id=MEI,
            queue_id=QUEUE,
            disposition="refunded",
            reopenable_until=IN_A_WEEK,
        )
    ]
    closed = after(before, events)
    assert (closed.status, closed.agent_id, closed.holder, closed.units) == (Status.CLOSED, None, None, 0)


def test_closing_twice_is_ignored() -> None:
    events = conversation.close(a_closed_conversation(), disposition="spam", reopenable_until=IN_A_WEEK)

    assert events == []


def test_a_closed_conversation_is_reopened_in_time_and_starts_to_wait_anew() -> None:
    before = a_closed_conversation()

    events = conversation.reopen(before, at=IN_A_WEEK)

    assert events == [ConversationReopened(conversation_id=CONVERSATION)]
    reopened = after(before, events)
    assert (reopened.status, reopened.waiting_since, reopened.due_at) == (Status.OPEN, None, None)


def test_what_is_open_need_not_be_reopened() -> None:
    with pytest.raises(ConversationStillOpen):
        conversation.reopen(a_waiting_conversation(), at=NOON)


def test_a_conversation_closed_too_long_ago_is_not_reopened() -> None:
    with pytest.raises(ReopenPeriodOver):
        conversation.reopen(a_closed_conversation(), at=IN_A_WEEK.replace(microsecond=1))


def test_a_tag_is_put_on() -> None:
    before = an_open_conversation()

    events = conversation.tag(before, "fragile")

    assert events == [ConversationTagged(conversation_id=CONVERSATION, tag="fragile")]
    assert after(before, events).tags == {"fragile"}


def test_a_tag_that_is_there_is_ignored() -> None:
    events = conversation.tag(a_tagged_conversation(), "fragile")

    assert events == []


def test_a_conversation_takes_at_most_50_tags() -> None:
    tags = [ConversationTagged(conversation_id=CONVERSATION, tag=f"tag-{number}") for number in range(50)]
    full = after(an_open_conversation(), tags)

    with pytest.raises(TooManyTags):
        conversation.tag(full, "one more")

    assert conversation.tag(full, "tag-7") == []


def test_a_tag_is_taken_off() -> None:
    before = a_tagged_conversation()

    events = conversation.untag(before, "fragile")

    assert events == [ConversationUntagged(conversation_id=CONVERSATION, tag="fragile")]
    assert after(before, events).tags == frozenset()


def test_taking_off_a_tag_that_is_not_there_is_ignored() -> None:
    events = conversation.untag(a_tagged_conversation(), "heavy")

    assert events == []


def test_a_priority_set_while_waiting_names_the_queue() -> None:
    before = a_waiting_conversation()

    events = conversation.set_priority(before, 10)

    assert events == [ConversationPrioritized(conversation_id=CONVERSATION, priority=10, queue_id=QUEUE)]
    assert after(before, events).priority == 10


def test_a_priority_set_while_it_is_with_somebody_names_no_queue() -> None:
    events = conversation.set_priority(an_offered_conversation(), 10)

    assert events == [ConversationPrioritized(conversation_id=CONVERSATION, priority=10, queue_id=None)]


def test_the_same_priority_again_is_ignored() -> None:
    events = conversation.set_priority(a_waiting_conversation(), 2)

    assert events == []


@pytest.mark.parametrize("priority", [-1, 11])
def test_a_priority_goes_from_0_to_10(priority: int) -> None:
    with pytest.raises(PriorityOutOfRange):
        conversation.set_priority(a_waiting_conversation(), priority)


def test_a_closed_conversation_has_no_priority_to_set() -> None:
    with pytest.raises(ConversationIsClosed):
        conversation.set_priority(a_closed_conversation(), 1)


def test_an_open_conversation_may_be_changed() -> None:
    conversation.demand_open(an_assigned_conversation())


def test_each_event_of_its_own_is_a_revision() -> None:
    before = an_assigned_conversation()
    closing = conversation.close(before, disposition="refunded", reopenable_until=IN_A_MINUTE)

    assert (before.revision, after(before, closing).revision) == (4, 5)
