"""Projections: keep views in step with the log. A stream that cannot be followed is parked, the others go on."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace
from typing_extensions import override

from application.log import Log, LogUnreachable
from application.projections.timeline import Timeline
from application.projections.view import Board, Parked, Row, Store, Unstorable
from domain.event import Recorded

CARDS_MAX = 20_000
"""Decoded cards kept in memory; the one not used for longest goes first and is read again when needed."""
ERROR_CHARACTERS_MAX = 500

logger = logging.getLogger(__name__)


class Folded(msgspec.Struct):
    """What a batch of events changes."""

    rows: dict[tuple[str, str], Row] = {}
    """By scope and key."""
    cards: dict[str, Any] = {}
    shown: dict[str, dict[str, Row]] = {}
    """Where each card is shown, by key and scope."""
    parked: dict[str, Parked] = {}


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

    async def start(self) -> int:
        async with self._turn:
            self.position = await self._store.open()
            self.parked = await self._store.parked()
            self._forget()
            return self.position

    async def close(self) -> None:
        """Lets go of the store."""
        await self._store.close()

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        """Raises Fenced, ViewsUnreachable; `start` then tells where to go on."""
        async with self._turn:
            await self._take(batch, upto)
        self._tell()

    @property
    def folds_ahead(self) -> bool:
        """Whether `fold` may be called while the batch before is still being saved."""
        return True

    async def fold(self, batch: Sequence[Recorded]) -> Folded:
        """Folds ahead of what is stored, for a rebuild that saves one batch while it folds the next.

        After a failed `save` only `start` makes memory and store one again.
        """
        folded = await self._fold([recorded for recorded in batch if recorded.stream not in self.parked])
        self._keep(folded)
        return folded

    async def save(self, folded: Folded, upto: int) -> None:
        """Stores what `fold` gave, in the same order. Raises Fenced, Unstorable, ViewsUnreachable."""
        await self._store.save(list(folded.rows.values()), list(folded.parked.values()), upto)
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

    async def _take(self, batch: Sequence[Recorded], upto: int) -> None:
        events = [recorded for recorded in batch if recorded.stream not in self.parked]
        folded = await self._fold(events)
        try:
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
            parked = self._park(events[0], refusal)
            await self.save(Folded(parked={parked.stream: parked}), upto)
            self.parked[parked.stream] = parked
        else:
            raise refusal

    async def _replay(self, log: Log, parked: Parked) -> None:
        self._forget()
        folded = Folded()
        try:
            folded = await self._fold(await self._missed(log, parked))
            again = folded.parked.get(parked.stream)
            if again is not None and again.position == parked.position:
                again = replace(again, attempts=parked.attempts + 1)
            await self._store.mend(parked.stream, list(folded.rows.values()), again)
        except LogUnreachable:
            raise
        except (Unstorable, _Unreadable) as error:
            again = replace(parked, error=_told(error), attempts=parked.attempts + 1)
            await self._store.mend(parked.stream, [], again)
        if again is None:
            del self.parked[parked.stream]
        else:
            self.parked[parked.stream] = again

    async def _missed(self, log: Log, parked: Parked) -> list[Recorded]:
        """The stream's events from the parked one up to where the view stands."""
        try:
            first = await log.at(parked.position)
            assert first is not None  # an event never leaves the log
            events = await log.read_stream(parked.stream, first.version - 1)
        except LogUnreachable:
            raise
        except Exception as error:
            raise _Unreadable(_told(error)) from error
        return [
            one for one in events if one.position <= self.position and (not self.topics or one.topic in self.topics)
        ]

    def _park(self, recorded: Recorded, error: Exception) -> Parked:
        logger.error(
            "%s parks a stream at position %d (%s): %s",
            self.name,
            recorded.position,
            recorded.topic,
            type(error).__name__,
        )
        return Parked(
            projection=self.name,
            stream=recorded.stream,
            position=recorded.position,
            topic=recorded.topic,
            error=_told(error),
        )

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


class _Unreadable(Exception):
    """The log itself cannot give the stream's events."""


class TimelineProjection(Projection):
    """Keeps a view to which each event adds one row."""

    def __init__(self, timeline: Timeline, store: Store) -> None:
        super().__init__(timeline.name, timeline.topics, store)
        self._timeline = timeline

    @override
    async def _fold(self, events: Sequence[Recorded]) -> Folded:
        folded = Folded()
        for recorded in events:
            if recorded.stream in folded.parked:
                continue
            try:
                row = self._timeline.row(recorded)
            except Exception as error:  # noqa: BLE001  # whatever is wrong with one stream must not stop the others
                folded.parked[recorded.stream] = self._park(recorded, error)
            else:
                folded.rows[row.scope, row.key] = row
        return folded


class BoardProjection(Projection):
    """Keeps a view of cards: finds those that a batch concerns, folds its events into them, stores them once."""

    def __init__(self, board: Board, store: Store, cards_max: int = CARDS_MAX) -> None:
        super().__init__(board.name, board.topics, store)
        self._board = board
        self._cards_max = cards_max
        self._cards: OrderedDict[str, Any] = OrderedDict()  # None: known not to be there
        self._has_all = False  # everything that is stored is in memory too
        self._decode = msgspec.json.Decoder(board.card_type).decode

    @property
    @override
    def folds_ahead(self) -> bool:
        return self._has_all  # else a card may have to be read that is just being written

    @override
    def _forget(self) -> None:
        self._cards.clear()
        self._has_all = self.position == 0

    @override
    def _keep(self, folded: Folded) -> None:
        super()._keep(folded)
        for key, card in folded.cards.items():
            self._cards[key] = card
            self._cards.move_to_end(key)
        while len(self._cards) > self._cards_max:
            self._cards.popitem(last=False)
            self._has_all = False

    @override
    async def _fold(self, events: Sequence[Recorded]) -> Folded:
        folded = Folded()
        keyed = [(key, recorded) for recorded in events if (key := self._board.key(recorded)) is not None]
        unknown = set() if self._has_all else {key for key, _ in keyed} - self._cards.keys()
        stored = await self._store.cards(unknown) if unknown else {}
        for key, recorded in keyed:
            if recorded.stream in folded.parked:
                continue
            try:
                self._fold_one(key, recorded, stored, folded)
            except Exception as error:  # noqa: BLE001  # whatever is wrong with one stream must not stop the others
                folded.parked[recorded.stream] = self._park(recorded, error)
        return folded

    def _fold_one(self, key: str, recorded: Recorded, stored: dict[str, bytes], folded: Folded) -> None:
        """Changes `folded` only once nothing more can go wrong."""
        if key in folded.cards:
            before, shown = folded.cards[key], folded.shown[key]
        else:
            before = self._cards[key] if key in self._cards else self._decoded(stored.get(key))
            shown = self._rows(before, recorded.position)
        after = self._board.evolve(before, recorded)
        rows = shown if after is before else self._rows(after, recorded.position)
        folded.cards[key], folded.shown[key] = after, rows
        if after is before:
            return
        for scope, row in shown.items():
            if scope not in rows:
                folded.rows[scope, key] = replace(row, position=recorded.position, doc=b"", is_gone=True)
        for scope, row in rows.items():
            folded.rows[scope, key] = row

    def _decoded(self, doc: bytes | None) -> Any:
        return None if doc is None else self._decode(doc)

    def _rows(self, card: Any, position: int) -> dict[str, Row]:
        return {} if card is None else {row.scope: row for row in self._board.rows(card, position)}


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:ERROR_CHARACTERS_MAX]
