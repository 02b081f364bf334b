"""Projections: keep views in step with the log. A stream that cannot be followed is parked, the others go on."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace
from typing_extensions import override

from application.log import Log, LogUnreachable, UnreadableEvent
from application.projections.cards import CARDS_MAX, Cards, Touched
from application.projections.lines import LINES_MAX, MISSING_MAX, Draft, Lines
from application.projections.parking import (
    PARKED_STREAMS_MAX,
    TooManyParked,
    Unreadable,
    missed,
    park,
    told,
    unreadable,
)
from application.projections.timeline import Timeline
from application.projections.view import Board, Parked, Row, Store, Unstorable
from domain.event import Recorded

Folds = tuple[Board | Timeline, ...]
QUIET_SAVE_SECONDS = 0.2
"""How often the position alone is stored while nothing in the log concerns the view."""


class Folded(msgspec.Struct):
    """What a batch of events changes."""

    rows: list[Row] = []
    parked: dict[str, Parked] = {}
    cards: dict[Any, Any] = {}
    """Cards by their keys, lines of timelines by their names."""


class Projection:
    """A reaction that keeps one view. What is in memory never runs ahead of what is stored, except in `fold`."""

    def __init__(self, name: str, topics: Collection[str], store: Store) -> None:
        self.name = name
        self.topics = topics
        self.position = -1
        """Where the stored view stands; -1 before it started."""
        self.parked: dict[str, Parked] = {}
        """By stream."""
        self.on_advanced: list[Callable[[str, int], None]] = []
        """Called with the view's name and position after each batch, so that open sockets follow at once."""
        self._store = store
        self._turn = asyncio.Lock()
        self._seen = -1  # the log was read up to here; nothing between `position` and this concerns the view
        self._saving_later: asyncio.Task[None] | None = None

    async def start(self) -> int:
        await self._stop_saving_later()
        async with self._turn:
            self.position = self._seen = await self._store.open()
            self.parked = await self._store.parked()
            self._forget()
            return self.position

    async def close(self) -> None:
        """Lets go of the store."""
        await self._stop_saving_later()
        await self._store.close()

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        """A batch without events is remembered and stored a little later: most of the log concerns only some views.

        Raises Fenced, ViewsUnreachable; `start` then tells where to go on.
        """
        if self._saving_later is not None and self._saving_later.done():
            saved, self._saving_later = self._saving_later, None
            saved.result()
        if not batch:
            self._seen = upto
            if self._saving_later is None:
                self._saving_later = asyncio.create_task(self._save_later(), name=f"{self.name} position")
            return
        async with self._turn:
            await self._take(batch, upto)
        self._tell()

    async def park_unreadable(self, error: UnreadableEvent) -> None:
        """Parks the stream of an event that cannot be decoded. Raises Fenced, TooManyParked, ViewsUnreachable."""
        await self._stop_saving_later()
        async with self._turn:
            parked = {} if error.stream in self.parked else {error.stream: unreadable(self.name, error)}
            await self.save(Folded(parked=parked), error.position)
            self.parked.update(parked)
        self._tell()

    async def settle(self) -> None:
        """Stores how far the log was read, now. Raises Fenced, ViewsUnreachable."""
        async with self._turn:
            if self._seen <= self.position:
                return
            await self.save(Folded(), self._seen)
        self._tell()

    def folds_ahead(self, batch: Sequence[Recorded]) -> bool:
        """Whether `fold` may be called with this batch while the one before is still being saved."""
        raise NotImplementedError

    async def fold(self, batch: Sequence[Recorded]) -> Folded:
        """Folds ahead of what is stored, for a rebuild that saves one batch while it folds the next.

        After a failed `save` only `start` makes memory and store one again.
        """
        folded = await self._fold([recorded for recorded in batch if recorded.stream not in self.parked])
        self._keep(folded)
        return folded

    async def save(self, folded: Folded, upto: int) -> None:
        """Stores what `fold` gave, in the same order. Raises Fenced, Unstorable, TooManyParked, ViewsUnreachable."""
        if len(self.parked.keys() | folded.parked.keys()) > PARKED_STREAMS_MAX:
            raise TooManyParked(f"{self.name}: more than {PARKED_STREAMS_MAX} streams")
        await self._store.save(folded.rows, list(folded.parked.values()), upto)
        self.position = upto

    async def replay_parked(self, log: Log) -> list[Parked]:
        """Takes each parked stream up again where it was parked. Returns those that still cannot be followed.

        Safe to repeat, and beside a follower in another process. Raises Fenced, ViewsUnreachable, LogUnreachable.
        """
        async with self._turn:
            for parked in list(self.parked.values()):
                await self._replay(log, parked)
        self._tell()
        return list(self.parked.values())

    async def _save_later(self) -> None:
        await asyncio.sleep(QUIET_SAVE_SECONDS)
        await self.settle()

    async def _stop_saving_later(self) -> None:
        task, self._saving_later = self._saving_later, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _take(self, batch: Sequence[Recorded], upto: int) -> None:
        events = [recorded for recorded in batch if recorded.stream not in self.parked]
        try:
            folded = await self._fold(events)
            await self.save(folded, upto)
        except Unstorable as refusal:
            await self._take_apart(events, upto, refusal)
        else:
            self._keep(folded)

    async def _take_apart(self, events: Sequence[Recorded], upto: int, refusal: Unstorable) -> None:
        """Halves the batch until the event that the database refuses stands alone, and parks its stream."""
        if len(events) > 1:
            middle = len(events) // 2
            await self._take(events[:middle], events[middle - 1].position)
            await self._take(events[middle:], upto)
        elif events:
            parked = park(self.name, events[0], refusal)
            await self.save(Folded(parked={parked.stream: parked}), upto)
            self.parked[parked.stream] = parked
        else:
            raise refusal

    async def _replay(self, log: Log, parked: Parked) -> None:
        self._forget()
        folded = Folded()
        try:
            folded = await self._fold(await missed(log, parked, self.position, self.topics))
            again = folded.parked.get(parked.stream)
            if again is not None and again.position == parked.position:
                again = replace(again, attempts=parked.attempts + 1)
            await self._store.mend(parked.stream, folded.rows, again)
        except LogUnreachable:
            raise
        except (Unstorable, Unreadable) as error:
            again = replace(parked, error=told(error), attempts=parked.attempts + 1)
            await self._store.mend(parked.stream, [], again)
        self._forget()
        if again is None:
            del self.parked[parked.stream]
        else:
            self.parked[parked.stream] = again

    def _tell(self) -> None:
        for listener in self.on_advanced:
            listener(self.name, self.position)

    def _forget(self) -> None:
        """Drops what is remembered of the view's rows."""

    def _keep(self, folded: Folded) -> None:
        """Remembers what was folded."""
        self.parked.update(folded.parked)

    async def _fold(self, events: Sequence[Recorded]) -> Folded:
        raise NotImplementedError


