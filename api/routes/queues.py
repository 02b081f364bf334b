"""Queues: what there are, and how they are set up. What waits in each is `boards.py`."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.access.permissions import Action
from api.http.answer import Answer, Doubt, Stands, done_answer, doubts, json_answer
from api.http.asked import Asked
from api.http.fields import NO_NUL, Name, Priority, QueueId, Skills, UnitsTaken, Word, Words
from api.http.known import demand_known
from api.http.operation import Nothing, command, read
from domain.policy import ChoiceRule
from domain.queue import STEPS_MAX, Limit, Promise, QueueDefinition

EXAMPLE = {
    "name": "Returns",
    "required_skills": {"returns": 3, "lang:zh": 5},
    "preferred_skills": {"shoes": 1},
    "groups": ["day shift"],
    "units": {"email": 2},
    "priority": 2,
    "service_level_seconds": 60,
    "service_level_target": 0.8,
    "next_reply_seconds": 300,
    "choice": "most_skilled",
    "opening_hours": {
        "time_zone": "Asia/Shanghai",
        "weekly": {"mon": [["09:00", "12:30"], ["13:00", "18:00"]], "tue": [["09:00", "18:00"]]},
        "holidays": ["2027-02-06"],
        "special": {"2026-11-11": [["00:00", "24:00"]]},
    },
    "relaxation": [{"after_seconds": 60, "lower": {"returns": 1}, "drop": ["lang:zh"], "widen": ["night shift"]}],
}
Seconds = Annotated[int, Meta(ge=0, le=30 * 86_400)]
WallClock = Annotated[str, Meta(pattern="^[0-9]{2}:[0-9]{2}$", max_length=5, extra_json_schema={"examples": ["09:30"]})]
Day = Annotated[
    str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", max_length=10, extra_json_schema={"examples": ["2026-12-25"]})
]
Told = Annotated[str, Meta(min_length=1, max_length=1_000, extra_json_schema=NO_NUL)]
Spans = Annotated[tuple[tuple[WallClock, WallClock], ...], Meta(max_length=20)]
Weekday = Annotated[str, Meta(pattern="^(mon|tue|wed|thu|fri|sat|sun)$", max_length=3)]


class HoursWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a queue is open, by the wall clock of its time zone; a day that is not named is closed."""

    time_zone: Word
    """As the IANA names it: `Europe/Berlin`."""
    weekly: dict[Weekday, Spans]
    """Each day's spans, from and until; a night is two spans, until 24:00 and from 00:00."""
    holidays: Annotated[tuple[Day, ...], Meta(max_length=1_000)] = ()
    """Days on which it is closed."""
    special: Annotated[dict[Day, Spans], Meta(max_length=1_000)] = {}
    """Days that have hours of their own; they go before holidays and the week."""


class RelaxationWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step of the timetable by which a waiting conversation comes to ask less. Steps add up."""

    after_seconds: Seconds
    """Since it came into the queue."""
    drop: Words = ()
    """Skills that it asks for no longer."""
    lower: Skills = {}
    """The level that it asks for from now on, by skill."""
    widen: Words = ()
    """Groups that may serve it from now on too; `*` means everybody."""


class OverflowWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where work goes when a limit is hit; the first rule of the queue that applies counts."""

    when: Limit
    to_queue_id: QueueId
    limit: Seconds = 0
    """Seconds that its work waits (`waited`), or how much waits in it (`length`)."""
    promise: Promise = Promise.NONE
    """What the customer is promised instead of an agent now; the work is then due when it was promised."""
    within_seconds: Annotated[int, Meta(ge=60, le=30 * 86_400)] = 3_600
    """Of the promise."""
    words: Annotated[dict[Word, Told], Meta(max_length=100)] = {}
    """What the customer is told of the promise, by language (`zh`, `de`), and `otherwise`: `{"otherwise": "We will call
    you back within the hour."}`; at most 1,000 bytes of UTF-8 each.
    """


class QueueWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a queue is to be; it replaces the whole definition."""

    name: Name
    required_skills: Skills = {}
    """Lowest level by skill that an agent must have."""
    preferred_skills: Skills = {}
    """Agents who have these too are asked before those who do not."""
    groups: Words = ()
    """Whose members serve it; empty: everybody."""
    units: Annotated[dict[Word, UnitsTaken], Meta(max_length=100)] = {}
    """Load units by channel, where this queue's work is more or less than the policy says."""
    priority: Priority = 0
    """What its work starts with."""
    service_level_seconds: Annotated[int, Meta(ge=1, le=30 * 86_400)] = 60
    """The first answer is due this long after the work came in."""
    service_level_target: Annotated[float, Meta(ge=0, le=1)] = 0.8
    """The part of its work that is to be answered in that time."""
    next_reply_seconds: Annotated[int, Meta(ge=1, le=30 * 86_400)] | None = None
    """The same for every later message of the customer, where it differs."""
    offer_timeout_seconds: Annotated[int, Meta(ge=1, le=86_400)] | None = None
    """How long an agent has to answer an offer; the policy's where absent."""
    choice: ChoiceRule | None = None
    """How an agent is chosen; the policy's way where absent."""
    opening_hours: HoursWanted | None = None
    """When its work is offered; always where absent."""
    relaxation: Annotated[tuple[RelaxationWanted, ...], Meta(max_length=STEPS_MAX)] = ()
    """In the order of time."""
    overflow: Annotated[tuple[OverflowWanted, ...], Meta(max_length=20)] = ()

    def definition(self) -> QueueDefinition:
        return msgspec.convert(msgspec.to_builtins(self), QueueDefinition)


class QueueStands(Stands, kw_only=True):
    """The queue, and where the command led."""

    queue_id: str
    warnings: list[Doubt]
    """What is likely not meant, as things stand: skills and groups that nobody has yet, for example."""


class QueueShown(msgspec.Struct, frozen=True, kw_only=True):
    """A queue as it stands."""

    id: str
    definition: QueueDefinition
    is_retired: bool


class QueuesShown(msgspec.Struct, frozen=True, kw_only=True):
    """All queues, the retired ones too."""

    items: list[QueueShown]


@read("/v1/queues", Action.READ_QUEUES, gives=QueuesShown)
async def list_queues(asked: Asked[Nothing]) -> Answer:
    """All queues.

    As this process knows them, by name. A few hundred at most, so they come in one page.
    """
    queues = asked.parts.directory.queues
    shown = [
        QueueShown(id=queue_id, definition=queue.definition, is_retired=queue.is_retired)
        for queue_id, queue in queues.items()
        if queue.definition is not None
    ]
    return json_answer(QueuesShown(items=sorted(shown, key=lambda one: (one.definition.name, one.id))))


@command("/v1/queues", Action.DEFINE_QUEUES, takes=QueueWanted, gives=QueueStands, status=201, example=EXAMPLE)
async def open_queue(asked: Asked[QueueWanted]) -> Answer:
    """Set up a new queue.

    409 `definition-refused` for what would lead work to where nobody ever serves it: an overflow to a queue that does
    not exist, is retired or sends it round in a circle, or hours in which it never opens. What nobody can do yet is
    told as a warning.
    """
    return await _defined(asked, None, 201)


@command("/v1/queues/{queue_id}/define", Action.DEFINE_QUEUES, takes=QueueWanted, gives=QueueStands, example=EXAMPLE)
async def define_queue(asked: Asked[QueueWanted]) -> Answer:
    """Set a queue up anew.

    Replaces its whole definition. Defining a retired queue brings it back. Refused as a new one is, and where work
    waits that nobody could serve any more.
    """
    queue_id = asked.ids["queue_id"]
    await demand_known(asked.parts, queue_id)
    return await _defined(asked, queue_id, 200)


async def _defined(asked: Asked[QueueWanted], queue_id: str | None, status: int) -> Answer:
    done, queue_id, warnings = await asked.parts.define.define_queue(asked.command, queue_id, asked.given.definition())
    stands = QueueStands(position=done.position, queue_id=queue_id, warnings=doubts(warnings))
    return done_answer(done, stands, status=status)


@command("/v1/queues/{queue_id}/retire", Action.DEFINE_QUEUES)
async def retire_queue(asked: Asked[Nothing]) -> Answer:
    """Retire a queue.

    It takes no new work; what waits in it is still served. Defining it again brings it back. 409 `definition-refused`
    names the accounts and the queues that send work into it, where there are any.
    """
    return done_answer(await asked.parts.define.retire_queue(asked.command, asked.ids["queue_id"]))


OPERATIONS = (list_queues, open_queue, define_queue, retire_queue)
