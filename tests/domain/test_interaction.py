"""What is said in a conversation, and who may say it."""

from datetime import datetime

import pytest

from domain.calls.stages import CallLogged, Direction
from domain.conversation import Conversation, ConversationIsClosed, Status
from domain.interaction import (
    Content,
    ContentKind,
    MessageReceived,
    NoteWritten,
    NotTheHolder,
    ReplyWritten,
)
from domain.outbound.writing import NothingToSay, write_note, write_reply
from tests.domain.situations import (
    ACCOUNT,
    CONVERSATION,
    IN_A_MINUTE,
    IN_A_WEEK,
    MEI,
    NOON,
    OLA,
    a_closed_conversation,
    a_conversation_in_wrap_up,
    a_waiting_conversation,
    after,
    an_assigned_conversation,
    an_offered_conversation,
    an_open_conversation,
)


def a_message(
    handle: str = "visitor-1",
    provider_id: str = "m-1",
    said_at: datetime | None = None,
    kind: ContentKind = ContentKind.TEXT,
) -> MessageReceived:
    return MessageReceived(
        conversation_id=CONVERSATION,
        message_id="message-1",
        provider_id=provider_id,
        channel="webchat",
        account_id=ACCOUNT,
        handle=handle,
        content=Content(kind=kind, text="Where is my parcel?"),
        said_at=said_at,
    )


def a_call(handle: str = "+4930123456") -> CallLogged:
    return CallLogged(
        conversation_id=CONVERSATION, call_id="call-1", direction=Direction.INBOUND, handle=handle, outcome="answered"
    )


def test_the_holder_replies_to_where_the_customer_wrote_from() -> None:
    before = after(an_assigned_conversation(), [a_message(handle="visitor-1", provider_id="m-7")])

    events = write_reply(before, message_id="message-2", text="On its way.", agent_id=MEI)

    assert events == [
        ReplyWritten(
            conversation_id=CONVERSATION,
            message_id="message-2",
            channel="webchat",
            account_id=ACCOUNT,
            handle="visitor-1",
            text="On its way.",
            agent_id=MEI,
            in_reply_to="m-7",
        )
    ]


@pytest.mark.parametrize(
    ("conversation", "agent_id"),
    [(an_assigned_conversation(), OLA), (an_offered_conversation(), MEI), (a_waiting_conversation(), MEI)],
    ids=["another", "offered", "waiting"],
)
def test_only_the_holder_replies(conversation: Conversation, agent_id: str) -> None:
    with pytest.raises(NotTheHolder):
        write_reply(conversation, message_id="message-2", text="Hello.", agent_id=agent_id)


def test_nobody_replies_in_a_closed_conversation() -> None:
    with pytest.raises(ConversationIsClosed):
        write_reply(a_closed_conversation(), message_id="message-2", text="Hello.", agent_id=MEI)


def test_a_reply_needs_a_text() -> None:
    with pytest.raises(NothingToSay):
        write_reply(an_assigned_conversation(), message_id="message-2", text=" \n", agent_id=MEI)


def test_a_note_names_who_held_the_conversation() -> None:
    events = write_note(an_assigned_conversation(), note_id="note-1", text="Called the warehouse.")

    assert events == [
        NoteWritten(conversation_id=CONVERSATION, note_id="note-1", text="Called the warehouse.", agent_id=MEI)
    ]


def test_a_note_is_added_to_a_closed_conversation() -> None:
    events = write_note(a_closed_conversation(), note_id="note-1", text="Parcel came back.")

    assert events == [NoteWritten(conversation_id=CONVERSATION, note_id="note-1", text="Parcel came back.")]


def test_a_note_needs_a_text() -> None:
    with pytest.raises(NothingToSay):
        write_note(an_assigned_conversation(), note_id="note-1", text="")


def test_a_message_during_wrap_up_makes_it_a_talk_again() -> None:
    conversation = after(a_conversation_in_wrap_up(), [a_message()])

    assert (conversation.status, conversation.holder) == (Status.ASSIGNED, MEI)


def test_a_message_while_waiting_changes_only_where_replies_go() -> None:
    conversation = after(a_waiting_conversation(), [a_message(handle="visitor-2")])

    assert (conversation.status, conversation.handle) == (Status.WAITING, "visitor-2")


def test_a_call_in_a_phone_conversation_says_which_number_to_call() -> None:
    conversation = after(an_open_conversation(channel="phone"), [a_call(handle="+4930123456")])

    assert conversation.handle == "+4930123456"


def test_a_call_noted_in_a_chat_leaves_the_replies_on_the_chat() -> None:
    conversation = after(an_assigned_conversation(), [a_message(handle="visitor-1"), a_call()])

    assert conversation.handle == "visitor-1"


def test_the_latest_word_of_the_customer_says_until_when_they_can_be_answered() -> None:
    conversation = after(
        an_open_conversation(),
        [
            a_message(said_at=IN_A_MINUTE),
            a_message(said_at=NOON),
            a_message(said_at=IN_A_WEEK, kind=ContentKind.SYSTEM),
        ],
    )

    assert conversation.heard_at == IN_A_MINUTE, "neither an older one that came late nor the channel itself counts"
