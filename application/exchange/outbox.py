"""The port for the outbox: which replies are still to be sent, so that a restart finds them without reading the log."""

from collections.abc import Collection, Mapping
from typing import Protocol


class Outbox(Protocol):
    """Message ids of replies whose fate is not recorded, and where the log asks for each to be sent.

    It only points into the log: lost, it is made anew by reading the log from the start.
    """

    async def load(self) -> tuple[int, dict[str, int]]:
        """The position up to which it is complete, and the position of each reply's asking; 0 and nothing at first."""

    async def save(self, asked: Mapping[str, int], settled: Collection[str], upto: int) -> None:
        """What the log says up to the position, all or nothing. Where it stands further already, nothing changes."""

    async def add(self, message_id: str, position: int) -> None:
        """A reply whose asking was passed over because it could not be read, and can be by now."""

    async def drop(self, message_id: str, position: int) -> None:
        """That asking turned out to be settled; a later one for the same reply stays."""
