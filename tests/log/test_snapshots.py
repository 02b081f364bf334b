"""Decision states kept beside the log."""

import logging

import psycopg
import pytest

from infrastructure.log.postgres_log import PostgresLog
from tests.log.situations import ANNA, BEN, CONTEXT, a_write
from tests.log.test_keys import destroy_key

pytestmark = pytest.mark.anyio


@pytest.fixture
async def written(log: PostgresLog) -> PostgresLog:
    """A log in which both customers exist."""
    await log.append([a_write(ANNA), a_write(BEN)], context=CONTEXT)
    return log


def stored(url: str) -> list[tuple[str, int, bytes]]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT originator_id, originator_version, state FROM onethread_snapshots")
        return list(rows)


async def test_the_newest_state_of_each_name_is_kept(written: PostgresLog, log_url: str) -> None:
    snapshots = written.snapshots
    for version in (1, 3, 3, 2):
        await snapshots.save(ANNA, "customer.1", f"at {version}".encode(), version)
    await snapshots.save(ANNA, "other.1", b"other", 3)

    assert await snapshots.load(ANNA, "customer.1") == (b"at 3", 3)
    assert await snapshots.load(ANNA, "other.1") == (b"other", 3)
    assert await snapshots.load(ANNA, "customer.2") is None
    assert await snapshots.load(BEN, "customer.1") is None
    assert sorted(row[:2] for row in stored(log_url)) == [(f"{ANNA}/customer.1", 3), (f"{ANNA}/other.1", 3)]


async def test_a_state_is_sealed_and_goes_with_the_key(written: PostgresLog, log_url: str) -> None:
    await written.snapshots.save(ANNA, "customer.1", b"Anna lives here", 1)
    assert b"Anna" not in stored(log_url)[0][2]

    destroy_key(log_url, ANNA)
    written.forget(ANNA)

    assert await written.snapshots.load(ANNA, "customer.1") is None
    await written.snapshots.save(ANNA, "customer.1", b"Anna", 2)
    assert len(stored(log_url)) == 1, "nothing is kept of a stream without a key"
    await written.snapshots.purge(ANNA)
    assert stored(log_url) == []


async def test_a_state_that_cannot_be_opened_is_as_good_as_none(
    written: PostgresLog, log_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await written.snapshots.save(ANNA, "customer.1", b"state", 1)
    with psycopg.connect(log_url, autocommit=True) as connection:
        connection.execute("UPDATE onethread_snapshots SET state = state || '\\x00'::bytea")

    with caplog.at_level(logging.WARNING):
        assert await written.snapshots.load(ANNA, "customer.1") is None

    assert "customer.1" in caplog.text
