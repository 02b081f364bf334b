"""Pull: agents see what waits that they may take, and take it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from api.access.permissions import Action, demand_agent, own_agent
from api.http.answer import Answer, done_answer, json_answer
from api.http.asked import Asked
from api.http.known import fresh_state
from api.http.operation import Nothing, command, read
from api.http.pages import Limit, ViewQuery, demand_position
from api.http.refusals import Unknown
from api.routes.work import CONVERSATION
from application.projections import queue_board
from application.views import ViewReaders
from domain.agent import Agent
from domain.routing.facts import Facts, Waiting
from domain.routing.pull import could_serve, pickable

VIEW = "queue_board"
READ_TOGETHER = 1_000
"""Of a queue; then others get their turn. However long it is, only the first of it are kept."""


class PickableQuery(ViewQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of it."""

    limit: Limit = 50


class PickableShown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A waiting conversation, without anything that was said in it."""

    customer_id: str
    conversation_id: str
    queue_id: str
    channel: str
    priority: int
    waiting_since: datetime
    due_at: datetime | None = None
    tier: str = ""
    language: str = ""
    sentiment: str = ""
    score: float
    """Its place in the order, in seconds: more goes first."""
    parts: dict[str, float]
    """What the score is made of."""
    obstacle: str = ""
    """Why the agent cannot have it now: `closed until 2026-11-12T08:00:00+00:00`, `blocked by call`, `no room: 4 of 6
    units held, 6 needed`; absent where they can. That they declined it before is no obstacle.
    """


class PickableItems(msgspec.Struct, frozen=True, kw_only=True):
    """The first of what the agent may take."""

    position: int
    """What the view stood at."""
    items: list[PickableShown]


@read("/v1/agents/{agent_id}/pickable", Action.READ_AGENTS, takes=PickableQuery, gives=PickableItems)
async def list_pickable(asked: Asked[PickableQuery]) -> Answer:
    """What waits that the agent may take by themselves.

    First what they can have now, then what something is in the way of, which `obstacle` says; each with the highest
    score first. What is offered to somebody at the moment is left out. `pick` takes one.
    """
    agent_id, given, directory = asked.ids["agent_id"], asked.given, asked.parts.directory
    demand_agent(asked.person, asked.reach, agent_id)
    agent: Agent
    agent, version = await fresh_state(asked.parts, agent_id)
    if not version:
        raise Unknown(f"there is no {agent_id}")
    await demand_position(asked.parts, VIEW, given.min_position)
    position = await asked.parts.views.position(VIEW)
    queue_ids = [
        queue_id
        for queue_id, queue in directory.queues.items()
        if queue.definition is not None and could_serve(agent, queue.definition, asked.at)
    ]
    facts = Facts(policy=directory.policy, queues=directory.queues)

    async def first_of(queue_id: str) -> list[Waiting]:
        best: list[Waiting] = []
        async for several in _queued(asked.parts.views, queue_id):
            best = [one.waiting for one in pickable(facts, [*best, *several], agent, asked.at, given.limit)]
        return best

    firsts = {one.conversation_id: one for each in await asyncio.gather(*map(first_of, queue_ids)) for one in each}
    found = pickable(facts, firsts.values(), agent, asked.at, given.limit)
    items = [
        PickableShown(
            customer_id=one.waiting.customer_id,
            conversation_id=one.waiting.conversation_id,
            queue_id=one.waiting.queue_id,
            channel=one.waiting.channel,
            priority=one.waiting.priority,
            waiting_since=one.waiting.waiting_since,
            due_at=one.waiting.due_at,
            tier=one.waiting.tier,
            language=one.waiting.language,
            sentiment=one.waiting.sentiment,
            score=one.score,
            parts=one.parts,
            obstacle=one.obstacle,
        )
        for one in found
    ]
    headers = [("onethread-position", str(position))]
    return json_answer(PickableItems(position=position, items=items), headers=headers)


async def _queued(views: ViewReaders, queue_id: str) -> AsyncIterator[list[Waiting]]:
    """All that waits there, is not offered to anybody and can be read, some at a time."""
    cursor, is_more = None, True
    while is_more:
        page = await views.queue_board(queue_id, cursor=cursor, limit=READ_TOGETHER)
        cards = [msgspec.json.decode(row, type=queue_board.Waiting) for row in page.rows]
        yield [_waiting(card) for card in cards if card.offered_to is None and not card.set_aside]
        cursor, is_more = page.next_cursor, page.next_cursor is not None


def _waiting(card: queue_board.Waiting) -> Waiting:
    """The card as routing knows one that waits."""
    return Waiting(
        conversation_id=card.id,
        customer_id=card.customer_id,
        queue_id=card.queue_id,
        channel=card.channel,
        priority=card.priority,
        waiting_since=card.waiting_since,
        entered_at=card.waiting_since,
        position=0,
        due_at=card.due_at,
        tier=card.tier,
        language=card.language,
        sentiment=card.sentiment,
        age_adjustment_seconds=card.age_adjustment_seconds,
        skills=card.skills,
        step=card.step,
    )


@command(CONVERSATION + "/pick", Action.PICK_WORK, has_revision=True)
async def pick(asked: Asked[Nothing]) -> Answer:
    """Take a waiting conversation.

    It is yours from then on, as after an accepted offer; of two who pick it, one gets it. 409 says why not:
    `not-waiting`, `not-eligible` where you lack what it asks for, `queue-closed`, `at-capacity`, `not-signed-in`.
    """
    agent_id, ids = own_agent(asked.person), asked.ids
    done = await asked.parts.steer.pick(asked.command, ids["customer_id"], ids["conversation_id"], agent_id)
    return done_answer(done)


OPERATIONS = (list_pickable, pick)
