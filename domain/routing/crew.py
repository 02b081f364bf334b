"""The agents as bits: for each thing that may be asked of them, a number in which the bit of each who has it is set.

Finding who may take a conversation is then a few ANDs of such numbers, whatever the number of agents. Derived from the
facts and never stored.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from domain.agent import NEW, SKILL_LEVEL_MAX, Agent
from domain.workload import Ask, has_room, part_in_use

Room = int | Ask
"""What room there must be: load units where they say it all."""
Turn = tuple[datetime, int, str, datetime]
"""An agent's place among the agents: idle since, as `facts.Since` has it, but for the agent, before the time that is
shown. The longest idle comes first, then the lower id.
"""
NOBODY = (0,) * (SKILL_LEVEL_MAX + 1)
"""Who has each level of a skill that nobody has."""
STALE_TURNS_MAX = 100
NO_ROOM: frozenset[Room] = frozenset()


class Crew:
    """Who can do what, and who has room for what now."""

    def __init__(self) -> None:
        self.version = 0
        """Grows whenever somebody can do more or less, so that what was worked out from it is known to be old."""
        self.fresh: set[int] = set()
        """The bits of those who have room for something since the last decision for which they had none."""
        self.agents: list[Agent] = []
        """By bit, as they stand now, reservations counted."""
        self.turns: list[Turn | None] = []
        """By bit; none while the agent takes no work."""
        self.skills: list[dict[str, int]] = []
        """By bit, those that count now."""
        self.taught: list[int] = []
        """By bit, the version in which they came to do more or less."""
        self.rooms: list[frozenset[Room]] = []
        """By bit, what they have room for now."""
        self.at_work = 0
        """Who takes work, with room or without."""
        self.has_lost = False
        """Whether somebody has left, or can or may do less or other things, since the last decision."""
        self.ids: list[str] = []
        """By bit, whose it is."""
        self._bits: dict[str, int] = {}
        self._masks: list[int] = []
        self._skilled: dict[str, list[int]] = {}  # by skill and level: who has at least that
        self._groups: dict[str, int] = {}
        self._unlimited = 0  # who may serve every channel
        self._channels: dict[str, int] = {}  # who may serve this one, of the others
        self._room: dict[Room, int] = {}  # by units alone where they say it all
        self._plain: list[int] = []
        self._plain_rooms: dict[int, frozenset[Room]] = {}  # of these, by the units that are free
        self._ruled: list[Ask] = []
        self._counts_load = False  # until somebody asks
        self._parts: dict[int, float] = {}  # of the capacity in use, by bit
        self._in_use: dict[float, int] = {}  # who has this part in use
        self._in_turn: list[Turn] = []  # in order; some of them were an agent's once
        self._turn_of: Callable[[int], Any] = self.turns.__getitem__

    def bit(self, agent_id: str) -> int | None:
        """Which bit is this agent's."""
        return self._bits.get(agent_id)

    def teach(self, agent_id: str, agent: Agent, skills: dict[str, int]) -> None:
        """What the agent can do and may do; `seat` says afterwards how they stand."""
        bit = self._bits.get(agent_id)
        if bit is None:
            bit = self._bits[agent_id] = len(self.agents)
            self.ids.append(agent_id)
            self._masks.append(1 << bit)
            self.agents.append(NEW)
            self.turns.append(None)
            self.skills.append({})
            self.rooms.append(NO_ROOM)
            self.taught.append(0)
        elif (
            (self.skills[bit] is skills or self.skills[bit] == skills)
            and self.agents[bit].groups == agent.groups
            and self.agents[bit].channels == agent.channels
        ):
            return
        self.version += 1
        mask = self._masks[bit]
        for levels in (self._skilled[skill] for skill in self.skills[bit]):
            levels[:] = [who & ~mask for who in levels]
        for skill, level in skills.items():
            levels = self._skilled.setdefault(skill, [0] * (SKILL_LEVEL_MAX + 1))
            levels[:] = [who | mask if step <= level else who for step, who in enumerate(levels)]
        _move(self._groups, self.agents[bit].groups, agent.groups, mask)
        _move(self._channels, self.agents[bit].channels, agent.channels, mask)
        self._unlimited = self._unlimited & ~mask if agent.channels else self._unlimited | mask
        self.skills[bit] = skills
        self.taught[bit] = self.version
        if self.rooms[bit]:
            self.fresh.add(bit)

    def seat(self, agent_id: str, agent: Agent, turn: Turn | None) -> None:
        """Moves the agent to this turn, with the room they have. No turn: they take no work."""
        bit = self._bits[agent_id]
        self.agents[bit] = agent
        if (before := self.turns[bit]) != turn:
            self.turns[bit] = turn
            if before is None or turn is None:
                self.at_work ^= self._masks[bit]
                self.has_lost = self.has_lost or turn is None
            if turn is not None:
                self._take_turn(turn)
        if self._counts_load:
            self._move_load(bit, agent)
        self._open_for(bit, NO_ROOM if turn is None else self._rooms_of(agent))

    def able(self, skills: Sequence[tuple[str, int]], groups: Sequence[str], channel: str) -> int:
        """Who can and may take such work, whether they have room or not."""
        who = self._unlimited | self._channels.get(channel, 0)
        if groups:
            members = 0
            for group in groups:
                members |= self._groups.get(group, 0)
            who &= members
        for skill, level in skills:
            levels = self._skilled.get(skill)
            who = who & levels[level] if levels else 0
        return who

    def with_room(self, room: Room) -> int:
        """Who takes work and has room for this. Ask with `room_key`."""
        if (who := self._room.get(room)) is None:
            if isinstance(room, int):
                self._plain.append(room)
                self._plain_rooms.clear()
            else:
                self._ruled.append(room)
            self._room[room] = 0
            for bit, agent in enumerate(self.agents):
                if self.turns[bit] is not None:
                    self._open_for(bit, self._rooms_of(agent))
            who = self._room[room]
        return who

    def will_have_room(self, who: int, ask: Ask) -> bool:
        """Whether one of these has, or will have once they are done with other work."""
        while who and ask.at_most != 0:  # from the highest down, as `bits`
            bit = who.bit_length() - 1
            if self.agents[bit].capacity >= ask.units:
                return True
            who ^= 1 << bit
        return False

    def longest_idle(self, who: int) -> Iterable[int]:
        """The bits of these agents, all of whom take work, in the order of their turns."""
        if are_few(who, len(self._in_turn)):
            return sorted(bits(who), key=self._turn_of)
        return self._gone_through(who)

    def _gone_through(self, who: int) -> Iterator[int]:
        wanted = who.to_bytes(len(self.agents) // 8 + 1, "little")
        for turn in self._in_turn:
            if is_set(wanted, bit := self._bits[turn[2]]) and self._is_current(turn):
                yield bit

    def alike(self, who: int, skills: Collection[str]) -> list[int]:
        """Those of them who have the same sum of levels in these skills, for each sum."""
        by_sum = {0: who}
        for skill in skills:
            before, by_sum = by_sum, {}
            for total, some in before.items():
                for level, part in self._by_level(some, skill):
                    by_sum[total + level] = by_sum.get(total + level, 0) | part
        return list(by_sum.values())

    def alike_in_load(self, who: int) -> list[int]:
        """Those of them who have the same part of their capacity in use, for each part."""
        if not self._counts_load:
            self._counts_load = True
            for bit, agent in enumerate(self.agents):
                self._move_load(bit, agent)
        return [part for mask in self._in_use.values() if (part := who & mask)]

    def begin(self) -> None:
        """Drops turns that are over from where the order begins: who was idle for longest has got work."""
        order, over = self._in_turn, 0
        while over < len(order) and not self._is_current(order[over]):
            over += 1
        del order[:over]

    def forget_rooms(self) -> None:
        """After the rules have changed what work asks for."""
        self._room.clear()
        self._plain.clear()
        self._plain_rooms.clear()
        self._ruled.clear()
        for bit, turn in enumerate(self.turns):
            self.rooms[bit] = NO_ROOM
            if turn is not None:
                self.fresh.add(bit)

    def _by_level(self, who: int, skill: str) -> Iterator[tuple[int, int]]:
        """Each level that some of them have, and who; 0 for those who have none."""
        for level in range(SKILL_LEVEL_MAX, 0, -1):
            if part := who & self._skilled.get(skill, NOBODY)[level]:
                yield level, part
                who ^= part
        if who:
            yield 0, who

    def _move_load(self, bit: int, agent: Agent) -> None:
        mask, part = self._masks[bit], part_in_use(agent)
        if (before := self._parts.get(bit)) != part:
            if before is not None:
                self._in_use[before] ^= mask
            self._in_use[part] = self._in_use.get(part, 0) | mask
            self._parts[bit] = part

    def _take_turn(self, turn: Turn) -> None:
        """Notes it where it belongs, mostly at the end. The one before stays, until there are too many of those."""
        order = self._in_turn
        if not order or turn > order[-1]:
            order.append(turn)
        elif turn != order[-1] and order[index := bisect_left(order, turn)] != turn:
            order.insert(index, turn)
        if len(order) > STALE_TURNS_MAX + 2 * len(self.agents):
            order[:] = filter(self._is_current, order)

    def _is_current(self, turn: Turn) -> bool:
        return self.turns[self._bits[turn[2]]] == turn

    def _rooms_of(self, agent: Agent) -> frozenset[Room]:
        free = agent.capacity - agent.load
        if (rooms := self._plain_rooms.get(free)) is None:
            rooms = self._plain_rooms[free] = frozenset(units for units in self._plain if free >= units)
        if self._ruled:
            rooms = rooms.union(ask for ask in self._ruled if has_room(agent, ask))
        return rooms

    def _open_for(self, bit: int, rooms: frozenset[Room]) -> None:
        before = self.rooms[bit]
        if before is rooms or before == rooms:
            return
        mask = self._masks[bit]
        for room in before ^ rooms:
            self._room[room] ^= mask
        if not rooms <= before:
            self.fresh.add(bit)
        elif not rooms:
            self.fresh.discard(bit)
        self.rooms[bit] = rooms


def room_key(ask: Ask) -> Room:
    """What the room for such work is known by."""
    return ask.units if ask.is_plain else ask


def bits(who: int) -> list[int]:
    """The bits that are set, the lowest first."""
    found = []
    while who:  # from the highest down, because the number then becomes shorter
        bit = who.bit_length() - 1
        found.append(bit)
        who ^= 1 << bit
    found.reverse()
    return found


def count(who: int) -> int:
    """How many bits are set: quick where it is none or one, what a busy day is made of."""
    return who.bit_count() if who & (who - 1) else int(who > 0)


def are_few(numbers: int, of: int) -> bool:
    """Whether looking at each is quicker than going through the order of all until one of them comes.

    The first takes as many steps as there are, the second as many as there are others between two of them.
    """
    found = numbers.bit_count()
    return found * found <= 2 * of


def is_set(numbers: bytes, bit: int) -> bool:
    """Whether the bit is set in a number given as bytes, the lowest first: quicker than asking the number."""
    return bool(numbers[bit >> 3] >> (bit & 7) & 1)


def _move(who: dict[str, int], before: frozenset[str], after: frozenset[str], mask: int) -> None:
    for name in before - after:
        who[name] &= ~mask
    for name in after - before:
        who[name] = who.get(name, 0) | mask
