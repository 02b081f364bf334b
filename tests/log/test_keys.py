"""The keys of streams: wrapped, rotated, held and forgotten."""

import os
from collections.abc import Sequence

import psycopg
import pytest

from application.log import Appended
from domain.event import Redacted
from infrastructure.log.keys import KeyRing, MasterKeys, UnknownMasterKey, WrongMasterKey
from infrastructure.log.postgres_log import PostgresLog
from tests.log.situations import ANNA, BEN, CONTEXT, MASTER_KEY, NOON, a_log, a_write, named, names

OLD, NEW = os.urandom(32), os.urandom(32)

pytestmark = pytest.mark.anyio


def destroy_key(url: str, stream: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM onethread_stream_keys WHERE stream = %s", (stream,))


def test_a_wrapped_key_opens_for_its_stream_only() -> None:
    secret = os.urandom(32)
    wrapped = MasterKeys([NEW]).wrap(ANNA, secret, 5)

    assert MasterKeys([NEW]).unwrap(ANNA, wrapped) == (secret, 5)
    with pytest.raises(WrongMasterKey, match=BEN):
        MasterKeys([NEW]).unwrap(BEN, wrapped)
    with pytest.raises(WrongMasterKey):
        MasterKeys([NEW]).unwrap(ANNA, wrapped[:4] + (1).to_bytes(8, "big") + wrapped[12:])


def test_a_former_master_key_only_unwraps() -> None:
    secret = os.urandom(32)
    old = MasterKeys([OLD]).wrap(ANNA, secret, 1)
    rotated = MasterKeys([NEW, OLD])

    new = rotated.rewrap(ANNA, old)

    assert rotated.unwrap(ANNA, old) == rotated.unwrap(ANNA, new) == (secret, 1)
    assert (old.startswith(rotated.active), new.startswith(rotated.active)) == (False, True)
    assert MasterKeys([NEW]).unwrap(ANNA, new) == (secret, 1)


def test_a_master_key_that_was_not_given_is_named() -> None:
    wrapped = MasterKeys([OLD]).wrap(ANNA, os.urandom(32), 1)

    with pytest.raises(UnknownMasterKey, match=wrapped[:4].hex()):
        MasterKeys([NEW]).unwrap(ANNA, wrapped)


@pytest.mark.parametrize("keys", [[], [b"short"], [NEW, b"x" * 33]])
def test_master_keys_of_another_length_are_refused(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        MasterKeys(keys)


async def test_a_ring_holds_the_keys_used_last() -> None:
    masters, asked = MasterKeys([NEW]), []

    async def fetch(streams: Sequence[str]) -> list[tuple[str, bytes]]:
        asked.append(sorted(streams))
        return [(stream, masters.wrap(stream, NEW, 1)) for stream in streams if stream != "none"]

    ring = KeyRing(masters, fetch, keys_max=2)
    assert sorted(await ring.of(["a", "b", "none"])) == ["a", "b"]
    assert ring.held("a") is not None
    await ring.of(["c"])

    assert asked == [["a", "b", "none"], ["c"]]
    assert [ring.held(stream) is not None for stream in "abc"] == [True, False, True]


async def test_a_key_destroyed_while_it_is_fetched_is_not_kept() -> None:
    masters = MasterKeys([NEW])

    async def fetch(streams: Sequence[str]) -> list[tuple[str, bytes]]:
        ring.forget("a")
        return [(stream, masters.wrap(stream, NEW, 1)) for stream in streams]

    ring = KeyRing(masters, fetch)
    await ring.of(["a"])

    assert ring.held("a") is None


async def test_streams_stay_readable_after_the_master_key_is_rotated(log_url: str) -> None:
    async with PostgresLog(log_url, [OLD], lambda: NOON) as before:
        await before.append([a_write(ANNA)], context=CONTEXT)

    async with PostgresLog(log_url, [NEW, OLD], lambda: NOON) as after:
        await after.append([a_write(ANNA, 1), a_write(BEN)], context=CONTEXT)

        assert [len(names(await after.read_stream(stream))) for stream in (ANNA, BEN)] == [2, 1]
    async with PostgresLog(log_url, [NEW], lambda: NOON) as without_old:
        assert names(await without_old.read_stream(BEN)) == ["Anna"]
        with pytest.raises(UnknownMasterKey):
            await without_old.read_stream(ANNA)


async def test_a_destroyed_key_redacts_what_was_said_and_nothing_else(log: PostgresLog, log_url: str) -> None:
    await log.append([a_write(ANNA, 0, named("Anna"), named("Ann")), a_write(BEN)], context=CONTEXT)

    destroy_key(log_url, ANNA)
    log.forget(ANNA)

    events, upto = await log.read(0, 10)
    assert [event.event for event in events] == [Redacted(original_topic="customer.named")] * 2 + [named()]
    assert ([event.topic for event in events], upto) == (["customer.named"] * 3, 3)
    assert [event.actor for event in await log.read_stream(ANNA)] == ["agent-1"] * 2


async def test_a_stream_goes_on_under_a_new_key(log: PostgresLog, log_url: str) -> None:
    await log.append([a_write(ANNA, 0, named("gone"))], context=CONTEXT)
    destroy_key(log_url, ANNA)
    log.forget(ANNA)

    outcome = await log.append([a_write(ANNA, 1, named("stays"))], context=CONTEXT)

    assert isinstance(outcome, Appended)
    async with a_log(log_url) as elsewhere:
        stored = await elsewhere.read_stream(ANNA)
    assert [event.event for event in stored] == [Redacted(original_topic="customer.named"), named("stays")]


async def test_a_key_replaced_by_another_process_is_noticed(log: PostgresLog, log_url: str) -> None:
    await log.append([a_write(ANNA, 0, named("gone"))], context=CONTEXT)
    async with a_log(log_url) as elsewhere:
        destroy_key(log_url, ANNA)
        await elsewhere.append([a_write(ANNA, 1, named("stays"))], context=CONTEXT)

    assert names(await log.read_stream(ANNA, after_version=1)) == ["stays"], "although the old key is still held here"
    assert log._keys.held(ANNA) is not None
    assert MASTER_KEY not in repr(log._keys.held(ANNA)).encode()
