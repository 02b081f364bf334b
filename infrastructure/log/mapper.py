"""How an event is stored: its envelope readable, its payload sealed with the stream's key.

The `state` of a row is

    format (1 byte) | length of the envelope (2) | envelope | nonce (12) | sealed payload

Envelope and payload are MessagePack. The envelope is readable without the key, so that who, when and why survive an
erasure; it, the stream, the version and the topic are authenticated with the payload, so that none of them can be
changed and no event can be moved.
"""

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from eventsourcing.persistence import Mapper, Notification, StoredEvent
from typing_extensions import override

from application.log import UnreadableEvent
from domain.event import TOPICS, Event, Recorded, Redacted
from infrastructure.log.keys import NONCE_BYTES, StreamKey

Row = tuple[int, str, int, str, bytes]
"""A stored event as it is selected: position, stream, version, topic, state."""

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
"""Makes the payload of the next version out of one version's."""

UPCASTS: dict[tuple[str, int], Upcast] = {}
"""By topic and stored payload version. A topic's current version is one more than its newest entry; 1 without any."""

ENVELOPE_BYTES_MAX = 0xFFFF
NONCES_AT_ONCE = 256
_FORMAT = b"\x01"
_FIXED_BYTES = 3  # format and length of the envelope


class BrokenSeal(UnreadableEvent):
    """The key at hand does not open the event: the event was altered, or the key has been replaced."""


