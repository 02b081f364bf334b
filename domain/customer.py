"""A customer: the people we serve, the addresses we know them by, and all their conversations.

The root of the customer's stream: it sends each event to the part of the state that it changes.
"""

import msgspec
from msgspec.structs import replace

from domain import assignment, conversation, delivery, interaction
from domain.assignment import AssignmentEvent
from domain.conversation import Conversation, ConversationOpened, ConversationUnknown, LifeEvent
from domain.delivery import DeliveryEvent
from domain.event import Event
from domain.interaction import InteractionEvent
from domain.media import MediaEvent

CLOSED_CONVERSATIONS_KEPT = 100
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
    elif isinstance(event, DeliveryEvent):
        after = delivery.evolve(before, event)
    elif isinstance(event, AssignmentEvent):
        after = assignment.evolve(before, event)
    elif isinstance(event, MediaEvent):
        after = before
    else:
        return before
    return replace(after, revision=before.revision + 1)


def _without_oldest_closed(conversations: dict[str, Conversation]) -> dict[str, Conversation]:
    closed = [one.id for one in conversations.values() if one.is_closed]
    if len(closed) < CLOSED_CONVERSATIONS_KEPT:
        return conversations
    return {key: one for key, one in conversations.items() if key != closed[0]}
