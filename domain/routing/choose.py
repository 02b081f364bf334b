"""Which agent is asked: those who may be, who of them first, and what decides between them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

import msgspec

from domain.policy import ChoiceRule, Weights
from domain.routing.crew import Crew, Turn, bits
from domain.routing.facts import EDITION, EPOCH, Waiting
from domain.routing.lines import Line, Terms
from domain.workload import part_in_use

MINUTE = timedelta(minutes=1)
NO_TURN: Turn = (EPOCH, 0, "", EPOCH)


class Field(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who may be asked now, as bits."""

    all: int
    first: int
    """Those of them who are asked before the others."""
    preference: str = ""
    """Why: `preferred_agent`, `known_agent`, `preferred_skills`."""


def field_for(line: Line, waiting: Waiting, crew: Crew, now: datetime, edition: int = EDITION) -> Field:
    """Those who may take it, have room and do not rest from it."""
    may = line.able(crew) & crew.with_room(line.room)
    if may and waiting.declined:
        may = _without_who_rests(may, line, waiting, crew, now, edition)
    if line.terms.agent_id:
        is_named = line.terms.agent_id == waiting.preferred_agent_id
        return Field(all=may, first=may, preference="preferred_agent" if is_named else "known_agent")
    if line.terms.preferred and (better := may & line.better(crew)):
        return Field(all=may, first=better, preference="preferred_skills")
    return Field(all=may, first=may)


def _without_who_rests(may: int, line: Line, waiting: Waiting, crew: Crew, now: datetime, edition: int) -> int:
    """Who declined it is not asked again until their rest is over, or nobody else is left who is at work and could be
    given it now or when they are done with what keeps them busy.

    Then the rest of all but the latest to decline is over. The latest keeps resting, because asking the only agent
    again at once would turn a "no" into a loop.
    """
    resting = _bits_of(crew, [one for one, until in waiting.declined.items() if until > now])
    if fresh := may & ~resting:
        return fresh
    if edition > 1 and crew.will_have_room(line.able(crew) & crew.at_work & ~resting, line.terms.ask):
        return 0
    return may & ~_bits_of(crew, [next(reversed(waiting.declined))])


def best_two(
    line: Line, field: Field, eligible: int, crew: Crew, weights: Weights, now: datetime
) -> tuple[int, int | None]:
    """The bits of who is asked, of so many, and of who would have been asked without them."""
    if eligible == 1:  # what a busy day is made of
        return field.all.bit_length() - 1, None
    first = _first_two(line.terms, field.first, crew, weights, now)
    if len(first) < 2 and (others := field.all & ~field.first):
        first += _first_two(line.terms, others, crew, weights, now)
    return first[0], first[1] if len(first) > 1 else None


def in_order(line: Line, field: Field, crew: Crew, weights: Weights, now: datetime) -> list[int]:
    """The bits of all who may be asked, the first to be asked first."""
    groups = (field.first, field.all & ~field.first)
    return [bit for who in groups for bit in _ordered(line.terms, bits(who), crew, weights, now)]


def merit(terms: Terms, bit: int, crew: Crew, weights: Weights, now: datetime) -> float:
    """What the rule counts of the agent; more goes first. Ties go to the longest idle."""
    agent = crew.agents[bit]
    idle_since, *_ = crew.turns[bit] or NO_TURN
    match terms.choice:
        case ChoiceRule.LONGEST_IDLE:
            return (now - idle_since) / timedelta(seconds=1)
        case ChoiceRule.MOST_SKILLED:
            return _levels(terms, bit, crew)
        case ChoiceRule.LEAST_LOADED:
            return -part_in_use(agent)
        case ChoiceRule.WEIGHTED:
            skilled, idle_minutes = _levels(terms, bit, crew), (now - idle_since) / MINUTE
            return weights.skill * skilled + weights.idle * idle_minutes - weights.load * part_in_use(agent)


def _ordered(terms: Terms, who: Iterable[int], crew: Crew, weights: Weights, now: datetime) -> list[int]:
    return sorted(who, key=lambda bit: (-merit(terms, bit, crew, weights, now), crew.turns[bit] or NO_TURN))


def _first_two(terms: Terms, who: int, crew: Crew, weights: Weights, now: datetime) -> list[int]:
    """Of those who are alike in all that the rule counts but idleness, only the two longest idle can be among them."""
    if terms.choice is ChoiceRule.LONGEST_IDLE:
        return list(islice(crew.longest_idle(who), 2))
    skills = () if terms.choice is ChoiceRule.LEAST_LOADED else _counted(terms)
    alike = crew.alike(who, skills)
    if terms.choice is not ChoiceRule.MOST_SKILLED:
        alike = [part for one in alike for part in crew.alike_in_load(one)]
    found = [bit for one in alike for bit in islice(crew.longest_idle(one), 2)]
    return _ordered(terms, found, crew, weights, now)[:2]


def _levels(terms: Terms, bit: int, crew: Crew) -> float:
    """The agent's levels in all that is asked for or preferred."""
    skills = crew.skills[bit]
    return float(sum(skills.get(skill, 0) for skill in _counted(terms)))


def _counted(terms: Terms) -> set[str]:
    """The skills whose levels count."""
    return {name for name, _ in (*terms.skills, *terms.preferred)}


def _bits_of(crew: Crew, agent_ids: list[str]) -> int:
    who = 0
    for agent_id in agent_ids:
        if (bit := crew.bit(agent_id)) is not None:
            who |= 1 << bit
    return who
