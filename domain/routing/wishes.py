"""Whom a conversation waits for, and nobody else, while it is worth it."""

from datetime import datetime

from domain.agent import Presence
from domain.routing.facts import Facts, Waiting
from domain.routing.lacking import lacking, off_channel


def awaited(facts: Facts, waiting: Waiting, step: int, at: datetime) -> str:
    """Who knows the customer, where they are at work and may take it after so many steps of the timetable."""
    agent_id, until = waiting.known_agent_id, facts.prefers_until(waiting)
    if agent_id is None or until is None or at >= until:
        return ""
    return "" if _obstacle(facts, waiting, agent_id, step, at) else agent_id


def _obstacle(facts: Facts, waiting: Waiting, agent_id: str, step: int, at: datetime) -> str:
    """What makes it pointless to wait for the agent; having no room at the moment does not."""
    if agent_id in waiting.declined:
        return "declined it"
    if (desk := facts.desks.get(agent_id)) is None:
        return "is no agent"
    if desk.agent.presence is not Presence.AVAILABLE:
        return str(desk.agent.presence)
    skills, groups = facts.requirement(waiting, step)
    lacks = lacking(desk.agent, desk.agent.skills_at(at), sorted(skills.items()), groups)
    return next(lacks, "") or off_channel(desk.agent, waiting.channel)
