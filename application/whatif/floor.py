"""A simulated contact center: recorded arrivals and agents, drawn answers, work and patience, and the real engine."""

from collections.abc import Callable, Iterator
from datetime import datetime
from heapq import heappop, heappush
from random import Random
from typing import Any

import msgspec
from msgspec.structs import replace

from application.whatif import appended
from application.whatif.recorded.history import ACCEPTED, Arrival, Change, Drawn
from application.whatif.scenario import Scenario
from application.whatif.shifts import Shifts
from domain.agent import LoadReleased
from domain.assignment import (
    ConversationEnqueued,
    ConversationTransferred,
    OfferDeclined,
    OfferExpired,
    OfferWithdrawn,
)
from domain.conversation import ConversationClosed
from domain.event import Event, Recorded, kind_of
from domain.routing.decide import DECISIONS_MAX, decide, next_deadline
from domain.routing.decisions import Decision, Expire, Offer, Overflow, Relax
from domain.routing.evolve import evolve
from domain.routing.state import RouterState

ACTOR = "simulation"
Observe = Callable[[Recorded], None]


class Contact(msgspec.Struct, gc=False):
    """A conversation on the floor."""

    customer_id: str
    enqueued: ConversationEnqueued
    work_chance: float = 0.0
    """What its handling time is drawn with: the same under every policy, so that policies are compared and not luck."""
    wait: int = 0
    """Which of its waits this is: a timer of an earlier one has no meaning."""
    offer: Offer | None = None
    is_promised: bool = False
    holder: str = ""
    """Who has accepted it."""


Turn = Callable[[Any, Any], bool]
"""What happens at a moment; whether there may be something to decide then."""


