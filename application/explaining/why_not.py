"""Why one agent did not get a conversation, and who would have got it if nothing had stood in their way. Pure."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from application.explaining.explanation import WhyNot
from domain.agent import Presence
from domain.assignment import Choice, ConversationOffered
from domain.routing.decide import decide
from domain.routing.decisions import Offer
from domain.routing.explain import Candidate
from domain.routing.facts import Facts
from domain.routing.state import RouterState

AGENTS_NAMED_MAX = 5


class AgentUnclear(Exception):
    """Nobody, or several, are called that: an id is wanted."""


ORDINALS = {1: "1st", 2: "2nd", 3: "3rd"}


def agent_meant(facts: Facts, who: str) -> str:
    """The id of the agent who has that id, or alone that name. An id that nobody has stays one. Raises AgentUnclear."""
    if who in facts.desks or who.startswith("agent-"):
        return who
    named = sorted(agent_id for agent_id, desk in facts.desks.items() if desk.agent.name == who)
    if not named:
        raise AgentUnclear(f"no agent was called {who} at that moment: name one by id, as agent-…")
    if len(named) > 1:
        some = ", ".join(named[:AGENTS_NAMED_MAX])
        raise AgentUnclear(f"{len(named)} agents were called {who}: say which by id, {some}")
    return named[0]


def excluded_answer(candidate: Candidate) -> str:
    """In words: every reason."""
    return f"They could not be asked: {'; '.join(candidate.excluded)}."


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
        answer=excluded_answer(found),
        excluded=found.excluded,
        winner_otherwise=winner,
    )


def _winner_otherwise(state: RouterState, event: ConversationOffered, choice: Choice, agent_id: str) -> str | None:
    """Who gets it if the agent can do it, has room, has not declined, and has come in at that very moment if they
    were not there; the rest as it was.
    """
    facts = msgspec.msgpack.decode(msgspec.msgpack.encode(state.facts), type=Facts)
    waiting, desk = facts.waiting[event.conversation_id], facts.desks[agent_id]
    requirement, groups = facts.requirement(waiting, choice.step)
    skills = dict(desk.agent.skills)
    for skill, level in requirement.items():
        skills[skill] = max(level, skills.get(skill, 0))
    if desk.agent.presence is not Presence.AVAILABLE:
        desk.free = max(facts.latest_at, choice.decided_at), facts.position, choice.decided_at
    desk.agent = replace(
        desk.agent,
        presence=Presence.AVAILABLE,
        skills=skills,
        skills_end={skill: end for skill, end in desk.agent.skills_end.items() if skill not in requirement},
        groups=desk.agent.groups.union(groups),
        channels=frozenset(),
        capacity=max(desk.agent.capacity, facts.ask(waiting).units),
        work={},
    )
    waiting.declined = {other: until for other, until in waiting.declined.items() if other != agent_id}
    waiting.known_agent_id = waiting.preferred_agent_id = None
    decisions = decide(RouterState(facts), choice.decided_at, edition=choice.edition)
    offers = (one for one in decisions if isinstance(one, Offer) and one.conversation_id == event.conversation_id)
    return next((offer.agent_id for offer in offers), None)
