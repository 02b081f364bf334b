"""Reads a history out of the log, event by event."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from application.policies.return_work import ReturnWork
from application.router import Router
from application.whatif.figures.ledger import Ledger
from application.whatif.recorded.history import ABANDONED, ACCEPTED, BACK, CLOSED, DECLINED, Arrival, Change, History
from application.whatif.recorded.times import Work
from domain.agent import AgentSignedOut, LoadReleased, LoadTaken, Presence, PresenceChanged
from domain.assignment import (
    ConversationEnqueued,
    ConversationHeld,
    ConversationOffered,
    ConversationResumed,
    ConversationTransferred,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferWithdrawn,
)
from domain.classification import AgeAdjusted, AgentPreferred, ConversationClassified, ConversationOverflowed
from domain.conversation import ConversationClosed, ConversationPrioritized
from domain.event import Event, Recorded
from domain.routing import evolve as engine
from domain.routing.facts import Facts, Waiting
from domain.routing.state import RouterState
from domain.streams import topics_of

LOADS = frozenset({LoadTaken.TOPIC, LoadReleased.TOPIC})
OF_STAFF = (topics_of("agent", "queue", "policy") & engine.TOPICS) - LOADS
"""Rules, and who is in and what they can do: a simulation takes it as it was."""
TOPICS = engine.TOPICS | {ConversationHeld.TOPIC, ConversationResumed.TOPIC}
"""All that is read of the log."""
BEGINNING, END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Journey(msgspec.Struct, gc=False, kw_only=True):
    """A conversation between its queue and its end."""

    enqueued: ConversationEnqueued
    enqueued_at: datetime
    name: str
    """What the simulation calls it: opened again it is another contact, and the first may not have ended there."""
    offered_at: datetime | None = None
    is_accepted: bool = False
    working_since: datetime | None = None
    worked_seconds: float = 0.0

    @property
    def work(self) -> Work:
        return self.enqueued.queue_id, self.enqueued.channel

    def stop(self, at: datetime) -> float:
        """Seconds of work, hold left out, now that it rests or ends."""
        if self.working_since is not None:
            self.worked_seconds += (at - self.working_since).total_seconds()
            self.working_since = None
        return self.worked_seconds


class Recording:
    """Takes the log from its very beginning, and notes what happened from `since` until before `until`.

    Where nobody came before `since`, it begins with the first contact.
    """

    def __init__(self, since: datetime = BEGINNING, until: datetime = END) -> None:
        self.state = RouterState()
        """The router's, at the event taken last."""
        self._since, self._until = since, until
        self.is_over = False
        """Whether `until` has come."""
        self.history: History | None = None
        """Once `since` has come."""
        self.ledger: Ledger | None = None
        """Of what really happened; once `since` has come."""
        self._had_contacts = False
        """Before the first, there is nothing to simulate: a center is set up."""
        self._journeys: dict[str, Journey] = {}
        self._held_at_opening: set[str] = set()
        self._promised: set[str] = set()
        self._came: Counter[str] = Counter()
        self._missing: dict[str, datetime] = {}
        self._latest = since
        self._turns: dict[type[Event], Callable[[Recorded, Journey, datetime], None]] = {
            ConversationOffered: self._offered,
            OfferAccepted: self._accepted,
            OfferDeclined: self._answered_otherwise,
            OfferExpired: self._answered_otherwise,
            OfferWithdrawn: self._answered_otherwise,
            ConversationHeld: self._paused,
            ConversationResumed: self._resumed,
            ConversationTransferred: self._transferred,
            ConversationOverflowed: self._overflowed,
            ConversationClosed: self._closed,
            ConversationPrioritized: self._changed,
            ConversationClassified: self._changed,
            AgeAdjusted: self._changed,
            AgentPreferred: self._changed,
        }

    def take(self, recorded: Recorded) -> None:
        """The next event of the log. Events of erased people say nothing and are passed.

        From the first at `until` or later on, only the router's state moves on.
        """
        at, event = recorded.recorded_at, recorded.event
        self.is_over = self.is_over or at >= self._until
        if self.is_over or recorded.topic not in TOPICS:
            engine.evolve(self.state, recorded)
            return
        is_contact = isinstance(event, ConversationEnqueued)
        if self.history is None and at >= self._since and (is_contact or self._had_contacts):
            self._open(self._since if self._had_contacts else at)
        self._had_contacts = self._had_contacts or is_contact
        if self.ledger is not None:
            self.ledger.take(recorded)
        self._latest = max(self._latest, at)
        engine.evolve(self.state, recorded)
        if recorded.topic in OF_STAFF:
            self._take_staff(recorded)
        elif isinstance(event, ConversationEnqueued):
            self._enqueued(recorded, event)
        elif isinstance(event, LoadReleased):
            self._released(event, at)
        elif (turn := self._turns.get(type(event))) is not None:
            journey = self._journeys.get(event.conversation_id)  # type: ignore[attr-defined]  # all of them have one
            if journey is not None:
                turn(recorded, journey, at)

    def finish(self) -> History:
        """The history; what had not ended is censored at its end."""
        history = self.history or self._open(self._since)
        history.until = self._latest if self._until == END else self._until
        for journey in self._journeys.values():
            self._end(journey, history.until, None, None)
        history.absences += [((history.until - since).total_seconds(), None) for since in self._missing.values()]
        return history

    def _open(self, since: datetime) -> History:
        """How things stood: what waited or was only offered comes in again, what was held goes on."""
        facts = msgspec.msgpack.decode(msgspec.msgpack.encode(self.state.facts), type=Facts)
        waiting = [
            Arrival(since, one.customer_id, _as_it_waits(journey.enqueued, one))
            for one in sorted(facts.waiting.values(), key=lambda one: one.position)
            if (journey := self._journeys.get(one.conversation_id))
        ]
        for desk in facts.desks.values():
            work = {held: load for held, load in desk.agent.work.items() if held not in facts.waiting}
            desk.agent = replace(desk.agent, work=work)
            desk.given = {held: at for held, at in desk.given.items() if held not in facts.waiting}
            self._held_at_opening |= work.keys()
        facts.waiting = {}
        opening = msgspec.msgpack.encode(facts)
        self.history = History(since=since, until=self._until, opening=opening, waiting=waiting)
        self.ledger = Ledger(since, facts, self.history.left_out)
        return self.history

    def _take_staff(self, recorded: Recorded) -> None:
        """Away for a missed offer, and back from it, is the routing's doing and not the roster's: it is drawn anew.

        But who is away for one when the time begins is so in every simulation, and comes back when they did.
        """
        event, at, history = recorded.event, recorded.recorded_at, self.history
        is_back = False
        if isinstance(event, PresenceChanged | AgentSignedOut) and (since := self._missing.pop(recorded.stream, None)):
            is_back = isinstance(event, PresenceChanged) and event.presence is Presence.AVAILABLE
            if history is not None:
                history.absences.append(((at - since).total_seconds(), BACK if is_back else None))
                is_back = is_back and since >= history.since
        if isinstance(event, PresenceChanged) and recorded.actor == Router.name:
            self._missing[recorded.stream] = at
        elif history is not None and not is_back and recorded.topic == event.TOPIC:
            history.changes.append(Change(at, recorded.stream, event))

    def _enqueued(self, recorded: Recorded, event: ConversationEnqueued) -> None:
        """For the first time, or again after it was handed on: then it is no new contact.

        What was held at the beginning and is handed on comes in then, and goes on taking room without being a contact.
        """
        conversation_id, at = event.conversation_id, recorded.recorded_at
        before = self._journeys.get(conversation_id)
        if self.history is not None and conversation_id in self._held_at_opening:
            self._held_at_opening.discard(conversation_id)
            self.history.ends.setdefault(conversation_id, at)
            self.history.arrivals.append(Arrival(at, recorded.stream, event))
            self._journeys[conversation_id] = Journey(enqueued=event, enqueued_at=at, name=conversation_id)
            return
        if before is not None:
            self._journeys[conversation_id] = Journey(enqueued=event, enqueued_at=at, name=before.name)
            return
        self._promised.discard(conversation_id)
        name = conversation_id
        if self.history is not None:
            self._came[conversation_id] += 1
            name = f"{conversation_id}/{self._came[conversation_id]}"
            self.history.arrivals.append(Arrival(at, recorded.stream, replace(event, conversation_id=name)))
        self._journeys[conversation_id] = Journey(enqueued=event, enqueued_at=at, name=name)

    def _released(self, event: LoadReleased, at: datetime) -> None:
        """Of work held at the beginning of which nothing else can be read, its agent tells the end."""
        is_over = event.reason != "held" and event.conversation_id not in self._journeys
        if is_over and self.history is not None and event.conversation_id in self._held_at_opening:
            self._held_at_opening.discard(event.conversation_id)
            self.history.ends[event.conversation_id] = at

    def _offered(self, _: Recorded, journey: Journey, at: datetime) -> None:
        journey.offered_at = at

    def _accepted(self, _: Recorded, journey: Journey, at: datetime) -> None:
        self._note_answer(journey, at, ACCEPTED)
        self._note_wait(journey, at, None)
        journey.is_accepted, journey.working_since, journey.worked_seconds = True, at, 0.0

    def _answered_otherwise(self, recorded: Recorded, journey: Journey, at: datetime) -> None:
        """Declined; or it ran out or was taken back, and nobody knows what the agent would have said."""
        self._note_answer(journey, at, DECLINED if isinstance(recorded.event, OfferDeclined) else None)

    def _paused(self, _: Recorded, journey: Journey, at: datetime) -> None:
        journey.stop(at)

    def _resumed(self, _: Recorded, journey: Journey, at: datetime) -> None:
        journey.working_since = at

    def _changed(self, recorded: Recorded, journey: Journey, at: datetime) -> None:
        if self.history is not None:
            known_as = replace(recorded.event, conversation_id=journey.name)
            self.history.changes.append(Change(at, recorded.stream, known_as))

    def _closed(self, _: Recorded, journey: Journey, at: datetime) -> None:
        self._end(journey, at, CLOSED, ABANDONED)
        del self._journeys[journey.enqueued.conversation_id]
        self._held_at_opening.discard(journey.enqueued.conversation_id)

    def _transferred(self, recorded: Recorded, journey: Journey, at: datetime) -> None:
        """By whoever had it, or by a supervisor while it waited. An agent who left says nothing about the work."""
        assert isinstance(recorded.event, ConversationTransferred)
        self._end(journey, at, None if recorded.actor == ReturnWork.name else recorded.event.to_queue_id, None)

    def _overflowed(self, recorded: Recorded, journey: Journey, at: datetime) -> None:
        """By the routing, so that nobody knows how long the customer would have waited."""
        assert isinstance(recorded.event, ConversationOverflowed)
        self._end(journey, at, None, None)
        if recorded.event.promise:
            self._promised.add(journey.enqueued.conversation_id)

    def _end(self, journey: Journey, at: datetime, work_end: str | None, wait_end: str | None) -> None:
        """Its work is done, or its waiting, whichever it was."""
        conversation_id = journey.enqueued.conversation_id
        if journey.is_accepted:
            self._note_work(journey, at, work_end)
            journey.is_accepted = False
        else:
            self._note_wait(journey, at, wait_end)
        if self.history is not None and conversation_id in self._held_at_opening:
            self.history.ends.setdefault(conversation_id, at)

    def _note_wait(self, journey: Journey, at: datetime, end: str | None) -> None:
        """Who was promised to hear from us waits no longer, and has no patience to lose."""
        if self.history is not None and journey.enqueued.conversation_id not in self._promised:
            waited = at - max(journey.enqueued_at, self.history.since)
            self.history.patience.setdefault(journey.work, []).append((waited.total_seconds(), end))

    def _note_work(self, journey: Journey, at: datetime, end: str | None) -> None:
        if self.history is not None:
            self.history.handling.setdefault(journey.work, []).append((journey.stop(at), end))

    def _note_answer(self, journey: Journey, at: datetime, end: str | None) -> None:
        if self.history is not None and journey.offered_at is not None:
            answered = (at - journey.offered_at).total_seconds()
            self.history.answers.setdefault(journey.work, []).append((answered, end))
        journey.offered_at = None


def _as_it_waits(enqueued: ConversationEnqueued, waiting: Waiting) -> ConversationEnqueued:
    """With what has been learnt of it since it came in."""
    return replace(
        enqueued,
        priority=waiting.priority,
        tier=waiting.tier,
        language=waiting.language,
        sentiment=waiting.sentiment,
        age_adjustment_seconds=waiting.age_adjustment_seconds,
        preferred_agent_id=waiting.preferred_agent_id,
    )