class Floor:
    """One simulated stretch of time. `observe` sees every event, as a reader of the log would."""

    def __init__(self, scenario: Scenario, drawn: Drawn, seed: str, observe: Observe) -> None:
        self.state = RouterState(scenario.facts())
        self.now = scenario.since
        self._scenario = scenario
        self._drawn = drawn
        self._observe = observe
        self._position = self.state.facts.position
        # Two sources: how agents answer depends on what is decided; who comes, with what patience and work, does not.
        self._of_contacts = Random(f"contacts {seed}")  # noqa: S311  # to be repeated, not a secret
        self._of_agents = Random(f"agents {seed}")  # noqa: S311  # as above
        self._contacts: dict[str, Contact] = {}
        self._timers: list[tuple[datetime, int, Turn, Any, Any]] = []
        self._timers_set = 0
        self._deadline: datetime | None = None
        self._shifts = Shifts(self.state, drawn.absences, self._of_agents, self._emit)

    def run(self) -> None:
        """From `since` until `until`."""
        for conversation_id, agent_id, ends_at in self._scenario.ends:
            self._wake(ends_at, self._finish_old, agent_id, conversation_id)
        for arrival in self._scenario.waiting:
            self._arrive(arrival, None)
        self._decide()
        for at, turn, subject, about in self._moments():
            self.now = at
            if turn(subject, about):
                self._decide()

    def _moments(self) -> Iterator[tuple[datetime, Turn, Any, Any]]:
        """What comes next, from the script, the timers and the engine's deadlines, until the time is over."""
        timers, script, until = self._timers, self._scenario.script, self._scenario.until
        played, length = 0, len(script)
        while True:
            at = script[played].at if played < length else until
            is_timer = bool(timers) and timers[0][0] <= at
            if is_timer:
                at = timers[0][0]
            if self._deadline is not None and self._deadline < at:
                yield self._deadline, _look_again, None, None
            elif at >= until:
                return
            elif is_timer:
                _, _, turn, subject, about = heappop(timers)
                yield at, turn, subject, about
            else:
                step = script[played]
                played += 1
                yield at, self._arrive if type(step) is Arrival else self._change, step, None

    def _wake(self, at: datetime, turn: Turn, subject: Any, about: Any) -> None:
        self._timers_set += 1
        heappush(self._timers, (at, self._timers_set, turn, subject, about))

    def _emit(self, stream: str, event: Event) -> None:
        """The event as the log would hold it: to the engine, and to whoever watches."""
        self._position += 1
        now = self.now
        recorded = Recorded(
            event=event,
            topic=event.TOPIC,
            stream=stream,
            version=0,
            position=self._position,
            occurred_at=now,
            recorded_at=now,
            actor=ACTOR,
        )
        evolve(self.state, recorded)
        self._observe(recorded)

    def _decide(self) -> None:
        """All that there is to decide at this moment; what a list leaves over, the next one has."""
        while decisions := decide(self.state, self.now):
            for decision in decisions:
                self._carry_out(decision)
            overflows = self.state.overfull or self.state.steps_due.due(self.now)
            if len(decisions) < DECISIONS_MAX and type(decisions[0]) is Offer and not overflows:
                break  # a list that begins with offers has nothing else
        self._deadline = next_deadline(self.state, self.now)

    def _carry_out(self, decision: Decision) -> None:
        """As `application/use_cases/assign_work.py` appends it."""
        contact = self._contacts[decision.conversation_id]
        if isinstance(decision, Offer):
            self._offer(contact, decision)
        elif isinstance(decision, Expire):
            self._end_offer(contact, OfferExpired, "expired")
            if (absence := self._shifts.miss(decision.agent_id)) is not None:
                self._wake(self.now + absence, self._shifts.come_back, decision.agent_id, None)
        elif isinstance(decision, Relax):
            self._emit(contact.customer_id, appended.relaxed(decision))
        elif isinstance(decision, Overflow):
            self._overflow(contact, decision)
        else:
            self._end_offer(contact, OfferWithdrawn, "withdrawn", reason=decision.reason)

    def _overflow(self, contact: Contact, decision: Overflow) -> None:
        """It waits elsewhere. Who has a promise gives up no more: they have hung up, and are to hear from us."""
        old, overflowed = contact.enqueued, appended.overflowed(decision, self.now)
        waiting = self.state.facts.waiting[decision.conversation_id]
        self._emit(contact.customer_id, overflowed)
        contact.is_promised = contact.is_promised or bool(overflowed.promise)
        asked, _ = self.state.facts.requirement(waiting, waiting.step)
        skills = {skill: level for skill, level in old.skills.items() if skill in asked}
        moved = replace(
            old,
            queue_id=overflowed.to_queue_id,
            due_at=overflowed.promised_at or old.due_at,
            skills=skills | ({decision.gave_up: 0} if decision.gave_up else {}),
            overflowed_from=(*old.overflowed_from, decision.queue_id),
        )
        self._enqueue(contact, moved, self._of_agents)

    def _offer(self, contact: Contact, offer: Offer) -> None:
        contact.offer = offer
        self._emit(offer.customer_id, appended.offered(offer))
        self._emit(offer.agent_id, appended.taken(offer))
        answers = self._drawn.answers.of(offer.queue_id, contact.enqueued.channel)
        if drawn := answers.draw(self._of_agents.random()):  # else nobody answers, and the offer runs out
            delay, answer = drawn
            turn = self._accept if answer == ACCEPTED else self._decline
            self._wake(self.now + delay, turn, contact, offer)

    def _accept(self, contact: Contact, offer: Offer) -> bool:
        if contact.offer is not offer:
            return False
        contact.offer, contact.holder = None, offer.agent_id
        self._emit(contact.customer_id, appended.accepted(offer))
        work = self._drawn.handling.of(offer.queue_id, contact.enqueued.channel)
        duration, next_queue_id = work.draw(contact.work_chance) or (work.longest, "")
        self._wake(self.now + duration, self._finish, contact, next_queue_id)
        return False  # the room was taken with the offer

    def _decline(self, contact: Contact, offer: Offer) -> bool:
        if contact.offer is not offer:
            return False
        self._end_offer(contact, OfferDeclined, "declined", reason="declined")
        return True

    def _end_offer(self, contact: Contact, ending: type[Event], released: str, **reason: str) -> None:
        """It waits again, with its age."""
        offer, contact.offer = contact.offer, None
        assert offer is not None  # only a standing offer ends
        ids = {"conversation_id": offer.conversation_id, "queue_id": offer.queue_id}
        self._emit(contact.customer_id, ending(**ids, offer_id=offer.offer_id, agent_id=offer.agent_id, **reason))
        self._release(offer.agent_id, offer.conversation_id, released)

    def _finish(self, contact: Contact, next_queue_id: str) -> bool:
        """The agent is done with it: it is closed, or waits in another queue with its age."""
        conversation_id, holder = contact.enqueued.conversation_id, contact.holder
        contact.holder = ""
        if next_queue_id:
            old = contact.enqueued
            priority = max(old.priority, self.state.facts.definition(next_queue_id).priority)
            moved = ConversationTransferred(
                conversation_id=conversation_id,
                from_agent_id=holder,
                to_queue_id=next_queue_id,
                from_queue_id=old.queue_id,
            )
            self._emit(contact.customer_id, moved)
            self._enqueue(contact, replace(old, queue_id=next_queue_id, priority=priority), self._of_agents)
        else:
            del self._contacts[conversation_id]
            self._emit(contact.customer_id, ConversationClosed(conversation_id=conversation_id, agent_id=holder))
        self._release(holder, conversation_id, "transferred" if next_queue_id else "closed")
        return True

    def _finish_old(self, agent_id: str, conversation_id: str) -> bool:
        """Work that was held when the time began."""
        self._release(agent_id, conversation_id, "closed")
        return True

    def _release(self, agent_id: str, conversation_id: str, reason: str) -> None:
        work = self.state.facts.desks[agent_id].agent.work.get(conversation_id)
        if work is not None:
            self._emit(agent_id, LoadReleased(conversation_id=conversation_id, units=work.units, reason=reason))
        self._shifts.leave_if_done(agent_id)

    def _arrive(self, arrival: Arrival, _: None) -> bool:
        enqueued = arrival.enqueued
        contact = Contact(arrival.customer_id, enqueued)
        self._contacts[enqueued.conversation_id] = contact
        self._enqueue(contact, enqueued, self._of_contacts)
        return True

    def _enqueue(self, contact: Contact, enqueued: ConversationEnqueued, chances: Random) -> None:
        contact.enqueued = enqueued
        contact.wait += 1
        contact.work_chance = chances.random()
        self._emit(contact.customer_id, enqueued)
        patience = self._drawn.patience.of(enqueued.queue_id, enqueued.channel)
        drawn = patience.draw(chances.random())
        if drawn and not contact.is_promised:
            self._wake(self.now + drawn[0], self._give_up, contact, contact.wait)

    def _give_up(self, contact: Contact, wait: int) -> bool:
        """The customer has waited long enough."""
        if contact.wait != wait or contact.holder or contact.enqueued.conversation_id not in self._contacts:
            return False
        had_offer = contact.offer is not None
        if had_offer:
            self._end_offer(contact, OfferWithdrawn, "withdrawn", reason="closed")
        conversation_id, queue_id = contact.enqueued.conversation_id, contact.enqueued.queue_id
        del self._contacts[conversation_id]
        self._emit(contact.customer_id, ConversationClosed(conversation_id=conversation_id, queue_id=queue_id))
        return had_offer

    def _change(self, change: Change, _: None) -> bool:
        """What people changed. It is not emitted where it changes nothing on this floor."""
        event = change.event
        conversation_id = getattr(event, "conversation_id", None)
        if conversation_id is not None:
            if conversation_id in self._contacts:
                self._emit(change.stream, event)
            return True
        if kind_of(change.stream) == "agent":
            self._shifts.change(change.stream, event)
        else:
            self._emit(change.stream, event)
        return True


def _look_again(_: None, __: None) -> bool:
    """A deadline of the engine."""
    return True
