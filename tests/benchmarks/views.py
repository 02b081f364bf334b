"""The timeline: how fast it is rebuilt from position 1, and how soon its first page is there."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from application.log import Appended, Context, Fact, Write
from application.projections.loading import load
from application.projections.projection import projection_of
from application.projections.timeline import Timeline
from domain.conversation import ConversationOpened
from domain.event import Event
from domain.interaction import Content, MessageReceived
from infrastructure.log.pool import ReadPool
from infrastructure.log.postgres_log import PostgresLog
from infrastructure.views.builds import PostgresBuilds, store_of
from infrastructure.views.readers import PostgresViewReaders
from tests.benchmarks.figures import Figure, at_least, at_most, quantile, shown

ENTRIES_MANY = 100_000
ENTRIES_FEW = 100
CUSTOMERS = 1_000
"""With few entries each, beside the one with many."""
FACTS_PER_APPEND = 1_000
ROUNDS = 3
PAGES = 2_000
REBUILD_REACH = 20_000  # events a second
PAGE_P99_MS = 5.0
PAGE_RATIO = 1.15
"""No slower, but for the noise."""
MASTER_KEY = b"benchmark master key, 32 bytes.."
ACCOUNT = f"account-{1:032x}"
MANY = f"customer-{0:032x}"
TEXT = "Where is my parcel? I ordered it on Monday and it was to come on Wednesday."


async def measure(database_url: str) -> list[Figure]:
    """On an empty database, which it fills with 200,000 events."""
    async with PostgresLog(database_url, [MASTER_KEY], _now) as log:
        await _fill(log)
    rounds = [await _rebuild(database_url) for _ in range(1 + ROUNDS)][1:]
    few_ms, many_ms = await _pages(database_url)
    return [
        at_least(
            "timeline: rebuild from position 1, indexes included",
            statistics.median(built for built, _ in rounds),
            "events/s",
            reference=REBUILD_REACH,
            factor=1,
            of=f"{REBUILD_REACH:,} events/s",
        ),
        shown(
            "timeline: the same, compared and switched too", statistics.median(done for _, done in rounds), "events/s"
        ),
        at_most(f"timeline: first page of {ENTRIES_MANY:,} entries, p99", quantile(many_ms, 0.99), "ms", PAGE_P99_MS),
        at_most(
            f"timeline: first page of {ENTRIES_MANY:,} entries against {ENTRIES_FEW}, medians",
            statistics.median(many_ms) / statistics.median(few_ms),
            "x",
            PAGE_RATIO,
        ),
    ]


async def _fill(log: PostgresLog) -> None:
    """One customer with many entries, written in turns with all the others."""
    few = iter(range(1, CUSTOMERS + 1))
    for version in range(0, ENTRIES_MANY, FACTS_PER_APPEND):
        writes = [Write(MANY, version, _said(0, version, FACTS_PER_APPEND))]
        others = [next(few) for _ in range(CUSTOMERS * FACTS_PER_APPEND // ENTRIES_MANY)]
        writes += [Write(f"customer-{number:032x}", 0, _said(number, 0, ENTRIES_FEW)) for number in others]
        outcomes = await asyncio.gather(*(log.append([write], context=Context(actor="key-1")) for write in writes))
        assert all(isinstance(outcome, Appended) for outcome in outcomes)


def _said(number: int, version: int, count: int) -> list[Fact]:
    conversation_id, now = f"conversation-{number:032x}", _now()
    opening: Event = ConversationOpened(
        conversation_id=conversation_id, channel="webchat", account_id=ACCOUNT, thread=""
    )
    events = [opening if version + nth == 0 else _message(conversation_id, version + nth) for nth in range(count)]
    return [Fact(event, now) for event in events]


def _message(conversation_id: str, nth: int) -> Event:
    return MessageReceived(
        conversation_id=conversation_id,
        message_id=f"message-{nth:032x}",
        provider_id=f"p-{nth}",
        channel="webchat",
        account_id=ACCOUNT,
        handle="visitor-0193a7c2",
        content=Content(text=TEXT),
        author="Li Na",
    )


async def _rebuild(database_url: str) -> tuple[float, float]:
    """Events a second until the new build is ready to be read, and until it has been compared and is live.

    The steps of `application.rebuild.Rebuild`, in a process that has nothing of the log in memory.
    """
    timeline, builds = Timeline(), PostgresBuilds(database_url)
    async with PostgresLog(database_url, [MASTER_KEY], _now) as log:
        head = await log.head()
        live = projection_of(timeline, store_of(database_url, timeline.name, timeline.version))
        await live.start()
        await load(log, live, head)
        await live.close()

    async with PostgresLog(database_url, [MASTER_KEY], _now) as log:
        started_at = time.perf_counter()
        build = await builds.create(timeline.name, timeline.version)
        projection = projection_of(timeline, builds.store(build))
        await projection.start()
        await load(log, projection, head)
        await builds.finish(build)
        built_at = time.perf_counter()
        (before,) = [one for one in await builds.all(timeline.name) if one.role == "live"]
        comparison = await builds.compare(before, build, _nothing_is_left)
        await builds.switch(before, build, _nothing_is_left, is_equal=True)
        done_at = time.perf_counter()
        await projection.close()
        await builds.drop(before)
    assert comparison.is_equal, comparison
    return head / (built_at - started_at), head / (done_at - started_at)


async def _nothing_is_left(position: int) -> None:
    del position


async def _pages(database_url: str) -> tuple[list[float], list[float]]:
    """Milliseconds of each first page: of customers with few entries, and of the one with many, in turns."""
    few_ms: list[float] = []
    many_ms: list[float] = []
    async with _readers(database_url) as readers:
        for nth in range(PAGES):
            for who, spent_ms in ((f"customer-{1 + nth % CUSTOMERS:032x}", few_ms), (MANY, many_ms)):
                started_at = time.perf_counter()
                page = await readers.timeline(who, limit=50)
                spent_ms.append(1000 * (time.perf_counter() - started_at))
                assert len(page.rows) == 50
    return few_ms[100:], many_ms[100:]  # the first ones prepare their statements


@asynccontextmanager
async def _readers(database_url: str) -> AsyncIterator[PostgresViewReaders]:
    pool = ReadPool(database_url, connections_max=4, timeout_seconds=15)
    await pool.open()
    yield PostgresViewReaders(pool)
    await pool.close()


def _now() -> datetime:
    return datetime.now(UTC)
