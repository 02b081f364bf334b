"""What an append answers."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from application.log import AlreadyClaimed, Appended, Conflict, Fact, Write
from domain.event import Event
from infrastructure.log.postgres_log import PostgresLog
from tests.log.situations import ANNA, BEN, CONTEXT, NOON, a_claim, a_log, a_stream, a_write, named, names

pytestmark = pytest.mark.anyio


async def test_an_append_stores_its_facts_in_their_envelope(log: PostgresLog) -> None:
    elsewhere = datetime(2026, 3, 2, 20, 0, tzinfo=timezone(timedelta(hours=8)))

    outcome = await log.append(
        [Write(ANNA, 0, [Fact(named("Anna"), NOON), Fact(named("Ann"), elsewhere)])], context=CONTEXT
    )

    assert outcome == Appended(range(1, 3), 2)
    first, second = await log.read_stream(ANNA)
    assert (first.event, first.topic, first.stream, first.version, first.position) == (
        named("Anna"), "customer.named", ANNA, 1, 1,
    )  # fmt: skip
    assert (second.event, second.version, second.position, second.occurred_at) == (named("Ann"), 2, 2, NOON)
    assert second.occurred_at.tzinfo is UTC
    assert (first.actor, first.command, first.correlation, first.cause) == ("agent-1", "command-1", "request-1", None)


async def test_a_stream_that_moved_on_is_a_conflict_and_stores_nothing(log: PostgresLog) -> None:
    await log.append([a_write(ANNA)], context=CONTEXT)

    outcomes = [await log.append([a_write(ANNA, expected)], context=CONTEXT) for expected in (0, 2, 7)]

    assert outcomes == [Conflict(ANNA)] * 3
    assert await log.head() == 1


async def test_two_streams_are_written_both_or_not_at_all(log: PostgresLog) -> None:
    await log.append([a_write(ANNA)], context=CONTEXT)

    refused = await log.append([a_write(BEN), a_write(ANNA, 0)], [a_claim("both")], context=CONTEXT)
    taken = await log.append([a_write(BEN), a_write(ANNA, 1)], [a_claim("both")], context=CONTEXT)

    assert refused == Conflict(ANNA)
    assert taken == Appended(range(2, 4), 3)
    assert [len(await log.read_stream(stream)) for stream in (ANNA, BEN)] == [2, 1]


async def test_what_rests_on_a_stream_is_stored_only_while_it_stands(log: PostgresLog) -> None:
    await log.append([a_write(ANNA)], context=CONTEXT)

    stale = await log.append([a_write(BEN), Write(ANNA, 0, [])], [a_claim("stale")], context=CONTEXT)
    sound = await log.append([a_write(BEN), Write(ANNA, 1, [])], context=CONTEXT)
    unborn = await log.append([a_write(BEN, 1), Write(a_stream(), 0, [])], context=CONTEXT)

    assert (stale, sound, unborn) == (Conflict(ANNA), Appended(range(2, 3), 2), Appended(range(3, 4), 3))
    assert await log.claimed([a_claim("stale").key]) == {}


async def test_what_rests_on_a_stream_does_not_pass_what_writes_it_at_the_same_moment(log: PostgresLog) -> None:
    await log.append([a_write(ANNA)], context=CONTEXT)

    several = [
        [a_write(a_stream()), Write(ANNA, 1, [])],
        [a_write(a_stream()), Write(ANNA, 1, [])],
        [a_write(ANNA, 1)],
        [a_write(a_stream()), Write(ANNA, 1, [])],
        [a_write(a_stream()), Write(ANNA, 2, [])],
    ]
    outcomes = await asyncio.gather(*(log.append(writes, context=CONTEXT) for writes in several))

    assert [type(outcome) for outcome in outcomes] == [Appended, Appended, Appended, Conflict, Appended]


async def test_demands_alone_are_no_append(log: PostgresLog) -> None:
    with pytest.raises(ValueError, match="needs a fact or a claim"):
        await log.append([Write(ANNA, 0, [])], context=CONTEXT)


async def test_the_same_claim_twice_answers_what_it_led_to(log: PostgresLog) -> None:
    claims = [a_claim("first", fact=0), a_claim("last")]
    await log.append([a_write(ANNA, 0, named("one"), named("two"))], claims, context=CONTEXT)

    repeated = await log.append([a_write(ANNA, 0)], [a_claim("new"), a_claim("first")], context=CONTEXT)
    contradicted = await log.append([a_write(ANNA, 2)], [a_claim("last", "other content")], context=CONTEXT)

    assert isinstance(repeated, AlreadyClaimed)
    assert (repeated.position, repeated.is_repeat) == (1, True), "a repeat hears of its claim, not of a conflict"
    assert isinstance(contradicted, AlreadyClaimed)
    assert (contradicted.position, contradicted.is_repeat) == (2, False)
    assert contradicted.claim == a_claim("last", "other content")
    assert await log.head() == 2
    assert await log.claimed([a_claim("new").key]) == {}


async def test_claims_without_facts_keep_the_position_of_that_moment(log: PostgresLog) -> None:
    await log.append([a_write(ANNA)], context=CONTEXT)

    outcome = await log.append([], [a_claim("alone")], context=CONTEXT)

    claim = a_claim("alone")
    assert outcome == Appended(range(2, 2), 1)
    assert await log.claimed([claim.key, a_claim("unknown").key]) == {claim.key: (1, claim.fingerprint)}


async def test_one_bad_request_does_not_touch_its_neighbours(log: PostgresLog) -> None:
    await log.append([a_write(ANNA)], [a_claim("taken")], context=CONTEXT)
    streams = [a_stream() for _ in range(40)]

    async def nth(number: int) -> object:
        if number % 4 == 1:
            return await log.append([a_write(ANNA, 0)], context=CONTEXT)
        if number % 4 == 2:
            return await log.append([a_write(streams[number])], [a_claim("taken")], context=CONTEXT)
        claims = [a_claim(f"claim {number}", fact=1)]
        return await log.append([a_write(streams[number], 0, named("a"), named("b"))], claims, context=CONTEXT)

    outcomes = await asyncio.gather(*[nth(number) for number in range(40)])

    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [Appended, Conflict, AlreadyClaimed, Appended] * 10
    assert await log.head() == 1 + 2 * 20
    for number, outcome in enumerate(outcomes):
        if isinstance(outcome, Appended):
            stored = await log.read_stream(streams[number])
            assert [event.position for event in stored] == list(outcome.positions)
            claim = a_claim(f"claim {number}")
            assert await log.claimed([claim.key]) == {claim.key: (outcome.positions[1], claim.fingerprint)}


async def test_the_same_stream_twice_at_once_is_taken_once(log: PostgresLog) -> None:
    outcomes = await asyncio.gather(*[log.append([a_write(ANNA)], context=CONTEXT) for _ in range(20)])

    assert outcomes == [Appended(range(1, 2), 1)] + [Conflict(ANNA)] * 19


async def test_the_same_claim_twice_at_once_is_taken_once(log: PostgresLog) -> None:
    appends = [log.append([a_write(a_stream())], [a_claim("once")], context=CONTEXT) for _ in range(20)]

    first, *others = await asyncio.gather(*appends)

    assert first == Appended(range(1, 2), 1)
    assert others == [AlreadyClaimed(a_claim("once"), 1, a_claim("once").fingerprint)] * 19
    assert await log.head() == 1


async def test_a_queue_of_writes_to_one_stream_keeps_its_order(log: PostgresLog) -> None:
    submitted = [
        await log.submit([a_write(ANNA, version, named(str(version)))], context=CONTEXT) for version in range(50)
    ]

    outcomes = await asyncio.gather(*submitted)

    assert all(isinstance(outcome, Appended) for outcome in outcomes)
    assert names(await log.read_stream(ANNA)) == [str(version) for version in range(50)]
    assert log._requests._proposed == {}


async def test_what_was_sealed_with_a_key_that_was_refused_is_refused_too(log: PostgresLog, log_url: str) -> None:
    async with a_log(log_url) as other:
        await other.append([a_write(ANNA, 0, named("theirs"))], context=CONTEXT)

    ours = [await log.submit([a_write(ANNA, version)], context=CONTEXT) for version in (0, 1)]

    assert await asyncio.gather(*ours) == [Conflict(ANNA)] * 2, "the second fits by its version, but not by its key"
    assert names(await log.read_stream(ANNA)) == ["theirs"]


async def test_a_stream_created_by_two_processes_at_once_is_a_conflict_for_one(log_url: str) -> None:
    async with a_log(log_url) as here, a_log(log_url) as there:
        outcomes = await asyncio.gather(*[one.append([a_write(ANNA)], context=CONTEXT) for one in (here, there)])

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Appended", "Conflict"]
        for version, one in enumerate((here, there), 1):
            assert isinstance(await one.append([a_write(ANNA, version)], context=CONTEXT), Appended)
            assert names(await one.read_stream(ANNA)) == ["Anna"] * (version + 1)


async def test_recorded_at_never_goes_back(log_url: str) -> None:
    times = iter([NOON, NOON - timedelta(hours=1), NOON + timedelta(seconds=1)])
    async with a_log(log_url, clock=lambda: next(times)) as log:
        for version in range(3):
            await log.append([a_write(ANNA, version)], context=CONTEXT)

        recorded = [event.recorded_at for event in await log.read_stream(ANNA)]

    assert recorded == [NOON, NOON, NOON + timedelta(seconds=1)]


async def test_what_could_never_be_stored_is_refused_before_it_is_sent(log: PostgresLog) -> None:
    class Unlisted(Event):
        """Not in the catalogue."""

    appends = [
        log.append([], context=CONTEXT),
        log.append([a_write(ANNA), a_write(ANNA, 1)], context=CONTEXT),
        log.append([], [a_claim("twice"), a_claim("twice")], context=CONTEXT),
        log.append([Write(ANNA, 0, [])], context=CONTEXT),
        log.append([a_write("customer-\0")], context=CONTEXT),
        log.append([a_write(ANNA, -1)], context=CONTEXT),
        log.append([a_write(ANNA, 2**63)], context=CONTEXT),
        log.append([a_write(ANNA)], [a_claim("which", fact=1)], context=CONTEXT),
        log.append([a_write(ANNA, 0, Unlisted())], context=CONTEXT),
        log.append([Write(ANNA, 0, [Fact(named(), NOON.replace(tzinfo=None))])], context=CONTEXT),
    ]

    outcomes = await asyncio.gather(*appends, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [ValueError] * len(appends)
    assert await log.head() == 0
