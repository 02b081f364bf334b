"""Queues: what there are, and how they are set up. What waits in each is `boards.py`."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.access.permissions import Action
from api.http.answer import Answer, Stands, done_answer, json_answer
from api.http.asked import Asked
from api.http.fields import Name, Priority, Skills
from api.http.known import demand_known
from api.http.operation import Nothing, command, read
from domain.queue import QueueDefinition

EXAMPLE = {"name": "Returns", "required_skills": {"returns": 3, "lang:zh": 5}, "priority": 2}


class QueueWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a queue is to be; it replaces the whole definition."""

    name: Name
    required_skills: Skills = {}
    """Lowest level by skill that an agent must have."""
    priority: Priority = 0
    """What its work starts with."""
    service_level_seconds: Annotated[int, Meta(ge=1, le=30 * 86_400)] = 60
    """The first answer is due this long after the work came in."""
    offer_timeout_seconds: Annotated[int, Meta(ge=1, le=86_400)] | None = None
    """How long an agent has to answer an offer; the policy's where absent."""

    def definition(self) -> QueueDefinition:
        return QueueDefinition(**msgspec.structs.asdict(self))


class QueueStands(Stands, kw_only=True):
    """The queue, and where the command led."""

    queue_id: str


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
    """Set up a new queue."""
    done, queue_id = await asked.parts.set_up.define_queue(asked.command, None, asked.given.definition())
    return done_answer(done, QueueStands(position=done.position, queue_id=queue_id), status=201)


@command("/v1/queues/{queue_id}/define", Action.DEFINE_QUEUES, takes=QueueWanted, gives=QueueStands, example=EXAMPLE)
async def define_queue(asked: Asked[QueueWanted]) -> Answer:
    """Set a queue up anew.

    Replaces its whole definition. Defining a retired queue brings it back.
    """
    queue_id = asked.ids["queue_id"]
    await demand_known(asked.parts, queue_id)
    done, _ = await asked.parts.set_up.define_queue(asked.command, queue_id, asked.given.definition())
    return done_answer(done, QueueStands(position=done.position, queue_id=queue_id))


@command("/v1/queues/{queue_id}/retire", Action.DEFINE_QUEUES)
async def retire_queue(asked: Asked[Nothing]) -> Answer:
    """Retire a queue.

    It takes no new work; what waits in it is still served. Defining it again brings it back.
    """
    return done_answer(await asked.parts.set_up.retire_queue(asked.command, asked.ids["queue_id"]))


OPERATIONS = (list_queues, open_queue, define_queue, retire_queue)
