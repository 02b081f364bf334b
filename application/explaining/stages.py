"""The four stages of an explanation, put together from what the log tells. Pure."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from application.explaining.explanation import (
    Assignment,
    CandidateShown,
    Classification,
    Explanation,
    Intake,
    Queued,
)
from application.explaining.why_not import why_not
from domain.assignment import Choice, ConversationEnqueued, ConversationOffered
from domain.conversation import ConversationOpened, ConversationReopened
from domain.event import Recorded
from domain.interaction import MessageReceived
from domain.routing.decide import Offer, recompute
from domain.routing.explain import Candidate, explain
from domain.routing.state import RouterState, Waiting

ROUTER = "router"


class DecisionUnknown(Exception):
    """There is no such decision, or what led to it can no longer be read."""


def explanation_of(
    offered: Recorded, history: Sequence[Recorded], state: RouterState, agent_id: str | None = None
) -> Explanation:
    """Why the offer was made: `history` is the customer's stream, `state` the router's as `stands_at` says.

    With `agent_id` also why that agent did not get it. Raises DecisionUnknown where the events are redacted.
    """
    event = offered.event
    if not isinstance(event, ConversationOffered):
        raise DecisionUnknown("what this decision was about has been erased")
    waiting = state.facts.waiting.get(event.conversation_id)
    if waiting is None:
        raise DecisionUnknown(f"{event.conversation_id} did not wait at position {stands_at(offered)}")
    before = [one for one in history if one.position < offered.position and _is_about(one, event.conversation_id)]
    decided_at = event.choice.decided_at if event.choice else offered.recorded_at
    candidates = [] if event.choice is None else _candidates(state, event, event.choice)
    return Explanation(
        offer_id=event.offer_id,
        position=offered.position,
        conversation_id=event.conversation_id,
        customer_id=offered.stream,
        intake=_intake(before),
        classification=_classification(waiting, before),
        queue=_queued(state, waiting, event, decided_at, before),
        assignment=_assignment(offered, event, state, candidates),
        why_not=None if agent_id is None else why_not(state, event, candidates, agent_id),
    )


def stands_at(offered: Recorded) -> int:
    """Up to where the log had been read, or written, when this was decided."""
    choice = getattr(offered.event, "choice", None)
    return offered.position - 1 if choice is None else choice.position


def _is_about(recorded: Recorded, conversation_id: str) -> bool:
    return getattr(recorded.event, "conversation_id", None) == conversation_id


def _intake(before: Sequence[Recorded]) -> Intake | None:
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


def _classification(waiting: Waiting, before: Sequence[Recorded]) -> Classification:
    enqueued = _enqueued(before)
    due_at = enqueued.event.due_at if enqueued and isinstance(enqueued.event, ConversationEnqueued) else None
    return Classification(priority=waiting.priority, due_at=due_at)


def _enqueued(before: Sequence[Recorded]) -> Recorded | None:
    return next((one for one in reversed(before) if isinstance(one.event, ConversationEnqueued)), None)


def _queued(
    state: RouterState,
    waiting: Waiting,
    event: ConversationOffered,
    decided_at: datetime,
    before: Sequence[Recorded],
) -> Queued:
    facts, enqueued = state.facts, _enqueued(before)
    definition = facts.queue(waiting.queue_id).definition
    standing = [one for one in facts.waiting.values() if one.offer is None]
    key = (facts.order_key(waiting), waiting.position)
    return Queued(
        queue_id=waiting.queue_id,
        name=definition.name if definition else "",
        position=waiting.position,
        enqueued_at=enqueued.recorded_at if enqueued else waiting.waiting_since,
        waiting_since=waiting.waiting_since,
        requirement=dict(facts.requirement(waiting)),
        units=event.units,
        score=event.choice.score if event.choice else facts.score(waiting, decided_at),
        place=1 + sum((facts.order_key(one), one.position) < key for one in standing),
        waiting=len(standing),
    )


def _candidates(state: RouterState, event: ConversationOffered, choice: Choice) -> list[Candidate]:
    return explain(state, choice.decided_at, event.conversation_id, choice.ordinal)


def _assignment(
    offered: Recorded, event: ConversationOffered, state: RouterState, candidates: Sequence[Candidate]
) -> Assignment:
    choice = event.choice
    if choice is None:
        return Assignment(
            agent_id=event.agent_id,
            decided_by=offered.actor,
            position=stands_at(offered),
            decided_at=offered.recorded_at,
        )
    again = recompute(state, choice)
    return Assignment(
        agent_id=event.agent_id,
        decided_by=ROUTER,
        position=choice.position,
        decided_at=choice.decided_at,
        ordinal=choice.ordinal,
        policy_version=choice.policy_version,
        rule=choice.rule,
        eligible=choice.eligible,
        tie_break=_tie_break(choice, event.agent_id),
        runner_up=choice.runner_up,
        candidates=[_shown(state, one) for one in candidates],
        recomputed=is_same(event, again),
        recomputed_as="" if is_same(event, again) else told(again),
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


def _shown(state: RouterState, candidate: Candidate) -> CandidateShown:
    desk = state.facts.desks.get(candidate.agent_id)
    return CandidateShown(
        agent_id=candidate.agent_id,
        name=desk.agent.name if desk else "",
        rank=candidate.rank,
        idle_since=candidate.idle_since,
        excluded=candidate.excluded,
    )


def _tie_break(choice: Choice, agent_id: str) -> str:
    """What put the winner before the runner-up."""
    if choice.runner_up is None:
        return "nobody else could be asked"
    if choice.idle_since is None or choice.runner_up_idle_since is None:
        return ""
    longer = (choice.runner_up_idle_since - choice.idle_since).total_seconds()
    if longer > 0:
        return f"idle {longer:g} s longer than {choice.runner_up}"
    if longer == 0:
        return f"idle as long as {choice.runner_up}; the lower id goes first: {min(agent_id, choice.runner_up)}"
    return f"goes before {choice.runner_up} by the rule {choice.rule}"
