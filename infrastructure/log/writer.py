"""Group commit: what waits to be appended goes to the log together, in one durable call after the other."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec
import psycopg

from application.log import Appended, LogBusy, LogUnreachable, Outcome
from infrastructure.log.calls import Calls, ConnectionLost
from infrastructure.log.request import Request

logger = logging.getLogger(__name__)


class WriterLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the writer takes at most, and for how long it tries."""

    backlog_requests_max: int = 10_000
    """Requests accepted and not yet answered; beyond it an append is refused with LogBusy."""
    backlog_bytes_max: int = 64 * 1024 * 1024
    """The same, by size."""
    call_requests_max: int = 128
    """Requests in one call. More would hardly make it cheaper, and of 256 commands at once one half is decided and
    sealed while the other is stored; were all in one call, database and process would wait for each other in turn."""
    call_bytes_max: int = 4 * 1024 * 1024
    """The same, by size; a single request may be larger."""
    unreachable_after_seconds: float = 10
    """How long an append waits for a lost database before it raises LogUnreachable."""
    reconnect_first_seconds: float = 0.05
    """Pause after the first failure to connect; doubles with each."""
    reconnect_most_seconds: float = 1
    """Longest pause between two attempts to connect."""


class AppendObserver(Protocol):
    """Is told what the writer does, for metrics. Called on the writer's task: must be quick and must not raise."""

    def called(self, *, seconds: float, slowest_seconds: float, requests: int, size_bytes: int) -> None:
        """One durable call took this long for so many requests; the slowest of them, from submitted to answered."""

    def backlog(self, *, requests: int, size_bytes: int) -> None:
        """So much is accepted and not yet answered."""


OnDurable = Callable[[int | None, Sequence[tuple[Request, int]]], None]
"""Gets what a call stored, each request with its first position, and the position the log stood at before the call;
None when the answer was lost, so that this is not known."""


