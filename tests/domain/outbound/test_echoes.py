"""What the shop's side wrote, told by the channel: a message of its own, or proof that ours has left."""

from msgspec.structs import replace

from domain import customer
from domain.assignment import ConversationEnqueued
from domain.conversation import ConversationOpened, Status
from domain.customer import Customer, CustomerRegistered, IdentityLinked
from domain.event import Event
from domain.intake import Echo, InboundMessage, Intake, receive_message
from domain.interaction import Content, ContentKind, MessageContradicted, ReplyEchoed
from domain.outbound.delivery import DeliveryAccepted, DeliveryRejected
from domain.outbound.echoes import contradict_echo, own, receive_echo
from tests.domain.outbound.test_deliveries import ACCEPTED, ATTEMPTED, REPLY, UNKNOWN
from tests.domain.situations import (
    ACCOUNT,
    CONVERSATION,
    IN_A_MINUTE,
    IN_TWO_MINUTES,
    MEI,
    NOON,
    QUEUE,
    a_closed_conversation,
    after_customer,
    an_assigned_conversation,
    joan,
)

FROM_THE_PHONE = Echo(
    provider_id="p-9",
    handle="+4915112345678",
    content=Content(text="We called you back."),
    occurred_at=NOON,
    thread="thread-1",
)


def receive(before: Customer, echo: Echo = FROM_THE_PHONE) -> list[Event]:
    return receive_echo(
        before,
        echo,
        channel="whatsapp",
        account_id=ACCOUNT,
        scope="",
        message_id="message-9",
        new_conversation_id="conversation-new",
        at=NOON,
    )


def echoed(conversation_id: str) -> ReplyEchoed:
    return ReplyEchoed(
        conversation_id=conversation_id,
        message_id="message-9",
        provider_id="p-9",
        channel="whatsapp",
        account_id=ACCOUNT,
        handle="+4915112345678",
        content=Content(text="We called you back."),
    )


LINKED = IdentityLinked(channel="whatsapp", account_id="", handle="+4915112345678")


def test_an_echo_to_somebody_new_opens_a_conversation_that_waits_for_nobody() -> None:
    events = receive(customer.NEW)

    assert events == [
        CustomerRegistered(),
        LINKED,
        ConversationOpened(
            conversation_id="conversation-new", channel="whatsapp", account_id=ACCOUNT, thread="thread-1"
        ),
        echoed("conversation-new"),
    ]
    (opened,) = after_customer(customer.NEW, *events).conversations.values()
    assert (opened.status, opened.handle) == (Status.OPEN, "+4915112345678")


def test_the_customers_answer_lets_that_conversation_wait() -> None:
    before = after_customer(customer.NEW, *receive(customer.NEW))
    answer = InboundMessage(
        provider_id="m-1", handle="+4915112345678", content=Content(text="Hi"), occurred_at=NOON, thread="thread-1"
    )

    *_, last = receive_message(
        before,
        answer,
        channel="whatsapp",
        account_id=ACCOUNT,
        scope="",
        intake=Intake(queue_id=QUEUE),
        message_id="message-10",
        new_conversation_id="conversation-other",
        at=NOON,
    )

    assert isinstance(last, ConversationEnqueued)
    assert last.conversation_id == "conversation-new"


def test_an_echo_joins_the_conversation_as_it_stands() -> None:
    assert receive(joan(an_assigned_conversation())) == [LINKED, echoed(CONVERSATION)]
    assert receive(joan(a_closed_conversation())) == [LINKED, echoed(CONVERSATION)]


def test_an_echo_of_our_own_proves_that_it_left() -> None:
    for before in ([ATTEMPTED], [ATTEMPTED, UNKNOWN]):
        known = after_customer(joan(an_assigned_conversation()), *[REPLY, *before])

        (event,) = receive(known, replace(FROM_THE_PHONE, callback="message-1"))

        assert isinstance(event, DeliveryAccepted)
        assert (event.message_id, event.provider_id, event.agent_id) == ("message-1", "p-9", MEI)


SAME_WORDS = replace(FROM_THE_PHONE, content=Content(text="On its\n way. "))
AWAITED = replace(UNKNOWN, settle_at=IN_A_MINUTE)


def test_an_echo_of_the_same_words_settles_what_is_still_unknown() -> None:
    for before in ([ATTEMPTED], [ATTEMPTED, AWAITED], [ATTEMPTED, UNKNOWN]):
        known = after_customer(joan(an_assigned_conversation()), *[REPLY, *before])

        (event,) = receive(known, SAME_WORDS)

        assert isinstance(event, DeliveryAccepted)
        assert (event.message_id, event.provider_id) == ("message-1", "p-9")
        assert receive(after_customer(known, event), replace(SAME_WORDS, provider_id="p-10"))[-1].TOPIC == (
            "conversation.reply_echoed"
        )


def test_an_echo_of_the_same_words_is_somebody_elses_unless_everything_fits() -> None:
    known = after_customer(joan(an_assigned_conversation()), *[REPLY, ATTEMPTED, AWAITED])
    refused = DeliveryRejected(conversation_id=CONVERSATION, message_id="message-1", reason="no")

    for before, echo, at in (
        (known, replace(SAME_WORDS, content=Content(text="On its ways.")), NOON),
        (known, replace(SAME_WORDS, thread="thread-2"), NOON),
        (known, replace(SAME_WORDS, handle="+4915199999999"), NOON),
        (known, replace(SAME_WORDS, callback="message-2"), NOON),
        (known, SAME_WORDS, IN_TWO_MINUTES),
        (after_customer(joan(an_assigned_conversation()), REPLY), SAME_WORDS, NOON),
        (after_customer(joan(an_assigned_conversation()), *[REPLY, ATTEMPTED, refused]), SAME_WORDS, NOON),
    ):
        assert own(before, echo, account_id=ACCOUNT, at=at) is None
    assert own(known, SAME_WORDS, account_id="account-other", at=NOON) is None


def test_an_echo_of_what_we_know_to_have_left_is_no_news() -> None:
    known = after_customer(joan(an_assigned_conversation()), *[REPLY, ATTEMPTED, ACCEPTED])

    assert receive(known, replace(FROM_THE_PHONE, provider_id="p-1")) == []
    assert receive(known, replace(FROM_THE_PHONE, provider_id="p-1", callback="message-1")) == []


def test_an_edit_of_our_own_message_is_told_of_and_is_no_proof() -> None:
    known = after_customer(joan(an_assigned_conversation()), *[REPLY, ATTEMPTED, ACCEPTED])
    edit = replace(
        FROM_THE_PHONE, provider_id="p-1", kind="edit", content=Content(kind=ContentKind.EDIT, about="p-1", text="No.")
    )

    assert own(known, edit, account_id=ACCOUNT, at=NOON) is None
    assert isinstance(receive(known, edit)[-1], ReplyEchoed)


def test_the_same_echo_with_other_words_is_kept_too() -> None:
    other = replace(FROM_THE_PHONE, content=Content(text="We did not."))

    (event,) = contradict_echo(other, original=echoed(CONVERSATION), original_position=7)

    assert event == MessageContradicted(
        conversation_id=CONVERSATION,
        message_id="message-9",
        provider_id="p-9",
        content=Content(text="We did not."),
        original_position=7,
    )
