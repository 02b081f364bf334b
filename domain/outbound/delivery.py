"""A reply on its way: what each attempt to hand it to its channel changes, and what people may decide about it.

The sender tells of attempts; who hears an echo or a receipt tells of them too, and how far a message came
(`receipts.py`).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec.structs import replace

from domain.conversation import Conversation, Reply, Standing
from domain.event import Event, RuleBroken
from domain.outbound.reach import CustomerUnreachable, reach_refused

REPLIES_KEPT = 50
"""Refused and unknown replies of a conversation that somebody may still decide about; the oldest goes first."""
DECIDABLE = frozenset({Standing.UNKNOWN, Standing.REJECTED})


class AttemptOutdated(RuleBroken):
    """This reply no longer stands where the sender thought."""


class NothingToDecide(RuleBroken):
    """Only a reply that was refused, or whose arrival is unknown, can be sent again or given up."""


class ReplyOnItsWay(RuleBroken):
    """This reply is still being sent; see first how it fares."""


class SignAwaited(RuleBroken):
    """It is unknown whether this reply arrived, but the channel may still tell; decide a little later."""


class ReplyWindowClosed(RuleBroken):
    """The customer wrote too long ago: their channel no longer takes a reply."""


class ReplyTooLong(RuleBroken):
    """The customer's channel does not take a text of this length."""


class DeliveryStatus(StrEnum):
    """How far something we sent came, as the provider tells. A message only moves up this list; failed is the end."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


class DeliveryAttempted(Event, topic="conversation.delivery_attempted"):
    """A reply is being handed to the channel."""

    conversation_id: str
    message_id: str
    attempt: int
    agent_id: str | None = None


class DeliveryAccepted(Event, topic="conversation.delivery_accepted"):
    """The channel took the reply."""

    conversation_id: str
    message_id: str
    provider_id: str
    answer: str = ""
    """The channel's own words."""
    agent_id: str | None = None


class DeliveryRejected(Event, topic="conversation.delivery_rejected"):
    """The channel refused the reply; the agent should know why."""

    conversation_id: str
    message_id: str
    reason: str
    is_final: bool = True
    """False: it will be tried again."""
    agent_id: str | None = None
    refusal: str = ""
    """`retry_later`, `window_closed`, `recipient_gone` or `our_fault`."""
    retry_at: datetime | None = None
    """When it will be tried again; None where that depends on somebody who mends the account."""
    unsubscribed: str = ""
    """The address that takes nothing until the customer subscribes again, where that is why."""
    blocked: str = ""
    """The address that takes nothing until the customer unblocks us or writes again, where that is why."""


class DeliveryUnknown(Event, topic="conversation.delivery_unknown"):
    """The reply was handed over but no answer came: it may or may not have arrived. It is not sent again unasked."""

    conversation_id: str
    message_id: str
    reason: str
    agent_id: str | None = None
    settle_at: datetime | None = None
    """Until then an echo or a receipt may tell; after that a person may decide."""


class DeliveryReported(Event, topic="conversation.delivery_reported"):
    """The channel told how far something came that we sent."""

    conversation_id: str
    message_id: str
    status: DeliveryStatus
    provider_id: str = ""
    participant: str = ""
    """Who of a group it is about; empty: the message as a whole."""
    reason: str = ""
    agent_id: str | None = None
    unsubscribed: str = ""
    """As of `DeliveryRejected`."""
    blocked: str = ""
    """As of `DeliveryRejected`."""


class ReplyResent(Event, topic="conversation.reply_resent"):
    """A person had a reply sent again that was refused or may not have arrived: it is on its way anew."""

    conversation_id: str
    message_id: str
    reply_position: int
    """Where the log holds what was written."""
    agent_id: str | None = None


class ReplyGivenUp(Event, topic="conversation.reply_given_up"):
    """A person decided that a reply that was refused or may not have arrived is not sent again."""

    conversation_id: str
    message_id: str
    agent_id: str | None = None


DeliveryEvent = (
    DeliveryAttempted
    | DeliveryAccepted
    | DeliveryRejected
    | DeliveryUnknown
    | DeliveryReported
    | ReplyResent
    | ReplyGivenUp
)


