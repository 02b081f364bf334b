"""What routing knows of waiting work beside its queue; how it asks less, or goes elsewhere, and who is told of that."""

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from domain import assignment
from domain.conversation import Conversation, Status, demand_open
from domain.event import Event, RuleBroken
from domain.interaction import ReplyWritten
from domain.offers import NotWaiting
from domain.queue import Limit, OverflowRule, Promise

AGE_ADJUSTMENT_MAX = 7 * 86_400


class AgeAdjustmentOutOfRange(RuleBroken):
    """An age is adjusted by at most 7 days, either way."""


class StepTaken(RuleBroken):
    """It has taken this step of the timetable already."""


class Marks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person or a program says about a conversation, for routing.

    Example: `{"tier": "vip", "language": "zh"}`
    """

    tier: str = ""
    """How much the customer means to the shop; the routing policy says what it is worth."""
    language: str = ""
    """As BCP 47 names it."""
    sentiment: str = ""


class ConversationClassified(Event, topic="conversation.classified"):
    """It is known better; tier and language hold for the customer's later conversations too."""

    conversation_id: str
    marks: Marks
    queue_id: str | None = None
    """The queue it waits in at that moment, if it does."""
    is_told: bool = False
    """Only the language is new, and its channel told it: that is nobody's word on the customer."""


class AgeAdjusted(Event, topic="conversation.age_adjusted"):
    """It counts as older, or younger, than it is; the measured wait stays what it is."""

    conversation_id: str
    seconds: int
    """In all, not in addition."""
    queue_id: str | None = None
    reason: str = ""


class AgentPreferred(Event, topic="conversation.agent_preferred"):
    """Somebody said who is to have it: it waits for them for a while, unless they are not there or may not have it."""

    conversation_id: str
    agent_id: str | None
    """None: nobody in particular any more."""
    queue_id: str | None = None
    """The queue it waits in at that moment, if it does."""
    later_too: bool = False
    """Holds for the customer's later conversations as well: they have an agent of their own."""
    reason: str = ""


class ConversationRelaxed(Event, topic="conversation.relaxed"):
    """It has waited so long that it asks less of an agent, as its queue's timetable says."""

    conversation_id: str
    queue_id: str
    step: int
    """How many steps have been taken, from 1."""
    skills: dict[str, int]
    """What it asks for now, all of it."""
    groups: tuple[str, ...] = ()
    """Whose members may serve it now; empty: everybody."""


class ConversationOverflowed(Event, topic="conversation.overflowed"):
    """A limit of its queue was hit; it waits elsewhere from now on."""

    conversation_id: str
    queue_id: str
    to_queue_id: str
    cause: Limit
    promise: Promise = Promise.NONE
    promised_at: datetime | None = None
    words: str = ""
    """What the customer is to be told of the promise; empty for nothing."""


class PromiseTold(ReplyWritten, topic="conversation.promise_told"):
    """The customer was told, by no person, what they get instead of an agent now. Where it went stands in the fields
    that it has in common with a reply; its agent is nobody.
    """

    promise: Promise
    promised_at: datetime


ClassificationEvent = (
    ConversationClassified | AgeAdjusted | AgentPreferred | ConversationRelaxed | ConversationOverflowed
)


def evolve(conversation: Conversation, event: ClassificationEvent) -> Conversation:
    """What each event changes about the conversation."""
    match event:
        case ConversationClassified(marks=marks):
            is_told = event.is_told or (conversation.is_language_told and conversation.language == marks.language)
            marked = replace(conversation, tier=marks.tier, language=marks.language, sentiment=marks.sentiment)
            return replace(marked, is_language_told=is_told)
        case AgeAdjusted(seconds=seconds):
            return replace(conversation, age_adjustment_seconds=seconds)
        case AgentPreferred(agent_id=agent_id):
            return replace(conversation, preferred_agent_id=agent_id)
        case ConversationRelaxed(step=step, skills=skills):
            return replace(conversation, steps=step, given_up=frozenset(conversation.skills) - skills.keys())
        case ConversationOverflowed(to_queue_id=queue_id):
            return replace(conversation, status=Status.OPEN, queue_id=queue_id)


def hear_language(conversation: Conversation, language: str) -> Conversation:
    """As it is to be enqueued when its channel tells the customer's language; what somebody classified counts more."""
    if not language or (conversation.language and not conversation.is_language_told):
        return conversation
    return replace(conversation, language=language)


def tell_language(conversation: Conversation, language: str) -> list[Event]:
    """Of one that is not closed, as `hear_language`, when its channel tells the language in between messages.

    What is not news is nothing; one that waits nowhere yet is enqueued with the language that comes with its messages.
    """
    heard = hear_language(conversation, language)
    if heard.language == conversation.language or conversation.status in (Status.OPEN, Status.CLOSED):
        return []
    marks = Marks(tier=conversation.tier, language=heard.language, sentiment=conversation.sentiment)
    queue_id = _waits_in(conversation)
    return [ConversationClassified(conversation_id=conversation.id, marks=marks, queue_id=queue_id, is_told=True)]


