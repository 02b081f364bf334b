"""What readers of the log see: everything that is durable, once, in order."""

import asyncio

import psycopg
import pytest

from application.log import LogUnreachable, UnreadableEvent
from infrastructure.log.postgres_log import PostgresLog
from infrastructure.log.reader import ReaderLimits
from tests.log.situations import ANNA, BEN, CONTEXT, a_claim, a_log, a_stream, a_write, named, names

LONG_SECONDS = 30.0

pytestmark = pytest.mark.anyio


async def appended(log: PostgresLog, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        await log.append([a_write(a_stream(), 0, named(str(number)))], context=CONTEXT)


async def test_an_empty_log_has_nothing_to_read(log: PostgresLog) -> None:
    assert await log.read(0, 10) == ([], 0)
    assert await log.head() == 0
    assert await log.at(1) is None
    assert await log.read_stream(ANNA) == []


async def test_events_are_the_same_from_memory_and_from_the_database(log: PostgresLog, log_url: str) -> None:
    await log.append([a_write(ANNA, 0, named("a"), named("b")), a_write(BEN)], [a_claim("x")], context=CONTEXT)

    from_memory = await log.read(0, 10)
    async with a_log(log_url) as restarted:
        from_database = await restarted.read(0, 10)
        assert await restarted.at(2) == from_memory[0][1]

    assert from_memory == from_database
    assert from_memory[1] == 3


async def test_what_this_process_appended_is_read_without_the_database(log: PostgresLog, log_url: str) -> None:
    await appended(log, 3)
    with psycopg.connect(log_url) as connection:
        connection.execute("DELETE FROM onethread_events")
        connection.commit()

    assert names((await log.read(0, 10))[0]) == ["0", "1", "2"]


async def test_what_other_processes_appended_is_filled_in(log: PostgresLog, log_url: str) -> None:
    async with a_log(log_url) as other:
        for number in range(10):
            await appended(other if number % 3 else log, 1, first=number)

        assert names((await log.read(0, 100))[0]) == [str(number) for number in range(10)]
        assert names((await other.read(4, 3))[0]) == ["4", "5", "6"]


async def test_a_tail_left_far_behind_begins_anew_and_misses_nothing(log_url: str) -> None:
    limits = ReaderLimits(catch_up_events_max=5)
    async with a_log(log_url, reader_limits=limits) as idle, a_log(log_url) as busy:
        await appended(busy, 23)

        seen, position = [], 0
        while (batch := await idle.read(position, 4))[0]:
            seen += names(batch[0])
            position = batch[1]

        assert seen == [str(number) for number in range(23)]
        await appended(idle, 1, first=23)
        assert names((await idle.read(position, 4))[0]) == ["23"]


async def test_several_streams_are_read_together_each_behind_its_version(log: PostgresLog) -> None:
    await log.append([a_write(ANNA, 0, named("a"), named("b")), a_write(BEN, 0, named("c"))], context=CONTEXT)
    await log.append([a_write(BEN, 1, named("d"))], context=CONTEXT)

    found = await log.read_streams({ANNA: 1, BEN: 0, a_stream(): 0})

    assert sorted((one.stream, one.version) for one in found) == [(ANNA, 2), (BEN, 1), (BEN, 2)]
    assert names([one for one in found if one.stream == BEN]) == ["c", "d"]
    assert await log.read_streams({}) == []


@pytest.mark.parametrize("stretch", [3, 1000])
async def test_reading_by_topics_looks_at_bounded_stretches(log_url: str, stretch: int) -> None:
    async with a_log(log_url) as writer:
        await appended(writer, 10)
    async with a_log(log_url, reader_limits=ReaderLimits(stretch_events_max=stretch)) as log:
        nothing, looked_to = await log.read(0, 2, ["customer.registered"])
        found, upto = await log.read(0, 2, ["customer.named", "customer.registered"])
        beyond = await log.read(10, 2, ["customer.named"])

    assert (nothing, looked_to) == ([], min(stretch, 10))
    assert (names(found), upto) == (["0", "1"], 2)
    assert beyond == ([], 10)


async def test_an_unreadable_event_ends_the_answer_before_it_and_is_named_behind(
    log: PostgresLog, log_url: str
) -> None:
    await log.append([a_write(ANNA, 0, named("a"), named("b"), named("c"))], context=CONTEXT)
    with psycopg.connect(log_url, autocommit=True) as connection:
        connection.execute("UPDATE onethread_events SET state = state || '\\x00'::bytea WHERE notification_id = 2")

    async with a_log(log_url) as restarted:
        readable, upto = await restarted.read(0, 10)
        with pytest.raises(UnreadableEvent) as caught:
            await restarted.read(upto, 10)
        behind = await restarted.read(caught.value.position, 10)

    assert (names(readable), upto) == (["a"], 1)
    assert (caught.value.position, caught.value.stream, caught.value.topic) == (2, ANNA, "customer.named")
    assert names(behind[0]) == ["c"]


async def test_an_unreadable_event_of_another_process_does_not_stop_readers_behind_it(
    log: PostgresLog, log_url: str
) -> None:
    async with a_log(log_url) as other:
        await other.append([a_write(ANNA, 0, named("a"), named("b"))], context=CONTEXT)
        with psycopg.connect(log_url, autocommit=True) as connection:
            connection.execute("UPDATE onethread_events SET state = '\\x00' WHERE notification_id = 1")

        with pytest.raises(UnreadableEvent):
            await log.read(0, 10)

        assert names((await log.read(1, 10))[0]) == ["b"]


async def test_a_waiting_reader_is_woken_by_an_append(log: PostgresLog) -> None:
    waiting = asyncio.create_task(log.wait_past(0, LONG_SECONDS))

    await appended(log, 1)

    assert await waiting
    assert await log.wait_past(0, LONG_SECONDS), "what is there already is not waited for"


@pytest.mark.parametrize(("poll_seconds", "is_nudged"), [(0.01, False), (LONG_SECONDS * 10, True)])
async def test_a_waiting_reader_learns_of_other_processes(log_url: str, poll_seconds: float, is_nudged: bool) -> None:  # noqa: FBT001
    limits = ReaderLimits(poll_seconds=poll_seconds)
    async with a_log(log_url, reader_limits=limits) as log, a_log(log_url) as other:
        waiting = asyncio.create_task(log.wait_past(0, LONG_SECONDS))
        await appended(other, 1)
        if is_nudged:
            log.nudge()

        assert await waiting


async def test_waiting_ends_when_the_time_is_over(log: PostgresLog, log_url: str) -> None:
    async with a_log(log_url) as other:
        assert not await log.wait_past(0, 0.01)
        await appended(other, 1)
        assert await log.wait_past(0, 0.0), "the database is asked a last time"


async def test_a_position_that_was_told_and_is_not_there_is_not_believed_for_long(log: PostgresLog) -> None:
    await log.append([a_write(ANNA)], context=CONTEXT)

    log.nudge(1_000)

    assert await log.wait_past(1, 1.0)
    assert await log.read(1, 10) == ([], 1)
    assert not await log.wait_past(1, 0.01)


async def test_readers_survive_broken_connections(log: PostgresLog, log_url: str) -> None:
    await appended(log, 1)
    with psycopg.connect(log_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE application_name = 'onethread reader'"
        )

    assert await log.head() == 1


async def test_a_database_that_is_gone_is_unreachable(log_url: str) -> None:
    nowhere = log_url.replace("/test_", "/no_test_")

    with pytest.raises(LogUnreachable):
        await a_log(nowhere).open()
