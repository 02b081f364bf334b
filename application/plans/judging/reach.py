"""Who could serve what, whatever they hold at the moment: the roster as the router sees it."""

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from domain.agent import Agent
from domain.queue import OverflowRule, QueueDefinition
from domain.routing.crew import Crew, bits
from domain.routing.facts import Facts, Waiting
from domain.workload import Ask, has_room

ANY_CHANNEL = "any other channel"
"""Stands for a channel of which the policy says nothing."""


class Roster:
    """Everybody who is registered, with the skills that count at a moment."""

    def __init__(self, agents: Mapping[str, Agent], at: datetime) -> None:
        self.agents = {agent_id: replace(agent, work={}) for agent_id, agent in agents.items()}
        """As if they held nothing."""
        self.groups: set[str] = set()
        self.best: dict[str, int] = {}
        """The highest level that anybody has, by skill."""
        self.channels = {channel for agent in agents.values() for channel in agent.channels}
        self._crew = Crew()
        for agent_id, agent in agents.items():
            skills = agent.skills_at(at)
            self._crew.teach(agent_id, agent, skills)
            self.groups |= agent.groups
            for skill, level in skills.items():
                self.best[skill] = max(level, self.best.get(skill, 0))

    def able(self, skills: Mapping[str, int], groups: tuple[str, ...], channel: str, at_least: int = 1) -> list[str]:
        """Some of those who can and may serve it, whatever it weighs: as many as asked for, if there are."""
        return self._some(self._crew.able(tuple(skills.items()), groups, channel), None, at_least)

    def servers(self, skills: Mapping[str, int], groups: tuple[str, ...], ask: Ask, at_least: int = 1) -> list[str]:
        """Those of them who have room for it once they hold nothing."""
        return self._some(self._crew.able(tuple(skills.items()), groups, ask.channel), ask, at_least)

    def _some(self, who: int, ask: Ask | None, at_least: int) -> list[str]:
        found: list[str] = []
        for bit in bits(who):
            agent_id = self._crew.ids[bit]
            if ask is None or has_room(self.agents[agent_id], ask):
                found.append(agent_id)
                if len(found) == at_least:
                    break
        return found


def can_be_served(facts: Facts, roster: Roster, waiting: Waiting) -> bool:
    """Whether somebody could serve it at last, in its queue or in one that it goes on to after waiting long enough."""
    been: set[str] = set(waiting.overflowed_from)
    following = [waiting]
    while following:
        one = following.pop()
        definition = facts.definition(one.queue_id)
        been.add(one.queue_id)
        skills, groups = facts.requirement(one, len(definition.relaxation))
        if roster.servers(skills, groups, facts.ask(one)):
            return True
        rules = {rule.to_queue_id: rule for rule in definition.overflow if facts.overflow_at(one, rule) is not None}
        following += [moved(one, definition, rules[queue_id]) for queue_id in sorted(rules.keys() - been)]
    return False


def moved(waiting: Waiting, definition: QueueDefinition, rule: OverflowRule) -> Waiting:
    """As it waits after it has overflowed, with what it asked for by itself and had not given up."""
    timetable = definition.relaxation
    later = [step for step in timetable[waiting.step :] if step.after_seconds < rule.limit]
    given_up = {skill for step in (*timetable[: waiting.step], *later) for skill in step.drop}
    return Waiting(
        conversation_id=waiting.conversation_id,
        customer_id=waiting.customer_id,
        queue_id=rule.to_queue_id,
        channel=waiting.channel,
        priority=waiting.priority,
        waiting_since=waiting.waiting_since,
        entered_at=waiting.waiting_since,
        position=0,
        language=waiting.language,
        skills=waiting.skills | dict.fromkeys(given_up, 0),
        overflowed_from=(*waiting.overflowed_from, waiting.queue_id),
    )
