"""Decisions: every offer ever made, to whom, from which queue, and what came of it."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from application.projections.view import Row
from domain.assignment import ConversationOffered, OfferAccepted, OfferDeclined, OfferExpired, OfferWithdrawn
from domain.event import Recorded

OFFERS = (ConversationOffered, OfferAccepted, OfferDeclined, OfferExpired, OfferWithdrawn)
EVERYBODY = "everybody"
"""The scope of all decisions; each agent's own are in a scope of that agent."""
STANDING = "standing"
OUTCOMES: dict[type, str] = {
    OfferAccepted: "accepted",
    OfferDeclined: "declined",
    OfferExpired: "expired",
    OfferWithdrawn: "withdrawn",
}


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An offer and what came of it.

    Example: `{"id": "offer-…", "position": 42, "conversation_id": "conversation-…", "customer_id": "customer-…",
    "queue_id": "queue-…", "agent_id": "agent-…", "offered_at": "2026-11-11T00:00:01Z", "decided_by": "router",
    "decided_at_position": 40, "policy_version": 3, "outcome": "declined", "outcome_at": "2026-11-11T00:00:09Z",
    "reason": "lunch"}`
    """

    id: str
    position: int
    """Of the event that tells the offer."""
    conversation_id: str
    customer_id: str
    queue_id: str
    agent_id: str
    offered_at: datetime
    decided_by: str
    """`router`, or the person who chose the agent."""
    decided_at_position: int | None = None
    """The log as the router had read it when it decided; none where a person chose."""
    policy_version: int | None = None
    outcome: str = STANDING
    """`standing`, `accepted`, `declined`, `expired` or `withdrawn`."""
    outcome_at: datetime | None = None
    reason: str = ""
    """Why it was declined or withdrawn."""


class Decisions:
    """Every offer, under its id. Its scopes are all of them, and each agent's own."""

    name = "decisions"
    version = 1
    topics = frozenset(event.TOPIC for event in OFFERS)
    card_type = Decision

    def key(self, recorded: Recorded) -> str | None:
        return getattr(recorded.event, "offer_id", None)

    def evolve(self, card: Decision | None, recorded: Recorded) -> Decision | None:
        event = recorded.event
        if isinstance(event, ConversationOffered):
            choice = event.choice
            return Decision(
                id=event.offer_id,
                position=recorded.position,
                conversation_id=event.conversation_id,
                customer_id=recorded.stream,
                queue_id=event.queue_id,
                agent_id=event.agent_id,
                offered_at=recorded.recorded_at,
                decided_by=recorded.actor,
                decided_at_position=choice.position if choice else None,
                policy_version=choice.policy_version if choice else None,
            )
        if card is None:
            return None
        reason: str = getattr(event, "reason", "")
        return replace(card, outcome=OUTCOMES[type(event)], outcome_at=recorded.recorded_at, reason=reason)

    def scopes(self, card: Decision) -> Sequence[str]:
        return (EVERYBODY, card.agent_id)

    def rows(self, card: Decision, position: int, doc: bytes) -> Sequence[Row]:
        return [
            Row(
                scope=scope,
                key=card.id,
                position=position,
                sort_at=card.offered_at,
                doc=doc,
                status=card.outcome,
                queue_id=card.queue_id,
                agent_id=card.agent_id,
                customer_id=card.customer_id,
            )
            for scope in self.scopes(card)
        ]
