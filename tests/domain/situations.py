"""Situations that the tests of the domain begin in, and the hour at which they take place."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from domain import agent, assignment, conversation, customer, offers, parts, workload
from domain.agent import Agent, Presence
from domain.conversation import Conversation, ConversationOpened, Status
from domain.customer import Customer
from domain.event import Event
from domain.workload import Ask

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
IN_A_MINUTE = NOON + timedelta(minutes=1)
IN_TWO_MINUTES = NOON + timedelta(minutes=2)
IN_A_WEEK = NOON + timedelta(days=7)
CONVERSATION = "conversation-1"
OFFER = "offer-1"
QUEUE = "queue-returns"
ACCOUNT = "account-chat"
MEI = "agent-mei"
OLA = "agent-ola"
KAI = "agent-kai"
JOAN = "customer-joan"


def after(before: Conversation, events: Iterable[Event]) -> Conversation:
    """The conversation once these events have happened."""
    for event in events:
        before = parts.evolve_conversation(before, event)
    return before


def where(conversation: Conversation) -> tuple[Status, str | None, str | None, int]:
    """Where the conversation stands: status, agent, offer, load units."""
    return conversation.status, conversation.agent_id, conversation.offer_id, conversation.units


def an_open_conversation(channel: str = "webchat") -> Conversation:
    opened = ConversationOpened(conversation_id=CONVERSATION, channel=channel, account_id=ACCOUNT, thread="thread-1")
    return conversation.opened(opened)


def a_waiting_conversation() -> Conversation:
    before = an_open_conversation()
    return after(before, assignment.enqueue(before, queue_id=QUEUE, at=NOON, due_at=IN_A_MINUTE, priority=2))


def an_offered_conversation() -> Conversation:
    before = a_waiting_conversation()
    return after(before, offers.offer(before, offer_id=OFFER, agent_id=MEI, units=2, expires_at=IN_A_MINUTE))


def an_assigned_conversation() -> Conversation:
    before = an_offered_conversation()
    return after(before, offers.accept_offer(before, offer_id=OFFER, agent_id=MEI))


def a_conversation_on_hold() -> Conversation:
    before = an_assigned_conversation()
    return after(before, assignment.hold(before, agent_id=MEI, reason="asks the warehouse"))


def a_conversation_in_wrap_up() -> Conversation:
    before = an_assigned_conversation()
    return after(before, assignment.start_wrap_up(before, agent_id=MEI))


def a_closed_conversation() -> Conversation:
    before = an_assigned_conversation()
    return after(before, conversation.close(before, disposition="refunded", reopenable_until=IN_A_WEEK))


def after_agent(before: Agent, events: Iterable[Event]) -> Agent:
    """The agent once these events have happened."""
    for event in events:
        before = agent.evolve(before, event)
    return before


def a_registered_agent() -> Agent:
    return after_agent(agent.NEW, agent.register(agent.NEW, name="Mei", skills={"returns": 4}, capacity=6))


def an_agent_away() -> Agent:
    before = a_registered_agent()
    return after_agent(before, agent.sign_in(before))


def an_available_agent() -> Agent:
    before = an_agent_away()
    return after_agent(before, agent.change_presence(before, Presence.AVAILABLE))


def an_agent_at_work(units: int = 2) -> Agent:
    before = an_available_agent()
    taken = workload.take_load(before, conversation_id=CONVERSATION, customer_id=JOAN, ask=an_ask(units))
    return after_agent(before, taken)


def joan(*conversations: Conversation) -> Customer:
    """A customer known by name and handle, with these conversations."""
    return Customer(
        name="Joan",
        handles=frozenset({("webchat", ACCOUNT, "visitor-1")}),
        conversations={one.id: one for one in conversations},
    )


def after_customer(before: Customer, *events: Event) -> Customer:
    """The customer once these events have happened."""
    for event in events:
        before = customer.evolve(before, event)
    return before


def opening(number: int) -> ConversationOpened:
    return ConversationOpened(
        conversation_id=f"conversation-{number}", channel="webchat", account_id=ACCOUNT, thread=f"thread-{number}"
    )


def an_ask(units: int, channel: str = "webchat", **rules: object) -> Ask:
    """What a conversation of so many units asks of an agent."""
    return msgspec.convert({"channel": channel, "units": units, **rules}, Ask)