class TimelineProjection(Projection):
    """Keeps the timelines: an event adds a line, or changes the line of the message that it is about."""

    def __init__(self, timeline: Timeline, store: Store, lines_max: int = LINES_MAX) -> None:
        super().__init__(timeline.name, timeline.topics, store)
        self._lines = Lines(lines_max)

    @override
    def folds_ahead(self, batch: Sequence[Recorded]) -> bool:
        return self._lines.missing is not None and not Draft(self._lines).unknown(batch)

    @override
    def _forget(self) -> None:
        self._lines.forget(has_all=self.position == 0)

    @override
    def _keep(self, folded: Folded) -> None:
        super()._keep(folded)
        self._lines.keep(folded.cards)

    @override
    async def _fold(self, events: Sequence[Recorded]) -> Folded:
        folded, draft = Folded(), Draft(self._lines)
        if self._lines.missing is None:
            self._lines.missing = set(await self._store.missing(MISSING_MAX + 1))
        while unknown := draft.unknown(events):
            draft.add(unknown, await self._store.entries(unknown))
        for recorded in events:
            if recorded.stream in folded.parked:
                continue
            try:
                draft.take(recorded)
            except Exception as error:  # noqa: BLE001  # whatever is wrong with one stream must not stop the others
                folded.parked[recorded.stream] = park(self.name, recorded, error)
        folded.cards, folded.rows = draft.named, list(draft.rows())
        return folded


class BoardProjection(Projection):
    """Keeps a view of cards: finds those that a batch concerns, folds its events into them, stores them once."""

    def __init__(self, board: Board, store: Store, cards_max: int = CARDS_MAX) -> None:
        super().__init__(board.name, board.topics, store)
        self._board = board
        self._cards = Cards(board, cards_max)

    @override
    def folds_ahead(self, batch: Sequence[Recorded]) -> bool:
        return self._cards.has_all  # else a card may have to be read that is just being written

    @override
    def _forget(self) -> None:
        self._cards.forget(has_all=self.position == 0)

    @override
    def _keep(self, folded: Folded) -> None:
        super()._keep(folded)
        self._cards.keep(folded.cards)

    @override
    async def _fold(self, events: Sequence[Recorded]) -> Folded:
        folded, touched = Folded(), dict[str, Touched]()
        keyed = [(key, recorded) for recorded in events if (key := self._board.key(recorded)) is not None]
        unknown = self._cards.unknown({key for key, _ in keyed})
        stored = await self._store.cards(unknown) if unknown else {}
        for key, recorded in keyed:
            if recorded.stream in folded.parked:
                continue
            try:
                if (card := touched.get(key)) is None:
                    card = touched[key] = self._cards.touch(key, stored)
                self._cards.evolve(card, recorded)
            except Exception as error:  # noqa: BLE001  # whatever is wrong with one stream must not stop the others
                folded.parked[recorded.stream] = park(self.name, recorded, error)
        folded.cards = {key: one.card for key, one in touched.items()}
        try:
            folded.rows = [row for one in touched.values() for row in self._cards.rows(one)]
        except Exception as error:  # the event that brought it is found as one that cannot be stored
            raise Unstorable(told(error)) from error
        return folded


def projection_of(fold: Board | Timeline, store: Store) -> Projection:
    """What keeps the fold's view in the store."""
    return TimelineProjection(fold, store) if isinstance(fold, Timeline) else BoardProjection(fold, store)
