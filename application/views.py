"""The port for reading views: pages, single rows, snapshots at a position, and what changed since one.

`infrastructure/views/readers.py` keeps this contract on PostgreSQL.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Protocol

import msgspec


class ViewsUnreachable(Exception):
    """The views cannot be reached at the moment. Try again shortly."""


class ViewNotBuilt(Exception):
    """This view has not been built yet. Try again shortly."""


class CursorInvalid(Exception):
    """This cursor is not one that a page of this kind gave. Begin again without a cursor."""


class Clock(StrEnum):
    """Which of the two times orders a timeline."""

    OCCURRED = "occurred"
    RECORDED = "recorded"


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Rows in order, as JSON ready to be sent."""

    rows: list[bytes]
    next_cursor: str | None
    """Where the next page begins; None after the last."""
    position: int
    """The view as it stood: a watch that resumes after it misses nothing."""


class ConversationFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which conversations; what is None does not matter."""

    agent_id: str | None = None
    status: str | None = None
    queue_id: str | None = None
    customer_id: str | None = None


class DecisionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which decisions; what is None does not matter."""

    agent_id: str | None = None
    queue_id: str | None = None
    outcome: str | None = None


class CallFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which live calls; what is None does not matter."""

    account_id: str | None = None
    stage: str | None = None


class Change(msgspec.Struct, frozen=True):
    """A row as it stands after its last change."""

    scope: str
    key: str
    position: int
    is_gone: bool
    doc: bytes
    """Empty for a row that is gone."""


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What changed in some scopes after a position, in the order of the last changes."""

    changes: list[Change]
    position: int
    """Up to where this is complete: where the next read starts."""
    is_complete: bool
    """False: there is more between `position` and where the view stands."""
    horizon: int
    """Marks of rows that left may be missing at and before it: who stands there needs a fresh snapshot."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of a scope at one position."""

    rows: list[Change]
    position: int
    horizon: int
    older_cursor: str | None = None
    """Timelines only: the page before the oldest of these rows."""
    is_complete: bool = True
    """False: the scope has more rows than were asked for."""


class ChangeReaders(Protocol):
    """What watching takes: a scope as it stands, and what changed since."""

    async def snapshot(self, view: str, scope: str, limit: int) -> Snapshot:
        """Up to `limit` rows of the scope at one position; of a timeline the newest, oldest of them first."""

    async def changes(self, view: str, scopes: Collection[str], after: int, limit: int) -> Changes:
        """What changed in the scopes after the position."""


class ViewReaders(ChangeReaders, Protocol):
    """The views as everybody sees them. All methods raise ViewsUnreachable, ViewNotBuilt; pages CursorInvalid too."""

    async def timeline(
        self, customer_id: str, *, clock: Clock = Clock.OCCURRED, cursor: str | None = None, limit: int = 50
    ) -> Page:
        """A customer's entries, newest first by the clock."""

    async def conversations(self, which: ConversationFilter, *, cursor: str | None = None, limit: int = 50) -> Page:
        """The conversations that match, last changed first."""

    async def queue_board(self, queue_id: str, *, cursor: str | None = None, limit: int = 50) -> Page:
        """Who waits in the queue, longest waiting first."""

    async def agent_board(self, *, cursor: str | None = None, limit: int = 50) -> Page:
        """Everybody, longest in their presence first."""

    async def calls(self, which: CallFilter, *, cursor: str | None = None, limit: int = 50) -> Page:
        """The live calls that match, the one that began first first."""

    async def decisions(self, which: DecisionFilter, *, cursor: str | None = None, limit: int = 50) -> Page:
        """The offers that match, the newest first."""

    async def get(self, view: str, key: str) -> bytes | None:
        """The JSON of one card, wherever it is shown; None where there is none."""

    async def position(self, view: str) -> int:
        """Where the live build of the view stands."""
