"""The port of the log: append with expected versions and claims, read by position or by stream.

`infrastructure/log/` keeps this contract on PostgreSQL.
"""

from asyncio import Future
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from domain.event import Event, Recorded


class Fact(msgspec.Struct, frozen=True, gc=False):
    """An event on its way into the log, with the time its sender says it happened."""

    event: Event
    occurred_at: datetime


class Write(msgspec.Struct, frozen=True, gc=False):
    """Facts to put at the end of one stream, provided it still stands at `expected_version` (0: it is new).

    Without facts it only demands that the stream stands there: what was decided beside it holds, or nothing is stored.
    """

    stream: str
    expected_version: int
    facts: Sequence[Fact]


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A key that may be taken once, for ever: a provider's message id, an identity, a command id.

    `key` and `fingerprint` are keyed hashes of 16 bytes, so that neither carries personal data.
    """

    key: bytes
    fingerprint: bytes
    fact: int = -1
    """Which fact of the append (counted over all its writes) the claim led to; the last one by default."""


class Context(msgspec.Struct, frozen=True, gc=False):
    """Who appends and why: the part of the envelope that a whole append shares."""

    actor: str
    command: str = ""
    correlation: str = ""
    cause: int | None = None


class Appended(msgspec.Struct, frozen=True, gc=False):
    """It is durable. One position for each fact, in the order of the writes.

    An append of claims alone has no facts; `head` is then the log's position at that moment.
    """

    positions: Sequence[int]
    head: int


class Conflict(msgspec.Struct, frozen=True, gc=False):
    """Nothing was stored: this stream no longer stands at the expected version."""

    stream: str


class AlreadyClaimed(msgspec.Struct, frozen=True, gc=False):
    """Nothing was stored: this claim was taken before, by what stands at `position`."""

    claim: Claim
    position: int
    fingerprint: bytes

    @property
    def is_repeat(self) -> bool:
        """The same content again, rather than other content under a known key."""
        return self.claim.fingerprint == self.fingerprint


Outcome = Appended | Conflict | AlreadyClaimed


class LogBusy(Exception):
    """More appends are waiting than the log accepts; nothing of this one was stored. Try again shortly."""


class LogUnreachable(Exception):
    """The log cannot be reached; whether an append under way was stored is unknown. Repeat it with the same claims."""


class UnreadableEvent(Exception):
    """A stored event that cannot be decoded: altered, or of a newer release. Readers go on behind its position."""

    def __init__(self, position: int, stream: str, version: int, topic: str, why: str) -> None:
        super().__init__(f"{topic} at position {position} ({stream}, version {version}): {why}")
        self.position = position
        self.stream = stream
        self.version = version
        self.topic = topic
        self.why = why


class Log(Protocol):
    """The one log."""

    async def append(self, writes: Sequence[Write], claims: Sequence[Claim] = (), *, context: Context) -> Outcome:
        """All writes and claims, or none. Returns when it is durable. Raises LogBusy, LogUnreachable."""

    async def submit(
        self, writes: Sequence[Write], claims: Sequence[Claim] = (), *, context: Context
    ) -> Future[Outcome]:
        """Hands an append in without waiting for its outcome, so that many can share a commit. Raises LogBusy."""

    async def read(self, after: int, limit: int, topics: Collection[str] = ()) -> tuple[list[Recorded], int]:
        """Up to `limit` events after the position, in order; with `topics`, only those.

        The int is the position up to which the answer is complete: where the next read starts. It ends before an
        event that cannot be decoded. Raises UnreadableEvent where that is the first.
        """

    async def read_stream(self, stream: str, after_version: int = 0) -> list[Recorded]:
        """The stream's events after the version, in order."""

    async def read_streams(self, after_versions: Mapping[str, int]) -> list[Recorded]:
        """The events of several streams, of each after its version; those of one stream in order."""

    async def claimed(self, keys: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
        """Position and fingerprint of those of the keys that are taken."""

    async def at(self, position: int) -> Recorded | None:
        """The event at the position, or None where there is none."""

    async def head(self) -> int:
        """Position of the newest durable event; 0 in an empty log."""

    async def wait_past(self, position: int, wait_seconds: float) -> bool:
        """Waits until the log holds more than this position, or the time is over. True if it does."""


class Snapshots(Protocol):
    """Where decision states are kept so that long streams load fast."""

    async def load(self, stream: str, state_name: str) -> tuple[bytes, int] | None:
        """The newest stored state of that name and the stream version it stands for."""

    async def load_all(self, state_names: Mapping[str, str]) -> dict[str, tuple[bytes, int]]:
        """The same for several streams, with the name wanted of each; those that have one."""

    async def save(self, stream: str, state_name: str, state: bytes, version: int) -> None:
        """Stores it, encrypted like the stream's events."""
