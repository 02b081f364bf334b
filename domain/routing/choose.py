"""Which agent is asked: those who may be, who of them first, and what decides between them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

import msgspec

from domain.policy import ChoiceRule, Weights
from domain.routing.crew import Crew, bits
from domain.routing.facts import EPOCH, Waiting
from domain.routing.lines import Line, Terms

MINUTE = timedelta(minutes=1)


class Field(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who may be asked now, as bits."""

    all: int
    first: int
    """Those of them who are asked before the others."""
    preference: str = ""
    """Why: `known_agent`, `preferred_skills`."""


def field_for(line: Line, waiting: Waiting, crew: Crew, now: datetime) -> Field:
    """Those who may take it, have room and do not rest from it.

    Who declined it rests from it, unless nobody else is left: then the rest of all but the latest to decline is over.
    The latest keeps resting, because asking the only agent again at once would turn a "no" into a loop.
    """
    may = line.able(crew) & crew.with_room(line.room)
    if may and waiting.declined:
        fresh = may & ~_bits_of(crew, [one for one, until in waiting.declined.items() if until > now])
        may = fresh or may & ~_bits_of(crew, [next(reversed(waiting.declined))])
    if line.terms.agent_id:
        return Field(all=may, first=may, preference="known_agent")
    if line.terms.preferred and (better := may & line.better(crew)):
        return Field(all=may, first=better, preference="preferred_skills")
    return Field(all=may, first=may)


def best_two(
    line: Line, field: Field, eligible: int, crew: Crew, weights: Weights, now: datetime
) -> tuple[int, int | None]:
    """The bits of who is asked, of so many, and of who would have been asked without them."""
    if eligible == 1:  # what a busy day is made of
        return field.all.bit_length() - 1, None
    first = list(islice(_ordered(line.terms, field.first, crew, weights, now), 2))
    if len(first) < 2 and (others := field.all & ~field.first):
        first += islice(_ordered(line.terms, others, crew, weights, now), 2 - len(first))
    return first[0], first[1] if len(first) > 1 else None


def in_order(line: Line, field: Field, crew: Crew, weights: Weights, now: datetime) -> list[int]:
    """The bits of all who may be asked, the first to be asked first."""
    groups = (field.first, field.all & ~field.first)
    return [bit for who in groups for bit in _ordered(line.terms, who, crew, weights, now)]


def merit(terms: Terms, bit: int, crew: Crew, weights: Weights, now: datetime) -> float:
    """What the rule counts of the agent; more goes first. Ties go to the longest idle."""
    agent = crew.agents[bit]
    idle_since, _ = crew.turns[bit] or (EPOCH, "")
    used = agent.load / agent.capacity if agent.capacity else 1.0
    match terms.choice:
        case ChoiceRule.LONGEST_IDLE:
            return (now - idle_since) / timedelta(seconds=1)
        case ChoiceRule.MOST_SKILLED:
            return _levels(terms, bit, crew)
        case ChoiceRule.LEAST_LOADED:
            return -used
        case ChoiceRule.WEIGHTED:
            idle_minutes = (now - idle_since) / MINUTE
            return weights.skill * _levels(terms, bit, crew) + weights.idle * idle_minutes - weights.load * used


def _ordered(terms: Terms, who: int, crew: Crew, weights: Weights, now: datetime) -> Iterator[int]:
    if terms.choice is ChoiceRule.LONGEST_IDLE:
        return crew.longest_idle(who)
    return iter(
        sorted(bits(who), key=lambda bit: (-merit(terms, bit, crew, weights, now), crew.turns[bit] or (EPOCH, "")))
    )


def _levels(terms: Terms, bit: int, crew: Crew) -> float:
    """The agent's levels in all that is asked for or preferred."""
    skills = crew.skills[bit]
    return float(sum(skills.get(skill, 0) for skill in {name for name, _ in (*terms.skills, *terms.preferred)}))


def _bits_of(crew: Crew, agent_ids: list[str]) -> int:
    who = 0
    for agent_id in agent_ids:
        if (bit := crew.bit(agent_id)) is not None:
            who |= 1 << bit
    return who
