"""Conversations: one card each, for the list of all, and for the inbox of the agent who has it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from application.exchange.limits import DEFAULT, Limits
from application.projections.calls import LiveCall, followed
from application.projections.lines import SAID
from application.projections.view import Row
from domain.calls.stages import CallAnswered, CallEvent, CallLogged, CallRang, Direction, key_of
from domain.conversation import Conversation, ConversationOpened, Standing, Status, opened
from domain.event import Event, Recorded
from domain.interaction import (
    Content,
    ContentKind,
    MessageContradicted,
    MessageReceived,
    ReplyEchoed,
    ReplyHandedOver,
    ReplyWritten,
)
from domain.outbound.delivery import (
    DeliveryAccepted,
    DeliveryRejected,
    DeliveryReported,
    DeliveryStatus,
    DeliveryUnknown,
    ReplyGivenUp,
    ReplyResent,
    reply_until,
)
from domain.outbound.files import words_of
from domain.parts import evolve_conversation
from domain.streams import topics_of
from domain.threads.moves import MessageJoined, MessageLeft

ALL = "all"
"""The scope of the list of all conversations; an inbox's scope is the agent's id."""
PREVIEW_CHARACTERS_MAX = 160
UNKNOWN = "it is unknown whether a reply arrived"
AMENDED_KEPT = 20
UNSENT = "taken back"
"""The preview of a message that was taken back."""
MOVED = "moved to another conversation"


class Amended(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a message after it was said."""

    at: datetime
    text: str = ""
    is_unsent: bool = False


