"""The port for raw deliveries: what providers posted, kept as it came until it has been read, and what became of it.

`infrastructure/deliveries/` keeps this contract on PostgreSQL.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from domain.event import RuleBroken


class DeliveryNotParked(RuleBroken):
    """Only a parked delivery can be taken up again."""


class DeliveryState(StrEnum):
    """Where a delivery is on its way."""

    WAITING = "waiting"
    """To be read, now or at its next attempt."""
    DONE = "done"
    PARKED = "parked"
    """It could not be read. It stays so until somebody takes it up again, or it expires."""


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery whose signature fits, on its way into the store."""

    id: str
    """As in `delivery-0193…`."""
    channel: str
    account_ids: tuple[str, ...]
    """The accounts whose secret fits: it counts for those."""
    received_at: datetime
    content: bytes
    """The request as the door packs it."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A stored delivery without its content."""

    number: int
    """Deliveries are read in this order."""
    id: str
    received_at: datetime
    channel: str
    account_ids: tuple[str, ...]
    state: DeliveryState
    attempts: int
    error: str
    """Why it is parked or waits; without personal data."""
    next_attempt_at: datetime
    size_bytes: int


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an attempt to read a delivery."""

    number: int
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime
    error: str = ""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries; what is empty does not matter."""

    state: DeliveryState = DeliveryState.PARKED
    channel: str = ""
    account_id: str = ""


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """What is not done of the deliveries that may be for an account."""

    waiting: int = 0
    parked: int = 0
    oldest_waiting_at: datetime | None = None


class Deliveries(Protocol):
    """The store. All methods raise LogUnreachable."""

    async def store(self, arrived: Arrived) -> None:
        """Returns when it is durable. Raises LogBusy where too many wait to be stored already."""

    async def due(self, now: datetime, limit: int, *, besides: Collection[Sequence[str]] = ()) -> list[Kept]:
        """The oldest that wait and whose next attempt is due, without those of these account ids."""

    async def contents(self, numbers: Sequence[int]) -> dict[int, bytes | None]:
        """By number, of those that still wait; None for one that cannot be opened."""

    async def settle(self, settled: Sequence[Settled]) -> None:
        """Writes down what became of some that waited."""

    async def wake(self, now: datetime, account_ids: Collection[str] | None = None) -> None:
        """What waits for a later attempt is due now: all of it, or what may be for these accounts."""

    async def take_up_again(self, now: datetime, wanted: Wanted) -> int:
        """The parked ones wait again. Returns how many."""

    async def take_one_up_again(self, now: datetime, delivery_id: str) -> bool:
        """False where it is not parked."""

    async def get(self, delivery_id: str) -> Kept | None:
        """None where there is none."""

    async def content(self, delivery_id: str) -> bytes | None:
        """None where there is none, or it cannot be opened."""

    async def page(
        self, wanted: Wanted, *, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[Kept], str | None]:
        """The newest first, and where the next page begins. Raises CursorInvalid."""

    async def backlogs(self) -> dict[str, Backlog]:
        """By account, where there is any. A delivery that may be for several counts for each."""

    async def expire(self, before: datetime, limit: int) -> dict[DeliveryState, int]:
        """Removes some of those received before then, but none that waits to be read: nobody has what is in it yet.

        Returns how many, by the state they were in.
        """
