"""An append made ready to be sent: checked, versions given, events sealed."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from application.log import Claim, Context, Fact, Outcome, Write
from domain.event import Event, Recorded
from infrastructure.log.keys import KeyRing, StreamKey
from infrastructure.log.mapper import Envelope, EventMapper

_OVERHEAD_BYTES = 100  # of a request and of each event and claim, beside their contents

_VERSION_END = 2**62  # far beyond any stream, and still a bigint with the facts added


class NewKey(NamedTuple):
    """A key for a stream that has none, stored with the stream's first event; refused if another key is there."""

    stream: str
    key: StreamKey
    wrapped: bytes


class Sealed(msgspec.Struct, frozen=True, gc=False):
    """An event ready for its row."""

    event: Event
    stream: str
    version: int
    envelope: Envelope
    state: bytes


class Request:
    """One append on its way, and the future that its outcome is put into."""

    __slots__ = (
        "claims",
        "events",
        "is_held",
        "new_keys",
        "outcome",
        "rests_on",
        "size_bytes",
        "submitted_at",
        "touches",
        "writes",
    )

    def __init__(
        self, writes: Sequence[Write], claims: Sequence[Claim], events: list[Sealed], new_keys: list[NewKey]
    ) -> None:
        self.writes = writes
        self.claims = claims
        self.events = events
        self.new_keys = new_keys
        self.rests_on = [write.stream for write in writes if not write.facts]
        self.size_bytes = _OVERHEAD_BYTES * (1 + len(events) + len(claims) + len(self.rests_on))
        for event in events:
            self.size_bytes += len(event.state)
        self.touches: list[str | bytes] = [write.stream for write in writes if write.facts]
        self.touches += [claim.key for claim in claims]
        self.submitted_at = 0.0
        self.is_held = False  # counted in the writer's backlog
        self.outcome: asyncio.Future[Outcome]

    def recorded(self, first_position: int) -> list[Recorded]:
        """The events as readers see them, once the first of them stands at the position."""
        return [
            Recorded(
                event=sealed.event,
                topic=sealed.event.TOPIC,
                stream=sealed.stream,
                version=sealed.version,
                position=position,
                occurred_at=sealed.envelope.occurred_at,
                recorded_at=sealed.envelope.recorded_at,
                actor=sealed.envelope.actor,
                cause=sealed.envelope.cause,
                correlation=sealed.envelope.correlation,
                command=sealed.envelope.command,
            )
            for position, sealed in enumerate(self.events, first_position)
        ]


class Requests:
    """Makes requests. The clock's time is never let go backwards within the process."""

    def __init__(self, mapper: EventMapper, keys: KeyRing, clock: Callable[[], datetime]) -> None:
        self._mapper = mapper
        self._keys = keys
        self._clock = clock
        self._last = datetime.min.replace(tzinfo=UTC)
        self._proposed: dict[str, NewKey] = {}  # submitted, and not known to be stored

    async def make(self, writes: Sequence[Write], claims: Sequence[Claim], context: Context) -> Request:
        """The append, ready to submit. Raises ValueError for one that could never be stored."""
        _check(writes, claims)
        keys: dict[str, StreamKey] = {}
        written = [write for write in writes if write.facts]
        for write in written:
            if (key := self._keys.held(write.stream)) is not None:
                keys[write.stream] = key
        if len(keys) < len(written):
            keys.update(await self._keys.of(self._unknown(written)))
        self._last = recorded_at = max(self._last, self._clock())
        new_keys: list[NewKey] = []
        events: list[Sealed] = []
        for write in written:
            stream = write.stream
            key = keys.get(stream) or self._keys.held(stream)
            if key is None:  # the stream is new, or its former key was destroyed
                new_key = self._proposed.get(stream) or NewKey(
                    stream, *self._keys.create(stream, write.expected_version + 1)
                )
                new_keys.append(new_key)
                key = new_key.key
            for version, fact in enumerate(write.facts, write.expected_version + 1):
                events.append(self._seal(fact, stream, version, key, context, recorded_at))
        return Request(writes, claims, events, new_keys)

    def submitted(self, request: Request) -> None:
        """Lets appends that come before the outcome seal with the same new keys, so that they fit behind it."""
        if request.new_keys:
            self._proposed.update((new_key.stream, new_key) for new_key in request.new_keys)
            request.outcome.add_done_callback(lambda _: self._settled(request))

    def _settled(self, request: Request) -> None:
        for new_key in request.new_keys:
            self._proposed.pop(new_key.stream, None)

    def _unknown(self, writes: Sequence[Write]) -> list[str]:
        """The streams whose keys must be fetched: they are not new, neither in the log nor on their way into it."""
        return [
            write.stream
            for write in writes
            if write.expected_version and self._keys.held(write.stream) is None and write.stream not in self._proposed
        ]

    def _seal(
        self, fact: Fact, stream: str, version: int, key: StreamKey, context: Context, recorded_at: datetime
    ) -> Sealed:
        envelope = Envelope(
            _in_utc(fact.occurred_at),
            recorded_at,
            context.actor,
            context.command,
            context.correlation,
            context.cause,
            self._mapper.payload_version(fact.event.TOPIC),
        )
        state = self._mapper.seal(fact.event, stream, version, envelope, key)
        return Sealed(fact.event, stream, version, envelope, state)


def _check(writes: Sequence[Write], claims: Sequence[Claim]) -> None:
    """What would break the whole call is refused here, so that one bad request never fails its neighbours."""
    if not claims and not any(write.facts for write in writes):
        raise ValueError("an append needs a fact or a claim")
    if len(writes) > 1 and len({write.stream for write in writes}) != len(writes):
        raise ValueError(f"an append writes each stream once, not {[write.stream for write in writes]}")
    if len(claims) > 1 and len({claim.key for claim in claims}) != len(claims):
        raise ValueError(f"an append makes each claim once, not {[claim.key.hex() for claim in claims]}")
    facts = 0
    for write in writes:
        if not 0 <= write.expected_version < _VERSION_END or not write.stream.isprintable():
            raise ValueError(
                f"not a write: {len(write.facts)} facts behind {write.expected_version} of {write.stream!r}"
            )
        facts += len(write.facts)
    for claim in claims:
        if not -1 <= claim.fact < facts:
            raise ValueError(f"a claim leads to fact {claim.fact}, but the append has {facts}")


def _in_utc(moment: datetime) -> datetime:
    """The moment as it will be read back. Raises ValueError for a time without a zone."""
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        raise ValueError(f"occurred_at {moment.isoformat()} has no time zone")
    return moment.astimezone(UTC)
