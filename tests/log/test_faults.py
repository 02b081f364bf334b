"""Overload, broken connections, cancelled callers: what is acknowledged is stored, once; what is not is told."""

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.sql import SQL, Literal

from application.log import AlreadyClaimed, Appended, Conflict, LogBusy, LogUnreachable, Outcome
from infrastructure.log.calls import ConnectionLost
from infrastructure.log.postgres_log import PostgresLog
from infrastructure.log.request import Request
from infrastructure.log.writer import WriterLimits
from tests.log.situations import ANNA, BEN, CONTEXT, a_claim, a_log, a_stream, a_write, named, names
from tests.waiting import wait_until

SEED = 7
WAITS_FOR_THE_LOCK = """
SELECT count(*) > 0 FROM pg_stat_activity
WHERE application_name = 'onethread writer' AND datname = current_database() AND wait_event_type = 'Lock'
"""
IS_GONE = "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = %s"
BREAK_WRITERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'onethread writer' AND datname = current_database()
"""

Answer = tuple[int, list[Outcome]]
Call = Callable[[Sequence[Request]], Awaitable[Answer]]

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def a_locked_log(url: str) -> AsyncIterator[None]:
    """While it lasts, every append waits."""
    async with await AsyncConnection.connect(url) as connection:
        await connection.execute("LOCK TABLE onethread_events IN EXCLUSIVE MODE")
        yield


async def wait_for_backends(url: str, query: LiteralString, *parameters: object, what: str) -> None:
    """Until the query of `pg_stat_activity` answers true."""

    def holds() -> bool:
        with psycopg.connect(url) as connection:
            row = connection.execute(query, parameters).fetchone()
        return row is not None and row[0] is True

    await asyncio.to_thread(wait_until, holds, what=what)


async def an_append_waits_for_the_lock(url: str) -> None:
    await wait_for_backends(url, WAITS_FOR_THE_LOCK, what="an append waits for the lock")


def before_and_after(log: PostgresLog, *, is_sent: bool) -> None:
    """The next call's connection breaks, before the call is sent or after it was committed."""
    calls: Any = log._writer._calls
    honest: Call = calls.append

    async def broken(requests: Sequence[Request]) -> Answer:
        calls.append = honest  # the fault happens once
        if is_sent:
            await honest(requests)
        await calls.close()
        raise ConnectionLost("cut by the test")

    calls.append = broken


@pytest.mark.parametrize(
    "limits", [WriterLimits(backlog_requests_max=3), WriterLimits(backlog_bytes_max=1100)], ids=["requests", "bytes"]
)
async def test_beyond_the_backlog_an_append_is_refused_at_once(log_url: str, limits: WriterLimits) -> None:
    async with a_log(log_url, writer_limits=limits) as log:
        async with a_locked_log(log_url):
            accepted = [await log.submit([a_write(a_stream())], context=CONTEXT) for _ in range(3)]
            await an_append_waits_for_the_lock(log_url)

            with pytest.raises(LogBusy):
                await log.append([a_write(ANNA)], context=CONTEXT)

        assert [type(outcome) for outcome in await asyncio.gather(*accepted)] == [Appended] * 3
        assert isinstance(await log.append([a_write(ANNA)], context=CONTEXT), Appended)


async def test_an_append_does_not_wait_for_the_lock_for_ever(log: PostgresLog, log_url: str) -> None:
    with psycopg.connect(log_url, autocommit=True) as connection:
        connection.execute("ALTER FUNCTION onethread_events_append SET lock_timeout = '20ms'")

    async with a_locked_log(log_url):
        with pytest.raises(LogBusy, match="another process"):
            await log.append([a_write(ANNA)], context=CONTEXT)

    assert await log.append([a_write(ANNA)], context=CONTEXT) == Appended(range(1, 2), 1)


async def test_a_request_that_the_database_cannot_take_fails_alone(log: PostgresLog, log_url: str) -> None:
    with psycopg.connect(log_url, autocommit=True) as connection:
        check = SQL("ALTER TABLE onethread_events ADD CHECK (originator_id <> {})").format(Literal(BEN))
        connection.execute(check)

    outcomes = await asyncio.gather(
        *[log.append([a_write(stream)], context=CONTEXT) for stream in (a_stream(), ANNA, BEN, a_stream())],
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes] == [Appended, Appended, psycopg.errors.CheckViolation, Appended]
    assert await log.head() == 3


