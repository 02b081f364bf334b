"""Who waits for whom, in order: a line for each distinct thing that is asked of agents.

Derived from the facts and never stored. Everything is a sorted list of unique tuples, so that the order of changes
leaves no trace: the same facts give the same lines.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from datetime import datetime

Requirement = tuple[tuple[str, int], ...]
"""Skill and lowest level, by skill: `(("lang:zh", 5), ("returns", 3))`."""
Place = tuple[int, int, str]
"""A conversation's place in its line: order key, position at which it was enqueued, conversation."""
Turn = tuple[datetime, str]
"""An agent's place among the agents: idle since, agent. The longest idle comes first, then the lower id."""


class Line:
    """The conversations that ask the same of an agent, and the agents who have room for one of them now."""

    __slots__ = ("open", "requirement", "units", "waiting")

    def __init__(self, requirement: Requirement, units: int) -> None:
        self.requirement = requirement
        self.units = units
        self.waiting: list[Place] = []
        self.open: list[Turn] = []

    def is_served_by(self, skills: dict[str, int]) -> bool:
        """Whether these skills are enough."""
        return all(skills.get(skill, 0) >= level for skill, level in self.requirement)


class Reach:
    """The lines that an agent is skilled for, and how the agent stands in them."""

    __slots__ = ("lines", "room", "skills", "turn")

    def __init__(self, skills: dict[str, int], lines: Iterable[Line]) -> None:
        self.skills = skills
        self.lines: dict[int, list[Line]] = {}  # by the load units they ask for
        for line in lines:
            self.lines.setdefault(line.units, []).append(line)
        self.turn: Turn | None = None  # none while the agent takes no work
        self.room = 0  # load units


class Lines:
    """All lines, and where each agent and conversation stands in them.

    A line is *ready* while somebody waits in it and somebody has room for it: only ready lines need looking at. There
    is no list of what changed since the last decision, because a decision that could not be appended must be found
    again. A later index (one bit per agent and skill, say) keeps these methods and attributes.
    """

    def __init__(self) -> None:
        self.ready: set[Line] = set()
        self._lines: dict[tuple[Requirement, int], Line] = {}
        self._reaches: dict[str, Reach] = {}
        self._places: dict[str, tuple[Line, Place]] = {}

    def join(self, conversation_id: str, requirement: Requirement, units: int, key: int, position: int) -> None:
        """Puts a conversation that stands in no line into its own."""
        line = self._lines.get((requirement, units)) or self._open_line(requirement, units)
        place = (key, position, conversation_id)
        insort(line.waiting, place)
        self._places[conversation_id] = (line, place)
        if line.open:
            self.ready.add(line)

    def leave(self, conversation_id: str) -> None:
        """Takes it out of its line, if it stands in one."""
        if (found := self._places.pop(conversation_id, None)) is None:
            return
        line, place = found
        del line.waiting[bisect_left(line.waiting, place)]
        if not line.waiting:
            self.ready.discard(line)

    def teach(self, agent_id: str, skills: dict[str, int]) -> None:
        """Notes what the agent can do; `seat` says afterwards how they stand."""
        if (known := self._reaches.get(agent_id)) is not None:
            if known.skills is skills:  # evolve replaces the mapping, it never changes one
                return
            self.seat(agent_id, None, 0)
        self._reaches[agent_id] = Reach(skills, (line for line in self._lines.values() if line.is_served_by(skills)))

    def seat(self, agent_id: str, turn: Turn | None, room: int) -> None:
        """Moves the agent to this turn and room in every line they are skilled for. No turn: they take no work."""
        reach = self._reaches[agent_id]
        old_turn, old_room = reach.turn, reach.room
        if old_turn == turn and old_room == room:
            return
        reach.turn, reach.room = turn, room
        for units, lines in reach.lines.items():
            before = old_turn if old_room >= units else None
            after = turn if room >= units else None
            if before != after:
                self._move(lines, before, after)

    def room_of(self, agent_id: str) -> int:
        """Load units that the agent has left, reservations counted."""
        return self._reaches[agent_id].room

    def is_set_aside(self, agent_id: str) -> bool:
        """Whether the agent takes no work."""
        return self._reaches[agent_id].turn is None

    def line_of(self, conversation_id: str) -> Line:
        """The line in which it waits."""
        return self._places[conversation_id][0]

    def is_waiting(self, conversation_id: str) -> bool:
        """Whether it stands in a line."""
        return conversation_id in self._places

    def drop_empty(self) -> None:
        """Forgets lines that nobody waits in, after the rules that made them have changed."""
        kept = {key: line for key, line in self._lines.items() if line.waiting}
        if len(kept) == len(self._lines):
            return
        self._lines = kept
        alive = set(kept.values())
        for reach in self._reaches.values():
            reach.lines = {units: [line for line in lines if line in alive] for units, lines in reach.lines.items()}

    def _move(self, lines: list[Line], before: Turn | None, after: Turn | None) -> None:
        """Moves an agent to another place among the open agents of these lines, or in or out."""
        for line in lines:
            if before is not None:
                del line.open[bisect_left(line.open, before)]
                if not line.open:
                    self.ready.discard(line)
            if after is not None:
                insort(line.open, after)
                if line.waiting:
                    self.ready.add(line)

    def _open_line(self, requirement: Requirement, units: int) -> Line:
        line = self._lines[requirement, units] = Line(requirement, units)
        for reach in self._reaches.values():
            if line.is_served_by(reach.skills):
                reach.lines.setdefault(units, []).append(line)
                if reach.turn is not None and reach.room >= units:
                    line.open.append(reach.turn)
        line.open.sort()
        return line


def requirement_of(skills: Iterable[tuple[str, int]]) -> Requirement:
    """The same for every way of writing the same skills."""
    return tuple(sorted(skills))
