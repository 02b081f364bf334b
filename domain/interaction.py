"""What is said in a conversation: messages, replies, notes, calls, and how replies fared on their way."""

from enum import StrEnum

import msgspec
from msgspec.structs import replace

from domain.conversation import Conversation, Status, demand_open
from domain.event import Event, RuleBroken


class NotTheHolder(RuleBroken):
    """Only the agent who holds the conversation may do this."""


class NothingToSay(RuleBroken):
    """A message needs a text."""


class ChannelTakesNoReplies(RuleBroken):
    """Replies cannot be sent on this channel."""


class ContentKind(StrEnum):
    """What a message is. Whatever a channel brings that has no kind of its own here is `unsupported`."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    DOCUMENT = "document"
    STICKER = "sticker"
    LOCATION = "location"
    CONTACTS = "contacts"
    CHOICE = "choice"
    """The customer pressed a button, picked from a list or filled in a form."""
    ORDER = "order"
    REACTION = "reaction"
    EDIT = "edit"
    UNSEND = "unsend"
    SYSTEM = "system"
    UNSUPPORTED = "unsupported"


class Attachment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is known of a file that came with a message. The bytes are not part of the log."""

    name: str = ""
    content_type: str = "application/octet-stream"
    size_bytes: int | None = None
    sha256: str = ""
    reference: str = ""
    """What the provider calls it, to fetch it by."""


class Passage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Characters of a text, from `start` up to, not with, `end`."""

    start: int
    end: int


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a message says."""

    kind: ContentKind = ContentKind.TEXT
    text: str = ""
    html: str = ""
    """The sender's markup as it came; sanitise it before it is shown."""
    attachments: tuple[Attachment, ...] = ()
    about: str = ""
    """The provider's id of the message that this one answers, edits, unsends or reacts to."""
    referral: str = ""
    """What led the customer here, in one line, as in `ad 120208 "Winter sale"`."""
    is_forwarded: bool = False
    kept: tuple[Passage, ...] = ()
    """Of a mail: the passages of `text` to show at first; the rest is quoted, and folded away. None: show all."""
    kept_rule: str = ""
    """What decided so: `attribution`, `markup`, `quotes`…"""


class MessageReceived(Event, topic="conversation.message_received"):
    """The customer said something."""

    conversation_id: str
    message_id: str
    provider_id: str
    channel: str
    account_id: str
    handle: str
    """The address the customer wrote from."""
    content: Content
    author: str = ""
    """The name the customer goes by on the channel."""
    subject: str = ""
    agent_id: str | None = None
    """Who held the conversation at that moment, so that the message can be put before them and counted to them."""
    joined_by: str = ""
    """Of a mail: the rule by which it joined this conversation (`reply_address`, `stored_id`, `subject`…)."""


class MessageContradicted(Event, topic="conversation.message_contradicted"):
    """A known message id came again with other content. Both are kept; people should look."""

    conversation_id: str
    message_id: str
    provider_id: str
    content: Content
    original_position: int
    agent_id: str | None = None


class ReplyWritten(Event, topic="conversation.reply_written"):
    """An agent answered the customer; it is now on its way out."""

    conversation_id: str
    message_id: str
    channel: str
    account_id: str
    handle: str
    """Where it goes."""
    text: str
    agent_id: str
    subject: str = ""
    in_reply_to: str = ""
    """The provider's id of the customer's latest message."""


class NoteWritten(Event, topic="conversation.note_written"):
    """Somebody of the shop wrote something down that the customer never sees."""

    conversation_id: str
    note_id: str
    text: str
    agent_id: str | None = None
    """Who held the conversation at that moment."""


class Direction(StrEnum):
    """Who called whom, seen from the shop."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class CallLogged(Event, topic="conversation.call_logged"):
    """A phone call took place, told by an agent or by a call record."""

    conversation_id: str
    call_id: str
    direction: Direction
    handle: str
    """The customer's number, in E.164 where it could be read; `anonymous` where it was withheld."""
    outcome: str
    """`answered`, `missed`, `busy`, `voicemail` or `failed`."""
    duration_seconds: int = 0
    note: str = ""
    agent_id: str | None = None


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


class DeliveryUnknown(Event, topic="conversation.delivery_unknown"):
    """The reply was handed over but no answer came: it may or may not have arrived. It is not sent again unasked."""

    conversation_id: str
    message_id: str
    reason: str
    agent_id: str | None = None


InteractionEvent = (
    MessageReceived
    | MessageContradicted
    | ReplyWritten
    | NoteWritten
    | CallLogged
    | DeliveryAttempted
    | DeliveryAccepted
    | DeliveryRejected
    | DeliveryUnknown
)


def evolve(conversation: Conversation, event: InteractionEvent) -> Conversation:
    """Decisions need little of what was said: where replies go, and that the customer spoke again."""
    match event:
        case MessageReceived(handle=handle, provider_id=provider_id):
            back = Status.ASSIGNED if conversation.status is Status.WRAPPING else conversation.status
            return replace(conversation, handle=handle, latest_provider_id=provider_id, status=back)
        case CallLogged(handle=handle) if conversation.channel == "phone":  # a chat's replies stay on the chat
            return replace(conversation, handle=handle)
        case _:
            return conversation


def demand_holder(conversation: Conversation, agent_id: str) -> None:
    """Raises NotTheHolder."""
    if conversation.holder != agent_id:
        raise NotTheHolder


def write_reply(conversation: Conversation, *, message_id: str, text: str, agent_id: str) -> list[Event]:
    """Raises ConversationIsClosed, NotTheHolder, NothingToSay."""
    demand_open(conversation)
    demand_holder(conversation, agent_id)
    if not text.strip():
        raise NothingToSay
    return [
        ReplyWritten(
            conversation_id=conversation.id,
            message_id=message_id,
            channel=conversation.channel,
            account_id=conversation.account_id,
            handle=conversation.handle,
            text=text,
            agent_id=agent_id,
            subject=conversation.subject,
            in_reply_to=conversation.latest_provider_id,
        )
    ]


def write_note(conversation: Conversation, *, note_id: str, text: str) -> list[Event]:
    """Notes may be added to a closed conversation too. Raises NothingToSay."""
    if not text.strip():
        raise NothingToSay
    return [NoteWritten(conversation_id=conversation.id, note_id=note_id, text=text, agent_id=conversation.holder)]
