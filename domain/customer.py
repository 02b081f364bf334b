"""A customer: the people we serve, the addresses we know them by, and all their conversations.

The root of the customer's stream: it sends each event to the part of the state that it changes.
"""

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from domain import assignment, conversation, interaction
from domain.assignment import AssignmentEvent
from domain.conversation import Conversation, ConversationOpened, ConversationReopened, ConversationUnknown, LifeEvent
from domain.event import Event, RuleBroken
from domain.interaction import CallLogged, Content, Direction, InteractionEvent, MessageContradicted, MessageReceived


class TooManyConversations(RuleBroken):
    """This customer has 1,000 conversations open at once; close some first."""


OPEN_CONVERSATIONS_MAX = 1_000
WITHHELD = "anonymous"
"""The handle of a caller who withheld their number: it is nobody's address."""
CLOSED_CONVERSATIONS_KEPT = 20
"""Closed conversations that decisions still remember, newest last, so that long histories stay light."""


class CustomerRegistered(Event, topic="customer.registered"):
    """Somebody we had not met got in touch."""

    name: str = ""


class CustomerNamed(Event, topic="customer.named"):
    """We learnt what they are called."""

    name: str


class IdentityLinked(Event, topic="customer.identity_linked"):
    """An address on a channel turned out to be theirs."""

    channel: str
    account_id: str
    """Empty where the address is the same for every account of the channel, as a phone number is."""
    handle: str


CustomerEvent = CustomerRegistered | CustomerNamed | IdentityLinked


class Customer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What decisions about a customer need to know."""

    name: str = ""
    handles: frozenset[tuple[str, str, str]] = frozenset()
    """Channel, account and handle of each known identity."""
    conversations: dict[str, Conversation] = {}

    def conversation(self, conversation_id: str) -> Conversation:
        """Raises ConversationUnknown."""
        if (found := self.conversations.get(conversation_id)) is None:
            raise ConversationUnknown
        return found

    def thread(self, account_id: str, thread: str) -> Conversation | None:
        """The newest conversation of that account and thread."""
        for candidate in reversed(self.conversations.values()):
            if candidate.account_id == account_id and candidate.thread == thread:
                return candidate
        return None


NEW = Customer()


def evolve(customer: Customer, event: Event) -> Customer:
    """Only assigns. History is not up for debate, so nothing is checked here."""
    match event:
        case CustomerRegistered(name=name) | CustomerNamed(name=name):
            return replace(customer, name=name)
        case IdentityLinked():
            known = customer.handles | {(event.channel, event.account_id, event.handle)}
            return replace(customer, handles=known)
        case ConversationOpened():
            kept = _without_oldest_closed(customer.conversations)
            return replace(customer, conversations=kept | {event.conversation_id: conversation.opened(event)})
    return _evolve_conversation(customer, event)


def _evolve_conversation(customer: Customer, event: Event) -> Customer:
    before = customer.conversations.get(getattr(event, "conversation_id", ""))
    if before is None:
        return customer
    after = evolve_conversation(before, event)
    return replace(customer, conversations=customer.conversations | {after.id: after})


def evolve_conversation(before: Conversation, event: Event) -> Conversation:
    """The conversation after any event of its own, one revision later."""
    if isinstance(event, LifeEvent):
        after = conversation.evolve(before, event)
    elif isinstance(event, InteractionEvent):
        after = interaction.evolve(before, event)
    elif isinstance(event, AssignmentEvent):
        after = assignment.evolve(before, event)
    else:
        return before
    return replace(after, revision=before.revision + 1)


def _without_oldest_closed(conversations: dict[str, Conversation]) -> dict[str, Conversation]:
    closed = [one.id for one in conversations.values() if one.is_closed]
    if len(closed) < CLOSED_CONVERSATIONS_KEPT:
        return conversations
    return {key: one for key, one in conversations.items() if key != closed[0]}


class Intake(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where new work of a channel account goes."""

    queue_id: str
    priority: int = 0
    service_level: timedelta | None = None
    """The first answer is due so long after the work came in."""


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
    author: str = ""
    thread: str = ""
    subject: str = ""
    kind: str = "message"
    """What the provider id counts: an id may come back for an edit or an unsend of the same message."""
    conversation_id: str = ""
    """The conversation it proves to answer, as a mail with our reply token does."""


