"""Readers miss nothing, whatever writers do at the same time: they delay, abort, and overtake each other."""

import asyncio
import random

import psycopg
import pytest
from psycopg import AsyncConnection

from infrastructure.log.keys import StreamKey
from infrastructure.log.mapper import Envelope, EventMapper
from infrastructure.log.postgres_log import PostgresLog
from tests.log.situations import ANNA, CONTEXT, NOON, a_log, a_stream, a_write, named

SEED = 20260302
WRITERS = 8
TRANSACTIONS = 30
DELAY_SECONDS_MAX = 0.008

OURS = """
SELECT outcome FROM onethread_events_append(
    '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', array_fill(0::bigint, ARRAY[cardinality(%(versions)s)]),
    array_fill(%(stream)s::text, ARRAY[cardinality(%(versions)s)]), %(versions)s,
    array_fill('customer.named'::text, ARRAY[cardinality(%(versions)s)]),
    array_fill(%(state)s::bytea, ARRAY[cardinality(%(versions)s)]))
"""

# What the library's own database function does: no lock, so that a position can become visible before a lower one.
WITHOUT_THE_LOCK = """
INSERT INTO onethread_events (originator_id, originator_version, topic, state)
SELECT %(stream)s, version, 'customer.named', %(state)s FROM unnest(%(versions)s::bigint[]) AS version
"""

pytestmark = pytest.mark.anyio


def a_state() -> bytes:
    """Has a readable envelope, and a key that nobody stored: readers get a redacted event."""
    key = StreamKey(bytes(32))
    return EventMapper(lambda _: key).seal(named(), ANNA, 1, Envelope(NOON, NOON, "agent-1"), key)


async def write(url: str, statement: str, seed: int) -> None:
    """Transactions of one to three events that wait a random time before they end, some of them by an abort."""
    chance = random.Random(seed)
    state = a_state()
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        for _ in range(TRANSACTIONS):
            is_aborted = chance.random() < 0.25
            versions = list(range(1, chance.randint(2, 4)))
            async with connection.transaction(force_rollback=is_aborted):
                await connection.execute(statement, {"stream": a_stream(), "versions": versions, "state": state})
                await connection.execute("SELECT pg_sleep(%s)", (chance.uniform(0, DELAY_SECONDS_MAX),))


async def follow(log: PostgresLog, finished: asyncio.Event) -> list[tuple[int, str, int]]:
    """Everything a tailing reader sees until the writers have finished and nothing is left."""
    seen: list[tuple[int, str, int]] = []
    position = 0
    while True:
        is_last = finished.is_set()
        batch, position = await log.read(position, 7)
        seen += [(event.position, event.stream, event.version) for event in batch]
        if not batch:
            if is_last:
                return seen
            await log.wait_past(position, 0.02)


def committed(url: str) -> list[tuple[int, str, int]]:
    with psycopg.connect(url) as connection:
        query = "SELECT notification_id, originator_id, originator_version FROM onethread_events ORDER BY 1"
        return list(connection.execute(query))


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(OURS, id="ours"),
        pytest.param(
            WITHOUT_THE_LOCK,
            id="control",
            marks=pytest.mark.xfail(raises=AssertionError, strict=True, reason="without the lock readers miss events"),
        ),
    ],
)
async def test_tailing_readers_see_exactly_what_was_committed_in_order(log_url: str, statement: str) -> None:
    finished = asyncio.Event()
    async with a_log(log_url) as one, a_log(log_url) as two:
        readers = [asyncio.create_task(follow(log, finished)) for log in (one, two, two)]
        await asyncio.gather(*[write(log_url, statement, SEED + number) for number in range(WRITERS)])
        finished.set()
        seen = await asyncio.gather(*readers)

    stored = committed(log_url)
    assert len(stored) > WRITERS * TRANSACTIONS // 2
    assert seen == [stored] * 3
    assert [position for position, _, _ in stored] == list(range(1, len(stored) + 1)), "aborts leave no holes"


async def test_processes_that_append_at_once_read_the_same_log(log_url: str) -> None:
    finished = asyncio.Event()

    async def append_some(log: PostgresLog) -> None:
        stream = a_stream()
        for version in range(20):
            await log.append([a_write(stream, version)], context=CONTEXT)

    async with a_log(log_url) as one, a_log(log_url) as two:
        readers = [asyncio.create_task(follow(log, finished)) for log in (one, two)]
        await asyncio.gather(*[append_some(log) for log in (one, two) for _ in range(10)])
        finished.set()

        assert await asyncio.gather(*readers) == [committed(log_url)] * 2
    assert len(committed(log_url)) == 400
