"""Changes who works in a history: agents more, fewer, or with other skills."""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from application.whatif.recorded.history import Change
from application.whatif.roster import Another, RosterInvalid
from domain.agent import Agent, AgentRegistered, CapacitySet, Presence, PresenceChanged, SkillsAssigned
from domain.routing.facts import Facts

NAMES_SHOWN = 8


class Staffing:
    """How things stood at the beginning (`facts`, changed in place), and what people changed later (`changes`)."""

    def __init__(self, facts: Facts, changes: list[Change]) -> None:
        self.facts = facts
        self.changes = changes
        self._added = 0

    def change(self, one: Another) -> None:
        """Raises RosterInvalid."""
        if one.remove is not None:
            gone = self._id_of(one, one.remove)
            self.facts.desks.pop(gone, None)
            self.changes = [change for change in self.changes if change.stream != gone]
        elif one.change is not None:
            changed = self._id_of(one, one.change)
            if (desk := self.facts.desks.get(changed)) is not None:
                desk.agent = _taught(one, desk.agent)
            others = [change for change in self.changes if change.stream != changed]
            self._become([*others, *self._retold(one, changed, changed)])
        else:
            self._add(one, [self._id_of(one, one.like)] if one.like else self._colleagues(one))

    def _add(self, one: Another, colleagues: list[str]) -> None:
        changes = list(self.changes)
        for nth in range(one.add or 0):
            colleague = colleagues[nth % len(colleagues)]
            self._added += 1
            added = f"agent-added-{self._added:04}"
            if (desk := self.facts.desks.get(colleague)) is not None:
                newcomer = replace(desk.agent, name=added, work={}, on_hold={})
                self.facts.desks[added] = replace(desk, agent=_taught(one, newcomer), given={})
            changes += self._retold(one, colleague, added)
        self._become(changes)

    def _become(self, changes: list[Change]) -> None:
        self.changes = sorted(changes, key=lambda change: change.at)

    def _retold(self, one: Another, colleague: str, agent_id: str) -> Iterator[Change]:
        """What became of the colleague, told of the agent with the skills and the capacity that are wanted."""
        for change in self.changes:
            if change.stream != colleague:
                continue
            event = change.event
            if isinstance(event, SkillsAssigned):
                skills = _skills(one, event.skills)
                event = SkillsAssigned(skills=skills, expires=_ends(one, skills, event.expires))
            elif isinstance(event, CapacitySet) and one.capacity is not None:
                event = CapacitySet(units=one.capacity)
            yield Change(change.at, agent_id, event)
            if isinstance(event, AgentRegistered):
                yield Change(change.at, agent_id, SkillsAssigned(skills=_skills(one, {})))
                yield Change(change.at, agent_id, CapacitySet(units=one.capacity or 0))

    def _names(self) -> dict[str, str]:
        """By id."""
        names = {agent_id: desk.agent.name for agent_id, desk in self.facts.desks.items()}
        return names | {one.stream: one.event.name for one in self.changes if isinstance(one.event, AgentRegistered)}

    def _id_of(self, one: Another, who: str) -> str:
        names = self._names()
        found = [agent_id for agent_id, name in names.items() if who in (agent_id, name)]
        if len(found) == 1:
            return found[0]
        if found:
            raise RosterInvalid(f"{one.place}: several agents are called {who}; say which by id: {', '.join(found)}")
        shown = sorted(set(names.values()))
        more = f" and {len(shown) - NAMES_SHOWN} more" if len(shown) > NAMES_SHOWN else ""
        raise RosterInvalid(f"{one.place}: nobody is called {who}; there are {', '.join(shown[:NAMES_SHOWN])}{more}")

    def _colleagues(self, one: Another) -> list[str]:
        """Who took work at some time: those whose hours an added agent can work. Raises RosterInvalid."""
        present = {key for key, desk in self.facts.desks.items() if desk.agent.presence is Presence.AVAILABLE}
        present |= {
            change.stream
            for change in self.changes
            if isinstance(change.event, PresenceChanged) and change.event.presence is Presence.AVAILABLE
        }
        if not present:
            raise RosterInvalid(f"{one.place}: nobody took work in this time, so there are no hours to add agents to")
        return sorted(present)


def _taught(one: Another, agent: Agent) -> Agent:
    capacity = agent.capacity if one.capacity is None else one.capacity
    skills = _skills(one, agent.skills)
    return replace(agent, skills=skills, skills_end=_ends(one, skills, agent.skills_end), capacity=capacity)


def _skills(one: Another, recorded: dict[str, int]) -> dict[str, int]:
    """Those of an added agent are what was asked for; those of a known one are the recorded ones, changed."""
    if one.skills is None:
        return recorded
    wanted = one.skills if one.add is not None else recorded | one.skills
    return {skill: level for skill, level in wanted.items() if level}


def _ends(one: Another, skills: dict[str, int], recorded: dict[str, datetime]) -> dict[str, datetime]:
    """Until when the recorded skills count; those that were asked for have no end."""
    return {skill: at for skill, at in recorded.items() if skill in skills and skill not in (one.skills or {})}
