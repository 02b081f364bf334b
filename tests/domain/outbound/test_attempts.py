"""A reply on its way: where each event leaves it, and who may decide about it when."""

from datetime import timedelta

import pytest

from domain.conversation import Conversation, Reply, Standing
from domain.event import Event
from domain.outbound import delivery
from domain.outbound.delivery import (
    REPLIES_KEPT,
    AttemptOutdated,
    DeliveryAccepted,
    DeliveryAttempted,
    DeliveryRejected,
    DeliveryUnknown,
    NothingToDecide,
    ReplyGivenUp,
    ReplyOnItsWay,
    ReplyResent,
    ReplyTooLong,
    ReplyWindowClosed,
    SignAwaited,
)
from tests.domain.situations import CONVERSATION, IN_A_MINUTE, MEI, NOON, after, an_assigned_conversation

REPLY = "message-2"
DAY = timedelta(days=1)


def attempted(attempt: int = 1, message_id: str = REPLY) -> DeliveryAttempted:
    return DeliveryAttempted(conversation_id=CONVERSATION, message_id=message_id, attempt=attempt)


def accepted(message_id: str = REPLY) -> DeliveryAccepted:
    return DeliveryAccepted(conversation_id=CONVERSATION, message_id=message_id, provider_id="p-1")


def refused(*, is_final: bool, message_id: str = REPLY) -> DeliveryRejected:
    return DeliveryRejected(
        conversation_id=CONVERSATION,
        message_id=message_id,
        reason="no",
        is_final=is_final,
        retry_at=None if is_final else IN_A_MINUTE,
    )


def unknown() -> DeliveryUnknown:
    return DeliveryUnknown(conversation_id=CONVERSATION, message_id=REPLY, reason="silence", settle_at=IN_A_MINUTE)


def resent() -> ReplyResent:
    return ReplyResent(conversation_id=CONVERSATION, message_id=REPLY, reply_position=7, agent_id=MEI)


def a_conversation(*events: Event) -> Conversation:
    return after(an_assigned_conversation(), list(events))


WAITING = Reply(standing=Standing.WAITING, until=IN_A_MINUTE)
REJECTED = a_conversation(attempted(), refused(is_final=True))
UNKNOWN = a_conversation(attempted(), unknown())


@pytest.mark.parametrize(
    ("events", "replies"),
    [
        ([attempted()], {REPLY: Reply(standing=Standing.ATTEMPTED)}),
        ([attempted(), accepted()], {}),
        ([attempted(), refused(is_final=False)], {REPLY: WAITING}),
        ([attempted(), refused(is_final=False), attempted(2)], {REPLY: Reply(standing=Standing.ATTEMPTED, attempts=2)}),
        ([attempted(), refused(is_final=True)], {REPLY: Reply(standing=Standing.REJECTED)}),
        ([attempted(), unknown()], {REPLY: Reply(standing=Standing.UNKNOWN, until=IN_A_MINUTE)}),
        ([attempted(), unknown(), accepted()], {}),
        ([attempted(), unknown(), resent()], {REPLY: Reply(standing=Standing.WAITING)}),
        ([attempted(), unknown(), ReplyGivenUp(conversation_id=CONVERSATION, message_id=REPLY)], {}),
    ],
)
def test_each_event_leaves_the_reply_somewhere(events: list[Event], replies: dict[str, Reply]) -> None:
    assert a_conversation(*events).replies == replies


def test_of_many_refused_replies_the_oldest_is_forgotten() -> None:
    events: list[Event] = []
    for number in range(REPLIES_KEPT + 1):
        events += [attempted(message_id=f"m-{number}"), refused(is_final=True, message_id=f"m-{number}")]

    kept = a_conversation(attempted(), *events).replies

    assert (len(kept), "m-0" in kept, REPLY in kept) == (REPLIES_KEPT + 1, False, True), "what is under way stays"


def test_only_the_next_attempt_is_made() -> None:
    assert delivery.attempt(None, attempted()) == [attempted()]
    assert delivery.attempt(WAITING, attempted(2)) == [attempted(2)]

    for reply, number in [(WAITING, 1), (WAITING, 3), (None, 2), (Reply(standing=Standing.ATTEMPTED), 2)]:
        with pytest.raises(AttemptOutdated):
            delivery.attempt(reply, attempted(number))


def test_how_an_attempt_ended_is_told_once_and_acceptance_also_late() -> None:
    open_reply, lost = Reply(standing=Standing.ATTEMPTED), Reply(standing=Standing.UNKNOWN)

    assert delivery.conclude(open_reply, unknown(), attempt=1) == [unknown()]
    assert delivery.conclude(lost, accepted(), attempt=1) == [accepted()]
    for reply, attempt in [(lost, 1), (open_reply, 2), (None, 1)]:
        with pytest.raises(AttemptOutdated):
            delivery.conclude(reply, unknown(), attempt=attempt)


def test_a_person_may_have_a_refused_reply_sent_again_or_give_it_up() -> None:
    again = delivery.resend(REJECTED, REPLY, reply_position=7, agent_id=MEI, at=NOON)
    left = delivery.give_up(REJECTED, REPLY, agent_id=MEI, at=NOON)

    assert again == [resent()]
    assert left == [ReplyGivenUp(conversation_id=CONVERSATION, message_id=REPLY, agent_id=MEI)]


def test_of_an_unknown_reply_a_sign_is_awaited_before_a_person_may_decide() -> None:
    with pytest.raises(SignAwaited):
        delivery.resend(UNKNOWN, REPLY, reply_position=7, agent_id=MEI, at=NOON)
    with pytest.raises(SignAwaited):
        delivery.give_up(UNKNOWN, REPLY, agent_id=MEI, at=NOON)

    assert delivery.resend(UNKNOWN, REPLY, reply_position=7, agent_id=MEI, at=IN_A_MINUTE) == [resent()]


@pytest.mark.parametrize(
    ("conversation", "refusal"),
    [
        (a_conversation(), NothingToDecide),
        (a_conversation(attempted(), accepted()), NothingToDecide),
        (a_conversation(attempted()), ReplyOnItsWay),
        (a_conversation(attempted(), refused(is_final=False)), ReplyOnItsWay),
        (a_conversation(attempted(), unknown(), resent()), ReplyOnItsWay),
    ],
)
def test_in_every_other_state_there_is_nothing_to_decide(conversation: Conversation, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        delivery.resend(conversation, REPLY, reply_position=7, agent_id=MEI, at=NOON)
    with pytest.raises(refusal):
        delivery.give_up(conversation, REPLY, agent_id=MEI, at=NOON)


def test_a_window_that_is_surely_over_takes_no_reply() -> None:
    heard = Conversation(id=CONVERSATION, channel="whatsapp", account_id="account-1", heard_at=NOON)
    never_heard = Conversation(id=CONVERSATION, channel="whatsapp", account_id="account-1")

    delivery.demand_sendable(heard, "Hi", window=DAY, length_max=2, at=NOON + DAY - timedelta(seconds=1))
    delivery.demand_sendable(heard, "Hi", window=None, length_max=None, at=NOON + 9 * DAY)
    delivery.demand_sendable(never_heard, "Hi", window=DAY, length_max=2, at=NOON)

    with pytest.raises(ReplyWindowClosed):
        delivery.demand_sendable(heard, "Hi", window=DAY, length_max=2, at=NOON + DAY)
    with pytest.raises(ReplyTooLong, match="at most 2 characters; this has 3"):
        delivery.demand_sendable(heard, "Hi!", window=DAY, length_max=2, at=NOON)
