"""Facts, writes and claims for the tests of the log."""

import hashlib
import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from application.log import Claim, Context, Fact, Write
from domain.customer import CustomerNamed
from domain.event import Event, Recorded
from infrastructure.log.postgres_log import PostgresLog

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MASTER_KEY = b"the master key of the tests, 32."
ANNA = "customer-0193a7c2000000000000000000000001"
BEN = "customer-0193a7c2000000000000000000000002"
CONTEXT = Context(actor="agent-1", command="command-1", correlation="request-1", cause=None)

_numbers = itertools.count(1)


def a_log(url: str, clock: Callable[[], datetime] = lambda: NOON, **limits: Any) -> PostgresLog:
    return PostgresLog(url, [MASTER_KEY], clock, **limits)


def a_stream() -> str:
    return f"customer-{next(_numbers):032x}"


def named(name: str = "Anna") -> CustomerNamed:
    return CustomerNamed(name=name)


def a_write(stream: str, expected_version: int = 0, *events: Event) -> Write:
    return Write(stream, expected_version, [Fact(event, NOON) for event in events or [named()]])


def a_claim(word: str, content: str = "content", fact: int = -1) -> Claim:
    return Claim(_hashed(word), _hashed(content), fact)


def _hashed(word: str) -> bytes:
    return hashlib.blake2b(word.encode(), digest_size=16).digest()


def names(events: list[Recorded]) -> list[str]:
    """What the events named the customer."""
    return [recorded.event.name for recorded in events if isinstance(recorded.event, CustomerNamed)]