@pytest.mark.parametrize("condition", ["disk_full", "too_many_connections", "read_only_sql_transaction"])
async def test_a_database_that_cannot_store_now_is_told_as_unreachable(
    log: PostgresLog, log_url: str, condition: LiteralString
) -> None:
    with psycopg.connect(log_url, autocommit=True) as connection:
        refuse = SQL("BEGIN RAISE EXCEPTION USING ERRCODE = {}; END").format(Literal(condition))
        connection.execute(
            SQL("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS {}").format(Literal(refuse.as_string()))
        )
        connection.execute("CREATE TRIGGER refuse BEFORE INSERT ON onethread_events EXECUTE FUNCTION refuse()")

    with pytest.raises(LogUnreachable, match="cannot store now"):
        await log.append([a_write(ANNA)], context=CONTEXT)

    assert await log.head() == 0


@pytest.mark.parametrize("is_sent", [False, True], ids=["before", "after"])
async def test_what_became_of_a_call_without_an_answer_is_found_out(log: PostgresLog, is_sent: bool) -> None:  # noqa: FBT001
    await log.append([a_write(ANNA)], [a_claim("taken")], context=CONTEXT)
    before_and_after(log, is_sent=is_sent)

    stored, other, conflict, repeat, alone = await asyncio.gather(
        log.append([a_write(ANNA, 1, named("a"), named("b"))], context=CONTEXT),
        log.append([a_write(a_stream())], context=CONTEXT),
        log.append([a_write(BEN, 5)], context=CONTEXT),
        log.append([a_write(a_stream())], [a_claim("taken")], context=CONTEXT),
        log.append([], [a_claim("alone")], context=CONTEXT),
        return_exceptions=True,
    )

    assert sorted([*stored.positions, *other.positions]) == [2, 3, 4]  # type: ignore[union-attr]  # that is the claim
    assert [type(outcome) for outcome in (conflict, repeat, alone)] == [Conflict, AlreadyClaimed, LogUnreachable]
    assert names(await log.read_stream(ANNA)) == ["Anna", "a", "b"]
    assert [event.position for event in (await log.read(0, 10))[0]] == [1, 2, 3, 4]


async def test_a_backend_that_outlives_its_connection_stores_nothing_behind_our_back(
    log: PostgresLog, log_url: str
) -> None:
    connection = log._writer._calls._connection
    assert connection is not None
    abandoned = connection.info.backend_pid
    async with a_locked_log(log_url):
        append = asyncio.create_task(log.append([a_write(ANNA)], [a_claim("once")], context=CONTEXT))
        await an_append_waits_for_the_lock(log_url)
        with socket.socket(fileno=os.dup(connection.fileno())) as cut:
            cut.shutdown(socket.SHUT_RDWR)  # the backend waits for the lock and does not notice
        await wait_for_backends(log_url, IS_GONE, abandoned, what="the abandoned backend was ended")

    assert await append == Appended(range(1, 2), 1)
    assert await log.head() == 1


async def test_a_storm_of_broken_connections_loses_and_doubles_nothing(log: PostgresLog, log_url: str) -> None:
    chance, progress = random.Random(SEED), asyncio.Event()
    acknowledged: dict[str, list[int]] = {}
    answered = broken = 0

    async def command(number: int) -> None:
        nonlocal answered
        stream = a_stream()
        acknowledged[stream] = []
        for version in range(25):
            claim = a_claim(f"{number}/{version}")
            outcome = None
            while outcome is None:
                with suppress(LogUnreachable):  # the caller's part: repeat with the same claims
                    outcome = await log.append([a_write(stream, version)], [claim], context=CONTEXT)
            assert isinstance(outcome, Appended | AlreadyClaimed)
            acknowledged[stream].append(outcome.positions[0] if isinstance(outcome, Appended) else outcome.position)
            answered += 1
            progress.set()

    async def terminate() -> None:
        nonlocal broken
        async with await AsyncConnection.connect(log_url, autocommit=True) as connection:
            while True:
                enough = answered + chance.randrange(1, 80)
                while answered < enough:  # by progress, not by time: on a slow machine none would live long enough
                    progress.clear()
                    await progress.wait()
                broken += (await connection.execute(BREAK_WRITERS)).rowcount

    storm = asyncio.create_task(terminate())
    await asyncio.gather(*[command(number) for number in range(40)])
    storm.cancel()
    await asyncio.gather(storm, return_exceptions=True)

    assert broken > 3
    assert await log.head() == 40 * 25
    for stream, positions in acknowledged.items():
        stored = await log.read_stream(stream)
        assert [event.position for event in stored] == positions
        assert [event.version for event in stored] == list(range(1, 26))


