"""A customer: who they are, what they are remembered by, and their calls."""

import pytest

from domain import conversation, customer, intake, parts
from domain.agent import AgentSignedIn
from domain.assignment import ConversationHeld
from domain.calls.intake import Call, take_call
from domain.calls.stages import CallLogged, Direction
from domain.conversation import ConversationClosed, ConversationOpened, ConversationUnknown, Status
from domain.customer import Customer, CustomerNamed, CustomerRegistered, IdentityLinked
from domain.event import TOPICS, Event
from domain.streams import topics_of
from tests.domain.situations import (
    ACCOUNT,
    CONVERSATION,
    IN_A_WEEK,
    MEI,
    NOON,
    a_closed_conversation,
    after_customer,
    an_assigned_conversation,
    joan,
    opening,
)

NEW_CONVERSATION = "conversation-new"


def closing(number: int) -> ConversationClosed:
    return ConversationClosed(conversation_id=f"conversation-{number}", reopenable_until=IN_A_WEEK)


def test_a_name_is_learnt_later() -> None:
    nameless = Customer(handles=frozenset({("webchat", ACCOUNT, "visitor-1")}))

    events = intake.meet(nameless, channel="webchat", account_id=ACCOUNT, handle="visitor-1", name="Joan")

    assert events == [CustomerNamed(name="Joan")]
    assert after_customer(nameless, *events).name == "Joan"


def test_a_name_that_is_known_stays() -> None:
    events = intake.meet(joan(), channel="webchat", account_id=ACCOUNT, handle="visitor-1", name="J. Doe")

    assert events == []


def test_a_new_handle_is_linked() -> None:
    events = intake.meet(joan(), channel="phone", account_id="", handle="+4930123456", name="")

    assert events == [IdentityLinked(channel="phone", account_id="", handle="+4930123456")]
    assert ("phone", "", "+4930123456") in after_customer(joan(), *events).handles


@pytest.mark.parametrize("handle", [intake.WITHHELD, "unknown", "mailer-daemon", ""])
def test_a_sender_without_an_address_gets_nobodys_handle(handle: str) -> None:
    events = intake.meet(joan(), channel="phone", account_id="", handle=handle, name="")

    assert events == []


def a_call(handle: str = "+4930123456", call_id: str = "call-1") -> Call:
    return Call(
        call_id=call_id,
        direction=Direction.INBOUND,
        handle=handle,
        outcome="answered",
        occurred_at=NOON,
        duration_seconds=95,
        note="Wants a refund.",
    )


def log(before: Customer, conversation_id: str | None = None, call_id: str = "call-1") -> list[Event]:
    return take_call(
        before,
        a_call(call_id=call_id),
        account_id="account-phone",
        new_conversation_id=NEW_CONVERSATION,
        at=NOON,
        agent_id=MEI,
        conversation_id=conversation_id,
    )


def logged(conversation_id: str, call_id: str = "call-1") -> CallLogged:
    return CallLogged(
        conversation_id=conversation_id,
        call_id=call_id,
        direction=Direction.INBOUND,
        handle="+4930123456",
        outcome="answered",
        duration_seconds=95,
        note="Wants a refund.",
        agent_id=MEI,
        account_id="account-phone",
        began_at=NOON,
    )


def test_a_call_from_somebody_new_opens_a_conversation_that_does_not_wait() -> None:
    events = log(customer.NEW)

    assert events == [
        CustomerRegistered(),
        IdentityLinked(channel="phone", account_id="", handle="+4930123456"),
        ConversationOpened(
            conversation_id=NEW_CONVERSATION, channel="phone", account_id="account-phone", thread="+4930123456"
        ),
        logged(NEW_CONVERSATION),
    ]
    assert after_customer(customer.NEW, *events).conversation(NEW_CONVERSATION).status is Status.OPEN


def test_a_second_call_joins_the_conversation_of_the_first() -> None:
    before = after_customer(customer.NEW, *log(customer.NEW))

    events = log(before, call_id="call-2")

    assert events == [logged(NEW_CONVERSATION, "call-2")]


def test_a_call_is_written_into_the_conversation_it_is_about() -> None:
    events = log(joan(an_assigned_conversation()), conversation_id=CONVERSATION)

    assert events[-1] == logged(CONVERSATION)


def test_a_call_about_an_unknown_conversation_is_refused() -> None:
    with pytest.raises(ConversationUnknown):
        log(joan(), conversation_id=CONVERSATION)


def test_the_newest_conversation_of_a_thread_counts() -> None:
    newer = conversation.opened(
        ConversationOpened(conversation_id="conversation-2", channel="webchat", account_id=ACCOUNT, thread="thread-1")
    )

    found = joan(a_closed_conversation(), newer).thread(ACCOUNT, "thread-1")

    assert found == newer
    assert joan(a_closed_conversation()).thread(ACCOUNT, "thread-2") is None


def test_the_oldest_closed_conversation_is_forgotten_beyond_100() -> None:
    lived = [event for number in range(100) for event in (opening(number), closing(number))]
    before = after_customer(customer.NEW, opening(999), *lived)

    kept = after_customer(before, opening(100)).conversations

    assert list(kept) == ["conversation-999", *(f"conversation-{number}" for number in range(1, 101))]


def test_what_happens_to_a_forgotten_conversation_changes_nothing() -> None:
    before = joan()

    assert after_customer(before, ConversationHeld(conversation_id=CONVERSATION, agent_id=MEI)) == before


def test_an_event_of_another_kind_changes_nothing() -> None:
    before = joan(an_assigned_conversation())

    assert after_customer(before, AgentSignedIn()) == before
    assert parts.evolve_conversation(before.conversation(CONVERSATION), AgentSignedIn()).revision == 4


@pytest.mark.parametrize("topic", sorted(topics_of("conversation") - {ConversationOpened.TOPIC}))
def test_every_event_of_a_conversation_is_folded_somewhere(topic: str) -> None:
    assert TOPICS[topic] in parts.PARTS
