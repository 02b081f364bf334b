"""Durable single-event appends through our log, against the eventsourcing library's own on the same server."""

import asyncio
import gc
import statistics
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

from application.log import Appended, Claim, Context, Fact, Write
from domain.event import Event
from infrastructure.log.postgres_log import PostgresLog
from tests.benchmarks.figures import Figure, at_least, at_most, quantile, shown

COMMANDS = 256
APPENDS_PER_COMMAND = 150
LIBRARY_THREADS = 16
LIBRARY_SAVES_PER_THREAD = 60
ROUNDS = 3
RATIO_REACH = 25.0
P99_MS_REACH = 25.0
TEXT = "Where is my parcel? I ordered it on Monday and it was to come on Wednesday."


class Said(Event, topic="benchmark.said"):
    """Somebody said something, for the sake of measuring."""

    channel: str
    text: str


class Talk(Aggregate):
    """The same, as the library's documentation writes it."""

    @event("Said")
    def say(self, channel: str, text: str) -> None:
        self.last = (channel, text)


async def measure(database_url: str) -> list[Figure]:
    """Both in turns, so that neither profits from a quiet moment; the medians of the rounds."""
    gc.set_threshold(50_000, 50, 100)  # as `onethread serve` does; the library profits alike
    gc.freeze()
    library = _library(database_url)
    rates: list[float] = []
    claimed_rates: list[float] = []
    library_rates: list[float] = []
    seconds: list[float] = []
    try:
        async with PostgresLog(database_url, [b"benchmark master key, 32 bytes.."], _now) as log:
            await _ours(log, claims=False)  # both warm up: connections, plans, caches
            await asyncio.to_thread(_theirs, library)
            for _ in range(ROUNDS):
                library_rates.append(await asyncio.to_thread(_theirs, library))
                rate, each = await _ours(log, claims=False)
                rates.append(rate)
                seconds += each
                claimed_rates.append((await _ours(log, claims=True))[0])
    finally:
        library.close()
    return _figures(statistics.median(rates), statistics.median(library_rates), claimed_rates, sorted(seconds))


def _figures(rate: float, library_rate: float, claimed_rates: list[float], seconds: list[float]) -> list[Figure]:
    return [
        at_least(
            f"append: {COMMANDS} concurrent single-event commands",
            rate,
            "events/s",
            reference=library_rate,
            factor=RATIO_REACH,
            of=f"the library's Application.save, {LIBRARY_THREADS} threads",
        ),
        at_most("append: p99 of one command", 1000 * quantile(seconds, 0.99), "ms", P99_MS_REACH),
        shown("append: the same, each with a claim", statistics.median(claimed_rates), "events/s"),
    ]


async def _ours(log: PostgresLog, *, claims: bool) -> tuple[float, list[float]]:
    """Events per second, and the seconds of each append."""
    started_at = time.perf_counter()
    each = await asyncio.gather(*[_command(log, claims=claims) for _ in range(COMMANDS)])
    spent_seconds = time.perf_counter() - started_at
    return COMMANDS * APPENDS_PER_COMMAND / spent_seconds, [seconds for one in each for seconds in one]


async def _command(log: PostgresLog, *, claims: bool) -> list[float]:
    stream = f"customer-{time.time_ns() // 1_000_000:012x}{uuid.uuid4().hex[12:]}"  # begins with the time, as ours do
    seconds = []
    for version in range(APPENDS_PER_COMMAND):
        started_at = time.perf_counter()
        facts = [Fact(said, _now()) for said in _decide(version)]
        taken = [Claim(uuid.uuid4().bytes, bytes(16))] if claims else []
        outcome = await log.append([Write(stream, version, facts)], taken, context=Context(actor="customer"))
        seconds.append(time.perf_counter() - started_at)
        assert isinstance(outcome, Appended), outcome
    return seconds


def _decide(said_before: int) -> list[Event]:
    return [Said(channel="web", text=TEXT)] if said_before < APPENDS_PER_COMMAND else []


def _library(database_url: str) -> Application[Any]:
    """The library with its default settings (JSON, no cipher, no compression), on the same database."""
    parts = conninfo_to_dict(database_url)
    return Application(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": str(parts.get("dbname", "")),
            "POSTGRES_HOST": str(parts.get("host", "")),
            "POSTGRES_PORT": str(parts.get("port", "5432")),
            "POSTGRES_USER": str(parts.get("user", "")),
            "POSTGRES_PASSWORD": str(parts.get("password", "none")),
        }
    )


def _theirs(library: Application[Any]) -> float:
    """Events per second."""

    def save_all(_: int) -> None:
        talk = Talk()
        for _ in range(LIBRARY_SAVES_PER_THREAD - 1):
            library.save(talk)
            talk.say("web", TEXT)
        library.save(talk)

    started_at = time.perf_counter()
    with ThreadPoolExecutor(LIBRARY_THREADS) as threads:
        list(threads.map(save_all, range(LIBRARY_THREADS)))
    return LIBRARY_THREADS * LIBRARY_SAVES_PER_THREAD / (time.perf_counter() - started_at)


def _now() -> datetime:
    return datetime.now(UTC)