async def test_a_log_that_stays_unreachable_is_told_and_comes_back(log_url: str) -> None:
    limits = WriterLimits(unreachable_after_seconds=0.05, reconnect_first_seconds=0.01, reconnect_most_seconds=0.02)
    async with a_log(log_url, writer_limits=limits) as log:
        calls = log._writer._calls
        calls._database_url = log_url.replace("/test_", "/no_test_")
        await calls.close()

        outcomes = await asyncio.gather(
            *[log.append([a_write(ANNA, number)], context=CONTEXT) for number in range(5)], return_exceptions=True
        )
        calls._database_url = log_url

        assert [type(outcome) for outcome in outcomes] == [LogUnreachable] * 5
        while True:
            with suppress(LogUnreachable):
                assert await log.append([a_write(ANNA)], context=CONTEXT) == Appended(range(1, 2), 1)
                break


async def test_a_cancelled_caller_leaves_the_others_and_the_backlog_in_order(log: PostgresLog, log_url: str) -> None:
    async with a_locked_log(log_url):
        sent = asyncio.create_task(log.append([a_write(ANNA)], context=CONTEXT))
        await an_append_waits_for_the_lock(log_url)
        waiting = [await log.submit([a_write(a_stream())], context=CONTEXT) for _ in range(3)]
        sent.cancel()
        waiting[1].cancel()
        await asyncio.gather(sent, waiting[1], return_exceptions=True)

    outcomes = [await waiting[0], await waiting[2]]

    assert outcomes == [Appended(range(2, 3), 2), Appended(range(3, 4), 3)], "what was sent was stored, as a whole"
    assert await log.head() == 3
    assert (log._writer._held_requests, log._writer._held_bytes) == (0, 0)


async def test_closing_finishes_what_was_accepted_and_refuses_the_rest(log_url: str) -> None:
    log = a_log(log_url)
    await log.open()
    appends = [await log.submit([a_write(a_stream())], context=CONTEXT) for _ in range(700)]

    await log.close()

    assert {type(outcome) for outcome in await asyncio.gather(*appends)} == {Appended}
    with pytest.raises(LogUnreachable, match="closed"):
        await log.append([a_write(ANNA)], context=CONTEXT)


async def test_the_observer_is_told_of_calls_requests_and_the_backlog(log_url: str) -> None:
    told: list[tuple[str, dict[str, float]]] = []

    class Observer:
        def called(self, *, seconds: float, slowest_seconds: float, requests: int, size_bytes: int) -> None:
            assert slowest_seconds >= seconds > 0
            told.append(("called", {"requests": requests, "size_bytes": size_bytes}))

        def backlog(self, *, requests: int, size_bytes: int) -> None:
            told.append(("backlog", {"requests": requests, "size_bytes": size_bytes}))

    async with a_log(log_url, observer=Observer()) as log:
        await log.append([a_write(ANNA)], context=CONTEXT)

    assert [what for what, _ in told] == ["called", "backlog"]
    assert told[0][1]["requests"] == 1
    assert told[0][1]["size_bytes"] > 100
    assert told[1][1] == {"requests": 0, "size_bytes": 0}


async def test_processes_that_start_at_once_make_the_tables_once(log_url: str) -> None:
    logs = [a_log(log_url) for _ in range(4)]

    await asyncio.gather(*[log.open() for log in logs])

    outcomes = [await log.append([a_write(a_stream())], context=CONTEXT) for log in logs]
    assert outcomes == [Appended(range(position, position + 1), position) for position in (1, 2, 3, 4)]
    await asyncio.gather(*[log.close() for log in logs])
