"""Calls: those that ring or are talked on at this moment, for the screens of whom they ring at and of their queue."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from application.projections.view import Row
from domain.calls.stages import CallAnswered, CallEvent, CallLogged, CallRang, Direction, Stage, key_of
from domain.event import Recorded

ALL = "all"
"""The scope that every live call is in."""


class LiveCall(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call that is not over.

    Example: `{"id": "account-… 123456", "call_id": "123456", "customer_id": "customer-…", "stage": "ringing",
    "conversation_id": "conversation-…", "account_id": "account-…", "queue_id": "queue-…", "direction": "inbound",
    "handle": "+4930901820", "customer_name": "Li Na", "since": "2026-…Z", "agent_ids": ["agent-…"]}`
    """

    id: str
    call_id: str
    """As the telephone system calls it, on this account."""
    customer_id: str
    conversation_id: str
    account_id: str
    queue_id: str
    direction: Direction
    handle: str
    """The customer's number; `anonymous` where it was withheld."""
    stage: Stage
    since: datetime
    """When it began to ring or, where nobody told, was answered."""
    customer_name: str = ""
    answered_at: datetime | None = None
    answered_by: str = ""
    """As the telephone system calls them."""
    agent_id: str | None = None
    """Who of ours talks."""
    agent_ids: tuple[str, ...] = ()
    """At whom it rings, or who calls; empty where nobody told."""


class CallBoard:
    """Live calls. Its scopes are the account, its queue, the agents at whom one rings, the one who talks, and all."""

    name = "calls"
    version = 2
    topics = frozenset(event.TOPIC for event in (CallRang, CallAnswered, CallLogged))
    card_type = LiveCall

    def key(self, recorded: Recorded) -> str | None:
        event = recorded.event
        return key_of(event.account_id, event.call_id) if isinstance(event, CallEvent) and event.account_id else None

    def evolve(self, card: LiveCall | None, recorded: Recorded) -> LiveCall | None:
        return followed(card, recorded)

    def scopes(self, card: LiveCall) -> Sequence[str]:
        agents = card.agent_ids if card.stage is Stage.RINGING else (card.agent_id,) if card.agent_id else ()
        return tuple(filter(None, dict.fromkeys((ALL, card.account_id, card.queue_id, *agents))))

    def rows(self, card: LiveCall, position: int, doc: bytes) -> Sequence[Row]:
        return [
            Row(
                scope=scope,
                key=card.id,
                position=position,
                sort_at=card.since,
                doc=doc,
                status=card.stage,
                queue_id=card.queue_id,
                agent_id=card.agent_id,
                customer_id=card.customer_id,
            )
            for scope in self.scopes(card)
        ]


def followed(before: LiveCall | None, recorded: Recorded) -> LiveCall | None:
    """The call after an event of its own; nothing once it is over."""
    event = recorded.event
    if not isinstance(event, CallRang | CallAnswered):
        return None if isinstance(event, CallLogged) else before
    if isinstance(event, CallAnswered) and event.is_over:
        return before
    call = LiveCall(
        id=key_of(event.account_id, event.call_id),
        call_id=event.call_id,
        customer_id=recorded.stream,
        conversation_id=event.conversation_id,
        account_id=event.account_id,
        queue_id=event.queue_id,
        direction=event.direction,
        handle=event.handle,
        stage=Stage.RINGING,
        customer_name=event.customer_name,
        since=before.since if before else event.rang_at if isinstance(event, CallRang) else event.answered_at,
        agent_ids=before.agent_ids if before else (),
    )
    if isinstance(event, CallRang):
        return msgspec.structs.replace(call, agent_ids=event.agent_ids)
    return msgspec.structs.replace(
        call,
        stage=Stage.ANSWERED,
        answered_at=event.answered_at,
        answered_by=event.answered_by,
        agent_id=event.agent_id,
    )
