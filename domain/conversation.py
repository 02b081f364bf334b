"""A conversation: one account and thread of one customer. What is said in it is `interaction.py`, the work on it
`assignment.py`.
"""

from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from domain.event import Event, RuleBroken
from domain.outbound.reach import Reach


class ConversationUnknown(RuleBroken):
    """This customer has no such conversation."""


class ConversationIsClosed(RuleBroken):
    """The conversation is closed; reopen it first."""


class ConversationStillOpen(RuleBroken):
    """The conversation is not closed, so there is nothing to reopen."""


class ReopenPeriodOver(RuleBroken):
    """The conversation was closed too long ago to be reopened; the customer's next message opens a new one."""


class PriorityOutOfRange(RuleBroken):
    """A priority is a whole number from 0 (ordinary) to 10 (most urgent)."""


class TooManyTags(RuleBroken):
    """A conversation takes at most 50 tags."""


PRIORITY_MAX = 10
TAGS_MAX = 50


class Status(StrEnum):
    """Where the conversation stands."""

    OPEN = "open"
    """Opened, but neither waiting nor with anybody, as a logged call is."""
    WAITING = "waiting"
    OFFERED = "offered"
    ASSIGNED = "assigned"
    ON_HOLD = "on_hold"
    WRAPPING = "wrapping"
    """The talk is over, the agent still finishes the work that follows it."""
    CLOSED = "closed"


WITHOUT_HOLDER = frozenset({Status.OFFERED, Status.WAITING, Status.CLOSED})


class Standing(StrEnum):
    """Where a reply stands that was tried and has not arrived for certain."""

    ATTEMPTED = "attempted"
    """It is being handed over at this moment, or was when the sender stopped."""
    WAITING = "waiting"
    """It will be tried again."""
    UNKNOWN = "unknown"
    """It may have arrived: a sign of it is awaited, then a person decides."""
    REJECTED = "rejected"
    """The channel refused it for good: a person decides."""


class ConversationOpened(Event, topic="conversation.opened"):
    """A customer got in touch on a channel account, or an agent did so for them."""

    conversation_id: str
    channel: str
    account_id: str
    thread: str
    """What the channel itself calls one thread: a chat, a mail thread; empty where it has only one."""
    subject: str = ""
    customer_name: str = ""
    """What we called the customer then."""


class ConversationClosed(Event, topic="conversation.closed"):
    """The work on it is done."""

    conversation_id: str
    agent_id: str | None = None
    queue_id: str | None = None
    disposition: str = ""
    """What came of it, in the words of the shop: `refunded`, `spam`."""
    reopenable_until: datetime | None = None
    """A message of the customer until then continues this conversation instead of opening another."""


class ConversationReopened(Event, topic="conversation.reopened"):
    """There is more to do: the customer wrote again in time, or an agent took it up again."""

    conversation_id: str


class ConversationTagged(Event, topic="conversation.tagged"):
    """A label was put on it."""

    conversation_id: str
    tag: str


class ConversationUntagged(Event, topic="conversation.untagged"):
    """A label was taken off it."""

    conversation_id: str
    tag: str


class ConversationPrioritized(Event, topic="conversation.prioritized"):
    """Its priority was set."""

    conversation_id: str
    priority: int
    queue_id: str | None = None
    """The queue it waits in at that moment, if it does."""


