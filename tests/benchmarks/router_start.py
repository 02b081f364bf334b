"""The router in need: how soon it knows a log of a million events, and how soon another decides when it is killed."""

import asyncio
import time
from contextlib import ExitStack

import msgspec

from application.router_snapshots import EVENTS_BETWEEN_SNAPSHOTS
from domain.assignment import ConversationOffered
from infrastructure.log.postgres_log import PostgresLog
from infrastructure.router_snapshots import PostgresRouterSnapshots
from tests.application.situations import MASTER_KEY
from tests.benchmarks.figures import Figure, at_most, shown
from tests.benchmarks.router_log import UNSERVED, Floor, a_router, now
from tests.faults.router_user import RouterUser, a_router_user

EVENTS = 1_000_000
CONVERSATIONS = 5
"""Of each customer of the past, at ten events each."""
WAITING = 5_000
"""Conversations that nobody can serve, so that a snapshot has something to hold."""
COLD_START_SECONDS = 5.0
TAKE_OVER_SECONDS = 3.0
TAKE_OVERS = 3
COME_MEANWHILE = 40
"""Customers who come while nobody decides."""
LOOK_SECONDS = 0.02


async def measure(database_url: str) -> list[Figure]:
    """On an empty database, which it fills with a million events and some."""
    async with PostgresLog(database_url, [MASTER_KEY], now) as log:
        floor = Floor(log)
        await floor.open_doors()
        await floor.come(WAITING, UNSERVED)
        await floor.past((EVENTS - 3 * WAITING) // (10 * CONVERSATIONS), CONVERSATIONS)
        without_a_snapshot, snapshot_ms = await _read_it_all(database_url)
        await floor.past(EVENTS_BETWEEN_SNAPSHOTS // (10 * CONVERSATIONS), CONVERSATIONS)
        await floor.come(COME_MEANWHILE)
        cold_start = await _start(database_url)
        take_overs = await _take_over(database_url, log, floor)
    return [
        at_most(
            f"router: cold start, {EVENTS:,} events, snapshot {EVENTS_BETWEEN_SNAPSHOTS:,} events old, first decisions",
            cold_start,
            "s",
            COLD_START_SECONDS,
        ),
        shown("router: the same without a snapshot, log read", without_a_snapshot, "s"),
        shown("router: a snapshot taken, sealed and stored", snapshot_ms, "ms"),
        at_most(f"router: take-over after kill -9, worst of {TAKE_OVERS}", max(take_overs), "s", TAKE_OVER_SECONDS),
    ]


async def _read_it_all(database_url: str) -> tuple[float, float]:
    """Seconds until a router knows the whole log, and milliseconds for the snapshot that it leaves."""
    async with PostgresLog(database_url, [MASTER_KEY], now) as log:
        began = time.perf_counter()
        router = a_router(log)
        await router.follower.catch_up()
        read = time.perf_counter()
        facts = msgspec.msgpack.encode(router.state.facts)
        await PostgresRouterSnapshots(log.pool, [MASTER_KEY]).save(router.follower.position, facts)
        return read - began, 1_000 * (time.perf_counter() - read)


async def _start(database_url: str) -> float:
    """Seconds until a router in a new process has decided all that came since, durably, each once."""
    began = time.perf_counter()
    async with PostgresLog(database_url, [MASTER_KEY], now) as log:
        router = a_router(log)
        await router.follower.catch_up()
        await router.act()
        seconds = time.perf_counter() - began
        await router.settle()
        assert (router.decided, router.refused) == (COME_MEANWHILE, 0)
    return seconds


async def _take_over(database_url: str, log: PostgresLog, floor: Floor) -> list[float]:
    """Seconds from the kill of the process that decides until another's decision is durable."""
    seconds: list[float] = []
    with ExitStack() as processes:
        active = await _started(processes, database_url)
        assert await _line(active) == "leads"
        for _ in range(TAKE_OVERS):
            standby = await _started(processes, database_url)
            head = await log.head()
            active.kill()
            killed = time.perf_counter()
            await floor.come(1)
            assert await _first_offer(log, head) == 1
            seconds.append(time.perf_counter() - killed)
            assert await _line(standby) == "leads"
            active = standby
    return seconds


async def _started(processes: ExitStack, database_url: str) -> RouterUser:
    """A process that knows the log."""
    process = processes.enter_context(a_router_user(database_url, "patient"))
    assert await _line(process) == "follows"
    return process


async def _line(process: RouterUser) -> str:
    assert process.stdout is not None
    return (await asyncio.to_thread(process.stdout.readline)).strip()


async def _first_offer(log: PostgresLog, after: int) -> int:
    """How many there are once there are any."""
    while True:
        offered, after = await log.read(after, 100, {ConversationOffered.TOPIC})
        if offered:
            return len(offered)
        await log.wait_past(after, LOOK_SECONDS)
