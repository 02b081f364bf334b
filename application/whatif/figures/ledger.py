"""Waits, service level, abandonment, occupancy, fairness: counted from events, recorded or simulated alike."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec

from application.whatif.figures.counting import Count, Fates, Hours, Yardstick, staff_measures
from domain.agent import AgentSignedIn, AgentSignedOut, CapacitySet, LoadReleased, LoadTaken, Presence, PresenceChanged
from domain.assignment import ConversationEnqueued, ConversationTransferred, OfferAccepted
from domain.classification import ConversationOverflowed
from domain.conversation import ConversationClosed
from domain.event import Event, Recorded
from domain.routing.facts import Facts

EVERY_QUEUE = ""
"""Under this name stand the figures of all queues together."""
SERIES = ("contacts", "mean_wait_seconds", "service_level", "abandonment")
"""What is told for each interval in which contacts came."""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What a ledger came to."""

    measures: dict[str, dict[str, float]]
    """By queue, all of them together first: `{"": {"contacts": 412.0, "mean_wait_seconds": 31.5}}`."""
    series: dict[str, list[float]]
    """By interval, those of `SERIES`."""


class Contact(msgspec.Struct, gc=False):
    """A contact that nobody has answered yet."""

    queue_id: str
    """In which it came."""
    came: float


class Ledger:
    """Reads events in order. A contact counts for the queue and the time in which it came."""

    def __init__(self, since: datetime, facts: Facts, left_out: Iterable[str] = ()) -> None:
        """The facts at `since`, and the conversations from before: they take room, and are in no figure."""
        self._since = since
        self._waiting: dict[str, Contact | None] = dict.fromkeys(left_out)
        """None: it does not count any more, or never did."""
        self._fates: dict[str, Fates] = {}
        self._staff = {
            agent_id: Hours(
                0.0,
                capacity=desk.agent.capacity,
                load=desk.agent.load,
                is_available=desk.agent.presence is Presence.AVAILABLE,
            )
            for agent_id, desk in facts.desks.items()
        }
        self._turns: dict[type[Event], Callable[[float, str, Any], None]] = {
            ConversationEnqueued: self._come,
            OfferAccepted: self._answer,
            ConversationClosed: self._close,
            ConversationTransferred: self._move,
            ConversationOverflowed: self._overflow,
            LoadTaken: self._load,
            LoadReleased: self._unload,
            CapacitySet: self._resize,
            PresenceChanged: self._turn,
            AgentSignedIn: self._leave,
            AgentSignedOut: self._leave,
        }

    def take(self, recorded: Recorded) -> None:
        """The next event; those of other kinds say nothing here."""
        if (turn := self._turns.get(type(recorded.event))) is not None:
            turn((recorded.recorded_at - self._since).total_seconds(), recorded.stream, recorded.event)

    def finish(self, yardstick: Yardstick) -> Tally:
        """Counts the agents' hours, and the waits of those who still wait, to the end."""
        for hours in self._staff.values():
            hours.pass_to(yardstick.seconds)
        every, intervals = Count(), [Count() for _ in range(yardstick.intervals)]
        queues = {queue_id: Count() for queue_id in sorted(self._fates)}
        width, last = yardstick.width_seconds, len(intervals) - 1
        for queue_id, fates in self._fates.items():
            target = yardstick.targets.get(queue_id, 0.0)
            for name, seconds in (
                ("contacts", fates.came),
                ("abandoned", fates.abandoned),
                ("promised", fates.promised),
            ):
                for came in seconds:
                    for count in (every, queues[queue_id], intervals[min(int(came // width), last)]):
                        setattr(count, name, getattr(count, name) + 1)
            for came, waited in zip(fates.answered, fates.waited, strict=True):
                for count in (every, queues[queue_id], intervals[min(int(came // width), last)]):
                    count.waits.append(waited)
                    count.in_time += waited <= target
        for contact in filter(None, self._waiting.values()):
            age, target = yardstick.seconds - contact.came, yardstick.targets.get(contact.queue_id, 0.0)
            for count in (every, queues[contact.queue_id], intervals[min(int(contact.came // width), last)]):
                count.ages.append(age)
                count.overdue += age > target
        measures = {EVERY_QUEUE: every.measures() | staff_measures(self._staff.values())}
        measures |= {queue_id: count.measures() for queue_id, count in queues.items()}
        rows = [count.measures() for count in intervals]
        return Tally(measures=measures, series={name: [row[name] for row in rows] for name in SERIES})

    def _come(self, at: float, _: str, event: ConversationEnqueued) -> None:
        if event.conversation_id in self._waiting:
            return
        fates = self._fates.get(event.queue_id)
        if fates is None:
            fates = self._fates[event.queue_id] = Fates()
        fates.came.append(at)
        self._waiting[event.conversation_id] = Contact(event.queue_id, at)

    def _answer(self, at: float, _: str, event: OfferAccepted) -> None:
        contact = self._waiting.get(event.conversation_id)
        self._waiting[event.conversation_id] = None  # a transfer later makes no new contact
        if contact is not None:
            fates = self._fates[contact.queue_id]
            fates.answered.append(contact.came)
            fates.waited.append(at - contact.came)

    def _close(self, _: float, __: str, event: ConversationClosed) -> None:
        """Without an answer it was abandoned. Opened again later, it is another contact."""
        if (contact := self._waiting.pop(event.conversation_id, None)) is not None:
            self._fates[contact.queue_id].abandoned.append(contact.came)

    def _overflow(self, _: float, __: str, event: ConversationOverflowed) -> None:
        """With a promise the customer hangs up; else they wait elsewhere."""
        contact = self._waiting.setdefault(event.conversation_id, None)
        if contact is not None and event.promise:
            self._fates[contact.queue_id].promised.append(contact.came)
            self._waiting[event.conversation_id] = None

    def _move(self, _: float, __: str, event: ConversationTransferred) -> None:
        """Handed on while it waited, it goes on waiting; a contact from before stays out of the figures."""
        self._waiting.setdefault(event.conversation_id, None)

    def _hours(self, agent_id: str, at: float) -> Hours:
        hours = self._staff.get(agent_id)
        if hours is None:
            hours = self._staff[agent_id] = Hours(at)
        hours.pass_to(at)
        return hours

    def _load(self, at: float, agent_id: str, event: LoadTaken) -> None:
        self._hours(agent_id, at).load += event.units

    def _unload(self, at: float, agent_id: str, event: LoadReleased) -> None:
        self._hours(agent_id, at).load -= event.units

    def _resize(self, at: float, agent_id: str, event: CapacitySet) -> None:
        self._hours(agent_id, at).capacity = event.units

    def _turn(self, at: float, agent_id: str, event: PresenceChanged) -> None:
        self._hours(agent_id, at).is_available = event.presence is Presence.AVAILABLE

    def _leave(self, at: float, agent_id: str, _: AgentSignedIn | AgentSignedOut) -> None:
        """Signed out, or signed in and not available yet."""
        self._hours(agent_id, at).is_available = False
