"""Why one agent did not get a conversation, and who would have got it if nothing had stood in their way. Pure."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from application.explaining.explanation import WhyNot
from domain.agent import Presence
from domain.assignment import Choice, ConversationOffered
from domain.routing.decide import Offer, decide
from domain.routing.explain import Candidate
from domain.routing.state import Facts, RouterState

ORDINALS = {1: "1st", 2: "2nd", 3: "3rd"}


def why_not(state: RouterState, event: ConversationOffered, candidates: Sequence[Candidate], agent_id: str) -> WhyNot:
    """The answer for that agent; it says so where they did get it, where a person chose, or nobody knew them."""
    if agent_id == event.agent_id:
        return WhyNot(agent_id=agent_id, answer="They were offered it.")
    if event.choice is None:
        return WhyNot(agent_id=agent_id, answer="A person chose the agent; nobody else was considered.")
    found = next((one for one in candidates if one.agent_id == agent_id), None)
    if found is None:
        return WhyNot(agent_id=agent_id, answer="There was no such agent at that moment.")
    if found.rank is not None:
        place = ORDINALS.get(found.rank, f"{found.rank}th")
        answer = f"They would have been asked {place} of {event.choice.eligible}, after {event.agent_id}."
        return WhyNot(agent_id=agent_id, answer=answer, rank=found.rank)
    winner = _winner_otherwise(state, event, event.choice, agent_id)
    return WhyNot(
        agent_id=agent_id,
        answer=f"They could not be asked: {'; '.join(found.excluded)}.",
        excluded=found.excluded,
        winner_otherwise=winner,
    )


def _winner_otherwise(state: RouterState, event: ConversationOffered, choice: Choice, agent_id: str) -> str | None:
    """Who gets it if the agent can do it, has room, has not declined, and has come in at that very moment if they
    were not there; the rest as it was.
    """
    facts = msgspec.msgpack.decode(msgspec.msgpack.encode(state.facts), type=Facts)
    waiting, desk = facts.waiting[event.conversation_id], facts.desks[agent_id]
    skills = dict(desk.agent.skills)
    for skill, level in facts.requirement(waiting):
        skills[skill] = max(level, skills.get(skill, 0))
    if desk.agent.presence is not Presence.AVAILABLE:
        desk.free_since = choice.decided_at
    room_for_all = desk.agent.load + sum(facts.units(one) for one in facts.waiting.values())
    desk.agent = replace(
        desk.agent,
        presence=Presence.AVAILABLE,
        skills=skills,
        capacity=max(desk.agent.capacity, room_for_all),
    )
    waiting.declined.pop(agent_id, None)
    decisions = decide(RouterState(facts), choice.decided_at)
    offers = (one for one in decisions if isinstance(one, Offer) and one.conversation_id == event.conversation_id)
    return next((offer.agent_id for offer in offers), None)
