"""The port for what goes through each channel account: when something last came in and went out, and how much."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec


class Traffic(msgspec.Struct, kw_only=True):
    """What went through an account: all there ever was, or what one batch of events adds."""

    account_id: str
    last_in_at: datetime | None = None
    """When the log took the newest message or call."""
    came_in: int = 0
    last_out_at: datetime | None = None
    """When a channel last took something from us."""
    went_out: int = 0
    failed: int = 0
    """Refused for good by the channel, or with an outcome that is not known."""
    last_failure_at: datetime | None = None
    last_failure_position: int | None = None
    """Of the event, which says why."""


class TrafficMoved(Exception):
    """Another process has counted meanwhile. Begin again where it stands."""


class TrafficCounts(Protocol):
    """The counts, each kept with the position up to which the log is counted. All methods raise LogUnreachable."""

    async def position(self) -> int:
        """0 before anything was counted."""

    async def add(self, several: Sequence[Traffic], *, after: int, upto: int) -> None:
        """Adds what came between the positions, once. Raises TrafficMoved where it does not stand at `after`."""

    async def of_all(self) -> dict[str, Traffic]:
        """By account, where anything went through it."""
