"""A conversation and one agent: whom it waits for, while it is worth it, and with whom its offer may stand."""

from datetime import datetime

from domain.agent import Presence
from domain.routing.facts import Facts, StandingOffer, Waiting
from domain.routing.lacking import bars


def awaited(facts: Facts, waiting: Waiting, step: int, at: datetime) -> str:
    """Who was named for it, or else who knows the customer, where nothing makes it pointless after so many steps."""
    if waiting.preferred_agent_id is None and waiting.known_agent_id is None:  # as nearly always
        return ""
    wishes = facts.wishes(waiting)
    return next((who for who, until in wishes if not _pointless(facts, waiting, who, until, step, at)), "")


def passed_over(facts: Facts, waiting: Waiting, step: int, at: datetime) -> str:
    """Why it does not wait for the agent who was named: `agent-ola: away`. Empty where it does, or nobody was."""
    if waiting.preferred_agent_id is None:
        return ""
    who, until = next(facts.wishes(waiting), ("", at))
    if who != waiting.preferred_agent_id:
        return f"{waiting.preferred_agent_id}: the policy waits for nobody"
    reason = _pointless(facts, waiting, who, until, step, at)
    return f"{who}: {reason}" if reason else ""


def _pointless(facts: Facts, waiting: Waiting, agent_id: str, until: datetime, step: int, at: datetime) -> str:
    """What makes it pointless to wait for the agent; having no room at the moment does not."""
    if at >= until:
        return f"waited for until {until.isoformat()}"
    if agent_id in waiting.declined:
        return "declined it"
    if (desk := facts.desks.get(agent_id)) is None:
        return "there is no such agent"
    if desk.agent.presence is not Presence.AVAILABLE:
        return str(desk.agent.presence)
    skills, groups = facts.requirement(waiting, step)
    return bars(desk.agent, desk.agent.skills_at(at), sorted(skills.items()), groups, waiting.channel)


def why_not(facts: Facts, waiting: Waiting, offer: StandingOffer, at: datetime, edition: int) -> str:
    """Why the offer cannot stand: `signed_out`, or what the agent lacks, by their skills and its terms as they are
    at that moment: `not eligible: no skill returns at level 3, has 0`. Empty where it can, full hands or not.
    """
    if (desk := facts.desks.get(offer.agent_id)) is None:
        return ""
    if not desk.agent.is_signed_in:
        return "signed_out"
    if not hangs_on_skills(offer, edition):
        return ""
    skills, groups = facts.requirement(waiting, waiting.step)
    lack = bars(desk.agent, desk.agent.skills_at(at), skills.items(), groups, waiting.channel)
    return f"not eligible: {lack}" if lack else ""


def hangs_on_skills(offer: StandingOffer, edition: int) -> bool:
    """Whether it ends when its agent comes to lack something.

    What a person offers stands: it is theirs to say who gets it. By the first edition of the rules all others did too.
    """
    return offer.is_chosen and edition > 1
