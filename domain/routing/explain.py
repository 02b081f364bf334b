"""Why: for one waiting conversation, every agent with their place in the order or the reasons for being left out."""

from datetime import datetime

import msgspec

from domain.agent import Presence
from domain.offers import NotWaiting
from domain.routing.decide import Round, candidates
from domain.routing.state import RouterState, Waiting


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An agent in the light of one decision."""

    agent_id: str
    idle_since: datetime
    rank: int | None
    """From 1, who is asked; none where excluded."""
    excluded: tuple[str, ...]
    """Every reason, not only the first: `no skill lang:zh at level 5, has 3`, `no room: 4 of 6 units held, 6 needed`,
    `away`, `declined it, rests until 2026-11-11T00:01:00+00:00`."""


def explain(state: RouterState, now: datetime, conversation_id: str, ordinal: int = 0) -> list[Candidate]:
    """Those who may be asked in their order, then the excluded by id. Scans all agents.

    For a recorded decision: the state at `choice.position`, `choice.decided_at` and `choice.ordinal`; the decisions
    before it in its list are then counted in. Raises NotWaiting.
    """
    with Round(state, now) as this:
        this.run(ordinal)
        waiting = state.facts.waiting.get(conversation_id)
        if waiting is None or not state.lines.is_waiting(conversation_id):
            raise NotWaiting
        turns = candidates(state.lines.line_of(conversation_id), waiting, now)
        asked = {turn[1] for turn in turns}
        ranked = [
            Candidate(agent_id=agent_id, idle_since=idle_since, rank=rank, excluded=())
            for rank, (idle_since, agent_id) in enumerate(turns, start=1)
        ]
        excluded = [
            Candidate(
                agent_id=agent_id,
                idle_since=state.facts.desks[agent_id].idle_since,
                rank=None,
                excluded=_reasons(state, now, waiting, agent_id),
            )
            for agent_id in sorted(state.facts.desks)
            if agent_id not in asked
        ]
        return [*ranked, *excluded]


def _reasons(state: RouterState, now: datetime, waiting: Waiting, agent_id: str) -> tuple[str, ...]:
    """Why the agent may not be asked, as the lines stand in the middle of a round."""
    agent = state.facts.desks[agent_id].agent
    line = state.lines.line_of(waiting.conversation_id)
    reasons = [
        f"no skill {skill} at level {level}, has {agent.skills.get(skill, 0)}"
        for skill, level in line.requirement
        if agent.skills.get(skill, 0) < level
    ]
    if agent.presence is not Presence.AVAILABLE:
        reasons.append(str(agent.presence))
    elif state.lines.is_set_aside(agent_id):
        reasons.append("away, because an offer to them has just run out")
    elif (room := state.lines.room_of(agent_id)) < line.units:
        reasons.append(f"no room: {agent.capacity - room} of {agent.capacity} units held, {line.units} needed")
    until = waiting.declined.get(agent_id, now)
    if until > now:
        reasons.append(f"declined it, rests until {until.isoformat()}")
    return tuple(reasons)
