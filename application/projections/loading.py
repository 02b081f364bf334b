"""Loads a build: while one batch is written the next is folded and the one after that is read."""

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from application.log import Log
from application.projections.projection import Projection
from application.projections.view import Unstorable

LOAD_EVENTS_MAX = 5_000
"""Events read at once."""

Progress = Callable[[int, int, float], None]
"""Is told the position reached, the one to reach, and how many positions a second it goes."""


async def load(log: Log, projection: Projection, upto: int, on_progress: Progress | None = None) -> None:
    """Takes a started projection from where it stands to exactly the position.

    Raises Fenced, ViewsUnreachable, LogUnreachable; then it stands somewhere before, and may be started again.
    """
    with _few_collections():
        while projection.position < upto:
            try:
                await _pipeline(log, projection, upto, on_progress)
            except Unstorable:
                # Somewhere in what was just written: `take` finds the stream and parks it.
                await projection.start()
                batch, reached = await log.read(projection.position, LOAD_EVENTS_MAX, projection.topics)
                await projection.take([one for one in batch if one.position <= upto], min(reached, upto))


async def _pipeline(log: Log, projection: Projection, upto: int, on_progress: Progress | None) -> None:
    started_at, started_from, reached = time.monotonic(), projection.position, projection.position
    reading = asyncio.create_task(log.read(reached, LOAD_EVENTS_MAX, projection.topics))
    saving: asyncio.Task[None] | None = None
    try:
        while reached < upto:
            batch, reached = await reading
            if reached < upto:
                reading = asyncio.create_task(log.read(reached, LOAD_EVENTS_MAX, projection.topics))
            else:
                batch, reached = [one for one in batch if one.position <= upto], upto
            if saving is not None and not projection.folds_ahead(batch):
                await saving
            folded = await projection.fold(batch)
            if saving is not None:
                await saving
            saving = asyncio.create_task(projection.save(folded, reached))
            if on_progress is not None:
                on_progress(reached, upto, (reached - started_from) / max(time.monotonic() - started_at, 1e-6))
        if saving is not None:
            await saving
    finally:
        left = [task for task in (reading, saving) if task is not None and not task.done()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


@contextmanager
def _few_collections() -> Iterator[None]:
    """A load makes millions of objects and no garbage cycles: looking for some less often saves a fifth of its time."""
    usual = gc.get_threshold()
    gc.set_threshold(100_000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
