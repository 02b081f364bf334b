"""Who works on a conversation: waiting, offered, held, handed on. The agent's side of it is `agent.py`."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from domain.conversation import Conversation, Status, demand_open
from domain.event import Event, RuleBroken
from domain.interaction import demand_holder


class NotOnHold(RuleBroken):
    """The conversation is not on hold."""


class OnHold(RuleBroken):
    """The conversation is on hold; resume it first."""


class AlreadyWaiting(RuleBroken):
    """The conversation already waits or is offered; transfer it to change its queue."""


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Why this agent got this conversation: enough to recompute the decision from the log, and to tell it."""

    position: int
    """The log as the router had read it."""
    ordinal: int
    """Which of the decisions taken at that position, from 0."""
    decided_at: datetime
    policy_version: int
    rule: str
    """How the agent was chosen among the eligible: `longest_idle`."""
    score: float
    """The conversation's place in the order: boosts plus age, in seconds; the sum of `parts`."""
    eligible: int
    """How many agents could have taken it."""
    idle_since: datetime | None = None
    runner_up: str | None = None
    runner_up_idle_since: datetime | None = None
    parts: dict[str, float] = {}
    """What the score is made of, in seconds: `{"age": 42.5, "priority": 600, "tier": 300}`."""
    preference: str = ""
    """What put the agent before others: `preferred_agent`, `known_agent`, `preferred_skills`."""
    step: int = 0
    """How many steps of the queue's timetable had been taken."""
    edition: int = 1
    """Of the router's own rules, as `domain/routing/facts.py` tells them."""
    passed_over: str = ""
    """Why it did not wait for the agent whom somebody had named: `agent-…: away`."""


class ConversationEnqueued(Event, topic="conversation.enqueued"):
    """It waits for an agent."""

    conversation_id: str
    queue_id: str
    channel: str
    priority: int
    waiting_since: datetime
    """Since when the customer waits: a transfer keeps it."""
    due_at: datetime | None = None
    """When the queue's service level wants it answered, or what the customer was promised."""
    tier: str = ""
    language: str = ""
    sentiment: str = ""
    age_adjustment_seconds: int = 0
    """Older, or younger, than measured: counts in the order only."""
    known_agent_id: str | None = None
    """Who served the customer last."""
    skills: dict[str, int] = msgspec.field(default_factory=dict)
    """What it asks for beyond its queue's skills, as somebody said who sent it there; 0: not even for its language."""
    overflowed_from: tuple[str, ...] = ()
    """The queues that it was too much for, in the order of time."""
    preferred_agent_id: str | None = None
    """Who is to have it, as somebody said."""


class ConversationOffered(Event, topic="conversation.offered"):
    """It was put before one agent to accept or decline."""

    conversation_id: str
    queue_id: str
    offer_id: str
    agent_id: str
    units: int
    expires_at: datetime
    choice: Choice | None = None
    """Absent where a person, not the router, chose the agent."""
    by: str = ""
    """How a person did: `picked` by the agent, `transferred` or `given` to them, `answered` as a call by them."""


class OfferAccepted(Event, topic="conversation.offer_accepted"):
    """The agent took it on."""

    conversation_id: str
    queue_id: str
    offer_id: str
    agent_id: str


class OfferDeclined(Event, topic="conversation.offer_declined"):
    """The agent said no; it waits again, with its age."""

    conversation_id: str
    queue_id: str
    offer_id: str
    agent_id: str
    reason: str


class OfferExpired(Event, topic="conversation.offer_expired"):
    """The agent did not answer in time; it waits again, with its age."""

    conversation_id: str
    queue_id: str
    offer_id: str
    agent_id: str


class OfferWithdrawn(Event, topic="conversation.offer_withdrawn"):
    """The offer was taken back before the agent answered: they left, or it was closed or moved."""

    conversation_id: str
    queue_id: str
    offer_id: str
    agent_id: str
    reason: str


class ConversationTransferred(Event, topic="conversation.transferred"):
    """It was handed on, to a queue or to a named agent."""

    conversation_id: str
    from_agent_id: str | None
    to_queue_id: str
    to_agent_id: str | None = None
    from_queue_id: str | None = None
    reason: str = ""


class ConversationHeld(Event, topic="conversation.held"):
    """The agent waits for the customer or for somebody else; it takes no capacity meanwhile."""

    conversation_id: str
    agent_id: str
    reason: str = ""


class ConversationResumed(Event, topic="conversation.resumed"):
    """The agent took it up again."""

    conversation_id: str
    agent_id: str


class WrapUpStarted(Event, topic="conversation.wrap_up_started"):
    """The talk is over; the agent finishes the work that follows it and still holds the capacity."""

    conversation_id: str
    agent_id: str


