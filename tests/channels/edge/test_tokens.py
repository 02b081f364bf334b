"""Access tokens: fetched once, renewed early, given up when the provider says so."""

import asyncio

from application.exchange.sending import Refusal, Rejected
from channels.edge.tokens import Token, TokenCache

KEY = ("https://api", "app", "secret")
REFUSED = Rejected(reason="no", refusal=Refusal.RETRY_LATER)


class Lender:
    """A provider that lends a new token each time, and a clock."""

    def __init__(self, *script: Rejected) -> None:
        self.script = list(script)
        self.lent = 0
        self.now = 1_000.0

    async def __call__(self) -> Token | Rejected:
        await asyncio.sleep(0)
        if self.script:
            return self.script.pop(0)
        self.lent += 1
        return Token(value=f"token-{self.lent}", lives_seconds=7_200)


def test_many_who_ask_at_once_share_one_token() -> None:
    lender = Lender()
    cache = TokenCache(lambda: lender.now)

    async def ask() -> list[str | Rejected]:
        return list(await asyncio.gather(*(cache.get(KEY, lender) for _ in range(20))))

    assert set(asyncio.run(ask())) == {"token-1"}
    assert lender.lent == 1


def test_a_token_is_renewed_five_minutes_before_it_ends() -> None:
    lender = Lender()
    cache = TokenCache(lambda: lender.now)

    async def ask() -> list[str | Rejected]:
        found = []
        for seconds in (0, 6_899, 1):
            lender.now += seconds
            found.append(await cache.get(KEY, lender))
        return found

    assert asyncio.run(ask()) == ["token-1", "token-1", "token-2"]


def test_a_token_that_is_forgotten_is_fetched_again_unless_somebody_did_so() -> None:
    lender = Lender()
    cache = TokenCache(lambda: lender.now)

    async def ask() -> list[str | Rejected]:
        found = [await cache.get(KEY, lender)]
        for value in ("token-1", "token-1"):
            cache.forget(KEY, value)
            found.append(await cache.get(KEY, lender))
        return found

    assert asyncio.run(ask()) == ["token-1", "token-2", "token-2"]


def test_a_refusal_is_not_remembered() -> None:
    lender = Lender(REFUSED)
    cache = TokenCache(lambda: lender.now)

    async def ask() -> list[str | Rejected]:
        return [await cache.get(KEY, lender) for _ in range(2)]

    assert asyncio.run(ask()) == [REFUSED, "token-1"]
