"""Pull: what waits that an agent may take by themselves, beside what the router offers them."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from domain.agent import Agent
from domain.event import RuleBroken
from domain.queue import QueueDefinition
from domain.routing.facts import Facts, Waiting
from domain.routing.lacking import lacking, off_channel
from domain.workload import no_room


class NotEligible(RuleBroken):
    """The agent lacks a skill or a group that the conversation asks for, or does not serve its channel."""


class Pickable(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A waiting conversation in the light of one agent."""

    waiting: Waiting
    score: float
    parts: dict[str, float]
    """What the score is made of, in seconds."""
    obstacle: str
    """Why there is no room for it at the moment, as `workload.no_room` says it; empty where there is."""


def demand_eligible(facts: Facts, waiting: Waiting, agent: Agent, at: datetime) -> None:
    """By what it asks for at its step of the timetable. Raises NotEligible."""
    skills, groups = facts.requirement(waiting, waiting.step)
    if lack := _lacks(agent, skills, groups, at) or off_channel(agent, waiting.channel):
        raise NotEligible(lack)


def pickable(facts: Facts, several: Iterable[Waiting], agent: Agent, at: datetime) -> list[Pickable]:
    """Those of them that the agent is eligible for, the highest score first; of equals the longest waiting."""
    found = []
    for waiting in several:
        skills, groups = facts.requirement(waiting, waiting.step)
        if _lacks(agent, skills, groups, at) or off_channel(agent, waiting.channel):
            continue
        score, parts = facts.score(waiting, at)
        obstacle = no_room(agent, facts.ask(waiting))
        found.append(Pickable(waiting=waiting, score=score, parts=parts, obstacle=obstacle))
    return sorted(found, key=lambda one: (-one.score, one.waiting.waiting_since, one.waiting.conversation_id))


def could_serve(agent: Agent, definition: QueueDefinition, at: datetime) -> bool:
    """Whether there may be anything in the queue for the agent: once all steps of its timetable are taken, at last."""
    return not _lacks(agent, *definition.requirement(len(definition.relaxation)), at)


def _lacks(agent: Agent, skills: dict[str, int], groups: tuple[str, ...], at: datetime) -> str:
    """What the agent lacks first; empty if nothing."""
    return next(lacking(agent, agent.skills_at(at), sorted(skills.items()), groups), "")
