"""Conversations: one card each, for the list of all, and for the inbox of the agent who has it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from application.exchange.limits import DEFAULT, Limits
from application.projections.view import Row
from domain.conversation import Conversation, ConversationOpened, Standing, opened
from domain.customer import evolve_conversation
from domain.delivery import ReplyGivenUp, ReplyResent, reply_until
from domain.event import Recorded
from domain.interaction import (
    CallLogged,
    DeliveryAccepted,
    DeliveryRejected,
    DeliveryUnknown,
    MessageContradicted,
    MessageReceived,
    ReplyWritten,
)
from domain.streams import topics_of

ALL = "all"
"""The scope of the list of all conversations; an inbox's scope is the agent's id."""
PREVIEW_CHARACTERS_MAX = 160
UNKNOWN = "it is unknown whether a reply arrived"


class Card(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A conversation at a glance."""

    id: str
    customer_id: str
    conversation: Conversation
    """How it stands: status, queue, agent, offer, priority, tags, revision."""
    customer_name: str = ""
    subject: str = ""
    opened_at: datetime
    updated_at: datetime
    preview: str = ""
    """The beginning of what was said last."""
    last_by: str = ""
    """`customer` or `agent`."""
    messages: int = 0
    """Of the customer."""
    replies: int = 0
    unanswered_since: datetime | None = None
    """Since when the customer's latest words have no reply."""
    alert: str = ""
    """What an agent should look at: a reply that failed, a message that came twice with different content."""
    reply_until: datetime | None = None
    """Until when the channel takes a reply, unless the customer writes again; nothing where it always does."""


class Conversations:
    """Everything about conversations, folded into cards."""

    name = "conversations"
    version = 2
    topics = topics_of("conversation")
    card_type = Card

    def __init__(self, limits: Mapping[str, Limits] = {}) -> None:
        self._limits = limits

    def key(self, recorded: Recorded) -> str | None:
        return getattr(recorded.event, "conversation_id", None)

    def evolve(self, card: Card | None, recorded: Recorded) -> Card | None:
        event, at = recorded.event, recorded.recorded_at
        if isinstance(event, ConversationOpened):
            return Card(
                id=event.conversation_id,
                customer_id=recorded.stream,
                conversation=opened(event),
                customer_name=event.customer_name,
                subject=event.subject,
                opened_at=at,
                updated_at=at,
            )
        if card is None:
            return None
        one = evolve_conversation(card.conversation, event)
        until = reply_until(one, self._limits.get(one.channel, DEFAULT).window)
        return _told(replace(card, conversation=one, reply_until=until, updated_at=at), recorded)

    def rows(self, card: Card, position: int, doc: bytes) -> Sequence[Row]:
        one = card.conversation

        def row(scope: str) -> Row:
            return Row(
                scope=scope,
                key=card.id,
                position=position,
                sort_at=card.updated_at,
                doc=doc,
                status=one.status,
                queue_id=one.queue_id,
                agent_id=one.agent_id,
                customer_id=card.customer_id,
            )

        return [row(ALL), row(one.agent_id)] if one.agent_id else [row(ALL)]


def _told(card: Card, recorded: Recorded) -> Card:
    """What was said last, and what to look at."""
    event, at = recorded.event, recorded.recorded_at
    match event:
        case MessageReceived():
            return replace(
                card,
                customer_name=card.customer_name or event.author,
                preview=(event.content.text or event.content.kind)[:PREVIEW_CHARACTERS_MAX],
                last_by="customer",
                messages=card.messages + 1,
                unanswered_since=card.unanswered_since or at,
            )
        case ReplyWritten(text=text):
            return replace(
                card,
                preview=text[:PREVIEW_CHARACTERS_MAX],
                last_by="agent",
                replies=card.replies + 1,
                unanswered_since=None,
                alert=_still_to_see(card.conversation),
            )
        case CallLogged(outcome=outcome, note=note):
            return replace(card, preview=(note or outcome)[:PREVIEW_CHARACTERS_MAX])
        case MessageContradicted():
            return replace(card, alert="a message came again with other content")
        case DeliveryRejected(reason=reason, is_final=is_final):
            told = "a reply was refused" if is_final else "a reply waits to be tried again"
            return replace(card, alert=f"{told}: {reason}"[:PREVIEW_CHARACTERS_MAX])
        case DeliveryUnknown():
            return replace(card, alert=UNKNOWN)
        case DeliveryAccepted() | ReplyResent() | ReplyGivenUp():
            return replace(card, alert=_still_to_see(card.conversation))
        case _:
            return card


def _still_to_see(conversation: Conversation) -> str:
    """That a later reply arrived does not settle an earlier one."""
    standings = {reply.standing for reply in conversation.replies.values()}
    if Standing.REJECTED in standings:
        return "a reply was refused"
    return UNKNOWN if Standing.UNKNOWN in standings else ""
