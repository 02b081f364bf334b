"""What a stretch of the log says about a contact center: who came, who was in, how long things took."""

from datetime import datetime

import msgspec

from application.whatif.recorded.times import Observation, TimesByWork, Work
from domain.assignment import ConversationEnqueued
from domain.event import Event
from domain.routing.facts import Facts

ACCEPTED, DECLINED, ABANDONED, CLOSED, BACK = "accepted", "declined", "abandoned", "", "back"
"""How an answer to an offer, a wait, a piece of work and an absence end; work handed on ends with its next queue."""


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A contact: a conversation as it first entered a queue, with all that the router is told of it."""

    at: datetime
    customer_id: str
    enqueued: ConversationEnqueued


class Change(msgspec.Struct, frozen=True, gc=False):
    """Something that people decided: rules, who is in, what they can do, what is urgent."""

    at: datetime
    stream: str
    event: Event


class History(msgspec.Struct, kw_only=True):
    """One stretch of the log, from `since` until before `until`, ready to be simulated."""

    since: datetime
    until: datetime
    opening: bytes = b""
    """The router's facts at `since`, encoded: rules, agents and the work they held. Nothing waits in them."""
    waiting: list[Arrival] = []
    """What waited at `since`, or was only offered; comes in again then, and is in no figure."""
    arrivals: list[Arrival] = []
    """By time."""
    changes: list[Change] = []
    """By time."""
    ends: dict[str, datetime] = {}
    """By conversation held at `since`: when its agent was done with it."""
    handling: dict[Work, list[Observation]] = {}
    """From accepted to closed or handed on, hold left out."""
    answers: dict[Work, list[Observation]] = {}
    """From offered to accepted or declined."""
    patience: dict[Work, list[Observation]] = {}
    """From enqueued to given up; who was answered is censored."""
    absences: list[Observation] = []
    """From away because of a missed offer to available again."""

    @property
    def left_out(self) -> set[str]:
        """The conversations from before `since`: they take room, and are in no figure."""
        held = (conversation_id for desk in self.facts().desks.values() for conversation_id in desk.agent.work)
        return {*held, *(arrival.enqueued.conversation_id for arrival in self.waiting)}

    @property
    def work_without_end(self) -> float:
        """The part of the work that was cut off: by the end of the time, or because its agent left."""
        ends = [end for observations in self.handling.values() for _, end in observations]
        return ends.count(None) / len(ends) if ends else 0.0

    def facts(self) -> Facts:
        """The router's facts at `since`, anew with each call."""
        return msgspec.msgpack.decode(self.opening, type=Facts) if self.opening else Facts()


class Drawn:
    """The distributions of a history, made once for all its simulations."""

    def __init__(self, history: History) -> None:
        self.handling = TimesByWork(history.handling)
        self.answers = TimesByWork(history.answers)
        self.patience = TimesByWork(history.patience)
        self.absences = TimesByWork({("", ""): history.absences}).of("", "")
