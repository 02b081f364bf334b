"""A process that routes, or stands by to route, to be killed at any moment.

Run as `python -m tests.faults.router_user DATABASE_URL`: `follows` goes out when it has read the log, `leads` when it
is its turn to decide. It takes a snapshot every few events, so that a kill falls between decisions and snapshots.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime

import uvloop

import infrastructure.leases
from application.claims import ClaimKeys
from application.commands import Commands
from application.router import Router
from application.router_snapshots import Trail
from application.states import States
from application.use_cases.assign_work import AssignWork
from infrastructure.leases import Leases
from infrastructure.log.postgres_log import PostgresLog
from infrastructure.router_snapshots import PostgresRouterSnapshots
from tests.application.situations import CLAIM_KEY, MASTER_KEY

EVENTS_BETWEEN_SNAPSHOTS = 7


async def route(database_url: str) -> None:
    async with PostgresLog(database_url, [MASTER_KEY], now) as log:
        commands = Commands(log, States(log, log.snapshots), ClaimKeys(CLAIM_KEY))
        trail = Trail(PostgresRouterSnapshots(log.pool, [MASTER_KEY]), EVENTS_BETWEEN_SNAPSHOTS, seconds_between=0)
        router = Router(log, AssignWork(commands), now, trail)

        async def lead() -> None:
            say("leads")
            await router.lead()

        await router.follower.catch_up()
        say("follows")
        await asyncio.gather(router.run(), Leases(database_url, {"router": lead}).run())


def say(word: str) -> None:
    os.write(sys.stdout.fileno(), f"{word}\n".encode())


def now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    infrastructure.leases.ASK_SECONDS = 0.02
    uvloop.run(route(sys.argv[1]))
