"""Stopping: tasks are cancelled until they have ended, since a library may swallow one cancellation."""

import asyncio
from collections.abc import Iterable

AGAIN_SECONDS = 1.0


async def stop(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Returns when all have ended, however they did."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_SECONDS)
