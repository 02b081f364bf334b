"""A process that routes, or stands by to route, to be killed at any moment.

Run as `python -m tests.faults.router_user DATABASE_URL PACE`: `follows` goes out when it has read the log, `leads` when
it is its turn to decide. At the pace `eager` it takes a snapshot every few events, so that a kill falls between
decisions and snapshots, and hardly pauses before it asks for its turn; `patient` does both as in production.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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

EAGER_EVENTS = 7
EAGER_SECONDS = 0.02


RouterUser = subprocess.Popen[str]


@contextmanager
def a_router_user(database_url: str, pace: str = "eager") -> Iterator[RouterUser]:
    """Such a process, killed at the end."""
    command = [sys.executable, "-m", "tests.faults.router_user", database_url, pace]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as user:
        try:
            yield user
        finally:
            user.kill()


async def route(database_url: str, *, is_eager: bool) -> None:
    async with PostgresLog(database_url, [MASTER_KEY], now) as log:
        commands = Commands(log, States(log, log.snapshots), ClaimKeys(CLAIM_KEY))
        snapshots = PostgresRouterSnapshots(log.pool, [MASTER_KEY])
        trail = Trail(snapshots, EAGER_EVENTS, seconds_between=0) if is_eager else Trail(snapshots)
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
    if is_eager := sys.argv[2] == "eager":
        infrastructure.leases.ASK_SECONDS = EAGER_SECONDS
    uvloop.run(route(sys.argv[1], is_eager=is_eager))
