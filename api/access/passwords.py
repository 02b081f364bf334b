"""Passwords: argon2id, hashed beside the event loop, a few at a time; and how often somebody may try."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from api.http.refusals import TooManyAttempts

HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""OWASP's least for argon2id: 19 MiB and two passes, some 20 ms."""
AT_ONCE_MAX = 2
"""Hashes under way at a time, so that a wave of sign-ins takes neither all memory nor all cores."""
NOBODY = HASHER.hash("a password that nobody has")
"""What an unknown login is checked against, so that it takes as long as a known one."""


def hash_password(password: str) -> str:
    """In PHC form, with a salt of its own. Takes some 20 ms: off the event loop, please."""
    return HASHER.hash(password)


class Passwords:
    """Hashes and checks beside the event loop."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE_MAX)

    async def hash(self, password: str) -> str:
        async with self._turns:
            return await asyncio.to_thread(hash_password, password)

    async def fits(self, password: str, password_hash: str) -> bool:
        """Takes the same time whether there is a hash to compare with or not."""
        async with self._turns:
            fits = await asyncio.to_thread(_fits, password, password_hash or NOBODY)
        return fits and bool(password_hash)


def _fits(password: str, password_hash: str) -> bool:
    try:
        return HASHER.verify(password_hash, password)
    except (Argon2Error, InvalidHashError):
        return False


class Attempts:
    """How often something may be tried by one caller within a time. Kept in the process alone."""

    def __init__(
        self,
        attempts_max: int,
        within_seconds: float,
        callers_max: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._attempts_max = attempts_max
        self._within_seconds = within_seconds
        self._callers_max = callers_max
        self._clock = clock
        self._tried_at: OrderedDict[str, deque[float]] = OrderedDict()

    def count(self, caller: str) -> None:
        """One more. Raises TooManyAttempts, which does not count."""
        now = self._clock()
        tried = self._tried_at.setdefault(caller, deque())
        self._tried_at.move_to_end(caller)
        while tried and tried[0] <= now - self._within_seconds:
            tried.popleft()
        if len(tried) >= self._attempts_max:
            raise TooManyAttempts(wait_seconds=max(1, round(tried[0] + self._within_seconds - now + 0.5)))
        tried.append(now)
        if len(self._tried_at) > self._callers_max:
            self._tried_at.popitem(last=False)

    def forgive(self, caller: str) -> None:
        """It was right: what was tried before counts no more."""
        self._tried_at.pop(caller, None)
