"""Who waits for whom, in order: a line for each distinct thing that is asked of agents.

The lines are bits too, as the agents are in `crew.py`: which lines an agent may serve is a few operations on such
numbers. Derived from the facts and never stored. Everything is a sorted list of unique places, so that the order of
changes leaves no trace: the same facts give the same lines.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from operator import itemgetter

import msgspec

from domain.agent import SKILL_LEVEL_MAX, Agent
from domain.policy import ChoiceRule
from domain.routing.crew import Crew, Room, bits, room_key
from domain.workload import Ask

Skills = tuple[tuple[str, int], ...]
"""Skill and lowest level, by skill: `(("lang:zh", 5), ("returns", 3))`."""
Place = int
"""A conversation's place in its line: the order key, then the position at which it was enqueued, which is its alone.

Both in one number, because places are compared more often than anything else.
"""
POSITIONS = 1 << 48
NOWHERE: Place = 1 << 200
"""Stands behind every place: the first of a line in which nobody waits."""
Pick = Callable[[Sequence[Place]], tuple[Place, ...]]
"""Takes the places of some lines from a list of all, by number."""


class Terms(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All that a conversation asks of an agent, and how one is chosen."""

    skills: Skills
    groups: tuple[str, ...]
    preferred: Skills
    ask: Ask
    choice: ChoiceRule
    agent_id: str = ""
    """The only one who may be asked for the time being."""


class Line:
    """The conversations that ask the same."""

    __slots__ = ("_able", "_better", "_version", "number", "room", "terms", "waiting")

    def __init__(self, terms: Terms, number: int) -> None:
        self.terms = terms
        self.number = number
        self.room = room_key(terms.ask)
        self.waiting: list[Place] = []
        self._version = -1
        self._able = self._better = 0

    def able(self, crew: Crew) -> int:
        """Who can and may take it, whether they have room or not."""
        if self._version != crew.version:
            self._work_out(crew)
        return self._able

    def better(self, crew: Crew) -> int:
        """Those of them who have the preferred skills too; nobody where none are preferred."""
        if self._version != crew.version:
            self._work_out(crew)
        return self._better

    def _work_out(self, crew: Crew) -> None:
        terms, channel = self.terms, self.terms.ask.channel
        self._able = crew.able(terms.skills, terms.groups, channel)
        self._better = self._able & crew.able(terms.preferred, (), channel) if terms.preferred else 0
        if terms.agent_id:
            bit = crew.bit(terms.agent_id)
            self._able &= 0 if bit is None else 1 << bit
        self._version = crew.version


