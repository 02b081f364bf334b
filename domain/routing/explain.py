"""Why: for one waiting conversation, every agent with their place in the order or the reasons for being left out."""

from datetime import datetime

import msgspec

from domain.agent import Presence
from domain.offers import NotWaiting
from domain.routing.choose import field_for, in_order, merit
from domain.routing.crew import bits
from domain.routing.facts import EDITION, Waiting
from domain.routing.lacking import lacking, off_channel
from domain.routing.lines import Terms
from domain.routing.rounds import Round
from domain.routing.state import RouterState
from domain.workload import no_room


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An agent in the light of one decision."""

    agent_id: str
    idle_since: datetime
    rank: int | None
    """From 1, who is asked; none where excluded."""
    excluded: tuple[str, ...]
    """Every reason, not only the first: `no skill lang:zh at level 5, has 3`, `no room: 4 of 6 units held, 6 needed`,
    `away`, `declined it, rests until 2026-11-11T00:01:00+00:00`."""
    merit: float | None = None
    """What the rule of choice counts of them, more is better: seconds idle for `longest_idle`."""
    preference: str = ""
    """What puts them before others: `preferred_agent`, `known_agent`, `preferred_skills`."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """All that one decision looked at."""

    conversation_id: str
    queue_id: str
    score: float
    parts: dict[str, float]
    """What the score is made of, in seconds."""
    terms: Terms
    """What the conversation asked for at that moment, and the rule of choice."""
    ahead: int
    """How many stood before it in its line."""
    candidates: list[Candidate]
    """Those who may be asked in their order, then the excluded by id."""


def explain(
    state: RouterState, now: datetime, conversation_id: str, ordinal: int = 0, edition: int = EDITION
) -> list[Candidate]:
    """Those who may be asked in their order, then the excluded by id. Scans all agents.

    For a recorded decision: the state at `choice.position`, `choice.decided_at`, `choice.ordinal` and `choice.edition`;
    the decisions before it in its list are then counted in. Raises NotWaiting.
    """
    return account_for(state, now, conversation_id, ordinal, edition).candidates


def account_for(
    state: RouterState, now: datetime, conversation_id: str, ordinal: int = 0, edition: int = EDITION
) -> Account:
    """As `explain`, with what the conversation asked for and its place. Raises NotWaiting."""
    this = Round(state, now, edition)
    this.run(ordinal)
    waiting = state.facts.waiting.get(conversation_id)
    if waiting is None or not state.lines.is_waiting(conversation_id):
        raise NotWaiting
    score, parts = state.facts.score(waiting, now)
    line = state.lines.line_of(conversation_id)
    return Account(
        conversation_id=conversation_id,
        queue_id=waiting.queue_id,
        score=score,
        parts=parts,
        terms=line.terms,
        ahead=state.lines.ahead_of(conversation_id),
        candidates=_candidates(state, now, waiting, edition),
    )


def _candidates(state: RouterState, now: datetime, waiting: Waiting, edition: int) -> list[Candidate]:
    crew, line = state.crew, state.lines.line_of(waiting.conversation_id)
    weights = state.facts.policy.rules.weights
    field = field_for(line, waiting, crew, now, edition)
    names = {bit: agent_id for agent_id in state.facts.desks if (bit := crew.bit(agent_id)) is not None}
    preferred = set(bits(field.first)) if field.preference else set()
    ranked = [
        Candidate(
            agent_id=names[bit],
            idle_since=(crew.turns[bit] or state.facts.desks[names[bit]].idle)[-1],
            rank=rank,
            excluded=(),
            merit=merit(line.terms, bit, crew, weights, now),
            preference=field.preference if bit in preferred else "",
        )
        for rank, bit in enumerate(in_order(line, field, crew, weights, now), start=1)
    ]
    asked = {candidate.agent_id for candidate in ranked}
    excluded = [
        Candidate(
            agent_id=agent_id,
            idle_since=state.facts.desks[agent_id].idle[-1],
            rank=None,
            excluded=_reasons(state, now, waiting, agent_id, line.terms),
        )
        for agent_id in sorted(state.facts.desks)
        if agent_id not in asked
    ]
    return [*ranked, *excluded]


def _reasons(state: RouterState, now: datetime, waiting: Waiting, agent_id: str, terms: Terms) -> tuple[str, ...]:
    """Why the agent may not be asked, as the agents stand in the middle of a round."""
    crew = state.crew
    bit = crew.bit(agent_id)
    assert bit is not None  # everybody at a desk has one
    agent = crew.agents[bit]
    reasons = list(lacking(agent, crew.skills[bit], terms.skills, terms.groups))
    if off := off_channel(agent, terms.ask.channel):
        reasons.append(off)
    if agent.presence is not Presence.AVAILABLE:
        reasons.append(str(agent.presence))
    elif crew.turns[bit] is None:
        reasons.append("away, because an offer to them has just run out")
    elif no := no_room(agent, terms.ask):
        reasons.append(no)
    until = waiting.declined.get(agent_id, now)
    if until > now:
        reasons.append(f"declined it, rests until {until.isoformat()}")
    if terms.agent_id and agent_id != terms.agent_id:
        is_named = terms.agent_id == waiting.preferred_agent_id
        reasons.append(f"it waits for {terms.agent_id}, who {'was named for it' if is_named else 'knows the customer'}")
    return tuple(reasons)
