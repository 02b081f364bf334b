"""Of all processes that could run a part one does, and another takes over from one that is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from infrastructure.leases import Leases
from tests.waiting import wait_until

pytestmark = pytest.mark.anyio

BACKENDS = """
SELECT pid, state_change FROM pg_stat_activity
WHERE application_name = 'onethread leases' AND datname = current_database()
"""
KILL = "SELECT pg_terminate_backend(%s)"
NOWHERE = "postgresql:///nowhere?host=/nonexistent"


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that production runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standbys ask often, so that the tests need not wait long."""
    monkeypatch.setattr("infrastructure.leases.ASK_SECONDS", 0.02)


@pytest.fixture
def server(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


class Part:
    """Runs until it is cancelled, and says so in the diary."""

    def __init__(self, name: str, diary: list[str]) -> None:
        self.name = name
        self.diary = diary
        self.is_running = False

    async def run(self) -> None:
        self.diary.append(f"{self.name} starts")
        self.is_running = True
        try:
            await asyncio.Event().wait()
        finally:
            self.is_running = False
            self.diary.append(f"{self.name} stops")


@asynccontextmanager
async def a_process(database_url: str, **parts: Part) -> AsyncIterator[Leases]:
    leases = Leases(database_url, {name: part.run for name, part in parts.items()})
    running = asyncio.create_task(leases.run())
    try:
        yield leases
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(condition: Callable[[], bool], what: str) -> None:
    """The loop goes on meanwhile."""
    await asyncio.to_thread(wait_until, condition, what=what)


def backends(server: psycopg.Connection) -> set[int]:
    return {pid for pid, _ in server.execute(BACKENDS).fetchall()}


async def until_all_have_asked(server: psycopg.Connection) -> None:
    """Each at least twice from now on, so that whoever could get a lease has it."""
    changes: Counter[int] = Counter()
    seen: dict[int, object] = dict(server.execute(BACKENDS).fetchall())

    def all_have() -> bool:
        for pid, changed_at in server.execute(BACKENDS).fetchall():
            changes[pid] += seen.get(pid) != changed_at
            seen[pid] = changed_at
        return all(changes[pid] >= 4 for pid in seen)

    await until(all_have, "every process asks for its leases")


async def test_one_process_runs_a_part_and_the_other_stands_by(database_url: str, server: psycopg.Connection) -> None:
    diary: list[str] = []
    here, there = Part("here", diary), Part("there", diary)
    async with a_process(database_url, router=here) as first:
        await until(lambda: here.is_running, "the part runs here")

        async with a_process(database_url, router=there) as second:
            await until(lambda: len(backends(server)) == 2, "both are connected")
            await until_all_have_asked(server)

            assert diary == ["here starts"]
            assert (list(first.held), list(second.held)) == (["router"], [])


async def test_parts_are_leased_one_by_one(database_url: str) -> None:
    diary: list[str] = []
    router, sender = Part("router", diary), Part("sender", diary)
    async with (
        a_process(database_url, router=router),
        a_process(database_url, router=Part("second router", diary), sender=sender),
    ):
        await until(lambda: len(diary) == 2, "both parts run")

        assert sender.is_running
        assert sorted(diary) in (["router starts", "sender starts"], ["second router starts", "sender starts"])


async def test_a_standby_begins_when_the_part_has_stopped_elsewhere(
    database_url: str, server: psycopg.Connection
) -> None:
    diary: list[str] = []
    here, there = Part("here", diary), Part("there", diary)
    async with a_process(database_url, router=here) as _first:
        await until(lambda: here.is_running, "the part runs here")
        standby = a_process(database_url, router=there)
        await standby.__aenter__()

    await until(lambda: there.is_running, "the part runs there")
    await standby.__aexit__(None, None, None)

    assert diary == ["here starts", "here stops", "there starts", "there stops"]


async def test_a_process_that_loses_its_connection_stops_and_another_takes_over(
    database_url: str, server: psycopg.Connection
) -> None:
    diary: list[str] = []
    here, there = Part("here", diary), Part("there", diary)
    async with a_process(database_url, router=here) as first:
        await until(lambda: here.is_running, "the part runs here")
        await until(lambda: len(backends(server)) == 1, "the backends of earlier tests are gone")
        (holder,) = backends(server)
        async with a_process(database_url, router=there):
            await until(lambda: len(backends(server)) == 2, "both are connected")
            first._database_url = NOWHERE  # so that it cannot be the first to come back

            server.execute(KILL, (holder,))
            await until(lambda: there.is_running and not here.is_running, "the part runs there only")

            first._database_url = database_url
            await until(lambda: len(backends(server)) == 2, "the first is back")
            await until_all_have_asked(server)
            assert (here.is_running, there.is_running) == (False, True)


async def test_a_process_that_hangs_does_not_keep_its_leases(
    database_url: str, server: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection stays open, and it asks nothing."""
    diary: list[str] = []
    here, there = Part("here", diary), Part("there", diary)
    monkeypatch.setattr("infrastructure.leases.SILENT_SECONDS_MAX", 0.5)
    monkeypatch.setattr("infrastructure.leases.ASK_SECONDS", 600.0)
    async with a_process(database_url, router=here):
        await until(lambda: here.is_running, "the part runs here")
        monkeypatch.setattr("infrastructure.leases.ASK_SECONDS", 0.02)

        async with a_process(database_url, router=there):
            await until(lambda: there.is_running, "the part runs there")


async def test_a_part_that_fails_begins_again(database_url: str) -> None:
    attempts: list[int] = []
    again = asyncio.Event()

    async def failing_once() -> None:
        attempts.append(len(attempts))
        if len(attempts) == 1:
            raise OSError("the disk is full")
        again.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(Leases(database_url, {"router": failing_once}).run())
    async with asyncio.timeout(30):
        await again.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert attempts == [0, 1]
