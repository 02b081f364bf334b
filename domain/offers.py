"""Offers: a conversation put before one agent, to accept or decline. Their events and state are `assignment.py`'s."""

from datetime import datetime

from domain.assignment import (
    Choice,
    ConversationOffered,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferWithdrawn,
)
from domain.conversation import Conversation, Status
from domain.event import Event, RuleBroken


class NotWaiting(RuleBroken):
    """The conversation is not waiting in a queue."""


class OfferGone(RuleBroken):
    """This offer no longer stands: it was answered, ran out or was withdrawn."""


class OfferNotYours(RuleBroken):
    """The offer was made to another agent."""


class OfferStillStands(RuleBroken):
    """The offer's time is not over yet."""


def offer(
    conversation: Conversation,
    *,
    offer_id: str,
    agent_id: str,
    units: int,
    expires_at: datetime,
    choice: Choice | None = None,
    by: str = "",
) -> list[Event]:
    """The agent's side, `workload.take_load`, is appended in the same call. Raises NotWaiting."""
    if conversation.status is not Status.WAITING or conversation.queue_id is None:
        raise NotWaiting
    return [
        ConversationOffered(
            conversation_id=conversation.id,
            queue_id=conversation.queue_id,
            offer_id=offer_id,
            agent_id=agent_id,
            units=units,
            expires_at=expires_at,
            choice=choice,
            by=by,
        )
    ]


def _demand_offer(conversation: Conversation, offer_id: str, agent_id: str | None = None) -> tuple[str, str]:
    """The agent and queue of the standing offer. Raises OfferGone, OfferNotYours."""
    if conversation.status is not Status.OFFERED or conversation.offer_id != offer_id:
        raise OfferGone
    assert conversation.agent_id is not None  # an offered conversation has both
    assert conversation.queue_id is not None
    if agent_id is not None and conversation.agent_id != agent_id:
        raise OfferNotYours
    return conversation.agent_id, conversation.queue_id


def accept_offer(conversation: Conversation, *, offer_id: str, agent_id: str) -> list[Event]:
    """The load was taken with the offer, so only the conversation changes. Raises OfferGone, OfferNotYours."""
    _, queue_id = _demand_offer(conversation, offer_id, agent_id)
    return [OfferAccepted(conversation_id=conversation.id, queue_id=queue_id, offer_id=offer_id, agent_id=agent_id)]


def decline_offer(conversation: Conversation, *, offer_id: str, agent_id: str, reason: str) -> list[Event]:
    """Raises OfferGone, OfferNotYours."""
    _, queue_id = _demand_offer(conversation, offer_id, agent_id)
    return [
        OfferDeclined(
            conversation_id=conversation.id, queue_id=queue_id, offer_id=offer_id, agent_id=agent_id, reason=reason
        )
    ]


def expire_offer(conversation: Conversation, *, offer_id: str, at: datetime) -> list[Event]:
    """Raises OfferGone, OfferStillStands."""
    agent_id, queue_id = _demand_offer(conversation, offer_id)
    if conversation.offer_expires_at is not None and at < conversation.offer_expires_at:
        raise OfferStillStands
    return [OfferExpired(conversation_id=conversation.id, queue_id=queue_id, offer_id=offer_id, agent_id=agent_id)]


def withdraw_offer(conversation: Conversation, *, reason: str) -> list[Event]:
    """Nothing where nothing is offered."""
    if conversation.status is not Status.OFFERED or conversation.offer_id is None:
        return []
    agent_id, queue_id = _demand_offer(conversation, conversation.offer_id)
    return [
        OfferWithdrawn(
            conversation_id=conversation.id,
            queue_id=queue_id,
            offer_id=conversation.offer_id,
            agent_id=agent_id,
            reason=reason,
        )
    ]