class Lines:
    """All lines, and where each conversation stands in them."""

    def __init__(self) -> None:
        self.by_number: list[Line] = []
        self.first: list[Place] = []
        """By number, the first place of each line."""
        self.fresh: set[int] = set()
        """Numbers of lines that somebody has joined since the last decision."""
        self.version = 0
        """Grows with every new line, so that what was worked out from them is known to be old."""
        self._numbers: dict[Terms, int] = {}
        self.conversations: dict[Place, str] = {}
        """Who stands at each place."""
        self._places: dict[str, tuple[Line, Place]] = {}
        self._asking: dict[Room, int] = {}  # lines by the room they ask for
        self._picks: dict[tuple[int, frozenset[Room]], Pick | None] = {}
        self._demanding: dict[str, list[int]] = {}  # lines that ask for at least this level of a skill
        self._for_groups: dict[str, int] = {}
        self._for_everybody = 0
        self._on_channel: dict[str, int] = {}
        self.for_one: dict[str, set[int]] = {}
        """Numbers of lines for one agent alone. They come and go with the day, so no index knows them."""
        self._unused: list[int] = []  # numbers of lines that were forgotten

    def line(self, terms: Terms) -> Line:
        """The line for these terms; it may be empty."""
        if (number := self._numbers.get(terms)) is None:
            number = self._unused.pop() if self._unused else len(self.by_number)
            line = Line(terms, number)
            self.by_number[number : number + 1], self.first[number : number + 1] = [line], [NOWHERE]
            self._numbers[terms] = number
            self._index(line, 1 << number)
        return self.by_number[number]

    def join(self, conversation_id: str, line: Line, key: int, position: int) -> None:
        """Puts a conversation that stands in no line into this one."""
        place = key * POSITIONS + position
        insort(line.waiting, place)
        if line.waiting[0] == place:
            self.first[line.number] = place
        self.conversations[place] = conversation_id
        self._places[conversation_id] = (line, place)
        self.fresh.add(line.number)

    def leave(self, conversation_id: str) -> None:
        """Takes it out of its line, if it stands in one."""
        if (found := self._places.pop(conversation_id, None)) is None:
            return
        line, place = found
        del self.conversations[place]
        waiting = line.waiting
        index = bisect_left(waiting, place)
        del waiting[index]
        if index == 0:
            self.first[line.number] = waiting[0] if waiting else NOWHERE
            if not waiting and line.terms.agent_id:  # there may be as many as agents, each for a short while
                self._forget(line)

    def drop_empty(self) -> None:
        """Forgets lines that nobody waits in, after the rules that made them have changed."""
        for number in list(self._numbers.values()):
            if not self.by_number[number].waiting:
                self._forget(self.by_number[number])

    def reach(self, agent_id: str, agent: Agent, skills: dict[str, int]) -> "Reach":
        """The lines that the agent can and may serve, whether anybody waits there or not."""
        beyond = 0
        for skill, levels in self._demanding.items():
            beyond |= levels[skills.get(skill, 0) + 1]
        may = self._for_everybody
        for group in agent.groups:
            may |= self._for_groups.get(group, 0)
        if agent.channels:
            on_channels = 0
            for channel in agent.channels:
                on_channels |= self._on_channel.get(channel, 0)
            may &= on_channels
        return Reach(self, may & ~beyond, agent_id)

    def line_of(self, conversation_id: str) -> Line:
        """The line in which it waits."""
        return self._places[conversation_id][0]

    def line_at(self, place: Place) -> Line:
        """The line that the place is in."""
        return self.line_of(self.conversations[place])

    def is_waiting(self, conversation_id: str) -> bool:
        """Whether it stands in a line."""
        return conversation_id in self._places

    def ahead_of(self, conversation_id: str) -> int:
        """How many stand before it in its line."""
        line, place = self._places[conversation_id]
        return bisect_left(line.waiting, place)

    def pick(self, reach: int, rooms: frozenset[Room]) -> Pick | None:
        """Picks those of these lines, as bits, that ask for one of the rooms; the same for all who reach the same."""
        if (reach, rooms) not in self._picks:
            asking = 0
            for room in rooms:
                asking |= self._asking.get(room, 0)
            numbers = bits(reach & asking)
            self._picks[reach, rooms] = itemgetter(*numbers, numbers[0]) if numbers else None  # one number is no tuple
        return self._picks[reach, rooms]

    def _index(self, line: Line, mask: int) -> None:
        """Enters a line under all that is asked of agents."""
        terms = line.terms
        if terms.agent_id:
            self.for_one.setdefault(terms.agent_id, set()).add(line.number)
            return
        self.version += 1
        self._picks.clear()
        self._asking[line.room] = self._asking.get(line.room, 0) | mask
        for skill, level in terms.skills:
            levels = self._demanding.setdefault(skill, [0] * (SKILL_LEVEL_MAX + 2))
            levels[: level + 1] = [lines | mask for lines in levels[: level + 1]]
        for group in terms.groups:
            _set(self._for_groups, group, mask)
        if not terms.groups:
            self._for_everybody |= mask
        _set(self._on_channel, terms.ask.channel, mask)

    def _forget(self, line: Line) -> None:
        number = line.number
        mask = 1 << number
        self.fresh.discard(number)
        del self._numbers[line.terms]
        self._unused.append(number)
        if line.terms.agent_id:
            self.for_one[line.terms.agent_id].discard(number)
            return
        self.version += 1
        self._picks.clear()
        for levels in self._demanding.values():
            levels[:] = [lines & ~mask for lines in levels]
        for index in (self._for_groups, self._on_channel):
            for name in [name for name, lines in index.items() if lines & mask]:
                index[name] &= ~mask
                if not index[name]:
                    del index[name]
        self._for_everybody &= ~mask
        self._asking[line.room] &= ~mask


class Reach:
    """The lines that one agent can and may serve."""

    __slots__ = ("_agent_id", "_by_rooms", "_lines", "_mask")

    def __init__(self, lines: Lines, mask: int, agent_id: str) -> None:
        self._lines = lines
        self._mask = mask
        self._agent_id = agent_id
        self._by_rooms: dict[frozenset[Room], Pick | None] = {}

    def first(self, rooms: frozenset[Room], first: Sequence[Place]) -> Place:
        """The first place of all that ask for one of these rooms, where `first` has that of each line, by number.

        NOWHERE if nobody waits there.
        """
        lines = self._lines
        if rooms not in self._by_rooms:
            self._by_rooms[rooms] = lines.pick(self._mask, rooms)
        pick = self._by_rooms[rooms]
        best = min(pick(first)) if pick else NOWHERE
        if mine := lines.for_one.get(self._agent_id):
            best = min(best, min((first[n] for n in mine if lines.by_number[n].room in rooms), default=NOWHERE))
        return best


def _set(index: dict[str, int], name: str, mask: int) -> None:
    index[name] = index.get(name, 0) | mask
