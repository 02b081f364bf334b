"""Projections and their stores as a process has them, and what a table holds."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier
from typing_extensions import override

from application.follower import Follower
from application.log import Log
from application.projections.agent_board import AgentBoard
from application.projections.calls import CallBoard
from application.projections.conversations import Card, Conversations
from application.projections.decisions import Decisions
from application.projections.projection import BoardProjection, Projection, TimelineProjection
from application.projections.queue_board import QueueBoard
from application.projections.timeline import Timeline
from application.projections.view import Board, Row
from application.rebuild import Build
from domain.event import Recorded
from infrastructure.views import registry
from infrastructure.views.board_store import BoardStore
from infrastructure.views.session import Session
from infrastructure.views.timeline_store import TimelineStore

_BOARDS: tuple[Board, ...] = (Conversations(), QueueBoard(), AgentBoard(), Decisions(), CallBoard())
BOARDS = {board.name: board for board in _BOARDS}
VIEWS = ("timeline", *BOARDS)
CARDS_MAX = 20_000
CONTENT = SQL("SELECT * FROM {table} AS line ORDER BY line")
SEEN = SQL("SELECT * FROM {table} AS line WHERE NOT is_gone ORDER BY line")


class Stumbling(Conversations):
    """Cannot fold certain events of one stream."""

    def __init__(self, stream: str, topic: str) -> None:
        super().__init__()
        self.stream = stream
        self.topic = topic

    @override
    def evolve(self, card: Card | None, recorded: Recorded) -> Card | None:
        if (recorded.stream, recorded.topic) == (self.stream, self.topic):
            raise KeyError("what the fold did not expect")
        return super().evolve(card, recorded)


class Unwritable(Conversations):
    """Gives rows of one stream that no database takes."""

    def __init__(self, stream: str) -> None:
        super().__init__()
        self.stream = stream

    @override
    def rows(self, card: Card, position: int, doc: bytes) -> Sequence[Row]:
        rows = super().rows(card, position, doc)
        return [Row(**(_fields(row) | {"status": "\0"})) for row in rows] if card.customer_id == self.stream else rows


class Untellable(Conversations):
    """Makes cards of one stream that cannot be written down as rows."""

    def __init__(self, stream: str) -> None:
        super().__init__()
        self.stream = stream

    @override
    def rows(self, card: Card, position: int, doc: bytes) -> Sequence[Row]:
        if card.customer_id == self.stream:
            raise KeyError("what the rows did not expect")
        return super().rows(card, position, doc)


def version_of(view: str) -> int:
    """Of the fold as it is now."""
    return Timeline.version if view == "timeline" else BOARDS[view].version


def cards_table(build: int) -> str:
    """The table of that build of the conversations, from 1."""
    return f"conversations_v{version_of('conversations')}_b{build}"


def _fields(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}


class Views:
    """The views on one database. Closes what it opened."""

    def __init__(self, url: str, log: Log) -> None:
        self.url = url
        self.log = log
        self._opened: list[Projection] = []

    async def close(self) -> None:
        for projection in self._opened:
            await projection.close()

    def projection(self, view: str, build: Build | None = None, cards_max: int = CARDS_MAX) -> Projection:
        """Of the live build, or of the given one."""
        if view != "timeline":
            return self.board(BOARDS[view], build, cards_max)
        timeline = Timeline()
        projection = TimelineProjection(timeline, TimelineStore(self.url, view, timeline.version, build), cards_max)
        self._opened.append(projection)
        return projection

    def board(self, board: Board, build: Build | None = None, cards_max: int = CARDS_MAX) -> BoardProjection:
        store = BoardStore(self.url, board.name, board.version, build)
        projection = BoardProjection(board, store, cards_max)
        self._opened.append(projection)
        return projection

    def all(self) -> dict[str, Projection]:
        """One for each view, as a process has them."""
        return {view: self.projection(view) for view in VIEWS}

    async def catch_up(self, projection: Projection, batch_max: int = 2_000) -> int:
        """Starts it; then the view shows everything that is in the log."""
        await Follower(self.log, projection, batch_max).catch_up()
        await projection.settle()
        return projection.position

    async def rebuilt(self, view: str, cards_max: int = CARDS_MAX, batch_max: int = 2_000) -> list[tuple[Any, ...]]:
        """What a second build holds after it has followed the whole log."""
        session = Session(self.url)
        shape = TimelineStore.shape if view == "timeline" else BoardStore.shape
        build = await registry.create_build(session, view, version_of(view), shape)
        await session.close()
        await self.catch_up(self.projection(view, build, cards_max), batch_max)
        return await self.content(build.table)

    async def content(self, table: str, *, marks: bool = True) -> list[tuple[Any, ...]]:
        """All rows of a table or view, in one order; without the marks of rows that are gone, if they do not matter."""
        return await self.select((CONTENT if marks else SEEN).format(table=Identifier(table)))

    async def select(self, statement: Any) -> list[tuple[Any, ...]]:
        async with await psycopg.AsyncConnection.connect(self.url) as connection:
            return await (await connection.execute(statement)).fetchall()

    async def change(self, statement: Any) -> None:
        async with await psycopg.AsyncConnection.connect(self.url) as connection:
            await connection.execute(statement)
