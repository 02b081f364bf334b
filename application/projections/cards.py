"""Cards in memory: those a board used last, decoded, and how an event changes one and where it is shown."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec
from msgspec.structs import replace

from application.projections.view import Board, Row, encode
from domain.event import Recorded

CARDS_MAX = 20_000
"""Decoded cards kept in memory; the one not used for longest goes first and is read again when needed."""


class Touched(msgspec.Struct):
    """A card that a batch of events concerns."""

    card: Any
    scopes: Sequence[str]
    """Where it is shown."""
    position: int = 0
    """Of the last event that changed it; 0 before there is one."""
    left: dict[str, tuple[Any, int]] = {}
    """Scopes that it has left: the card as it was there last, and the position of the event that took it away."""


class Cards:
    """The cards of one board. Remembers also that a card is not there."""

    def __init__(self, board: Board, cards_max: int = CARDS_MAX) -> None:
        self.has_all = False
        """Whatever is stored is in memory too, so that nothing has to be read."""
        self._board = board
        self._cards_max = cards_max
        self._cards: OrderedDict[str, Any] = OrderedDict()
        self._decode = msgspec.json.Decoder(board.card_type).decode

    def forget(self, *, has_all: bool) -> None:
        """Begins anew; `has_all` if nothing is stored either."""
        self._cards.clear()
        self.has_all = has_all

    def keep(self, cards: Mapping[str, Any]) -> None:
        """Remembers the cards as they are now stored."""
        for key, card in cards.items():
            self._cards[key] = card
            self._cards.move_to_end(key)
        while len(self._cards) > self._cards_max:
            self._cards.popitem(last=False)
            self.has_all = False

    def unknown(self, keys: AbstractSet[str]) -> AbstractSet[str]:
        """Those of the keys that have to be read."""
        return frozenset() if self.has_all else keys - self._cards.keys()

    def touch(self, key: str, stored: Mapping[str, bytes]) -> Touched:
        """The card as it stands, from memory or from what was read."""
        if (card := self._cards.get(key)) is None and key in stored:
            card = self._decode(stored[key])
        return Touched(card, self._scopes(card))

    def evolve(self, touched: Touched, recorded: Recorded) -> None:
        """Folds the event into the card. Where that raises, the card is as before."""
        card = self._board.evolve(touched.card, recorded)
        if card is touched.card:
            return
        scopes = self._scopes(card)
        if scopes != touched.scopes:
            for scope in touched.scopes:
                touched.left[scope] = (touched.card, recorded.position)
            for scope in scopes:
                touched.left.pop(scope, None)
        touched.card, touched.scopes, touched.position = card, scopes, recorded.position

    def rows(self, touched: Touched) -> list[Row]:
        """What is to be written: where it is shown now, and a mark for each scope that it has left."""
        shown = [
            replace(row, is_gone=True)
            for left, (card, position) in touched.left.items()
            for row in self._board.rows(card, position, b"")
            if row.scope == left
        ]
        if touched.card is not None and touched.position:
            shown += self._board.rows(touched.card, touched.position, encode(touched.card))
        return shown

    def _scopes(self, card: Any) -> Sequence[str]:
        return () if card is None else self._board.scopes(card)
