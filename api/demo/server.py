"""A server in a process of its own, as anybody would start it: where it listens, and when it is ready."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import IO

import httpx
import msgspec

from api.settings import Settings, as_environment

START_SECONDS_MAX = 60.0
READY_POLL_SECONDS = 0.05
LISTENS = b"listens on "


class Running(msgspec.Struct, frozen=True):
    """A server that runs."""

    host: str
    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


@asynccontextmanager
async def serving(settings: Settings, errors: IO[bytes] | None = None) -> AsyncIterator[Running]:
    """`onethread serve` with all its readers, ready; its log goes to `errors`. Raises TimeoutError, ServerEnded."""
    async with started(["-m", "api.command_line", "serve"], as_environment(settings), errors) as process:
        async with httpx.AsyncClient(base_url=process.url) as http, asyncio.timeout(START_SECONDS_MAX):
            while (await http.get("/health/ready")).is_error:  # noqa: ASYNC110  # it is another process
                await asyncio.sleep(READY_POLL_SECONDS)
        yield process


class ServerEnded(Exception):
    """The server ended before it listened; its log says why."""


@asynccontextmanager
async def started(
    arguments: Sequence[str], environment: Mapping[str, str], errors: IO[bytes] | None = None
) -> AsyncIterator[Running]:
    """Python with these arguments, once it has said where it listens; asked to stop at the end.

    In a session of its own, so that Ctrl-C is heard by whoever started it first. Raises TimeoutError, ServerEnded.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environment, stdout=PIPE, stderr=errors, start_new_session=True
    )
    try:
        assert process.stdout is not None  # asked for above
        async with asyncio.timeout(START_SECONDS_MAX):
            async for line in process.stdout:
                if LISTENS in line:
                    break
            else:
                raise ServerEnded(f"{' '.join(arguments)}: {ServerEnded.__doc__}")
        host, _, port = line.partition(b"http://")[2].split()[0].decode().partition(":")
        yield Running(host, int(port), process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