AssignmentEvent = (
    ConversationEnqueued
    | ConversationOffered
    | OfferAccepted
    | OfferDeclined
    | OfferExpired
    | OfferWithdrawn
    | ConversationTransferred
    | ConversationHeld
    | ConversationResumed
    | WrapUpStarted
)


def evolve(one: Conversation, event: AssignmentEvent) -> Conversation:
    """What each event changes about who works on it."""
    match event:
        case ConversationEnqueued():
            return replace(
                one,
                status=Status.WAITING,
                queue_id=event.queue_id,
                agent_id=None,
                priority=event.priority,
                waiting_since=event.waiting_since,
                due_at=event.due_at,
                skills=event.skills,
                overflowed_from=event.overflowed_from,
                steps=0,
                given_up=frozenset(),
                language=event.language,
                is_language_told=one.is_language_told or event.language != one.language,
            )
        case ConversationOffered():
            return replace(
                one,
                status=Status.OFFERED,
                queue_id=event.queue_id,
                agent_id=event.agent_id,
                offer_id=event.offer_id,
                offer_expires_at=event.expires_at,
                units=event.units,
                by=event.by,
            )
        case OfferAccepted(agent_id=agent_id):
            return replace(one, status=Status.ASSIGNED, offer_id=None, offer_expires_at=None, served_by=agent_id)
        case OfferDeclined() | OfferExpired() | OfferWithdrawn():
            return replace(one, status=Status.WAITING, agent_id=None, offer_id=None, offer_expires_at=None, units=0)
        case ConversationTransferred(to_queue_id=queue_id):
            return replace(one, status=Status.OPEN, queue_id=queue_id, agent_id=None, units=0)
        case ConversationHeld():
            return replace(one, status=Status.ON_HOLD)
        case ConversationResumed():
            return replace(one, status=Status.ASSIGNED)
        case WrapUpStarted():
            return replace(one, status=Status.WRAPPING)


def enqueue(
    conversation: Conversation,
    *,
    queue_id: str,
    at: datetime,
    due_at: datetime | None,
    priority: int | None = None,
    skills: Mapping[str, int] | None = None,
    overflowed_from: tuple[str, ...] = (),
) -> list[Event]:
    """A conversation that has waited before keeps its age. Raises ConversationIsClosed, AlreadyWaiting."""
    demand_open(conversation)
    if conversation.status is not Status.OPEN:
        raise AlreadyWaiting
    return [
        ConversationEnqueued(
            conversation_id=conversation.id,
            queue_id=queue_id,
            channel=conversation.channel,
            priority=conversation.priority if priority is None else priority,
            waiting_since=conversation.waiting_since or at,
            due_at=due_at,
            tier=conversation.tier,
            language=conversation.language,
            sentiment=conversation.sentiment,
            age_adjustment_seconds=conversation.age_adjustment_seconds,
            known_agent_id=conversation.served_by,
            skills=dict(skills or {}),
            overflowed_from=overflowed_from,
            preferred_agent_id=conversation.preferred_agent_id,
        )
    ]


def transfer(one: Conversation, *, to_queue_id: str, to_agent_id: str | None = None, reason: str = "") -> list[Event]:
    """Hands it on; `enqueue`, and `offer` for a named agent, follow in the same append. Raises ConversationIsClosed."""
    demand_open(one)
    return [
        ConversationTransferred(
            conversation_id=one.id,
            from_agent_id=one.agent_id,
            to_queue_id=to_queue_id,
            to_agent_id=to_agent_id,
            from_queue_id=one.queue_id,
            reason=reason,
        )
    ]


def hold(conversation: Conversation, *, agent_id: str, reason: str) -> list[Event]:
    """Raises ConversationIsClosed, NotTheHolder. Holding twice is not news."""
    demand_open(conversation)
    demand_holder(conversation, agent_id)
    if conversation.status is Status.ON_HOLD:
        return []
    return [ConversationHeld(conversation_id=conversation.id, agent_id=agent_id, reason=reason)]


def resume(conversation: Conversation, *, agent_id: str) -> list[Event]:
    """Raises NotTheHolder, NotOnHold."""
    demand_holder(conversation, agent_id)
    if conversation.status is not Status.ON_HOLD:
        raise NotOnHold
    return [ConversationResumed(conversation_id=conversation.id, agent_id=agent_id)]


def start_wrap_up(conversation: Conversation, *, agent_id: str) -> list[Event]:
    """Raises ConversationIsClosed, NotTheHolder, OnHold. Once started it need not be started again."""
    demand_open(conversation)
    demand_holder(conversation, agent_id)
    if conversation.status is Status.ON_HOLD:  # it takes no load, and wrapping up does
        raise OnHold
    if conversation.status is Status.WRAPPING:
        return []
    return [WrapUpStarted(conversation_id=conversation.id, agent_id=agent_id)]
