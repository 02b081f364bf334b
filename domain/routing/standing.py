"""Whether an offer may stand while nobody has answered it, and when time alone changes where a conversation stands."""

from collections.abc import Iterator
from datetime import datetime

from domain.routing.facts import Facts, StandingOffer, Waiting
from domain.routing.lacking import bars


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


def step_moments(facts: Facts, waiting: Waiting) -> Iterator[datetime]:
    """When it may relax or overflow."""
    definition = facts.definition(waiting.queue_id)
    for step in definition.relaxation[waiting.step :]:
        yield facts.after_entering(waiting, step.after_seconds)
    for rule in definition.overflow:
        if (moment := facts.overflow_at(waiting, rule)) is not None:
            yield moment


def change_moments(facts: Facts, waiting: Waiting) -> Iterator[datetime]:
    """When somebody's rest from it is over, nobody is waited for any more, or its deadline nears."""
    yield from waiting.declined.values()
    yield from (until for _, until in facts.wishes(waiting))
    if (urgent_from := facts.urgent_from(waiting)) is not None:
        yield urgent_from
