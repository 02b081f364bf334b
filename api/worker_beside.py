"""The worker that `serve` keeps beside itself: who follows the log has a process, and so a core, of their own."""

import asyncio
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from msgspec.structs import replace

from api.settings import Settings, as_environment

RESTART_SECONDS = 1.0
STOP_GRACE_SECONDS = 5.0
"""Beyond the time that the worker may take by its own settings."""
NICENESS = 5
"""In a rush the worker gets less of the machine: taking in comes before showing, for only the one can be lost."""

logger = logging.getLogger(__name__)


@asynccontextmanager
async def worker_beside(settings: Settings) -> AsyncIterator[None]:
    """While this lasts a worker runs, again whenever it dies; at the end it stops as it would by a signal."""
    supervision = asyncio.create_task(_keep_one(settings), name="worker beside")
    try:
        yield
    finally:
        supervision.cancel()
        with suppress(asyncio.CancelledError):
            await supervision


async def _keep_one(settings: Settings) -> None:
    environment = as_environment(replace(settings, port=settings.readers_port))
    while True:
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "api.command_line", "work", "--until-alone"),
            env=environment,
            stdin=PIPE,
            start_new_session=True,  # Ctrl-C in a terminal is for us, and we tell the worker
        )
        try:
            status = await worker.wait()
        except asyncio.CancelledError:
            await _stopped(worker, settings.stop_seconds + STOP_GRACE_SECONDS)
            raise
        logger.error("the worker ended with status %s; it is started again", status)
        await asyncio.sleep(RESTART_SECONDS)


async def _stopped(worker: Process, seconds_max: float) -> None:
    assert worker.stdin is not None  # it was asked for
    worker.stdin.close()
    try:
        async with asyncio.timeout(seconds_max):
            await worker.wait()
    except TimeoutError:
        worker.kill()
        await worker.wait()


async def stop_when_alone() -> None:
    """In the worker: ends this process as a signal would when standard input ends, for then nobody keeps it."""
    os.nice(NICENESS)
    loop, stdin = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    await stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