class Envelope(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Who, when and why, as stored. New fields go to the end and need a default."""

    occurred_at: datetime
    recorded_at: datetime
    actor: str
    command: str = ""
    correlation: str = ""
    cause: int | None = None
    payload_version: int = 1


_encode = msgspec.msgpack.Encoder().encode
_decode_envelope = msgspec.msgpack.Decoder(Envelope).decode
_decode_fields = msgspec.msgpack.Decoder(dict[str, Any]).decode


class EventMapper(Mapper[str]):
    """Seals events into rows and opens them again. Decodes only topics of the catalogue, never by import.

    `key_of` serves the library's two methods, which cannot be handed a key.
    """

    def __init__(
        self,
        key_of: Callable[[str], StreamKey | None],
        topics: Mapping[str, type[Event]] = TOPICS,
        upcasts: Mapping[tuple[str, int], Upcast] = UPCASTS,
    ) -> None:
        self._key_of = key_of
        self._topics = topics
        self._upcasts = upcasts
        self._versions = {topic: version + 1 for topic, version in sorted(upcasts)}
        self._decoders: dict[str, Callable[[bytes], Event]] = {}
        self._nonces = b""
        self._nonces_used = 0

    def payload_version(self, topic: str) -> int:
        """The version that payloads of this topic are stored in today."""
        return self._versions.get(topic, 1)

    def seal(self, event: Event, stream: str, version: int, envelope: Envelope, key: StreamKey) -> bytes:
        """The event as the `state` of a row. Raises ValueError for an event that does not belong in the log."""
        topic = event.TOPIC
        if self._topics.get(topic) is not type(event) or topic == Redacted.TOPIC:
            raise ValueError(f"{type(event).__name__} with topic {topic!r} is not in the catalogue of events")
        body = _encode(envelope)
        if len(body) > ENVELOPE_BYTES_MAX:
            raise ValueError(f"an envelope of {len(body)} bytes is more than {ENVELOPE_BYTES_MAX}")
        head = _FORMAT + len(body).to_bytes(2, "big") + body
        nonce = self._nonce()
        return head + nonce + key.cipher.encrypt(nonce, _encode(event), _place(stream, version, topic) + head)

    def _nonce(self) -> bytes:
        """Random, from a supply that is fetched for many at once: asking the system takes longer than sealing."""
        at = self._nonces_used
        if at == len(self._nonces):
            self._nonces, at = os.urandom(NONCE_BYTES * NONCES_AT_ONCE), 0
        self._nonces_used = at + NONCE_BYTES
        return self._nonces[at : at + NONCE_BYTES]

    def open(self, row: Row, key: StreamKey | None) -> Recorded:
        """The event of a row; a redacted one when its key has been destroyed. Raises UnreadableEvent."""
        position, stream, version, topic, state = row
        if state[:1] != _FORMAT:
            raise UnreadableEvent(*row[:4], f"its format is {state[:1].hex()}, not {_FORMAT.hex()}")
        end = _FIXED_BYTES + int.from_bytes(state[1:_FIXED_BYTES], "big")
        try:
            envelope = _decode_envelope(state[_FIXED_BYTES:end])
        except ValueError as error:  # of msgspec, and of bytes that are no UTF-8
            raise UnreadableEvent(*row[:4], f"its envelope: {error}") from error
        if key is None or version < key.first_version:
            event: Event = Redacted(original_topic=topic)
        else:
            event = self._payload(row, envelope.payload_version, end, key)
        return Recorded(
            event=event,
            topic=topic,
            stream=stream,
            version=version,
            position=position,
            occurred_at=envelope.occurred_at,
            recorded_at=envelope.recorded_at,
            actor=envelope.actor,
            cause=envelope.cause,
            correlation=envelope.correlation,
            command=envelope.command,
        )

    def _payload(self, row: Row, payload_version: int, end: int, key: StreamKey) -> Event:
        _, stream, version, topic, state = row
        decode = self._decoders.get(topic) or self._decoder(row)
        sealed = end + NONCE_BYTES
        try:
            payload = key.cipher.decrypt(
                state[end:sealed], state[sealed:], _place(stream, version, topic) + state[:end]
            )
        except (InvalidTag, ValueError) as error:
            raise BrokenSeal(*row[:4], "its seal is broken") from error
        try:
            if payload_version != self.payload_version(topic):
                payload = self._upcast(topic, payload_version, payload)
            return decode(payload)
        except (ValueError, LookupError, TypeError) as error:  # of msgspec, and of an upcast
            raise UnreadableEvent(*row[:4], f"its payload of version {payload_version}: {error!r}") from error

    def _decoder(self, row: Row) -> Callable[[bytes], Event]:
        topic = row[3]
        event_type = self._topics.get(topic)
        if event_type is None:
            raise UnreadableEvent(*row[:4], f"the topic {topic!r} is not in the catalogue of events")
        return self._decoders.setdefault(topic, msgspec.msgpack.Decoder(event_type).decode)

    def _upcast(self, topic: str, version: int, payload: bytes) -> bytes:
        current = self.payload_version(topic)
        if version > current:
            raise ValueError(f"a newer release wrote it; this one knows {topic} up to version {current}")
        fields = _decode_fields(payload)
        for step in range(version, current):
            fields = self._upcasts[topic, step](fields)
        return _encode(fields)

    @override
    def to_stored_event(self, domain_event: Recorded) -> StoredEvent:  # type: ignore[override]  # has other names
        """The library's way in."""
        stream, version = domain_event.stream, domain_event.version
        key = self._key_of(stream)
        if key is None:
            raise LookupError(f"{stream} has no key")
        state = self.seal(domain_event.event, stream, version, self._envelope_of(domain_event), key)
        return StoredEvent(stream, version, topic=domain_event.topic, state=state)

    @override
    def to_domain_event(self, stored_event: StoredEvent) -> Recorded:  # type: ignore[override]  # as above
        """The library's way out. The position is known of a `Notification`, else it is 0."""
        position = stored_event.id if isinstance(stored_event, Notification) else 0
        stream = str(stored_event.originator_id)
        row = (position, stream, stored_event.originator_version, stored_event.topic, stored_event.state)
        return self.open(row, self._key_of(stream))

    def _envelope_of(self, recorded: Recorded) -> Envelope:
        return Envelope(
            occurred_at=recorded.occurred_at,
            recorded_at=recorded.recorded_at,
            actor=recorded.actor,
            command=recorded.command,
            correlation=recorded.correlation,
            cause=recorded.cause,
            payload_version=self.payload_version(recorded.topic),
        )


def _place(stream: str, version: int, topic: str) -> bytes:
    """Where the event stands. PostgreSQL's text holds no NUL, so that no two places look the same."""
    return f"{stream}\0{version}\0{topic}\0".encode()
