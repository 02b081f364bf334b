"""What each event of the log changes in the router's state."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, get_args

from domain import agent, policy, queue
from domain.agent import AgentEvent, CapacitySet, LoadReleased, LoadTaken, Presence, PresenceChanged
from domain.assignment import (
    ConversationEnqueued,
    ConversationOffered,
    ConversationTransferred,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferWithdrawn,
)
from domain.classification import (
    AgeAdjusted,
    AgentPreferred,
    ConversationClassified,
    ConversationOverflowed,
    ConversationRelaxed,
)
from domain.conversation import ConversationClosed, ConversationPrioritized
from domain.event import Event, Recorded
from domain.policy import PolicyDefined
from domain.queue import QueueDefined, WorkPutBack, WorkSetAside
from domain.routing.facts import Desk, Since, StandingOffer, Waiting
from domain.routing.state import RouterState
from domain.workload import UNREADABLE

LeavingEvent = OfferAccepted | ConversationTransferred | ConversationOverflowed | ConversationClosed
"""After which it waits no longer, or waits anew."""
WaitingEvent = (
    ConversationOffered
    | OfferDeclined
    | OfferExpired
    | OfferWithdrawn
    | ConversationPrioritized
    | ConversationClassified
    | AgeAdjusted
    | AgentPreferred
    | ConversationRelaxed
)
CAME_TO_NOTHING = frozenset({"declined", "expired", "withdrawn"})
"""Reasons for which load is released that was only offered."""


def evolve(state: RouterState, recorded: Recorded) -> None:
    """Only assigns. Takes the events of the log in order; ignores what does not concern it. Safe to repeat.

    An event of an erased customer counts (its position is one that decisions were taken at) but says nothing.
    """
    if recorded.topic not in TOPICS or recorded.position <= state.facts.position:
        return
    facts = state.facts
    facts.position = recorded.position
    if recorded.recorded_at > facts.latest_at:
        facts.latest_at, facts.is_behind = recorded.recorded_at, False
    elif recorded.recorded_at < facts.latest_at:
        facts.is_behind = True
    if (take := _TAKES.get(type(recorded.event))) is not None:
        take(state, recorded, recorded.event)


def _enqueue(state: RouterState, recorded: Recorded, event: ConversationEnqueued) -> None:
    state.facts.waiting[event.conversation_id] = Waiting(
        conversation_id=event.conversation_id,
        customer_id=recorded.stream,
        queue_id=event.queue_id,
        channel=event.channel,
        priority=event.priority,
        waiting_since=event.waiting_since,
        entered_at=recorded.recorded_at,
        position=recorded.position,
        due_at=event.due_at,
        tier=event.tier,
        language=event.language,
        sentiment=event.sentiment,
        age_adjustment_seconds=event.age_adjustment_seconds,
        known_agent_id=event.known_agent_id,
        preferred_agent_id=event.preferred_agent_id,
        preferred_at=recorded.recorded_at,
        skills=event.skills,
        overflowed_from=event.overflowed_from,
    )
    if state.facts.astray:
        state.facts.astray.pop(event.conversation_id, None)
    state.place_conversation(event.conversation_id)


def _leave(state: RouterState, _: Recorded, event: LeavingEvent) -> None:
    if type(event) is ConversationOverflowed:
        state.facts.owes_offers = True
    if state.facts.astray:
        state.facts.astray.pop(event.conversation_id, None)
    if state.facts.waiting.pop(event.conversation_id, None) is not None:
        state.place_conversation(event.conversation_id)


def _evolve_waiting(state: RouterState, recorded: Recorded, event: WaitingEvent) -> None:
    if (waiting := state.facts.waiting.get(event.conversation_id)) is None:
        return
    match event:
        case ConversationOffered(offer_id=offer_id, agent_id=agent_id, expires_at=expires_at, choice=choice):
            waiting.offer = StandingOffer(
                offer_id=offer_id, agent_id=agent_id, expires_at=expires_at, is_chosen=choice is not None
            )
            state.facts.owes_offers = False
        case OfferDeclined(agent_id=agent_id):
            rest = timedelta(seconds=state.facts.policy.rules.decline_rest_seconds)
            rests = {other: until for other, until in waiting.declined.items() if other != agent_id}
            waiting.declined = rests | {agent_id: recorded.recorded_at + rest}
            waiting.offer = None
        case OfferExpired() | OfferWithdrawn():
            waiting.offer = None
        case ConversationPrioritized(priority=priority):
            waiting.priority = priority
        case ConversationClassified(marks=marks):
            waiting.tier, waiting.language, waiting.sentiment = marks.tier, marks.language, marks.sentiment
        case AgeAdjusted(seconds=seconds):
            waiting.age_adjustment_seconds = seconds
        case AgentPreferred(agent_id=agent_id):
            waiting.preferred_agent_id, waiting.preferred_at = agent_id, recorded.recorded_at
        case ConversationRelaxed(step=step):
            waiting.step = step
    state.place_conversation(event.conversation_id)


def _desk(state: RouterState, agent_id: str) -> Desk:
    desk = state.facts.desks.get(agent_id)
    if desk is None:
        desk = state.facts.desks[agent_id] = Desk()
        state.place_agent(agent_id)
    return desk


def _since(state: RouterState, recorded: Recorded) -> Since:
    return state.facts.latest_at, recorded.position if state.facts.is_behind else 0, recorded.recorded_at


def _evolve_desk(state: RouterState, recorded: Recorded, event: AgentEvent) -> None:
    desk = _desk(state, recorded.stream)
    desk.agent = agent.evolve(desk.agent, event)
    if isinstance(event, PresenceChanged) and event.presence is Presence.AVAILABLE:
        desk.free = _since(state, recorded)
    state.place_agent(recorded.stream)
    if not isinstance(event, CapacitySet):
        state.place_friends(recorded.stream)


def _take_load(state: RouterState, recorded: Recorded, event: LoadTaken) -> None:
    desk = _desk(state, recorded.stream)
    desk.agent = agent.evolve(desk.agent, event)
    if state.facts.astray:
        state.facts.astray.pop(event.conversation_id, None)
    desk.given[event.conversation_id] = _since(state, recorded)
    state.seat_agent(recorded.stream)


def _release_load(state: RouterState, recorded: Recorded, event: LoadReleased) -> None:
    desk = _desk(state, recorded.stream)
    if event.reason == UNREADABLE:
        held = {one: work.customer_id for one, work in desk.agent.work.items()} | desk.agent.on_hold
        state.facts.astray |= {one: whose for one, whose in held.items() if one == event.conversation_id}
    desk.agent = agent.evolve(desk.agent, event)
    took_load = desk.given.pop(event.conversation_id, None) is not None  # false for one on hold
    if took_load and event.reason not in CAME_TO_NOTHING:
        never_back_at, position, at = _since(state, recorded)
        desk.free = never_back_at, position, max(at, desk.free[2])
    state.seat_agent(recorded.stream)


def _evolve_queue(state: RouterState, recorded: Recorded, event: QueueDefined) -> None:
    """What waits there asks for the new skills from now on."""
    queue_id = recorded.stream
    state.facts.queues[queue_id] = queue.evolve(state.facts.queues.get(queue_id, queue.NEW), event)
    state.place_queue_anew(queue_id)


def _set_aside(state: RouterState, recorded: Recorded, event: WorkSetAside | WorkPutBack) -> None:
    """What is set aside waits nowhere; what is put back is enqueued anew where it still waits."""
    queue_id, facts = recorded.stream, state.facts
    facts.queues[queue_id] = queue.evolve(facts.queues.get(queue_id, queue.NEW), event)
    waiting = facts.waiting.get(event.conversation_id)
    if isinstance(event, WorkSetAside) and waiting is not None and waiting.queue_id == queue_id:
        del facts.waiting[event.conversation_id]
        state.place_conversation(event.conversation_id)


def _evolve_policy(state: RouterState, _: Recorded, event: PolicyDefined) -> None:
    """What waits is ordered and weighed by the new rules from now on."""
    state.facts.policy = policy.evolve(state.facts.policy, event)
    state.place_all_anew()


_TAKES: dict[type[Event], Callable[[RouterState, Recorded, Any], None]] = {
    ConversationEnqueued: _enqueue,
    **dict.fromkeys(get_args(LeavingEvent), _leave),
    **dict.fromkeys(get_args(WaitingEvent), _evolve_waiting),
    **dict.fromkeys(get_args(AgentEvent), _evolve_desk),
    LoadTaken: _take_load,
    LoadReleased: _release_load,
    QueueDefined: _evolve_queue,
    WorkSetAside: _set_aside,
    WorkPutBack: _set_aside,
    PolicyDefined: _evolve_policy,
}
TOPICS = frozenset(event.TOPIC for event in _TAKES)
"""All that concerns the router: a cold start reads only these."""
