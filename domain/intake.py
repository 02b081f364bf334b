"""What comes in from a customer: messages, who they are from, and which conversation they join; calls too."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from domain import assignment, conversation
from domain import customer as customer_state
from domain.classification import hear_language
from domain.conversation import Conversation, ConversationOpened, ConversationReopened
from domain.customer import Customer, CustomerNamed, CustomerRegistered, IdentityLinked, demand_room
from domain.event import Event
from domain.interaction import ChatAddress, Content, MessageContradicted, MessageReceived
from domain.outbound.delivery import DeliveryStatus
from domain.outbound.reach import Reach

WITHHELD = "anonymous"
"""The handle of a caller who withheld their number: it is nobody's address."""
NOBODYS = frozenset({WITHHELD, "unknown", "mailer-daemon"})
"""Handles that are nobody's address: of one who withheld it, whom the channel does not name, or a mail's null sender.
What comes from one is a customer's of its own each time.
"""


class Intake(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where new work of a channel account goes."""

    queue_id: str
    priority: int = 0
    service_level: timedelta | None = None
    """The first answer is due so long after the work came in."""
    next_reply: timedelta | None = None
    """The same for what the customer says after that, where it differs."""

    def due_at(self, current: Conversation, at: datetime) -> datetime | None:
        """When an answer is due to what comes in at that moment."""
        level = (self.next_reply if current.answered else None) or self.service_level
        return at + level if level else None


class InboundMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A customer's message as a channel hands it in, whatever the channel.

    Example: `{"provider_id": "wamid.X", "handle": "+8613800138000", "content": {"text": "你好"},
    "occurred_at": "2026-11-11T00:00:01Z"}`
    """

    provider_id: str
    """The channel's own id of the message: the same id is the same message."""
    handle: str
    content: Content
    occurred_at: datetime
    other_handles: tuple[str, ...] = ()
    """More addresses of the same sender on this channel; the first of all that is known says who it is."""
    author: str = ""
    thread: str = ""
    subject: str = ""
    kind: str = "message"
    """What the provider id counts: an id may come back for an edit or an unsend of the same message."""
    conversation_id: str = ""
    """The conversation it proves to answer, as a mail with our reply token does."""
    joined_by: str = ""
    """Of a mail: what it says by itself about the conversation that it joins."""
    answers: tuple[str, ...] = ()
    """Of a mail: the Message-IDs that it says it answers, the nearest first."""
    nature: str = ""
    """Of a mail that no person wrote: what did, as of `MessageReceived`."""
    language: str = ""
    """What the channel says that the customer speaks, as BCP 47 names it."""
    reply_to: str = ""
    """Of a mail: where answers go, if not to the handle."""
    claimed: str = ""
    """Of a mail: whom it claims to be from, where it is taken to be from another, as a form's mail is."""
    dmarc: str = ""
    """Of a mail: what our own mail server found about the domain in its From, as of `MessageReceived`."""
    written: str = ""
    """Of a mail: a hash of what its sender wrote. Mails of one id that differ in it are different mails."""


class Echo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What the shop's side wrote to a customer, as the provider tells it: from another app of theirs, or by us."""

    provider_id: str
    handle: str
    """The customer it went to."""
    content: Content
    occurred_at: datetime
    other_handles: tuple[str, ...] = ()
    """More addresses of the same customer, as of `InboundMessage`."""
    thread: str = ""
    kind: str = "message"
    """As of `InboundMessage`."""
    callback: str = ""
    """Our own message id, where the provider returns what we gave it: then we sent it, and this proves that it left."""


class DeliveryReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What became of something we sent, as the provider tells: about one message, or about all until some moment.

    Example: `{"provider_id": "wamid.X", "status": "failed", "reason": "131047 Late", "occurred_at": "2026-…Z"}`
    """

    status: DeliveryStatus
    occurred_at: datetime
    provider_id: str = ""
    """Of the message that was sent; empty where the report is about all that `handle` was sent until `upto`."""
    handle: str = ""
    """Whom it was sent to, where the provider says."""
    upto: datetime | None = None
    """Messenger tells only until when everything was read."""
    participant: str = ""
    """Who of a group it is about, where a group was written to."""
    reason: str = ""
    callback: str = ""
    """Our own message id, where the provider returns what we gave it."""
    reach: Reach | None = None
    """It failed because the customer unsubscribed or blocked the account."""


def meet(
    customer: Customer, *, channel: str, account_id: str, handle: str, name: str, other_handles: Sequence[str] = ()
) -> list[Event]:
    """What is new about who writes, each new address once, in order. Empty for somebody known whose name we have."""
    events: list[Event] = []
    if not customer.handles and not customer.name and not customer.conversations:
        events.append(CustomerRegistered(name=name))
    elif name and not customer.name:
        events.append(CustomerNamed(name=name))
    known = customer.handles
    if new := [one for one in (handle, *other_handles) if (channel, account_id, one) not in known]:
        linked = (one for one in dict.fromkeys(new) if one and one not in NOBODYS)
        events += [IdentityLinked(channel=channel, account_id=account_id, handle=one) for one in linked]
    return events


def conversation_for(
    customer: Customer,
    *,
    channel: str,
    account_id: str,
    thread: str,
    subject: str,
    name: str,
    new_id: str,
    at: datetime,
    proven_id: str = "",
    is_work: bool = True,
) -> tuple[Conversation, list[Event]]:
    """The conversation that something new belongs to, and what opens or reopens it if need be.

    What is no work, because nobody has to answer it, joins a closed conversation as it is.
    """
    current = customer.conversations.get(proven_id) or customer.thread(account_id, thread)
    if current is not None and not (current.is_closed and is_work):
        return current, []
    if current is not None and current.is_reopenable(at):
        reopening = ConversationReopened(conversation_id=current.id)
        return conversation.evolve(current, reopening), [reopening]
    demand_room(customer)
    opening = ConversationOpened(
        conversation_id=new_id,
        channel=channel,
        account_id=account_id,
        thread=thread,
        subject=subject,
        customer_name=customer.name or name,
    )
    return customer_state.opened(customer, opening), [opening]


def receive_message(
    customer: Customer,
    message: InboundMessage,
    *,
    channel: str,
    account_id: str,
    scope: str | None,
    intake: Intake,
    message_id: str,
    new_conversation_id: str,
    at: datetime,
) -> list[Event]:
    """Joins the thread's open conversation, reopens it in time, or opens another; new work goes to the intake queue.

    A reaction or an unsend asks for nothing: it joins the thread's newest conversation, closed or not, or opens one.
    Nothing is queued then until a message comes.
    `scope`: the account within which the handle is theirs; empty: everywhere; None: it is not to become theirs.
    Raises TooManyConversations.
    """
    events, is_work = _met(customer, message, channel, scope), not message.content.asks_nothing
    current, start = conversation_for(
        customer,
        channel=channel,
        account_id=account_id,
        thread=message.thread,
        subject=message.subject,
        name=message.author,
        new_id=new_conversation_id,
        at=at,
        proven_id=message.conversation_id,
        is_work=is_work,
    )
    received = _received(message, current, channel=channel, account_id=account_id, message_id=message_id)
    return [*events, *start, received, *(enqueue(current, intake, at, message.language) if is_work else [])]


def _received(
    message: InboundMessage, current: Conversation, *, channel: str, account_id: str, message_id: str
) -> MessageReceived:
    return MessageReceived(
        conversation_id=current.id,
        message_id=message_id,
        provider_id=message.provider_id,
        channel=channel,
        account_id=account_id,
        handle=message.handle,
        content=message.content,
        author=message.author,
        subject=message.subject,
        agent_id=current.holder,
        said_at=message.occurred_at,
        joined_by=message.joined_by,
        answers=message.answers,
        nature=message.nature,
        reply_to=message.reply_to,
        claimed=message.claimed,
        dmarc=message.dmarc,
        chat=None if current.channel == channel else ChatAddress(account_id=current.account_id, handle=current.handle),
    )


def _met(customer: Customer, message: InboundMessage, channel: str, scope: str | None) -> list[Event]:
    if scope is None:
        return []
    handle, others, name = message.handle, message.other_handles, message.author
    return meet(customer, channel=channel, account_id=scope, handle=handle, name=name, other_handles=others)


def enqueue(current: Conversation, intake: Intake, at: datetime, language: str = "") -> list[Event]:
    """What lets a conversation wait that neither waits nor is with anybody; `language` as its channel tells."""
    if current.status is not conversation.Status.OPEN:
        return []
    priority = max(intake.priority, current.priority)
    due_at, current = intake.due_at(current, at), hear_language(current, language)
    return assignment.enqueue(current, queue_id=intake.queue_id, at=at, due_at=due_at, priority=priority)


def contradict_message(
    customer: Customer, message: InboundMessage, *, original: MessageReceived, original_position: int
) -> list[Event]:
    """The same id came with other content."""
    current = customer.conversations.get(original.conversation_id)
    return [
        MessageContradicted(
            conversation_id=original.conversation_id,
            message_id=original.message_id,
            provider_id=original.provider_id,
            content=message.content,
            original_position=original_position,
            agent_id=current.holder if current else None,
        )
    ]
