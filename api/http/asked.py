"""What an operation gets: who asks for what, with everything it may need to answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from prometheus_client import Counter

from api.access.authentication import Tokens
from api.access.passwords import Attempts, Passwords
from api.access.permissions import Reach
from api.http.idempotency import fingerprinted
from api.http.patience import Patience, Room
from api.http.preconditions import expected_revision
from api.parts import Parts
from api.sockets.allowances import Allowances
from api.sockets.typing import TypingRelay
from application.commands import Command
from domain.person import Person

T = TypeVar("T")
ANYBODY = Person(id="anybody")
"""Who asks where nobody has to sign in."""


BODY_SECONDS_MAX = 30.0
"""A body that has not arrived by then is given up, but for what comes fast enough."""


FILES_A_MINUTE_MAX = 10
"""That one visitor of a web chat uploads."""


class Edge:
    """What the edge of this process keeps, beside the parts."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.tokens = Tokens(parts.keys.token_key, parts.settings.token_seconds, parts.settings.ticket_seconds)
        self.passwords = Passwords()
        self.attempts_per_login = Attempts(10, within_seconds=300)
        self.attempts_per_address = Attempts(100, within_seconds=300)
        self.visitors_per_address = Attempts(parts.settings.visitors_per_address, within_seconds=60)
        self.files_per_address = Attempts(parts.settings.visitors_per_address, within_seconds=60)
        self.files_per_visitor = Attempts(FILES_A_MINUTE_MAX, within_seconds=60)
        self.refused_hooks = Attempts(1, within_seconds=60)
        self.typing = TypingRelay(parts.nats)
        self.patience = Patience(BODY_SECONDS_MAX)
        self.room = Room(parts.settings.bodies_bytes_max)
        parts.metrics.bodies_bytes.set_function(lambda: self.room.held_bytes)
        self.allowances = Allowances()
        self._received: dict[str, Counter] = {}

    def count_received(self, channel: str, messages: int = 1) -> None:
        """Messages that came in on a channel."""
        if (counter := self._received.get(channel)) is None:
            counter = self._received[channel] = self.parts.metrics.received.labels(channel)
        counter.inc(messages)


@dataclass(slots=True, kw_only=True)
class Asked(Generic[T]):
    """One request, read and allowed."""

    edge: Edge
    person: Person
    reach: Reach
    at: datetime
    """When the request came."""
    method: str
    path: str
    address: str
    """Where it came from, as far as the server can tell."""
    ids: Mapping[str, str]
    """By the name in the path: `customer_id`."""
    raw: bytes
    """The body as it came."""
    given: T
    """The body of a command, or the query of a read, decoded and checked."""
    header_bytes: Mapping[bytes, bytes]
    key: str | None
    """Of the Idempotency-Key header."""
    scheme: str = "http"
    query_string: bytes = b""
    """As it came. Commands that take bytes read it themselves."""

    @property
    def parts(self) -> Parts:
        return self.edge.parts

    def header(self, name: bytes) -> str | None:
        """Its value; name in lower case."""
        value = self.header_bytes.get(name)
        return None if value is None else value.decode("latin-1")

    def headers(self) -> dict[str, str]:
        """All of them, names in lower case."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.header_bytes.items()}

    @property
    def command(self) -> Command:
        """The part that all commands share, with the claim of the Idempotency-Key. Raises Invalid."""
        claim = None
        if self.key is not None:
            content = fingerprinted(self.method, self.path, self.raw)
            claim = self.parts.claim_keys.command(self.person.id, self.key, content)
        return Command(
            actor=self.person.id,
            at=self.at,
            claim=claim,
            expected_revision=expected_revision(self.header(b"if-match")),
        )
