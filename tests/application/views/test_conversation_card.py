"""The card of a conversation: until when it can be answered, and which reply somebody should look at."""

from datetime import UTC, datetime, timedelta

from application.exchange.limits import Limits
from application.projections.conversations import Card, Conversations
from domain.classification import PromiseTold
from domain.conversation import ConversationOpened
from domain.event import Event, Recorded
from domain.interaction import Content, MessageReceived, ReplyWritten
from domain.outbound.delivery import (
    DeliveryAccepted,
    DeliveryAttempted,
    DeliveryRejected,
    DeliveryUnknown,
    ReplyGivenUp,
)
from domain.queue import Promise

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ONE = "conversation-1"
FOLD = Conversations({"whatsapp": Limits(window=DAY)})


def card_after(*events: Event, channel: str = "whatsapp") -> Card:
    opening = ConversationOpened(conversation_id=ONE, channel=channel, account_id="account-1", thread="")
    card: Card | None = None
    for position, event in enumerate([opening, *events], start=1):
        recorded = Recorded(
            event=event,
            topic=event.TOPIC,
            stream="customer-1",
            version=position,
            position=position,
            occurred_at=NOON,
            recorded_at=NOON,
            actor="test",
        )
        card = FOLD.evolve(card, recorded)
    assert card is not None
    return card


def said(at: datetime) -> MessageReceived:
    return MessageReceived(
        conversation_id=ONE,
        message_id="message-1",
        provider_id="m-1",
        channel="whatsapp",
        account_id="account-1",
        handle="+49301",
        content=Content(text="Hello?"),
        said_at=at,
    )


def a_reply(message_id: str) -> list[Event]:
    written = ReplyWritten(
        conversation_id=ONE,
        message_id=message_id,
        channel="whatsapp",
        account_id="account-1",
        handle="+49301",
        text="Hi",
        agent_id="agent-1",
    )
    return [written, DeliveryAttempted(conversation_id=ONE, message_id=message_id, attempt=1)]


def refused(message_id: str, *, is_final: bool) -> DeliveryRejected:
    return DeliveryRejected(conversation_id=ONE, message_id=message_id, reason="no", is_final=is_final)


def test_each_word_of_the_customer_moves_the_end_of_the_window() -> None:
    assert card_after(said(NOON)).reply_until == NOON + DAY
    assert card_after(said(NOON), said(NOON + DAY)).reply_until == NOON + 2 * DAY


def test_a_channel_without_a_window_and_a_customer_who_was_never_heard_have_no_end() -> None:
    assert card_after(said(NOON), channel="webchat").reply_until is None
    assert card_after().reply_until is None


def test_a_reply_that_waits_is_told_apart_from_one_that_is_refused() -> None:
    assert card_after(*a_reply("r-1"), refused("r-1", is_final=False)).alert == "a reply waits to be tried again: no"
    assert card_after(*a_reply("r-1"), refused("r-1", is_final=True)).alert == "a reply was refused: no"


def test_a_promise_that_nobody_wrote_leaves_the_customers_words_to_be_answered() -> None:
    fields = {one: getattr(a_reply("r-1")[0], one) for one in ReplyWritten.__struct_fields__}
    told = PromiseTold(**fields | {"agent_id": ""}, promise=Promise.CALLBACK, promised_at=NOON + DAY)

    card = card_after(said(NOON), told)

    assert (card.unanswered_since, card.preview, card.last_by, card.replies) == (NOON, "Hello?", "customer", 0)


def test_a_later_reply_that_arrives_does_not_settle_an_earlier_one() -> None:
    arrived = DeliveryAccepted(conversation_id=ONE, message_id="r-2", provider_id="p-2")
    silent = DeliveryUnknown(conversation_id=ONE, message_id="r-1", reason="silence")
    given_up = ReplyGivenUp(conversation_id=ONE, message_id="r-1")

    after_refusal = card_after(*a_reply("r-1"), refused("r-1", is_final=True), *a_reply("r-2"), arrived)
    after_silence = card_after(*a_reply("r-1"), silent, *a_reply("r-2"), arrived)
    settled = card_after(*a_reply("r-1"), silent, *a_reply("r-2"), arrived, given_up)

    assert after_refusal.alert == "a reply was refused"
    assert after_silence.alert == "it is unknown whether a reply arrived"
    assert settled.alert == ""
