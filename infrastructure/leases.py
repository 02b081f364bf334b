"""Leases: of all processes that could run a part, one does. PostgreSQL's advisory locks decide which."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any
from zlib import crc32

import psycopg
from psycopg import AsyncConnection

from infrastructure.stopping import stop

ASK_SECONDS = 1.0
"""How often a standby asks, and how often a holder makes sure of its connection."""
ANSWER_SECONDS_MAX = 5.0
"""A connection that has not answered for so long is lost, and its leases with it."""
SILENT_SECONDS_MAX = 10.0
"""The server ends a session that has not asked for so long: a process that hangs, or whose machine is gone, but whose
connection was never closed, keeps no lease."""
NAMESPACE = 0x0E_7E_AD  # keeps our locks apart from others in the same database

_SESSION = "-c idle_session_timeout={silent_ms}"
_TRY = "SELECT pg_try_advisory_lock(%s, %s)"
_ALIVE = "SELECT 1"

Part = Callable[[], Awaitable[None]]

logger = logging.getLogger(__name__)


def together(*parts: Part) -> Callable[[], Coroutine[Any, Any, None]]:
    """Parts that belong into the same process, under one lease."""

    async def run() -> None:
        await asyncio.gather(*(part() for part in parts))

    return run


class Leases:
    """Runs each part while this process holds its lease; the lease ends with the connection, however that ends."""

    def __init__(self, database_url: str, parts: Mapping[str, Part]) -> None:
        self._database_url = database_url
        self._parts = parts
        self.held: dict[str, asyncio.Task[None]] = {}
        """The parts that run here."""

    async def run(self) -> None:
        """Until it is cancelled; then all parts have stopped and the leases are free."""
        while True:
            try:
                async with await AsyncConnection.connect(
                    self._database_url,
                    autocommit=True,
                    connect_timeout=5,
                    options=_SESSION.format(silent_ms=round(SILENT_SECONDS_MAX * 1000)),
                    application_name="onethread leases",
                ) as connection:
                    try:
                        await self._hold(connection)
                    finally:
                        await self._drop()
            except (psycopg.Error, TimeoutError, OSError) as error:
                logger.warning("leases lost: %s", type(error).__name__)
                await asyncio.sleep(ASK_SECONDS)

    async def _hold(self, connection: AsyncConnection) -> None:
        while True:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                await connection.execute(_ALIVE)
                for name in self._parts.keys() - self.held.keys():
                    cursor = await connection.execute(_TRY, (NAMESPACE, crc32(name.encode()) & 0x7FFF_FFFF))
                    row = await cursor.fetchone()
                    if row is not None and row[0]:
                        logger.info("this process runs %s", name)
                        self.held[name] = asyncio.create_task(_forever(name, self._parts[name]), name=name)
            await asyncio.sleep(ASK_SECONDS)

    async def _drop(self) -> None:
        tasks = list(self.held.values())
        self.held.clear()
        await stop(tasks)


async def _forever(name: str, part: Part) -> None:
    """A part that ends by itself begins again: nobody else could take its lease meanwhile."""
    while True:
        try:
            await part()
        except Exception:
            logger.exception("%s failed; it begins again", name)
        await asyncio.sleep(ASK_SECONDS)
