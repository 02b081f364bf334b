"""Who unsubscribed or blocked an account takes nothing there until they come back."""

import pytest

from domain import conversation, customer
from domain.conversation import Conversation, ConversationOpened
from domain.event import Event
from domain.interaction import Content, ContentKind, MessageReceived
from domain.outbound import delivery
from domain.outbound.delivery import DeliveryRejected, DeliveryReported, DeliveryStatus
from domain.outbound.reach import CustomerUnreachable, Reach
from tests.domain.situations import CONVERSATION, NOON, after, an_assigned_conversation

ANA, OTHER = "+4930901820", "+4930901821"


def said(reach: Reach | None = None, handle: str = ANA) -> MessageReceived:
    kind = ContentKind.TEXT if reach is None else ContentKind.SYSTEM
    return MessageReceived(
        conversation_id=CONVERSATION,
        message_id="message-1",
        provider_id="SM1",
        channel="sms",
        account_id="account-1",
        handle=handle,
        content=Content(kind=kind, text="…", reach=reach),
    )


def refused() -> DeliveryRejected:
    return DeliveryRejected(conversation_id=CONVERSATION, message_id="message-2", reason="21610", unsubscribed=ANA)


def turned_away() -> DeliveryRejected:
    return DeliveryRejected(conversation_id=CONVERSATION, message_id="message-2", reason="403", blocked=ANA)


def reported() -> DeliveryReported:
    return DeliveryReported(
        conversation_id=CONVERSATION, message_id="message-2", status=DeliveryStatus.FAILED, unsubscribed=ANA
    )


def said_to_block() -> DeliveryReported:
    return DeliveryReported(
        conversation_id=CONVERSATION, message_id="message-2", status=DeliveryStatus.FAILED, blocked=ANA
    )


def a_conversation(*events: Event) -> Conversation:
    return after(an_assigned_conversation(), list(events))


def takes_a_reply(one: Conversation) -> bool:
    try:
        delivery.demand_sendable(one, "Hello", window=None, length_max=None, at=NOON)
    except CustomerUnreachable:
        return False
    return True


@pytest.mark.parametrize("news", [said(Reach.UNSUBSCRIBED), refused(), reported()])
def test_who_unsubscribed_takes_nothing_until_they_subscribe_again(news: Event) -> None:
    stopped = a_conversation(said(), news)

    assert not takes_a_reply(stopped)
    assert not takes_a_reply(after(stopped, [said()])), "whatever else they write"
    assert takes_a_reply(after(stopped, [said(Reach.OPEN)]))


@pytest.mark.parametrize("news", [said(Reach.BLOCKED), turned_away(), said_to_block()])
def test_who_blocked_the_account_takes_nothing_until_they_write_again(news: Event) -> None:
    blocked = a_conversation(said(), news)

    assert not takes_a_reply(blocked)
    assert takes_a_reply(after(blocked, [said(Reach.OPEN)]))
    assert takes_a_reply(after(blocked, [said()]))


def test_a_block_does_not_hide_that_they_unsubscribed() -> None:
    both = a_conversation(said(Reach.UNSUBSCRIBED), turned_away())

    assert not takes_a_reply(after(both, [said()]))


def test_another_address_of_theirs_takes_replies_all_the_same() -> None:
    stopped = a_conversation(said(Reach.UNSUBSCRIBED))

    assert takes_a_reply(after(stopped, [said(handle=OTHER)]))
    assert not takes_a_reply(after(stopped, [said(handle=OTHER), said()]))


def test_what_was_refused_for_it_is_not_sent_again_before_they_come_back() -> None:
    attempted = delivery.DeliveryAttempted(conversation_id=CONVERSATION, message_id="message-2", attempt=1)
    one = a_conversation(said(), attempted, refused())

    with pytest.raises(CustomerUnreachable):
        delivery.resend(one, "message-2", reply_position=7, agent_id=None, at=NOON)
    assert delivery.give_up(one, "message-2", agent_id=None, at=NOON)


def test_their_next_conversation_on_the_account_knows_it_too() -> None:
    first = a_conversation(said(Reach.UNSUBSCRIBED))
    before = customer.Customer(conversations={first.id: first})
    opening = ConversationOpened(
        conversation_id="conversation-9", channel=first.channel, account_id=first.account_id, thread=first.thread
    )

    assert customer.opened(before, opening).stopped == {ANA: Reach.UNSUBSCRIBED}
    assert conversation.opened(opening).stopped == {}