def evolve(conversation: Conversation, event: DeliveryEvent) -> Conversation:
    """Where the reply stands after each event; what arrived or was given up is nobody's concern any more."""
    if isinstance(event, DeliveryReported | DeliveryRejected) and (event.unsubscribed or event.blocked):
        stopped = reach_refused(conversation.stopped, unsubscribed=event.unsubscribed, blocked=event.blocked)
        conversation = replace(conversation, stopped=stopped)
    if isinstance(event, DeliveryReported):
        return conversation
    if isinstance(event, DeliveryAccepted | ReplyGivenUp):
        others = {key: one for key, one in conversation.replies.items() if key != event.message_id}
        return replace(conversation, replies=others)
    known = conversation.replies.get(event.message_id)
    attempts = known.attempts if known else 1
    match event:
        case DeliveryAttempted(attempt=attempt):
            reply = Reply(standing=Standing.ATTEMPTED, attempts=attempt)
        case DeliveryRejected(is_final=is_final, retry_at=retry_at):
            standing = Standing.REJECTED if is_final else Standing.WAITING
            reply = Reply(standing=standing, attempts=attempts, until=retry_at)
        case DeliveryUnknown(settle_at=settle_at):
            reply = Reply(standing=Standing.UNKNOWN, attempts=attempts, until=settle_at)
        case _:  # sent again by a person
            reply = Reply(standing=Standing.WAITING, attempts=attempts)
    return replace(conversation, replies=_without_oldest(conversation.replies | {event.message_id: reply}))


def _without_oldest(replies: Mapping[str, Reply]) -> dict[str, Reply]:
    decidable = [key for key, one in replies.items() if one.standing in DECIDABLE]
    surplus = decidable[: max(0, len(decidable) - REPLIES_KEPT)]
    return {key: one for key, one in replies.items() if key not in surplus}


def next_attempt(reply: Reply | None) -> int:
    """Its number. Raises AttemptOutdated for a reply that is not to be tried now."""
    if reply is None:
        return 1
    if reply.standing is not Standing.WAITING:
        raise AttemptOutdated
    return reply.attempts + 1


def attempt(reply: Reply | None, attempted: DeliveryAttempted) -> list[Event]:
    """Raises AttemptOutdated where it is no longer the next attempt."""
    if next_attempt(reply) != attempted.attempt:
        raise AttemptOutdated
    return [attempted]


def conclude(reply: Reply | None, told: Event, *, attempt: int) -> list[Event]:
    """How the attempt ended. That it arrived is news also to who had taken it for lost.

    Raises AttemptOutdated where the reply is settled, or this attempt was concluded otherwise.
    """
    if reply is None or reply.attempts != attempt:
        raise AttemptOutdated
    if reply.standing is not Standing.ATTEMPTED and not isinstance(told, DeliveryAccepted):
        raise AttemptOutdated
    return [told]


def unless_back(told: Event, conversation: Conversation | None, *, heard: str) -> Event:
    """How an attempt ended, without the block of a customer who has written while it was made.

    `heard`: the provider's id of the customer's latest message when it was begun.
    """
    if not isinstance(told, DeliveryRejected) or conversation is None or conversation.latest_provider_id == heard:
        return told
    return replace(told, blocked="")


def resend(
    conversation: Conversation, message_id: str, *, reply_position: int, agent_id: str | None, at: datetime
) -> list[Event]:
    """Raises NothingToDecide, ReplyOnItsWay, SignAwaited, CustomerUnreachable."""
    _demand_decidable(conversation, message_id, at)
    demand_reachable(conversation)
    return [
        ReplyResent(
            conversation_id=conversation.id, message_id=message_id, reply_position=reply_position, agent_id=agent_id
        )
    ]


def give_up(conversation: Conversation, message_id: str, *, agent_id: str | None, at: datetime) -> list[Event]:
    """Raises NothingToDecide, ReplyOnItsWay, SignAwaited."""
    _demand_decidable(conversation, message_id, at)
    return [ReplyGivenUp(conversation_id=conversation.id, message_id=message_id, agent_id=agent_id)]


def _demand_decidable(conversation: Conversation, message_id: str, at: datetime) -> None:
    reply = conversation.replies.get(message_id)
    if reply is None:
        raise NothingToDecide
    if reply.standing not in DECIDABLE:
        raise ReplyOnItsWay
    if reply.standing is Standing.UNKNOWN and reply.until is not None and at < reply.until:
        raise SignAwaited


def reply_until(conversation: Conversation, window: timedelta | None) -> datetime | None:
    """Until when the channel takes a reply; None where it always does, or nobody can know."""
    return None if window is None or conversation.heard_at is None else conversation.heard_at + window


def demand_reachable(conversation: Conversation) -> None:
    """Raises CustomerUnreachable."""
    if (why := conversation.stopped.get(conversation.handle)) is not None:
        raise CustomerUnreachable(f"{why}: nothing reaches the customer on this account until they come back")


def demand_sendable(
    conversation: Conversation, text: str, *, window: timedelta | None, length_max: int | None, at: datetime
) -> None:
    """Raises CustomerUnreachable, ReplyWindowClosed where it is surely over, ReplyTooLong (in characters)."""
    demand_reachable(conversation)
    until = reply_until(conversation, window)
    if until is not None and at >= until:
        raise ReplyWindowClosed
    if length_max is not None and len(text) > length_max:
        raise ReplyTooLong(f"The customer's channel takes at most {length_max} characters; this has {len(text)}.")
