"""What a view is made of: rows that hold JSON ready to be sent, kept per scope, with the position of their last change.

A *scope* is one thing that somebody looks at: a customer's timeline, an agent's inbox, a queue's board.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from domain.event import Recorded


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of a view, as it stands after its last change."""

    scope: str
    key: str
    position: int
    """Of the event that changed it last."""
    sort_at: datetime
    """Its place among the others of its scope."""
    doc: bytes
    """JSON, as browsers get it; empty for a row that is gone."""
    is_gone: bool = False
    """It left the scope. It stays a while as a mark, so that those who look learn of it."""
    status: str | None = None
    queue_id: str | None = None
    agent_id: str | None = None
    customer_id: str | None = None


class Board(Protocol):
    """A view of things that change, such as conversations: folds each event into the card it concerns."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int:
        """Of the fold and the card's shape: a new one is built beside the old."""

    @property
    def topics(self) -> Collection[str]: ...

    @property
    def card_type(self) -> type[Any]: ...

    def key(self, recorded: Recorded) -> str | None:
        """Which card the event concerns."""

    def evolve(self, card: Any, recorded: Recorded) -> Any:
        """The card after the event: None where there is none before, or none any more."""

    def scopes(self, card: Any) -> Sequence[str]:
        """Where the card is shown."""

    def rows(self, card: Any, position: int, doc: bytes) -> Sequence[Row]:
        """One row for each of its scopes; `doc` is the card's JSON."""


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """A stream that a projection cannot follow; it waits, the others go on."""

    projection: str
    stream: str
    position: int
    """Of the event that could not be taken: a replay starts there."""
    topic: str
    error: str
    attempts: int = 1


class Store(Protocol):
    """Where one version of one view is kept, with the position it stands at."""

    async def open(self) -> int:
        """Makes the table where it is missing. Returns the view's position."""

    async def cards(self, keys: Collection[str]) -> dict[str, bytes]:
        """The JSON of those of the cards that are there now."""

    async def entries(self, names: Collection[int]) -> Sequence[Any]:
        """The `EntryRow`s of a timeline that have one of the names, or that alias."""

    async def missing(self, limit: int) -> Collection[int]:
        """Names of messages that a timeline knows something about and does not have; `limit` at most."""

    async def parked(self) -> dict[str, Parked]:
        """The parked streams of this view."""

    async def save(self, rows: Sequence[Row], parked: Sequence[Parked], upto: int) -> None:
        """Rows, parked streams and the position in one transaction.

        Raises Fenced when another process has moved the view on meanwhile, Unstorable.
        """

    async def mend(self, stream: str, rows: Sequence[Row], parked: Parked | None) -> None:
        """What a replay of a parked stream brought, and how the stream stands now; None: it is followed again.

        The position stays. The rows lie behind it, so that whoever looks on gets a fresh snapshot.
        Raises Fenced, Unstorable.
        """

    async def close(self) -> None:
        """Disconnects."""


class Fenced(Exception):
    """Another process moves this view; this one stops and reads again where it stands."""


class Unstorable(Exception):
    """The database refuses some of these rows for what is in them; none was written."""


_encoder = msgspec.json.Encoder(order="deterministic")


def encode(doc: Any) -> bytes:
    """JSON of a card or an entry: UTF-8, times in RFC 3339 with their zone.

    Sets in order, so that the same card is the same bytes in every process.
    """
    return _encoder.encode(doc)
