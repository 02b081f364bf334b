"""Why a conversation waits now: everybody who could be asked, and what stands in the way of the others. Pure."""

from collections.abc import Sequence
from datetime import datetime

from application.explaining.explanation import Unassigned, WhyNot
from application.explaining.stages import classification_of, intake_of, is_about, queued_of, shown
from application.explaining.why_not import agent_meant, excluded_answer
from domain.event import Recorded
from domain.offers import NotWaiting
from domain.routing.explain import Candidate, explain
from domain.routing.facts import Waiting
from domain.routing.state import RouterState


def unassigned(
    state: RouterState, at: datetime, conversation_id: str, history: Sequence[Recorded], agent: str | None = None
) -> Unassigned | None:
    """Nothing for one that does not wait, or is being offered. `history` is its customer's stream.

    With `agent`, an id or a name, also why that agent is not asked. Raises AgentUnclear.
    """
    waiting = state.facts.waiting.get(conversation_id)
    if waiting is None or waiting.offer is not None:
        return None
    try:
        candidates = explain(state, at, conversation_id)
    except NotWaiting:  # in no line
        candidates = []
    return Unassigned(
        conversation_id=conversation_id,
        customer_id=waiting.customer_id,
        position=state.facts.position,
        at=at,
        intake=intake_of([one for one in history if is_about(one, conversation_id)]),
        classification=classification_of(waiting),
        queue=queued_of(state, waiting, at),
        is_closed=not state.is_open(waiting.queue_id),
        candidates=[shown(state, one) for one in candidates],
        why_not=None
        if agent is None
        else _why_not(candidates, agent_meant(state.facts, agent), _closed(state, waiting)),
    )


def _closed(state: RouterState, waiting: Waiting) -> str:
    """`the queue is closed until 2026-11-12T08:00:00+00:00`; empty where it is open."""
    hours = state.facts.definition(waiting.queue_id).opening_hours
    if hours is None or state.is_open(waiting.queue_id):
        return ""
    opens_at = hours.next_change(state.at)
    return "the queue is closed" + (f" until {opens_at.isoformat()}" if opens_at else "")


def _why_not(candidates: Sequence[Candidate], agent_id: str, closed: str) -> WhyNot:
    found = next((one for one in candidates if one.agent_id == agent_id), None)
    if not candidates and closed:
        return WhyNot(agent_id=agent_id, answer=f"Nobody is asked: {closed}.")
    if found is None:
        return WhyNot(agent_id=agent_id, answer="There is no such agent.")
    if found.rank is not None:
        return WhyNot(agent_id=agent_id, answer="They can be asked, and are once it is their turn.", rank=found.rank)
    return WhyNot(agent_id=agent_id, answer=excluded_answer(found), excluded=found.excluded)
