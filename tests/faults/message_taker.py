"""A process that takes messages in and tells which it has acknowledged, to be killed at any moment.

Run as `python -m tests.faults.message_taker DATABASE_URL ACCOUNT_ID`: provider ids come in on the input, one a line;
`m-7 42` goes out, once message m-7 is acknowledged at position 42.
"""

import asyncio
import os
import sys
from collections.abc import Iterator

import uvloop

from application.commands import Contended
from application.log import LogBusy, LogUnreachable
from application.use_cases.receive_messages import Receipt
from tests.application.situations import Clock, Shop, a_message, a_process

TASKS = 24
CUSTOMERS = 12


async def take_all(database_url: str, account_id: str, provider_ids: list[str]) -> None:
    async with a_process(database_url, Clock()) as shop:
        shop.account_id = account_id
        await shop.directory_follower.catch_up()
        backlog = iter(provider_ids)
        await asyncio.gather(*(take_one_after_the_other(shop, backlog) for _ in range(TASKS)))


async def take_one_after_the_other(shop: Shop, backlog: Iterator[str]) -> None:
    for provider_id in backlog:
        receipt = await taken(shop, provider_id)
        os.write(sys.stdout.fileno(), f"{provider_id} {receipt.position}\n".encode())


async def taken(shop: Shop, provider_id: str) -> Receipt:
    """Delivers it until it is acknowledged, as a provider does."""
    handle = f"visitor {int(provider_id.removeprefix('m-')) % CUSTOMERS}"
    while True:
        try:
            (receipt,) = await shop.receive(a_message(provider_id, handle, f"This is {provider_id}"))
        except (Contended, LogBusy, LogUnreachable):
            continue
        return receipt


if __name__ == "__main__":
    uvloop.run(take_all(sys.argv[1], sys.argv[2], sys.stdin.read().split()))
