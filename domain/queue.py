"""A work queue that agents serve: which skills it asks for, and how soon its customers should be answered."""

import msgspec

from domain.event import Event, RuleBroken


class QueueUnknown(RuleBroken):
    """There is no such queue."""


class QueueRetiredAlready(RuleBroken):
    """This queue is retired; send the work to another."""


class QueueDefinitionInvalid(RuleBroken):
    """The definition of the queue cannot work."""


class QueueDefinition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All there is to say about a queue; a new definition replaces the whole.

    Example: `{"name": "Returns", "required_skills": {"returns": 3, "lang:zh": 5}, "priority": 2}`
    """

    name: str
    required_skills: dict[str, int] = {}
    """Lowest level by skill that an agent must have."""
    priority: int = 0
    """What its work starts with, 0 to 10."""
    service_level_seconds: int = 60
    """The first answer is due this long after the work came in."""
    offer_timeout_seconds: int | None = None
    """How long an agent has to answer an offer; the policy's where absent."""


class QueueDefined(Event, topic="queue.defined"):
    """The queue was set up, or set up anew."""

    definition: QueueDefinition


class QueueRetired(Event, topic="queue.retired"):
    """It takes no new work."""


QueueEvent = QueueDefined | QueueRetired


class Queue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What decisions about a queue need to know."""

    definition: QueueDefinition | None = None
    is_retired: bool = False


NEW = Queue()


def evolve(queue: Queue, event: Event) -> Queue:
    """Only assigns. History is not up for debate, so nothing is checked here."""
    match event:
        case QueueDefined(definition=definition):
            return Queue(definition=definition)
        case QueueRetired():
            return Queue(definition=queue.definition, is_retired=True)
        case _:
            return queue


def define(queue: Queue, definition: QueueDefinition) -> list[Event]:
    """Defining a retired queue brings it back. Raises QueueDefinitionInvalid."""
    if not definition.name.strip():
        raise QueueDefinitionInvalid("name: a queue needs a name")
    if not 0 <= definition.priority <= 10:
        raise QueueDefinitionInvalid(f"priority: {definition.priority} is not within 0 to 10")
    if not 1 <= definition.service_level_seconds <= 30 * 86_400:
        raise QueueDefinitionInvalid("service_level_seconds: from 1 second to 30 days")
    if definition.offer_timeout_seconds is not None and not 1 <= definition.offer_timeout_seconds <= 86_400:
        raise QueueDefinitionInvalid("offer_timeout_seconds: from 1 second to 1 day")
    for skill, level in definition.required_skills.items():
        if not skill or not 1 <= level <= 10:
            raise QueueDefinitionInvalid(f"required_skills: {skill!r} at level {level}; levels go from 1 to 10")
    if definition == queue.definition and not queue.is_retired:
        return []
    return [QueueDefined(definition=definition)]


def retire(queue: Queue) -> list[Event]:
    """Raises QueueUnknown. Retiring twice is not news."""
    if queue.definition is None:
        raise QueueUnknown
    return [] if queue.is_retired else [QueueRetired()]


def demand_open(queue: Queue) -> QueueDefinition:
    """The definition of a queue that takes work. Raises QueueUnknown, QueueRetiredAlready."""
    if queue.definition is None:
        raise QueueUnknown
    if queue.is_retired:
        raise QueueRetiredAlready
    return queue.definition
