"""What is told of waits, what is remembered of how they ended, and the port that keeps both.

`infrastructure/expectations.py` keeps this contract on PostgreSQL.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

import msgspec

from application.expectations.pace import Pace

VIEW = "expectations"
"""What watches call it; its scopes are queues and customers."""
BUCKETS_SECONDS = (0, 30, 60, 120, 300, 600, 1_800, 3_600)
"""Where the buckets of expected waits begin."""


Key = tuple[str, str]
"""A conversation and the queue it waits in."""


class ExpectationsMoved(Exception):
    """Another process has written since this one last did. Start again from what is stored."""


class UnknownBecause(StrEnum):
    """Why nobody can say how long it will be."""

    NOBODY_SIGNED_IN = "nobody_signed_in"
    """Nobody who can and may take such work is signed in: whoever was measured before has gone."""
    TOO_FEW_TAKEN = "too_few_taken"


class First(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was expected of a conversation when that could be said for the first time: its wait is held against it."""

    at: datetime
    expected_seconds: float
    low_seconds: float
    high_seconds: float

    @property
    def bucket(self) -> int:
        """Where its bucket begins, in seconds."""
        return max(begin for begin in BUCKETS_SECONDS if begin <= self.expected_seconds)

    @property
    def band_ends_at(self) -> datetime:
        """From then on the wait is longer than its band, whether it has ended or not."""
        return self.at + timedelta(seconds=self.high_seconds)


class Expectation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Where a conversation stands, and how long it has still to wait from the moment at which that was said.

    Example: `{"id": "conversation-…", "customer_id": "customer-…", "queue_id": "queue-…", "place": 3,
    "expected_seconds": 240, "low_seconds": 120, "high_seconds": 390, "as_of": "2026-11-21T12:00:00Z"}`
    """

    id: str
    customer_id: str
    queue_id: str
    place: int
    """From 1: how many ask exactly the same of agents and go first, those that are being offered among them, and it."""
    as_of: datetime
    expected_seconds: int | None = None
    """The mean; nothing while it is not known."""
    low_seconds: int | None = None
    """One of ten waits is shorter."""
    high_seconds: int | None = None
    """One of ten is longer."""
    unknown_because: UnknownBecause | None = None

    @property
    def key(self) -> Key:
        return self.id, self.queue_id


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How the wait of one conversation ended."""

    conversation_id: str
    queue_id: str
    at: datetime
    first: First
    is_taken: bool
    """False: the customer gave up, so that nobody knows how long it would have been."""

    @property
    def error_seconds(self) -> float:
        """More than 0: it took longer than was said."""
        return (self.at - self.first.at).total_seconds() - self.first.expected_seconds

    @property
    def side(self) -> int:
        """0 within the band, -1 below it, 1 above."""
        waited = (self.at - self.first.at).total_seconds()
        return (waited > self.first.high_seconds) - (waited < self.first.low_seconds)


class Tally(msgspec.Struct, kw_only=True):
    """Outcomes of one queue, day and bucket of expected waits."""

    queue_id: str
    day: date
    bucket: int
    """Where it begins, in seconds."""
    taken: int = 0
    within: int = 0
    shorter: int = 0
    longer: int = 0
    given_up: int = 0
    error_seconds: float = 0.0
    """Added up, with their signs."""
    absolute_error_seconds: float = 0.0
    """Added up, without."""

    def add(self, outcome: Outcome) -> None:
        """Counts one more."""
        if not outcome.is_taken:
            self.given_up += 1
            return
        self.taken += 1
        self.within += outcome.side == 0
        self.shorter += outcome.side < 0
        self.longer += outcome.side > 0
        self.error_seconds += outcome.error_seconds
        self.absolute_error_seconds += abs(outcome.error_seconds)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored, for one who takes over."""

    revision: int
    firsts: Mapping[Key, First | None]
    """Of those of which something is told at the moment."""
    paces: Mapping[str, Pace]
    """By what is asked, as text."""


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be stored together."""

    told: Sequence[Expectation] = ()
    firsts: Mapping[Key, First] = {}
    """Of those told."""
    gone: Collection[Key] = ()
    """Those who wait there no more."""
    paces: Mapping[str, Pace] = {}
    tallies: Sequence[Tally] = ()

    @property
    def is_nothing(self) -> bool:
        return not (self.told or self.gone or self.paces or self.tallies)


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """Expectations as they are stored."""

    expectations: Mapping[str, Expectation]
    """By conversation."""
    checked_at: datetime | None
    """When they were last held against the lines: older than a few seconds, and nobody does; nothing: never."""


class ExpectationStore(Protocol):
    """Keeps expectations. All methods raise LogUnreachable."""

    async def load(self) -> Kept:
        """What whoever wrote last has left."""

    async def save(self, changed: Changed, *, after: int, at: datetime) -> int:
        """All or nothing; returns the new revision. Raises ExpectationsMoved where it does not stand at `after`."""

    async def shown(self, conversation_ids: Collection[str]) -> Shown:
        """Those of them of which something is told."""

    async def tallies(self, queue_id: str, since: date) -> Sequence[Tally]:
        """How the waits of the queue ended, from that day on, by day and bucket."""

    async def overdue(self, queue_id: str) -> Mapping[int, int]:
        """How many still wait in the queue longer than the band that was first said, by bucket."""
