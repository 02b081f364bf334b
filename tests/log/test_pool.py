"""The connections that reads share: after an outage they are back at once, however long it was."""

import asyncio
from contextlib import suppress

import pytest
from psycopg_pool.base import AttemptWithBackoff

from application.log import LogUnreachable
from infrastructure.log import pool as pools
from infrastructure.log.pool import ReadPool

pytestmark = pytest.mark.anyio


async def test_a_long_outage_does_not_keep_readers_waiting_once_the_server_is_back(
    log_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AttemptWithBackoff, "INITIAL_DELAY", 0.05)  # everything 20 times as fast
    monkeypatch.setattr(pools, "_RECONNECT_SECONDS", 0.25)
    pool = ReadPool(log_url, 1, timeout_seconds=0.2)
    await pool.open()
    pool._pool.conninfo = log_url.replace("/test_", "/no_test_")
    with suppress(LogUnreachable):
        await pool.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    while pool._pool.get_stats().get("connections_errors", 0) < 7:
        with suppress(LogUnreachable):
            await pool.execute("SELECT 1")
    pool._pool.conninfo = log_url
    async with asyncio.timeout(2.0):
        rows: list[tuple[int]] = []
        while not rows:
            with suppress(LogUnreachable):
                rows = await pool.execute("SELECT 1")
    await pool.close()

    assert rows == [(1,)]
