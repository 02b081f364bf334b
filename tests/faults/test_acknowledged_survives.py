"""What was acknowledged is stored, once, whatever is killed while messages come in."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

import psycopg
import pytest

from domain.event import Recorded
from domain.interaction import MessageReceived
from infrastructure.embedded.servers import Servers, embedded_servers
from tests.application.situations import Clock, a_process, an_open_shop, everything
from tests.databases import an_empty_database
from tests.faults.embedded import a_directory

SEEDS = range(5)
MESSAGES = 300
RUNS_MAX = 5
TAKER_SECONDS_MAX = 20.0
TABLE = """
SELECT originator_id, array_agg(originator_version ORDER BY notification_id) FROM onethread_events GROUP BY 1
"""
POSITIONS = "SELECT array_agg(notification_id ORDER BY notification_id) FROM onethread_events"
Taker = subprocess.Popen[str]


@pytest.fixture(scope="module")
def mortal() -> Iterator[Servers]:
    """A PostgreSQL of our own, so that killing it disturbs nobody."""
    with a_directory() as directory, embedded_servers(directory, nats=False) as servers:
        yield servers


@dataclass
class Ingest:
    """Messages on their way in, through one process after the other."""

    database_url: str
    account_id: str
    random: Random
    kills: list[tuple[int, Callable[[Taker], object]]]
    """After so many acknowledgements this happens."""
    acknowledged: dict[str, int] = field(default_factory=dict)
    """Position by provider id, as told before or after any crash."""

    def run(self) -> None:
        """Until all are acknowledged. Each process gets what is not, and a few that are, once more."""
        every = [f"m-{number}" for number in range(MESSAGES)]
        for _ in range(RUNS_MAX):
            missing = [provider_id for provider_id in every if provider_id not in self.acknowledged]
            if not missing:
                return
            again = self.random.sample(sorted(self.acknowledged), min(20, len(self.acknowledged)))
            self.deliver([*missing, *again])
        pytest.fail(f"after {RUNS_MAX} processes {MESSAGES - len(self.acknowledged)} messages are not acknowledged")

    def deliver(self, provider_ids: list[str]) -> None:
        """To one process, which may not live to the end."""
        with a_taker(self.database_url, self.account_id) as taker:
            assert taker.stdin is not None
            assert taker.stdout is not None
            taker.stdin.write("\n".join(provider_ids))
            taker.stdin.close()
            for line in taker.stdout:
                if line.endswith("\n"):  # the last one may have been cut off
                    self.note(*line.split())
                    if self.kills and len(self.acknowledged) >= self.kills[0][0]:
                        self.kills.pop(0)[1](taker)

    def note(self, provider_id: str, position: str) -> None:
        first_answer = self.acknowledged.setdefault(provider_id, int(position))
        assert first_answer == int(position), f"{provider_id} was acknowledged at {first_answer}, now at {position}"


@contextmanager
def a_taker(database_url: str, account_id: str) -> Iterator[Taker]:
    """A process that takes messages in, killed at the latest when its time is over."""
    command = [sys.executable, "-m", "tests.faults.message_taker", database_url, account_id]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as taker:
        deadline = threading.Timer(TAKER_SECONDS_MAX, taker.kill)
        deadline.start()
        try:
            yield taker
            taker.wait()
        finally:
            deadline.cancel()
            taker.kill()


def an_account(database_url: str) -> str:
    async def open_one() -> str:
        async with an_open_shop(database_url) as shop:
            return shop.account_id

    return asyncio.run(open_one())


def stored_messages(database_url: str) -> list[tuple[str, int]]:
    """Provider id and position of every message in the log."""

    async def read() -> list[Recorded]:
        async with a_process(database_url, Clock()) as process:
            return await everything(process.log)

    stored = asyncio.run(read())
    return [(one.event.provider_id, one.position) for one in stored if isinstance(one.event, MessageReceived)]


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_acknowledged_is_lost_and_nothing_is_stored_twice(seed: int, mortal: Servers) -> None:
    random = Random(seed)
    moments = sorted(random.sample(range(1, MESSAGES - 20), 2))
    victims: list[Callable[[Taker], object]] = [lambda taker: taker.kill(), lambda _: mortal.kill_postgres()]
    random.shuffle(victims)
    with an_empty_database(mortal.addresses.database_url) as database_url:
        ingest = Ingest(database_url, an_account(database_url), random, list(zip(moments, victims, strict=True)))

        ingest.run()

        assert ingest.kills == [], "both were killed"
        stored = stored_messages(database_url)
        assert len(stored) == MESSAGES, "each is stored once"
        assert dict(stored) == ingest.acknowledged
        demand_unbroken_numbers(database_url)


def demand_unbroken_numbers(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        streams = connection.execute(TABLE).fetchall()
        (positions,) = connection.execute(POSITIONS).fetchall()[0]

    assert positions == list(range(1, len(positions) + 1))
    assert [versions for _, versions in streams] == [list(range(1, len(versions) + 1)) for _, versions in streams]
