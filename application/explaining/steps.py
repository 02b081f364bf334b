"""Why routing relaxed a conversation, sent it elsewhere or ended an offer, by the event and the router before. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from application.explaining.explanation import Step
from domain.assignment import OfferExpired, OfferWithdrawn
from domain.classification import ConversationOverflowed, ConversationRelaxed
from domain.event import Recorded
from domain.queue import Limit
from domain.routing.decide import decide
from domain.routing.decisions import Decision, Expire, Overflow, Relax, Withdraw
from domain.routing.facts import Facts, Waiting
from domain.routing.state import RouterState

WITHDRAWN = {
    "signed_out": "the agent had signed out",
    "closed": "the conversation was closed meanwhile",
    "transferred": "somebody handed the conversation on meanwhile",
    "set aside": "the conversation could not be read for a while",
}
"""The reasons that are recorded, in words."""
Told = ConversationRelaxed | ConversationOverflowed | OfferExpired | OfferWithdrawn


def step_of(recorded: Recorded, state: RouterState) -> Step | None:
    """The state is the router's before the event. Nothing for an event of another kind."""
    event = recorded.event
    if not isinstance(event, Told):
        return None
    facts, waiting = state.facts, state.facts.waiting.get(event.conversation_id)
    if waiting is None:
        what, because = f"{event.conversation_id} did not wait by then", "what led to it can no longer be read"
    elif isinstance(event, ConversationRelaxed):
        what, because = _relaxed(facts, waiting, event)
    elif isinstance(event, ConversationOverflowed):
        what, because = _overflowed(facts, waiting, event, recorded.recorded_at)
    elif isinstance(event, OfferExpired):
        what, because = _expired(waiting, event, recorded.recorded_at)
    else:
        what = f"{event.offer_id} to {event.agent_id} was taken back; it waits again, with its age"
        because = WITHDRAWN.get(event.reason, f"the reason was: {event.reason}")
    return Step(
        position=recorded.position,
        topic=recorded.topic,
        conversation_id=event.conversation_id,
        customer_id=recorded.stream,
        queue_id=event.queue_id,
        recorded_at=recorded.recorded_at,
        what=what,
        because=because,
        policy_version=facts.policy.number,
        recomputed=_is_decided_again(state, recorded.recorded_at, event),
    )


def _relaxed(facts: Facts, waiting: Waiting, event: ConversationRelaxed) -> tuple[str, str]:
    definition = facts.definition(event.queue_id)
    skills, groups = facts.requirement(waiting, waiting.step)
    what = (
        f"step {event.step} of the timetable of {definition.name}: it asks for {_terms(event.skills, event.groups)}"
        f" instead of {_terms(skills, groups)}"
    )
    if event.step > len(definition.relaxation):
        return what, "its queue has no such step any more"
    after = definition.relaxation[event.step - 1].after_seconds
    due = facts.after_entering(waiting, after)
    return what, f"it came in at {_moment(waiting.entered_at)}; the step is due {after} s later, at {_moment(due)}"


def _overflowed(facts: Facts, waiting: Waiting, event: ConversationOverflowed, at: datetime) -> tuple[str, str]:
    definition = facts.definition(event.queue_id)
    what = f"it went from {definition.name} to {facts.definition(event.to_queue_id).name}"
    if event.promise:
        what += f", with the promise {event.promise}"
    rules = [(nth, one) for nth, one in enumerate(definition.overflow, start=1) if one.when is event.cause]
    found = next(((nth, one) for nth, one in rules if one.to_queue_id == event.to_queue_id), None)
    if found is None:
        return what, f"the rule was `{event.cause}`; its queue has no such rule any more"
    nth, rule = found
    rule_said = f"rule {nth} of {definition.name}"
    match rule.when:
        case Limit.WAITED:
            hit = waiting.entered_at + timedelta(seconds=rule.limit)
            came = _moment(waiting.entered_at)
            return (
                what,
                f"{rule_said}: after {rule.limit} s; it came in at {came}, so the limit was hit at {_moment(hit)}",
            )
        case Limit.LENGTH:
            length = sum(one.queue_id == event.queue_id and one.offer is None for one in facts.waiting.values())
            return what, f"{rule_said}: more than {rule.limit} wait; {length} did, and what came last goes"
        case _:
            hours = definition.opening_hours
            opens_at = hours.next_change(at) if hours else None
            return what, f"{rule_said}: the queue was closed" + (f", until {_moment(opens_at)}" if opens_at else "")


def _expired(waiting: Waiting, event: OfferExpired, at: datetime) -> tuple[str, str]:
    what = f"{event.offer_id} to {event.agent_id} ran out; it waits again, with its age, and the agent is away"
    offer = waiting.offer
    if offer is None or offer.offer_id != event.offer_id:
        return what, "the offer itself can no longer be read"
    return what, f"nobody answered by {_moment(offer.expires_at)}, and at {_moment(at)} it was ended"


def _is_decided_again(state: RouterState, at: datetime, event: Told) -> bool:
    """Whether it is among what the router decides at that moment."""
    return any(_is_same(one, event) for one in decide(state, at) if one.conversation_id == event.conversation_id)


def _is_same(decision: Decision, event: Told) -> bool:
    match decision:
        case Relax() if isinstance(event, ConversationRelaxed):
            terms = decision.step, decision.skills, decision.groups
            return terms == (event.step, event.skills, event.groups)
        case Overflow() if isinstance(event, ConversationOverflowed):
            return (decision.rule.when, decision.rule.to_queue_id) == (event.cause, event.to_queue_id)
        case Expire() if isinstance(event, OfferExpired):
            return decision.offer_id == event.offer_id
        case Withdraw() if isinstance(event, OfferWithdrawn):
            return decision.offer_id == event.offer_id
    return False


def _terms(skills: Mapping[str, int], groups: tuple[str, ...]) -> str:
    """`returns 3, of the group night`."""
    words = [f"{skill} {level}" for skill, level in sorted(skills.items())] or ["nothing in particular"]
    return ", ".join([*words, *([f"of the groups {' '.join(groups)}"] if groups else [])])


def _moment(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="milliseconds")
