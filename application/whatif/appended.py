"""The events that a decision becomes in the log, as `application/use_cases/assign_work.py` appends them."""

from datetime import datetime, timedelta

from domain.agent import LoadTaken
from domain.assignment import ConversationOffered, OfferAccepted
from domain.classification import ConversationOverflowed, ConversationRelaxed
from domain.routing.decisions import Offer, Overflow, Relax


def offered(offer: Offer) -> ConversationOffered:
    """In the customer's stream."""
    return ConversationOffered(
        conversation_id=offer.conversation_id,
        queue_id=offer.queue_id,
        offer_id=offer.offer_id,
        agent_id=offer.agent_id,
        units=offer.ask.units,
        expires_at=offer.expires_at,
        choice=offer.choice,
    )


def taken(offer: Offer) -> LoadTaken:
    """In the agent's stream."""
    return LoadTaken(
        conversation_id=offer.conversation_id,
        customer_id=offer.customer_id,
        units=offer.ask.units,
        channel=offer.ask.channel,
        kind=offer.ask.kind,
    )


def accepted(offer: Offer) -> OfferAccepted:
    """In the customer's stream."""
    return OfferAccepted(
        conversation_id=offer.conversation_id,
        queue_id=offer.queue_id,
        offer_id=offer.offer_id,
        agent_id=offer.agent_id,
    )


def relaxed(decision: Relax) -> ConversationRelaxed:
    """In the customer's stream."""
    return ConversationRelaxed(
        conversation_id=decision.conversation_id,
        queue_id=decision.queue_id,
        step=decision.step,
        skills=decision.skills,
        groups=decision.groups,
    )


def overflowed(decision: Overflow, at: datetime) -> ConversationOverflowed:
    """In the customer's stream, without the words that nobody hears here; that it waits elsewhere follows."""
    rule = decision.rule
    return ConversationOverflowed(
        conversation_id=decision.conversation_id,
        queue_id=decision.queue_id,
        to_queue_id=rule.to_queue_id,
        cause=rule.when,
        promise=rule.promise,
        promised_at=at + timedelta(seconds=rule.within_seconds) if rule.promise else None,
    )
