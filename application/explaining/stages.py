"""The four stages of an explanation, put together from what the log tells. Pure."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from application.explaining.explanation import (
    Assignment,
    CandidateShown,
    Classification,
    Explanation,
    Intake,
    Queued,
)
from application.explaining.why_not import agent_meant, why_not
from domain.assignment import Choice, ConversationOffered
from domain.conversation import ConversationOpened, ConversationReopened
from domain.event import Recorded
from domain.interaction import MessageReceived
from domain.offers import NotWaiting
from domain.policy import ChoiceRule
from domain.routing.decide import recompute
from domain.routing.decisions import Offer
from domain.routing.explain import Candidate, explain
from domain.routing.facts import Waiting
from domain.routing.state import RouterState

ROUTER = "router"
PREFERENCES = {
    "preferred_agent": "was named for it",
    "known_agent": "knows the customer",
    "preferred_skills": "has the preferred skills",
}


class DecisionUnknown(Exception):
    """There is no such decision, or what led to it can no longer be read."""


def explanation_of(
    offered: Recorded,
    history: Sequence[Recorded],
    state: RouterState,
    agent: str | None = None,
    gap: str = "",
) -> Explanation:
    """Why the offer was made: `history` is the customer's stream, `state` the router's as `stands_at` says.

    With `agent`, an id or a name, also why that agent did not get it. `gap` says what of the log before it can no
    longer be read: what comes out otherwise is then unproven rather than wrong. Raises AgentUnclear, and
    DecisionUnknown where the events are redacted.
    """
    event = offered.event
    if not isinstance(event, ConversationOffered):
        raise DecisionUnknown("what this decision was about has been erased")
    waiting = state.facts.waiting.get(event.conversation_id)
    if waiting is None:
        raise DecisionUnknown(f"{event.conversation_id} did not wait at position {stands_at(offered)}")
    before = [one for one in history if one.position < offered.position and is_about(one, event.conversation_id)]
    decided_at = event.choice.decided_at if event.choice else offered.recorded_at
    candidates = [] if event.choice is None else _candidates(state, event, event.choice)
    return Explanation(
        offer_id=event.offer_id,
        position=offered.position,
        conversation_id=event.conversation_id,
        customer_id=offered.stream,
        intake=intake_of(before),
        classification=classification_of(waiting),
        queue=replace(queued_of(state, waiting, decided_at, event.choice), units=event.units),
        assignment=_assignment(offered, event, state, candidates, gap),
        why_not=None if agent is None else why_not(state, event, candidates, agent_meant(state.facts, agent)),
    )


def stands_at(offered: Recorded) -> int:
    """Up to where the log had been read, or written, when this was decided."""
    choice = getattr(offered.event, "choice", None)
    return offered.position - 1 if choice is None else choice.position


def is_about(recorded: Recorded, conversation_id: str) -> bool:
    """Whether the event says something of the conversation."""
    return getattr(recorded.event, "conversation_id", None) == conversation_id


def intake_of(before: Sequence[Recorded]) -> Intake | None:
    """How it came in, of its events; nothing where they cannot be read."""
    opened = next((one for one in before if isinstance(one.event, ConversationOpened)), None)
    if opened is None or not isinstance(opened.event, ConversationOpened):
        return None
    messages = (one.position for one in before if isinstance(one.event, MessageReceived))
    return Intake(
        channel=opened.event.channel,
        account_id=opened.event.account_id,
        position=opened.position,
        occurred_at=opened.occurred_at,
        recorded_at=opened.recorded_at,
        first_message_position=next(messages, None),
        reopened=sum(isinstance(one.event, ConversationReopened) for one in before),
    )


def classification_of(waiting: Waiting) -> Classification:
    """What routing knows of it."""
    return Classification(
        priority=waiting.priority,
        due_at=waiting.due_at,
        tier=waiting.tier,
        language=waiting.language,
        sentiment=waiting.sentiment,
        age_adjustment_seconds=waiting.age_adjustment_seconds,
        known_agent_id=waiting.known_agent_id,
        preferred_agent_id=waiting.preferred_agent_id,
    )


def queued_of(state: RouterState, waiting: Waiting, at: datetime, choice: Choice | None = None) -> Queued:
    """How it waits at that moment, or waited when that choice was taken."""
    facts, definition = state.facts, state.facts.definition(waiting.queue_id)
    step = choice.step if choice else waiting.step
    requirement, groups = facts.requirement(waiting, step)
    score, parts = facts.score(waiting, at)
    standing = [one for one in facts.waiting.values() if one.offer is None]
    key = (facts.order_key(waiting, at), waiting.position)
    return Queued(
        queue_id=waiting.queue_id,
        name=definition.name,
        position=waiting.position,
        entered_at=waiting.entered_at,
        waiting_since=waiting.waiting_since,
        requirement=requirement,
        preferred=definition.preferred_skills,
        groups=groups,
        step=step,
        overflowed_from=waiting.overflowed_from,
        units=facts.ask(waiting).units,
        score=choice.score if choice else score,
        parts=parts,
        place=1 + sum((facts.order_key(one, at), one.position) < key for one in standing),
        waiting=len(standing),
    )


def _candidates(state: RouterState, event: ConversationOffered, choice: Choice) -> list[Candidate]:
    try:
        return explain(state, choice.decided_at, event.conversation_id, choice.ordinal, choice.edition)
    except NotWaiting:  # what can be read of the log decides otherwise, and has given it to somebody by then
        return []


def _assignment(
    offered: Recorded, event: ConversationOffered, state: RouterState, candidates: Sequence[Candidate], gap: str
) -> Assignment:
    choice = event.choice
    if choice is None:
        return Assignment(
            agent_id=event.agent_id,
            decided_by=offered.actor,
            how=event.by,
            position=stands_at(offered),
            decided_at=offered.recorded_at,
        )
    again = recompute(state, choice)
    is_proven = is_same(event, again)
    return Assignment(
        agent_id=event.agent_id,
        decided_by=ROUTER,
        position=choice.position,
        decided_at=choice.decided_at,
        ordinal=choice.ordinal,
        policy_version=choice.policy_version,
        rule=choice.rule,
        preference=choice.preference,
        passed_over=choice.passed_over,
        eligible=choice.eligible,
        tie_break=tie_break(choice, candidates),
        runner_up=choice.runner_up,
        candidates=[shown(state, one) for one in candidates],
        recomputed=None if gap and not is_proven else is_proven,
        recomputed_as="" if gap or is_proven else told(again),
        unproven="" if is_proven else gap,
    )


def is_same(event: ConversationOffered, again: object) -> bool:
    """Whether a decision taken again is the recorded one in every particular."""
    return isinstance(again, Offer) and all(
        getattr(again, name) == getattr(event, name)
        for name in ("conversation_id", "queue_id", "offer_id", "agent_id", "units", "expires_at", "choice")
    )


def told(again: object) -> str:
    """What came out instead: `Offer: agent_id=agent-…, score=12.5`."""
    if again is None:
        return "no decision at all"
    if isinstance(again, Offer):
        return f"{again.conversation_id} to {again.agent_id} with score {again.choice.score}"
    return str(msgspec.to_builtins(again))


def shown(state: RouterState, candidate: Candidate) -> CandidateShown:
    """The agent with their name."""
    desk = state.facts.desks.get(candidate.agent_id)
    return CandidateShown(
        agent_id=candidate.agent_id,
        name=desk.agent.name if desk else "",
        rank=candidate.rank,
        idle_since=candidate.idle_since,
        merit=candidate.merit,
        preference=candidate.preference,
        excluded=candidate.excluded,
    )


def tie_break(choice: Choice, candidates: Sequence[Candidate]) -> str:
    """What put the winner before the runner-up, in words."""
    if len(candidates) < 2 or candidates[1].rank is None:
        return "nobody else could be asked"
    first, second = candidates[:2]
    if first.preference and not second.preference:
        return f"{PREFERENCES.get(first.preference, first.preference)}, unlike {second.agent_id}"
    longer = (second.idle_since - first.idle_since).total_seconds()
    if choice.rule != ChoiceRule.LONGEST_IDLE and first.merit != second.merit:
        return f"{first.merit:g} against {second.merit:g} of {second.agent_id}, by the rule {choice.rule}"
    if longer > 0:
        return f"idle {longer:g} s longer than {second.agent_id}"
    if longer < 0:
        return f"idle for longer than {second.agent_id} by the order of events; the clock was set back meanwhile"
    return f"like {second.agent_id} in all else, has the lower id"
