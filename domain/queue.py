"""A work queue that agents serve: what it asks of them, how soon customers are answered, and what happens if not."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from domain.event import Event, RuleBroken
from domain.hours import HoursInvalid, OpeningHours, demand_valid
from domain.languages import TAG, nearest
from domain.policy import DAY_SECONDS, ChoiceRule

STEPS_MAX = 20
OTHERWISE = "otherwise"
"""In words by language: for everybody whose language is not among them, or not known."""
WORDS_BYTES_MAX = 1_000
"""Of UTF-8: what every channel takes in one message."""


class QueueUnknown(RuleBroken):
    """There is no such queue."""


class QueueRetiredAlready(RuleBroken):
    """This queue is retired; send the work to another."""


class QueueDefinitionInvalid(RuleBroken):
    """The definition of the queue cannot work."""


class Relaxation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step of the timetable by which a waiting conversation comes to ask less. Steps add up.

    Example: `{"after_seconds": 60, "lower": {"returns": 1}, "drop": ["lang:zh"], "widen": ["night shift"]}`
    """

    after_seconds: int
    """Since it came into the queue."""
    drop: tuple[str, ...] = ()
    """Skills that it asks for no longer."""
    lower: dict[str, int] = {}
    """The level that it asks for from now on, by skill."""
    widen: tuple[str, ...] = ()
    """Groups that may serve it from now on too; `*` means everybody."""


class Limit(StrEnum):
    """What is limited in a queue."""

    WAITED = "waited"
    """How many seconds its work waits in this queue."""
    LENGTH = "length"
    """How much waits in it: what came last goes."""
    CLOSED = "closed"
    """Work outside its opening hours."""


class Promise(StrEnum):
    """What a customer is promised instead of an agent now."""

    NONE = ""
    CALLBACK = "callback"
    EMAIL = "email"
    VOICEMAIL = "voicemail"


class OverflowRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where work goes when a limit is hit; the first rule of the queue that applies counts.

    Example: `{"when": "waited", "limit": 300, "to_queue_id": "queue-…", "promise": "callback", "within_seconds": 3600,
    "words": {"zh": "我们一小时内给您回电。", "otherwise": "We will call you back within the hour."}}`
    """

    when: Limit
    to_queue_id: str
    limit: int = 0
    promise: Promise = Promise.NONE
    """The work then waits in that queue, due when it was promised."""
    within_seconds: int = 3_600
    """Of the promise."""
    words: dict[str, str] = {}
    """What the customer is told of the promise, by language, and `otherwise`; none: nothing."""

    def words_in(self, language: str) -> str:
        """For a customer of this language, or of none that is known: `zh-Hant` may be told what is there for `zh`."""
        return self.words.get(nearest(language, self.words) or OTHERWISE, "")


class QueueDefinition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All there is to say about a queue; a new definition replaces the whole.

    Example: `{"name": "Returns", "required_skills": {"returns": 3, "lang:zh": 5}, "priority": 2}`
    """

    name: str
    required_skills: dict[str, int] = {}
    """Lowest level by skill that an agent must have."""
    preferred_skills: dict[str, int] = {}
    """Agents who have these too are asked before those who do not."""
    groups: tuple[str, ...] = ()
    """Whose members serve it; empty: everybody."""
    units: dict[str, int] = {}
    """Load units by channel, where this queue's work is more or less than the policy says."""
    priority: int = 0
    """What its work starts with, 0 to 10."""
    service_level_seconds: int = 60
    """The first answer is due this long after the work came in."""
    service_level_target: float = 0.8
    """The part of its work that is to be answered in that time."""
    next_reply_seconds: int | None = None
    """The same for every later message of the customer, where it differs."""
    offer_timeout_seconds: int | None = None
    """How long an agent has to answer an offer; the policy's where absent."""
    choice: ChoiceRule | None = None
    """How an agent is chosen; the policy's way where absent."""
    opening_hours: OpeningHours | None = None
    """When its work is offered; always where absent."""
    relaxation: tuple[Relaxation, ...] = ()
    """In the order of time."""
    overflow: tuple[OverflowRule, ...] = ()

    def requirement(self, steps: int) -> tuple[dict[str, int], tuple[str, ...]]:
        """Skills and groups that work asks for after so many steps of the timetable; no group: everybody."""
        skills, groups = dict(self.required_skills), self.groups
        for step in self.relaxation[:steps]:
            skills |= {skill: level for skill, level in step.lower.items() if skill in skills}
            skills = {skill: level for skill, level in skills.items() if skill not in step.drop}
            groups = () if not groups or "*" in step.widen else (*groups, *step.widen)
        return skills, tuple(dict.fromkeys(groups))


