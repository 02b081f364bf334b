"""The port for positions: how far a reaction without a view of its own has come, kept across restarts."""

from typing import Protocol


class Positions(Protocol):
    """Positions by the reaction's name."""

    async def load(self, name: str) -> int:
        """0 for a reaction that never ran."""

    async def save(self, name: str, position: int) -> None:
        """Never goes back: a lower position than the stored one changes nothing."""
