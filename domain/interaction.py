"""What is said in a conversation: messages, replies, notes. Calls are `calls/`; how agents write is `outbound/`."""

from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from domain.conversation import Conversation, Status
from domain.event import Event, RuleBroken
from domain.outbound.reach import Reach, reach_after
from domain.outbound.templates import Template


class NotTheHolder(RuleBroken):
    """Only the agent who holds the conversation may do this."""


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


AMENDING = frozenset({ContentKind.EDIT, ContentKind.UNSEND, ContentKind.REACTION})
ASKING_NOTHING = frozenset({ContentKind.UNSEND, ContentKind.REACTION})


class Attachment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is known of a file that came with a message. The bytes are not part of the log."""

    name: str = ""
    content_type: str = "application/octet-stream"
    size_bytes: int | None = None
    sha256: str = ""
    reference: str = ""
    """What the provider calls it, to fetch it by; `media:` and a digest where the bytes came with the message."""
    content_id: str = ""
    """What a mail's markup calls it, as in `<img src="cid:logo">`."""


class Passage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Characters of a text, from `start` up to, not with, `end`: of Unicode, so that JavaScript cuts `[...text]`."""

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
    reach: Reach | None = None
    """Of what says that the customer takes no messages any more, or does again."""
    is_cut: bool = False
    """Of a mail: it is longer, or in more parts, than is read. The last attachment is the whole of it."""

    @property
    def shown_first(self) -> str:
        """The text, of a mail without what it quotes."""
        if not self.kept:
            return self.text
        return "\n".join(self.text[one.start : one.end].strip() for one in self.kept) or self.text

    @property
    def is_amending(self) -> bool:
        """It says something about another message, and is none of its own."""
        return self.kind in AMENDING

    @property
    def asks_nothing(self) -> bool:
        """Nobody has to act on it: a reaction, or a message taken back. An edit has words that somebody should read."""
        return self.kind in ASKING_NOTHING


class ChatAddress(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A visitor of a web chat."""

    account_id: str
    handle: str


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
    said_at: datetime | None = None
    """When the customer said it, by the channel's clock: from then on the channel counts how long it takes replies."""
    joined_by: str = ""
    """Of a mail: the rule by which it joined this conversation (`reply_address`, `stored_id`, `subject`…)."""
    answers: tuple[str, ...] = ()
    """Of a mail: the Message-IDs that it says it answers, the nearest first."""
    nature: str = ""
    """Of a mail that no person wrote to us: `auto_reply`, `automatic`, `list`, `bounce`, `complaint` or `own`."""
    reply_to: str = ""
    """Of a mail: where its sender wants answers, if not at `handle`."""
    claimed: str = ""
    """Of a mail: the address that it claims to be from, where it is of another: as what a form on a page mails is, or
    what a colleague at this address sent on (`content.is_forwarded`)."""
    chat: ChatAddress | None = None
    """Of a mail that answers a chat which was handed over: the visitor there."""
    is_participant: bool = False
    """Of a mail: somebody else wrote it, from `handle`, which is not the customer's. They had been given mail of ours,
    whose reply token or Message-ID brought theirs here. Replies go on to the customer."""
    dmarc: str = ""
    """Of a mail: what our own mail server found about the domain in its From, `pass` or `fail`; nothing where it found
    nothing. After `fail` nobody should believe whom it says it is from."""


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
    attachments: tuple[Attachment, ...] = ()
    """Files that go with it, each kept with us."""
    template: Template | None = None
    """An approved text in place of `text`."""


class ReplyHandedOver(ReplyWritten, topic="conversation.reply_handed_over"):
    """The visitor of a chat did not see replies, so that these went by mail to `handle`, with what was said so far."""

    replies: tuple[str, ...] = ()
    """The messages that the visitor had not seen."""


class ReplyEchoed(Event, topic="conversation.reply_echoed"):
    """Somebody of the shop wrote to the customer elsewhere, in the channel's own app, and the channel tells us."""

    conversation_id: str
    message_id: str
    provider_id: str
    channel: str
    account_id: str
    handle: str
    """Where it went."""
    content: Content
    subject: str = ""


class NoteWritten(Event, topic="conversation.note_written"):
    """Somebody of the shop wrote something down that the customer never sees."""

    conversation_id: str
    note_id: str
    text: str
    agent_id: str | None = None
    """Who held the conversation at that moment."""


InteractionEvent = MessageReceived | MessageContradicted | ReplyWritten | ReplyHandedOver | ReplyEchoed | NoteWritten


def evolve(conversation: Conversation, event: InteractionEvent) -> Conversation:
    """Decisions need little of what was said: where replies go, and that the customer spoke again."""
    match event:
        case MessageReceived():
            return _heard(conversation, event)
        case ReplyHandedOver(handle=handle):
            return replace(conversation, handed_to=handle.lower())
        case ReplyWritten(agent_id=agent_id):
            return replace(conversation, answered=bool(agent_id) or conversation.answered)
        case ReplyEchoed(handle=handle):
            return replace(conversation, handle=conversation.handle or handle, answered=True)
        case _:
            return conversation


def _heard(conversation: Conversation, event: MessageReceived) -> Conversation:
    content, status = event.content, conversation.status
    if content.asks_nothing:
        return conversation
    if content.reach or conversation.stopped:
        stopped = reach_after(conversation.stopped, event.handle, content.reach)
        conversation = replace(conversation, stopped=stopped)
    back = Status.ASSIGNED if status is Status.WRAPPING else status
    if event.is_participant:
        return replace(conversation, status=back)
    if event.chat is not None:
        return replace(conversation, status=back, latest_provider_id=event.provider_id, is_away=True)
    return replace(
        conversation,
        handle=event.reply_to or event.handle,
        latest_provider_id=conversation.latest_provider_id if content.is_amending else event.provider_id,
        status=back,
        heard_at=_heard_at(conversation, event),
        is_away=False,
    )


def _heard_at(conversation: Conversation, event: MessageReceived) -> datetime | None:
    """The latest time at which the customer wrote; what the channel itself says in their place does not count."""
    if event.said_at is None or event.content.kind is ContentKind.SYSTEM:
        return conversation.heard_at
    return max(event.said_at, conversation.heard_at or event.said_at)


def demand_holder(conversation: Conversation, agent_id: str) -> None:
    """Raises NotTheHolder."""
    if conversation.holder != agent_id:
        raise NotTheHolder