class Card(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
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
    """The beginning of what was said last; of a mail without what it quotes."""
    preview_of: str = ""
    """What the channel calls that message; our own id of a reply that the channel has not named yet."""
    amended: dict[str, Amended] = {}
    """The latest edits and unsends, by what the channel calls the message, which may come after them."""
    last_by: str = ""
    """`customer`, `agent`, or `participant`: somebody else, in whose mail our reply token or Message-ID stood."""
    messages: int = 0
    """Of the customer and of participants."""
    replies: int = 0
    unanswered_since: datetime | None = None
    """Since when the customer's latest words have no reply."""
    alert: str = ""
    """What an agent should look at: a reply that failed, a message that came twice with different content."""
    call: LiveCall | None = None
    """A call that rings or is talked on at this moment."""
    reply_until: datetime | None = None
    """Until when the channel takes a reply, unless the customer writes again; nothing where it always does."""


class Conversations:
    """Everything about conversations, folded into cards."""

    name = "conversations"
    version = 5
    topics = topics_of("conversation")
    card_type = Card

    def __init__(self, limits: Mapping[str, Limits] = {}) -> None:
        self._limits = limits

    def key(self, recorded: Recorded) -> str | None:
        return getattr(recorded.event, "conversation_id", None)

    def evolve(self, card: Card | None, recorded: Recorded) -> Card | None:
        event, at = recorded.event, recorded.recorded_at
        if type(event) is ConversationOpened:
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
        updated_at = card.updated_at if _is_quiet(event) else at
        card = replace(card, conversation=one, reply_until=until, updated_at=updated_at)
        return _told(card, recorded)

    def scopes(self, card: Card) -> Sequence[str]:
        agent_id = card.conversation.agent_id
        return (ALL, agent_id) if agent_id else (ALL,)

    def rows(self, card: Card, position: int, doc: bytes) -> Sequence[Row]:
        one = card.conversation
        return [
            Row(
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
            for scope in self.scopes(card)
        ]


def _is_quiet(event: Event) -> bool:
    """It does not bring the conversation to the top of a list."""
    if isinstance(event, SAID):
        return event.content.kind is ContentKind.REACTION
    return isinstance(event, DeliveryReported) and event.status is not DeliveryStatus.FAILED


def _told(card: Card, recorded: Recorded) -> Card:
    """What was said last, and what to look at."""
    event = recorded.event
    match event:
        case MessageReceived() | ReplyEchoed():
            return _amended(card, recorded, event.content) if event.content.is_amending else _said(card, recorded)
        case ReplyWritten():
            return _said(card, recorded)
        case CallRang() | CallAnswered() | CallLogged():
            return _called(card, recorded, event)
        case MessageContradicted():
            return replace(card, alert="a message came again with other content")
        case DeliveryRejected(reason=reason, is_final=is_final):
            told = "a reply was refused" if is_final else "a reply waits to be tried again"
            return replace(card, alert=f"{told}: {reason}"[:PREVIEW_CHARACTERS_MAX])
        case DeliveryReported(status=DeliveryStatus.FAILED, reason=reason, participant=""):
            return replace(card, alert=f"a reply failed: {reason}"[:PREVIEW_CHARACTERS_MAX])
        case DeliveryUnknown():
            return replace(card, alert=UNKNOWN)
        case DeliveryAccepted(message_id=message_id, provider_id=provider_id):
            preview_of = provider_id if message_id == card.preview_of else card.preview_of
            return replace(card, alert=_still_to_see(card.conversation), preview_of=preview_of)
        case ReplyResent() | ReplyGivenUp():
            return replace(card, alert=_still_to_see(card.conversation))
        case _:
            return _moved(card, event, recorded.recorded_at)


def _called(card: Card, recorded: Recorded, event: CallEvent) -> Card:
    """A call. One that the shop missed, and that somebody is to call back, is unanswered as a message is."""
    mine = card.call if card.call and card.call.id == key_of(event.account_id, event.call_id) else None
    call = followed(mine, recorded)
    if not isinstance(event, CallLogged):
        return card if call is None else replace(card, call=call, preview=call.stage, preview_of="")
    left = card.call if mine is None else call
    card = replace(card, call=left, preview=(event.note or event.outcome)[:PREVIEW_CHARACTERS_MAX], preview_of="")
    if card.conversation.channel != "phone" or not event.account_id:
        return card
    if event.outcome == "answered":
        return replace(card, unanswered_since=None)
    if event.direction is Direction.OUTBOUND or card.conversation.status in (Status.OPEN, Status.CLOSED):
        return card  # nobody is to call back
    return replace(card, last_by="customer", unanswered_since=card.unanswered_since or recorded.recorded_at)


def _moved(card: Card, event: Event, at: datetime) -> Card:
    """A mail left, or came from another conversation; what is neither changes nothing."""
    if isinstance(event, MessageLeft):
        preview = MOVED if event.provider_id == card.preview_of else card.preview
        waiting = card.unanswered_since if card.messages > 1 else None
        return replace(card, messages=card.messages - 1, preview=preview, unanswered_since=waiting)
    if not isinstance(event, MessageJoined):
        return card
    if event.preview or not card.preview:
        card = replace(card, preview=event.preview[:PREVIEW_CHARACTERS_MAX], preview_of=event.provider_id)
    waiting = card.unanswered_since or at
    by = "participant" if event.is_participant else "customer"
    return replace(card, messages=card.messages + 1, last_by=by, unanswered_since=waiting)


def _still_to_see(conversation: Conversation) -> str:
    """That a later reply arrived does not settle an earlier one."""
    standings = {reply.standing for reply in conversation.replies.values()}
    if Standing.REJECTED in standings:
        return "a reply was refused"
    return UNKNOWN if Standing.UNKNOWN in standings else ""


def _said(card: Card, recorded: Recorded) -> Card:
    """A message; what was told about it before it came counts."""
    event = recorded.event
    match event:
        case MessageReceived():
            told = card.amended.get(event.provider_id)
            return replace(
                card,
                customer_name=card.customer_name or ("" if event.is_participant else event.author),
                preview=_preview(event.content.shown_first or event.content.kind, told),
                preview_of=event.provider_id,
                last_by="participant" if event.is_participant else "customer",
                messages=card.messages + 1,
                unanswered_since=card.unanswered_since or recorded.recorded_at,
            )
        case ReplyHandedOver() | ReplyWritten(agent_id=""):  # said already, or by nobody: an answer is still due
            return card
        case ReplyEchoed(content=content, provider_id=said_as):
            text = content.text or content.kind
        case ReplyWritten(message_id=said_as):
            text = words_of(event)
        case _:
            return card
    return replace(
        card,
        preview=_preview(text, card.amended.get(said_as)),
        preview_of=said_as,
        last_by="agent",
        replies=card.replies + 1,
        unanswered_since=None,
        alert=_still_to_see(card.conversation),
    )


def _amended(card: Card, recorded: Recorded, content: Content) -> Card:
    """An edit or an unsend changes the preview of its message, and counts as no message itself."""
    if content.kind is ContentKind.REACTION or not content.about:
        return card
    told = Amended(at=recorded.occurred_at, text=content.text[:PREVIEW_CHARACTERS_MAX])
    if content.kind is ContentKind.UNSEND:
        told = Amended(at=recorded.occurred_at, is_unsent=True)
    before = card.amended.get(content.about)
    if before is not None and (before.is_unsent or (before.at > told.at and not told.is_unsent)):
        return card
    amended = card.amended | {content.about: told}
    if len(amended) > AMENDED_KEPT:
        del amended[next(iter(amended))]
    preview = _preview(card.preview, told) if content.about == card.preview_of else card.preview
    return replace(card, amended=amended, preview=preview)


def _preview(text: str, told: Amended | None) -> str:
    if told is not None:
        text = UNSENT if told.is_unsent else told.text or text
    return text[:PREVIEW_CHARACTERS_MAX]
