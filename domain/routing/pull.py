"""Pull: what waits that an agent may take by themselves, beside what the router offers them.

That an agent declined something bars them from nothing here: a rest keeps the router from asking again at once, and who
picks has changed their mind. Doors that are closed bar everybody.
"""

from collections.abc import Iterable
from datetime import datetime
from heapq import nsmallest

import msgspec

from domain.agent import Agent
from domain.event import RuleBroken
from domain.queue import QueueDefinition
from domain.routing.facts import Facts, Waiting
from domain.routing.lacking import bars, lacking
from domain.workload import no_room


class NotEligible(RuleBroken):
    """The agent lacks a skill or a group that the conversation asks for, or does not serve its channel."""


class QueueClosed(RuleBroken):
    """The queue is closed: its work waits until it opens."""


class Pickable(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A waiting conversation in the light of one agent."""

    waiting: Waiting
    score: float
    parts: dict[str, float]
    """What the score is made of, in seconds."""
    obstacle: str
    """Why they cannot have it at the moment: `closed until 2026-11-12T08:00:00+00:00`, or that there is no room, as
    `workload.no_room` says it; empty where they can."""


def demand_pickable(facts: Facts, waiting: Waiting, agent: Agent, at: datetime) -> None:
    """By what it asks for at its step of the timetable, room apart. Raises NotEligible, QueueClosed."""
    skills, groups = facts.requirement(waiting, waiting.step)
    if lack := bars(agent, agent.skills_at(at), sorted(skills.items()), groups, waiting.channel):
        raise NotEligible(lack)
    if closed := _closed(facts, waiting.queue_id, at):
        raise QueueClosed(f"the queue is {closed}")


def pickable(facts: Facts, several: Iterable[Waiting], agent: Agent, at: datetime, limit: int) -> list[Pickable]:
    """So many of those that the agent is eligible for.

    What they can have now comes first, then what something is in the way of; each with the highest score first, of
    equals the longest waiting. The first of a part, looked at once more with the rest, are the first of the whole.
    """
    found: list[Pickable] = []
    obstacles: dict[tuple[object, ...], str | None] = {}
    for waiting in several:
        case = (waiting.queue_id, waiting.channel, waiting.language, waiting.step, *sorted(waiting.skills.items()))
        if case not in obstacles:
            obstacles[case] = _obstacle(facts, waiting, agent, at)
        if (obstacle := obstacles[case]) is not None:
            score, parts = facts.score(waiting, at)
            found.append(Pickable(waiting=waiting, score=score, parts=parts, obstacle=obstacle))
    return nsmallest(limit, found, key=_order)


def could_serve(agent: Agent, definition: QueueDefinition, at: datetime) -> bool:
    """Whether there may be anything in the queue for the agent: once all steps of its timetable are taken, at last."""
    skills, groups = definition.requirement(len(definition.relaxation))
    return not any(lacking(agent, agent.skills_at(at), skills.items(), groups))


def _order(one: Pickable) -> tuple[bool, float, datetime, str]:
    return bool(one.obstacle), -one.score, one.waiting.waiting_since, one.waiting.conversation_id


def _obstacle(facts: Facts, waiting: Waiting, agent: Agent, at: datetime) -> str | None:
    """None where they may not have it at all."""
    skills, groups = facts.requirement(waiting, waiting.step)
    if bars(agent, agent.skills_at(at), skills.items(), groups, waiting.channel):
        return None
    return _closed(facts, waiting.queue_id, at) or no_room(agent, facts.ask(waiting))


def _closed(facts: Facts, queue_id: str, at: datetime) -> str:
    """`closed until 2026-11-12T08:00:00+00:00`; empty while it is open."""
    hours = facts.definition(queue_id).opening_hours
    if hours is None or hours.is_open(at):
        return ""
    opens_at = hours.next_change(at)
    return f"closed until {opens_at.isoformat()}" if opens_at else "closed"
