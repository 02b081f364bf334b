"""Access tokens that a provider lends for some hours: got once, kept in memory, renewed before they end."""

import asyncio
import time
from asyncio import AbstractEventLoop, Lock
from collections.abc import Awaitable, Callable
from weakref import WeakKeyDictionary

import msgspec

from application.exchange.sending import Rejected

RENEWED_EARLY_SECONDS = 300.0
"""Tencent makes the next token five minutes before the last one ends, and both work meanwhile."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider lends."""

    value: str
    lives_seconds: float


class _Kept(msgspec.Struct):
    lock: Lock
    value: str = ""
    until: float = 0.0


class TokenCache:
    """One live token for each key in this process; whoever asks while it is fetched waits for that one.

    Several processes each fetch their own. That is safe with providers that give the same token to everybody until it
    ends, and only with those: see the two ways of asking in `tencent_api.py`.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: WeakKeyDictionary[AbstractEventLoop, dict[tuple[str, ...], _Kept]] = WeakKeyDictionary()

    async def get(self, key: tuple[str, ...], fetch: Callable[[], Awaitable[Token | Rejected]]) -> str | Rejected:
        """The token, or why there is none; a refusal is not remembered."""
        kept = self._of_this_loop().setdefault(key, _Kept(Lock()))
        async with kept.lock:
            if self._clock() >= kept.until:
                token = await fetch()
                if isinstance(token, Rejected):
                    return token
                early = min(RENEWED_EARLY_SECONDS, token.lives_seconds / 2)
                kept.value, kept.until = token.value, self._clock() + token.lives_seconds - early
            return kept.value

    def forget(self, key: tuple[str, ...], value: str) -> None:
        """The provider no longer takes this token. If another was fetched meanwhile, that one stays."""
        kept = self._of_this_loop().get(key)
        if kept is not None and kept.value == value:
            kept.until = 0.0

    def _of_this_loop(self) -> dict[tuple[str, ...], _Kept]:
        return self._kept.setdefault(asyncio.get_running_loop(), {})