LifeEvent = (
    ConversationOpened
    | ConversationClosed
    | ConversationReopened
    | ConversationTagged
    | ConversationUntagged
    | ConversationPrioritized
)


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A reply that was tried and has not arrived for certain."""

    standing: Standing
    attempts: int = 1
    until: datetime | None = None
    """While it is waiting: when it is tried again. While it is unknown: how long a sign is awaited."""


class Conversation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What decisions about a conversation need to know."""

    id: str
    channel: str
    account_id: str
    thread: str = ""
    handle: str = ""
    """The customer's address on the channel: where replies go."""
    subject: str = ""
    latest_provider_id: str = ""
    """Of the customer's newest message: what a reply answers."""
    heard_at: datetime | None = None
    """When the customer last wrote: some channels take replies only for so long."""
    replies: dict[str, Reply] = {}
    """By message id, those that were tried and have not arrived for certain."""
    stopped: dict[str, Reach] = {}
    """Why, by the customer's address, nothing reaches them there."""
    status: Status = Status.OPEN
    queue_id: str | None = None
    """The queue it waits in, or last waited in."""
    agent_id: str | None = None
    """Who holds it, or is offered it."""
    offer_id: str | None = None
    offer_expires_at: datetime | None = None
    by: str = ""
    """How its latest offer came about, as of `ConversationOffered`."""
    units: int = 0
    """Load units it takes of its agent's capacity."""
    priority: int = 0
    waiting_since: datetime | None = None
    due_at: datetime | None = None
    tier: str = ""
    language: str = ""
    is_language_told: bool = False
    """Its channel told the language, and nobody has said otherwise."""
    sentiment: str = ""
    age_adjustment_seconds: int = 0
    served_by: str | None = None
    """Who served the customer last, here or, until somebody has, in an earlier conversation."""
    preferred_agent_id: str | None = None
    """Who is to have it, as somebody said, if they can."""
    skills: dict[str, int] = {}
    """What it asks for beyond its queue's skills; 0 for what it asks for no longer, though its language would."""
    given_up: frozenset[str] = frozenset()
    """Those of them that its queue's timetable has dropped."""
    overflowed_from: tuple[str, ...] = ()
    steps: int = 0
    """How many steps of its queue's timetable it has taken."""
    answered: bool = False
    """Whether an agent has replied to it since it was opened."""
    tags: frozenset[str] = frozenset()
    reopenable_until: datetime | None = None
    handed_to: str = ""
    """Of a chat: the mail address that replies went to which the visitor did not see."""
    is_away: bool = False
    """Of a chat: the customer wrote by mail last."""
    revision: int = 0
    """How many events of its own it has had: the ETag of the conversation."""

    @property
    def is_closed(self) -> bool:
        return self.status is Status.CLOSED

    @property
    def holder(self) -> str | None:
        """The agent who works on it: not one to whom it is only offered."""
        return None if self.status in WITHOUT_HOLDER else self.agent_id

    def is_reopenable(self, at: datetime) -> bool:
        return self.is_closed and self.reopenable_until is not None and at <= self.reopenable_until


def opened(event: ConversationOpened) -> Conversation:
    """The conversation at its first event."""
    return Conversation(
        id=event.conversation_id,
        channel=event.channel,
        account_id=event.account_id,
        thread=event.thread,
        subject=event.subject,
        revision=1,
    )


def evolve(one: Conversation, event: LifeEvent) -> Conversation:
    """What each event of its life changes."""
    match event:
        case ConversationClosed(reopenable_until=until):
            return replace(one, status=Status.CLOSED, agent_id=None, offer_id=None, units=0, reopenable_until=until)
        case ConversationReopened():
            return replace(one, status=Status.OPEN, reopenable_until=None, waiting_since=None, due_at=None)
        case ConversationTagged(tag=tag):
            return replace(one, tags=one.tags | {tag})
        case ConversationUntagged(tag=tag):
            return replace(one, tags=one.tags - {tag})
        case ConversationPrioritized(priority=priority):
            return replace(one, priority=priority)
        case _:
            return one


def demand_open(conversation: Conversation) -> None:
    """Raises ConversationIsClosed."""
    if conversation.is_closed:
        raise ConversationIsClosed


def close(conversation: Conversation, *, disposition: str, reopenable_until: datetime) -> list[Event]:
    """Closing twice is not news."""
    if conversation.is_closed:
        return []
    return [
        ConversationClosed(
            conversation_id=conversation.id,
            agent_id=conversation.agent_id,
            queue_id=conversation.queue_id,
            disposition=disposition,
            reopenable_until=reopenable_until,
        )
    ]


def reopen(conversation: Conversation, *, at: datetime) -> list[Event]:
    """Raises ConversationStillOpen, ReopenPeriodOver."""
    if not conversation.is_closed:
        raise ConversationStillOpen
    if not conversation.is_reopenable(at):
        raise ReopenPeriodOver
    return [ConversationReopened(conversation_id=conversation.id)]


def tag(conversation: Conversation, tag: str) -> list[Event]:
    """Raises TooManyTags. A tag that is there already is not news."""
    if tag in conversation.tags:
        return []
    if len(conversation.tags) >= TAGS_MAX:
        raise TooManyTags
    return [ConversationTagged(conversation_id=conversation.id, tag=tag)]


def untag(conversation: Conversation, tag: str) -> list[Event]:
    """Raises nothing: a tag that is not there need not be taken off."""
    return [ConversationUntagged(conversation_id=conversation.id, tag=tag)] if tag in conversation.tags else []


def set_priority(conversation: Conversation, priority: int) -> list[Event]:
    """Raises ConversationIsClosed, PriorityOutOfRange."""
    demand_open(conversation)
    if not 0 <= priority <= PRIORITY_MAX:
        raise PriorityOutOfRange
    if priority == conversation.priority:
        return []
    waiting_in = conversation.queue_id if conversation.status is Status.WAITING else None
    return [ConversationPrioritized(conversation_id=conversation.id, priority=priority, queue_id=waiting_in)]
