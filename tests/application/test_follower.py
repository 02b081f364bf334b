"""The one loop: how long a reader lets events gather, and when it does not."""

import asyncio
from collections.abc import Collection, Sequence

import pytest

from application.follower import Follower
from domain.event import Recorded
from tests.application.situations import Shop, a_message

pytestmark = pytest.mark.anyio

GATHER_SECONDS = 1.0
MESSAGES = 30


class Taken:
    """A reaction that remembers how many events each batch had."""

    name = "taken"
    topics: Collection[str] = ("conversation.message_received",)

    def __init__(self) -> None:
        self.batches: list[int] = []

    async def start(self) -> int:
        return 0

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        del upto
        self.batches.append(len(batch))


async def test_a_reader_that_is_behind_does_not_let_events_gather(shop: Shop) -> None:
    await shop.receive(*(a_message(f"m-{number}") for number in range(MESSAGES)))
    reaction = Taken()
    follower = Follower(shop.log, reaction, batch_max=2, gather_seconds=GATHER_SECONDS)

    async with asyncio.timeout(MESSAGES / 4 * GATHER_SECONDS):  # gathering for each batch would take twice as long
        await follower.catch_up()

    assert sum(reaction.batches) == MESSAGES
    assert max(reaction.batches) == 2


async def test_in_a_rush_events_gather_although_the_first_of_them_concerns_nobody(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.follower.RUSH_SECONDS_MAX", GATHER_SECONDS)
    monkeypatch.setattr("application.follower.RUSH_SECONDS_PER_POSITION", GATHER_SECONDS)
    reaction = Taken()
    reaction.topics = ("conversation.closed",)
    follower = Follower(shop.log, reaction)
    await shop.receive(*(a_message(f"m-{number}") for number in range(MESSAGES)))
    await follower.catch_up()

    reaction.topics = ("conversation.message_received",)
    await shop.receive(a_message("m-a"))
    step = asyncio.create_task(follower.step())
    await shop.receive(a_message("m-b"))
    await step

    assert reaction.batches[-1] == 2