class QueueDefined(Event, topic="queue.defined"):
    """The queue was set up, or set up anew."""

    definition: QueueDefinition


class QueueRetired(Event, topic="queue.retired"):
    """It takes no new work."""


class WorkSetAside(Event, topic="queue.work_set_aside"):
    """What waited there cannot be carried out, because it cannot be read: it is out of the line until it can."""

    conversation_id: str
    customer_id: str
    reason: str


class WorkPutBack(Event, topic="queue.work_put_back"):
    """What was set aside can be read again; it waits once more, unless its work has ended meanwhile."""

    conversation_id: str


QueueEvent = QueueDefined | QueueRetired | WorkSetAside | WorkPutBack


class Queue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What decisions about a queue need to know."""

    definition: QueueDefinition | None = None
    is_retired: bool = False
    set_aside: dict[str, str] = {}
    """What cannot be read, by conversation: its customer."""


NEW = Queue()


def evolve(queue: Queue, event: Event) -> Queue:
    """Only assigns. History is not up for debate, so nothing is checked here."""
    match event:
        case QueueDefined(definition=definition):
            return Queue(definition=definition, set_aside=queue.set_aside)
        case QueueRetired():
            return replace(queue, is_retired=True)
        case WorkSetAside(conversation_id=conversation_id, customer_id=customer_id):
            return replace(queue, set_aside=queue.set_aside | {conversation_id: customer_id})
        case WorkPutBack(conversation_id=conversation_id):
            others = {key: one for key, one in queue.set_aside.items() if key != conversation_id}
            return replace(queue, set_aside=others)
        case _:
            return queue


def define(queue: Queue, definition: QueueDefinition) -> list[Event]:
    """Defining a retired queue brings it back. Raises QueueDefinitionInvalid."""
    demand_definable(definition)
    if definition == queue.definition and not queue.is_retired:
        return []
    return [QueueDefined(definition=definition)]


def demand_definable(definition: QueueDefinition) -> None:
    """What can be said about a queue by itself. Raises QueueDefinitionInvalid, which names the field."""
    if not definition.name.strip():
        raise QueueDefinitionInvalid("name: a queue needs a name")
    _demand_within("priority", definition.priority, 0, 10)
    _demand_within("service_level_seconds", definition.service_level_seconds, 1, 30 * DAY_SECONDS)
    _demand_within("service_level_target", definition.service_level_target, 0, 1)
    if definition.next_reply_seconds is not None:
        _demand_within("next_reply_seconds", definition.next_reply_seconds, 1, 30 * DAY_SECONDS)
    if definition.offer_timeout_seconds is not None:
        _demand_within("offer_timeout_seconds", definition.offer_timeout_seconds, 1, DAY_SECONDS)
    for channel, units in definition.units.items():
        _demand_within(f"units.{channel}", units, 1, 1_000)
    _demand_levels("required_skills", definition.required_skills)
    _demand_levels("preferred_skills", definition.preferred_skills)
    if definition.opening_hours is not None:
        try:
            demand_valid(definition.opening_hours)
        except HoursInvalid as wrong:
            raise QueueDefinitionInvalid(f"opening_hours.{wrong}") from wrong
    _demand_timetable(definition)
    for index, rule in enumerate(definition.overflow):
        _demand_within(f"overflow[{index}].limit", rule.limit, 0 if rule.when is Limit.CLOSED else 1, 30 * DAY_SECONDS)
        _demand_within(f"overflow[{index}].within_seconds", rule.within_seconds, 60, 30 * DAY_SECONDS)
        _demand_words(f"overflow[{index}]", rule)


def _demand_timetable(definition: QueueDefinition) -> None:
    if len(definition.relaxation) > STEPS_MAX:
        raise QueueDefinitionInvalid(f"relaxation: at most {STEPS_MAX} steps, not {len(definition.relaxation)}")
    earlier = 0
    for index, step in enumerate(definition.relaxation):
        place = f"relaxation[{index}]"
        _demand_within(f"{place}.after_seconds", step.after_seconds, earlier, 30 * DAY_SECONDS)
        earlier = step.after_seconds
        _demand_levels(f"{place}.lower", step.lower)
        skills, _ = definition.requirement(index)
        for skill, level in step.lower.items():
            if skill not in skills:
                raise QueueDefinitionInvalid(f"{place}.lower: {skill!r} is not asked for by then")
            if level > skills[skill]:
                raise QueueDefinitionInvalid(f"{place}.lower: {skill!r} at {level} is more than {skills[skill]}")


def _demand_words(place: str, rule: OverflowRule) -> None:
    name = f"{place}.words"
    for language, text in rule.words.items():
        if language != OTHERWISE and not TAG.fullmatch(language):
            raise QueueDefinitionInvalid(f"{name}.{language}: this is no language tag like en or zh-Hant")
        if not text.strip():
            raise QueueDefinitionInvalid(f"{name}.{language}: there is nothing said")
        if (size := len(text.encode())) > WORDS_BYTES_MAX:
            raise QueueDefinitionInvalid(f"{name}.{language}: {size} bytes; a message has at most {WORDS_BYTES_MAX}")
    if rule.words and not rule.promise:
        raise QueueDefinitionInvalid(f"{place}: its words tell of a promise, and there is none")
    if rule.words and OTHERWISE not in rule.words:
        raise QueueDefinitionInvalid(f"{place}: words need `{OTHERWISE}` too, for whose language is not among them")


def _demand_within(name: str, value: float, lowest: float, highest: float) -> None:
    if not lowest <= value <= highest:
        raise QueueDefinitionInvalid(f"{name}: {value} is not within {lowest} to {highest}")


def _demand_levels(name: str, skills: Mapping[str, int]) -> None:
    for skill, level in skills.items():
        if not skill or not 1 <= level <= 10:
            raise QueueDefinitionInvalid(f"{name}: {skill!r} at level {level}; levels go from 1 to 10")


def retire(queue: Queue) -> list[Event]:
    """Raises QueueUnknown. Retiring twice is not news."""
    if queue.definition is None:
        raise QueueUnknown
    return [] if queue.is_retired else [QueueRetired()]


def set_aside(conversation_id: str, *, customer_id: str, reason: str) -> list[Event]:
    """Whether or not it is aside: somebody may have brought it back into the line by another way."""
    return [WorkSetAside(conversation_id=conversation_id, customer_id=customer_id, reason=reason)]


def put_back(queue: Queue, conversation_id: str) -> list[Event]:
    """Nothing where it is not aside."""
    return [WorkPutBack(conversation_id=conversation_id)] if conversation_id in queue.set_aside else []


def demand_open(queue: Queue) -> QueueDefinition:
    """The definition of a queue that takes work. Raises QueueUnknown, QueueRetiredAlready."""
    if queue.definition is None:
        raise QueueUnknown
    if queue.is_retired:
        raise QueueRetiredAlready
    return queue.definition