def meet(customer: Customer, *, channel: str, account_id: str, handle: str, name: str) -> list[Event]:
    """What is new about who writes. Empty for somebody known whose name we have."""
    events: list[Event] = []
    if not customer.handles and not customer.name and not customer.conversations:
        events.append(CustomerRegistered(name=name))
    elif name and not customer.name:
        events.append(CustomerNamed(name=name))
    if handle != WITHHELD and (channel, account_id, handle) not in customer.handles:
        events.append(IdentityLinked(channel=channel, account_id=account_id, handle=handle))
    return events


def _conversation_for(
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
) -> tuple[Conversation, list[Event]]:
    """The conversation that something new belongs to, and what opens or reopens it if need be."""
    current = customer.conversations.get(proven_id) or customer.thread(account_id, thread)
    if current is not None and not current.is_closed:
        return current, []
    if current is not None and current.is_reopenable(at):
        reopening = ConversationReopened(conversation_id=current.id)
        return conversation.evolve(current, reopening), [reopening]
    if sum(not one.is_closed for one in customer.conversations.values()) >= OPEN_CONVERSATIONS_MAX:
        raise TooManyConversations
    opening = ConversationOpened(
        conversation_id=new_id,
        channel=channel,
        account_id=account_id,
        thread=thread,
        subject=subject,
        customer_name=customer.name or name,
    )
    return conversation.opened(opening), [opening]


def receive_message(
    customer: Customer,
    message: InboundMessage,
    *,
    channel: str,
    account_id: str,
    scope: str,
    intake: Intake,
    message_id: str,
    new_conversation_id: str,
    at: datetime,
) -> list[Event]:
    """Joins the thread's open conversation, reopens it in time, or opens another; new work goes to the intake queue.

    `scope` is the account within which the handle means this customer; empty where it does everywhere.
    Raises TooManyConversations.
    """
    events = meet(customer, channel=channel, account_id=scope, handle=message.handle, name=message.author)
    current, start = _conversation_for(
        customer,
        channel=channel,
        account_id=account_id,
        thread=message.thread,
        subject=message.subject,
        name=message.author,
        new_id=new_conversation_id,
        at=at,
        proven_id=message.conversation_id,
    )
    events += start
    events.append(
        MessageReceived(
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
        )
    )
    if current.status is conversation.Status.OPEN:
        priority = max(intake.priority, current.priority)
        due_at = None if intake.service_level is None else at + intake.service_level
        events += assignment.enqueue(current, queue_id=intake.queue_id, at=at, due_at=due_at, priority=priority)
    return events


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


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A phone call to be written down."""

    call_id: str
    direction: Direction
    handle: str
    outcome: str
    occurred_at: datetime
    duration_seconds: int = 0
    note: str = ""
    author: str = ""


def log_call(
    customer: Customer,
    call: Call,
    *,
    account_id: str,
    new_conversation_id: str,
    at: datetime,
    agent_id: str | None = None,
    conversation_id: str | None = None,
    is_theirs: bool = True,
) -> list[Event]:
    """Written into the named conversation, else into the phone conversation with that number.

    `is_theirs`: the number is nobody else's, so that it becomes an address of this customer.
    Raises ConversationUnknown, TooManyConversations.
    """
    handle = call.handle if is_theirs else WITHHELD
    events = meet(customer, channel="phone", account_id="", handle=handle, name=call.author if is_theirs else "")
    start: list[Event] = []
    if conversation_id is not None:
        current = customer.conversation(conversation_id)
    else:
        current, start = _conversation_for(
            customer,
            channel="phone",
            account_id=account_id,
            thread=call.handle,
            subject="",
            name=call.author,
            new_id=new_conversation_id,
            at=at,
        )
    logged = CallLogged(
        conversation_id=current.id,
        call_id=call.call_id,
        direction=call.direction,
        handle=call.handle,
        outcome=call.outcome,
        duration_seconds=call.duration_seconds,
        note=call.note,
        agent_id=agent_id,
    )
    return [*events, *start, logged]