class GroupCommitWriter:
    """One task that appends for the whole process.

    While one call is under way the next requests gather; when nothing waits a request goes at once. Two requests
    of a call never touch the same stream or claim, and none touches what another rests on: the later one waits for the
    next call. Any number of them may rest on the same.
    """

    def __init__(
        self, calls: Calls, on_durable: OnDurable, limits: WriterLimits, observer: AppendObserver | None = None
    ) -> None:
        self._calls = calls
        self._on_durable = on_durable
        self._limits = limits
        self._observer = observer
        self._backlog: deque[Request] = deque()
        self._held_requests = 0  # in the backlog and in the call under way
        self._held_bytes = 0
        self._work = asyncio.Event()
        self._is_stopping = False
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop  # kept, because asking for the running one is a system call

    async def start(self) -> None:
        """Connects and begins to take requests. Raises LogUnreachable."""
        try:
            await self._calls.connect()
        except ConnectionLost as error:
            raise LogUnreachable(str(error)) from error
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run(), name="log writer")

    async def stop(self) -> None:
        """Finishes what was accepted, refuses what comes after, and disconnects."""
        self._is_stopping = True
        self._work.set()
        if self._task is not None:
            await self._task
        await self._calls.close()

    def submit(self, request: Request) -> asyncio.Future[Outcome]:
        """The request's outcome, once it is durable; LogUnreachable may come out of it too. Raises LogBusy.

        A caller that is cancelled meanwhile leaves the append stored or not stored, as a whole.
        """
        limits = self._limits
        if self._is_stopping or self._task is None or self._task.done():
            raise LogUnreachable("the log is closed")
        if self._held_requests >= limits.backlog_requests_max:
            raise LogBusy(f"{self._held_requests} appends are waiting")
        if self._held_bytes + request.size_bytes > limits.backlog_bytes_max:
            raise LogBusy(f"{self._held_bytes} bytes are waiting to be appended")
        request.submitted_at = self._loop.time()
        request.outcome = self._loop.create_future()
        request.is_held = True
        self._held_requests += 1
        self._held_bytes += request.size_bytes
        self._backlog.append(request)
        if not self._work.is_set():
            self._work.set()
        return request.outcome

    async def _run(self) -> None:
        while True:
            if not self._backlog:
                if self._is_stopping:
                    return
                self._work.clear()
                await self._work.wait()
                continue
            batch = self._gather()
            try:
                await self._call(batch)
            except Exception as error:  # the writer must outlive whatever went wrong with one call
                logger.exception("an append call failed")
                for request in batch:
                    self._fail(request, error)

    def _gather(self) -> list[Request]:
        """The next call's requests: oldest first, none on the stream or claim of another."""
        batch: list[Request] = []
        later: list[Request] = []
        touched: set[str | bytes] = set()
        rested_on: set[str | bytes] = set()
        size_bytes = 0
        while self._backlog and len(batch) + len(later) < self._limits.call_requests_max:
            request = self._backlog.popleft()
            if request.outcome.done():  # its caller was cancelled before it was sent
                self._release(request)
                continue
            is_apart = touched.isdisjoint(request.touches) and touched.isdisjoint(request.rests_on)
            is_apart = is_apart and rested_on.isdisjoint(request.touches)
            if is_apart and (not batch or size_bytes + request.size_bytes <= self._limits.call_bytes_max):
                batch.append(request)
                size_bytes += request.size_bytes
            else:
                later.append(request)
            touched.update(request.touches)  # what comes behind one that waits must not overtake it
            rested_on.update(request.rests_on)
        self._backlog.extendleft(reversed(later))
        return batch

    async def _call(self, batch: list[Request]) -> None:
        if not batch:
            return
        started_at = self._loop.time()
        try:
            head, outcomes = await self._calls.append(batch)
        except ConnectionLost as error:
            logger.warning("the connection to the log broke under %d appends: %s", len(batch), error)
            await self._recover(batch)
            return
        except psycopg.errors.LockNotAvailable:
            for request in batch:
                self._fail(request, LogBusy("another process holds the log"))
            return
        except psycopg.Error as error:  # nothing was stored; find the request that the database cannot take
            if len(batch) == 1:
                cannot_now = isinstance(error, psycopg.OperationalError | psycopg.errors.ReadOnlySqlTransaction)
                self._fail(batch[0], LogUnreachable(_of_server(error)) if cannot_now else error)
                return
            for request in batch:
                await self._call([request])
            return
        self._settle(head, batch, outcomes)
        if self._observer is not None:
            now = self._loop.time()
            self._observer.called(
                seconds=now - started_at,
                slowest_seconds=now - min(request.submitted_at for request in batch),
                requests=len(batch),
                size_bytes=sum(request.size_bytes for request in batch),
            )
            self._observer.backlog(requests=self._held_requests, size_bytes=self._held_bytes)

    def _settle(self, head: int | None, batch: Sequence[Request], outcomes: Sequence[Outcome]) -> None:
        stored = [
            (request, outcome.positions[0])
            for request, outcome in zip(batch, outcomes, strict=True)
            if isinstance(outcome, Appended) and outcome.positions
        ]
        if stored:
            self._on_durable(head, stored)
        for request, outcome in zip(batch, outcomes, strict=True):
            self._release(request)
            if not request.outcome.done():
                request.outcome.set_result(outcome)

    def _fail(self, request: Request, error: Exception) -> None:
        self._release(request)
        if not request.outcome.done():
            request.outcome.set_exception(error)

    def _release(self, request: Request) -> None:
        if not request.is_held:
            return
        request.is_held = False
        self._held_requests -= 1
        self._held_bytes -= request.size_bytes

    async def _recover(self, batch: list[Request]) -> None:
        """Reconnects and learns what became of the call: stored requests are answered, the others go again."""
        pause_seconds = self._limits.reconnect_first_seconds
        fates: list[Appended | LogUnreachable | None] | None = None
        while fates is None:
            try:
                await self._calls.connect()
                fates = await self._calls.find(batch)
            except (ConnectionLost, psycopg.Error) as error:
                batch = self._expire(batch, error)
                self._backlog = deque(self._expire(self._backlog, error))
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(2 * pause_seconds, self._limits.reconnect_most_seconds)
        again = []
        for request, fate in zip(batch, fates, strict=True):
            if fate is None:
                again.append(request)
            elif isinstance(fate, LogUnreachable):
                self._fail(request, fate)
            else:
                self._settle(None, [request], [fate])
        self._backlog.extendleft(reversed(again))

    def _expire(self, requests: Iterable[Request], error: Exception) -> list[Request]:
        """Gives up on those that have waited too long for the database; answers the others."""
        latest = self._loop.time() - self._limits.unreachable_after_seconds
        waiting = []
        for request in requests:
            if request.submitted_at < latest:
                self._fail(request, LogUnreachable(str(error)))
            else:
                waiting.append(request)
        return waiting


def _of_server(error: psycopg.Error) -> str:
    """A full disk, a standby: what it is called, without the statement and its values."""
    return f"the database cannot store now ({type(error).__name__})"