def classify(conversation: Conversation, marks: Marks) -> list[Event]:
    """The same again is not news. Raises ConversationIsClosed."""
    demand_open(conversation)
    if marks == Marks(tier=conversation.tier, language=conversation.language, sentiment=conversation.sentiment):
        return []
    return [ConversationClassified(conversation_id=conversation.id, marks=marks, queue_id=_waits_in(conversation))]


def adjust_age(conversation: Conversation, seconds: int, *, reason: str) -> list[Event]:
    """Raises ConversationIsClosed, AgeAdjustmentOutOfRange."""
    demand_open(conversation)
    if abs(seconds) > AGE_ADJUSTMENT_MAX:
        raise AgeAdjustmentOutOfRange
    if seconds == conversation.age_adjustment_seconds:
        return []
    queue_id = _waits_in(conversation)
    return [AgeAdjusted(conversation_id=conversation.id, seconds=seconds, queue_id=queue_id, reason=reason)]


def prefer(conversation: Conversation, agent_id: str | None, *, later_too: bool, reason: str) -> list[Event]:
    """None takes back whoever was named. What holds for later conversations too is said anew each time.

    Raises ConversationIsClosed.
    """
    demand_open(conversation)
    if agent_id == conversation.preferred_agent_id and not later_too:
        return []
    return [
        AgentPreferred(
            conversation_id=conversation.id,
            agent_id=agent_id,
            queue_id=_waits_in(conversation),
            later_too=later_too,
            reason=reason,
        )
    ]


def relax(
    conversation: Conversation, *, queue_id: str, step: int, skills: dict[str, int], groups: tuple[str, ...]
) -> list[Event]:
    """Raises NotWaiting, StepTaken."""
    _demand_waiting(conversation, queue_id)
    if step <= conversation.steps:
        raise StepTaken
    return [
        ConversationRelaxed(conversation_id=conversation.id, queue_id=queue_id, step=step, skills=skills, groups=groups)
    ]


def overflow(
    conversation: Conversation, rule: OverflowRule, *, queue_id: str, at: datetime, gave_up: str = ""
) -> list[Event]:
    """It waits in the rule's queue, with its age; what was promised is due when it was promised. Raises NotWaiting.

    What it needs by itself goes with it: its language, and the skills that somebody asked for who sent it here, but for
    those that this queue's timetable has dropped, so that what was given up once does not bar the way again. The
    language stays known, for words and for whoever takes it, and its skill, `gave_up`, is asked for no longer.
    """
    _demand_waiting(conversation, queue_id)
    promised_at = at + timedelta(seconds=rule.within_seconds) if rule.promise else None
    overflowed = ConversationOverflowed(
        conversation_id=conversation.id,
        queue_id=queue_id,
        to_queue_id=rule.to_queue_id,
        cause=rule.when,
        promise=rule.promise,
        promised_at=promised_at,
        words=rule.words_in(conversation.language),
    )
    moved = evolve(conversation, overflowed)
    skills = {skill: level for skill, level in conversation.skills.items() if skill not in conversation.given_up}
    if gave_up:
        skills[gave_up] = 0
    enqueued = assignment.enqueue(
        moved,
        queue_id=rule.to_queue_id,
        at=at,
        due_at=promised_at or conversation.due_at,
        skills=skills,
        overflowed_from=(*conversation.overflowed_from, queue_id),
    )
    return [overflowed, *enqueued]


def tell_promise(
    conversation: Conversation, overflowed: ConversationOverflowed, *, message_id: str, at: datetime
) -> list[Event]:
    """The words of an overflow, as a reply that nobody wrote.

    Nothing where the promise does not stand any more: its time is over, something else is due, or somebody has taken
    the conversation and will speak for themselves.
    """
    waits = conversation.status in (Status.WAITING, Status.OFFERED)
    promised_at = overflowed.promised_at
    if promised_at is None or not overflowed.words or at >= promised_at:
        return []
    if not waits or conversation.due_at != promised_at:
        return []
    return [
        PromiseTold(
            conversation_id=conversation.id,
            message_id=message_id,
            channel=conversation.channel,
            account_id=conversation.account_id,
            handle=conversation.handle,
            text=overflowed.words,
            agent_id="",
            subject=conversation.subject,
            in_reply_to=conversation.latest_provider_id,
            promise=overflowed.promise,
            promised_at=promised_at,
        )
    ]


def _waits_in(conversation: Conversation) -> str | None:
    return conversation.queue_id if conversation.status in (Status.WAITING, Status.OFFERED) else None


def _demand_waiting(conversation: Conversation, queue_id: str) -> None:
    if conversation.status is not Status.WAITING or conversation.queue_id != queue_id:
        raise NotWaiting
