"""Steering a conversation: notes, tags, priority, queue, and its end; by supervisors, and by the agent who has it."""

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.access.ownership import on_conversation
from api.access.permissions import Action
from api.http.answer import Answer, Stands, done_answer
from api.http.asked import Asked
from api.http.fields import AgentId, Level, Priority, QueueId, Reason, Text, Word
from api.http.known import demand_known, know_agents
from api.http.operation import Nothing, command
from api.http.refusals import Invalid
from api.routes.work import CONVERSATION
from application.commands import Command, Done


class WithText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said."""

    text: Text


class NoteStands(Stands, kw_only=True):
    """The note, and where the command led."""

    note_id: str


class WithTag(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tag."""

    tag: Word


class WithPriority(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How urgent: 0 is ordinary, 10 most urgent."""

    priority: Priority


class WithQueue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which queue; that of the conversation's channel account where none is named."""

    queue_id: QueueId | None = None


class TransferWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to: to an agent; or to a queue, for some skills, or both."""

    SCHEMA: ClassVar = {
        "oneOf": [
            {"required": ["to_agent_id"]},
            {"anyOf": [{"required": ["to_queue_id"]}, {"required": ["skills"]}]},
        ]
    }

    to_queue_id: QueueId | UnsetType = UNSET
    to_agent_id: AgentId | UnsetType = UNSET
    skills: Annotated[dict[Word, Level], Meta(min_length=1, max_length=20)] | UnsetType = UNSET
    """Lowest level by skill, asked for beyond those of the queue; without a queue it waits where it last waited."""
    reason: Reason = ""


class CloseWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came of it."""

    disposition: Reason = ""
    """In the words of the shop: `refunded`, `spam`."""


def _place(asked: Asked[Any]) -> tuple[str, str]:
    return asked.ids["customer_id"], asked.ids["conversation_id"]


@command(
    CONVERSATION + "/note",
    Action.STEER_CONVERSATIONS,
    takes=WithText,
    gives=NoteStands,
    status=201,
    has_revision=True,
    example={"text": "Called them back; they wait for the refund."},
)
async def note(asked: Asked[WithText]) -> Answer:
    """Write something down that the customer never sees."""
    done, note_id = await on_conversation(
        asked, lambda one: asked.parts.serve.note(one, *_place(asked), asked.given.text)
    )
    return done_answer(done, NoteStands(position=done.position, note_id=note_id), status=201)


@command(CONVERSATION + "/tag", Action.STEER_CONVERSATIONS, takes=WithTag, has_revision=True, example={"tag": "vip"})
async def tag(asked: Asked[WithTag]) -> Answer:
    """Put a tag on a conversation.

    A tag that is there already is not news. At most 50.
    """
    return done_answer(
        await on_conversation(asked, lambda one: asked.parts.steer.tag(one, *_place(asked), asked.given.tag))
    )


@command(CONVERSATION + "/untag", Action.STEER_CONVERSATIONS, takes=WithTag, has_revision=True, example={"tag": "vip"})
async def untag(asked: Asked[WithTag]) -> Answer:
    """Take a tag off a conversation."""
    return done_answer(
        await on_conversation(asked, lambda one: asked.parts.steer.untag(one, *_place(asked), asked.given.tag))
    )


@command(
    CONVERSATION + "/set_priority",
    Action.STEER_CONVERSATIONS,
    takes=WithPriority,
    has_revision=True,
    example={"priority": 5},
)
async def set_priority(asked: Asked[WithPriority]) -> Answer:
    """Set how urgent a conversation is."""
    return done_answer(
        await on_conversation(
            asked, lambda one: asked.parts.steer.set_priority(one, *_place(asked), asked.given.priority)
        )
    )


@command(CONVERSATION + "/enqueue", Action.STEER_CONVERSATIONS, takes=WithQueue, has_revision=True)
async def enqueue(asked: Asked[WithQueue]) -> Answer:
    """Put a conversation that nobody works on into a queue.

    A logged call, for example. An agent may do so for the customers whose conversations they have.
    """
    return done_answer(
        await on_conversation(
            asked,
            lambda one: asked.parts.steer.enqueue(one, *_place(asked), asked.given.queue_id),
            is_enough_to_serve=True,
        )
    )


@command(
    CONVERSATION + "/transfer",
    Action.STEER_CONVERSATIONS,
    takes=TransferWanted,
    has_revision=True,
    example={"to_queue_id": "queue-0193a7c2d4e57f0aa1b2c3d4e5f60718", "reason": "needs a technician"},
)
async def transfer(asked: Asked[TransferWanted]) -> Answer:
    """Hand a conversation on: to a queue, to whoever has a skill, or to an agent.

    In a queue it waits with its age; 409 `skills-unmatched` where nobody has one of the skills at that level. To an
    agent it is offered at once: 409 where they take no work (`not-available`) or have no room (`at-capacity`).
    """
    given, steer = asked.given, asked.parts.steer
    to_agent_id, to_queue_id = given.to_agent_id or None, given.to_queue_id or None
    skills = given.skills or {}
    if (to_agent_id is None) is not bool(to_queue_id or skills):
        raise Invalid("$", "name either to_agent_id, or to_queue_id or skills or both")
    for receiver_id in (to_agent_id, to_queue_id):
        if receiver_id is not None:
            await demand_known(asked.parts, receiver_id)
    if skills:
        await know_agents(asked.parts)

    async def act(one: Command) -> Done:
        if to_agent_id is not None:
            return await steer.transfer_to_agent(one, *_place(asked), to_agent_id, given.reason)
        return await steer.transfer_to_queue(one, *_place(asked), to_queue_id, given.reason, skills)

    return done_answer(await on_conversation(asked, act))


@command(
    CONVERSATION + "/close",
    Action.STEER_CONVERSATIONS,
    takes=CloseWanted,
    has_revision=True,
    example={"disposition": "refunded"},
)
async def close(asked: Asked[CloseWanted]) -> Answer:
    """Close a conversation.

    The customer's next message within the policy's time reopens it; `reopen` does so at once.
    """
    return done_answer(
        await on_conversation(asked, lambda one: asked.parts.serve.close(one, *_place(asked), asked.given.disposition))
    )


@command(CONVERSATION + "/reopen", Action.STEER_CONVERSATIONS, has_revision=True)
async def reopen(asked: Asked[Nothing]) -> Answer:
    """Undo `close`.

    It goes to its queue again. 409 `reopen-period-over` where it was closed too long ago.
    """
    return done_answer(
        await on_conversation(asked, lambda one: asked.parts.serve.reopen(one, *_place(asked)), is_enough_to_serve=True)
    )


OPERATIONS = (note, tag, untag, set_priority, enqueue, transfer, close, reopen)
