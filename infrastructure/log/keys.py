"""The keys that seal what streams say: one for each stream, wrapped by a master key from outside the database.

Whoever destroys a stream's wrapped key makes its events unreadable for ever, and leaves their number, order and
times as they were.
"""

import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
CIPHERS_MAX = 4_096
"""Ciphers kept, of the keys used last: one takes 3 KB, its secret 32 bytes."""
_ID_BYTES = 4
_VERSION_BYTES = 8


class UnknownMasterKey(Exception):
    """A stream's key was wrapped by a master key that this process was not given."""


class WrongMasterKey(Exception):
    """A stream's wrapped key was altered, or moved here from another stream."""


class StreamKey(NamedTuple):
    """What seals a stream's events from one version on. Those before it were sealed by a key since destroyed."""

    secret: bytes
    first_version: int = 1

    @property
    def cipher(self) -> AESGCM:
        """Ready to seal and open."""
        return _cipher(self.secret)


@lru_cache(maxsize=CIPHERS_MAX)
def _cipher(secret: bytes) -> AESGCM:
    """Making a cipher takes longer than sealing an event with it."""
    return AESGCM(secret)


@dataclass
class Rewrapped:
    """What came of some keys that a former master key had wrapped."""

    done: int = 0
    lost: list[str] = field(default_factory=list)
    """What cannot be unwrapped, each with its reason."""


class MasterKeys:
    """Wraps the keys of streams. The first master key wraps; the others only unwrap, until nothing is left of theirs.

    A wrapped key is: id of the master key (4 bytes), first version it serves (8), nonce (12), sealed key (32 + 16).
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"master keys must be one or more of {KEY_BYTES} bytes each")
        # The id is a hash of 256 random bits: it tells which key, and nothing about the key.
        self._ciphers = {sha256(b"onethread master key" + key).digest()[:_ID_BYTES]: AESGCM(key) for key in keys}
        self.active = next(iter(self._ciphers))
        """Id of the master key that wraps: what it wrapped begins so."""

    def wrap(self, stream: str, key: bytes, first_version: int) -> bytes:
        """The key as it may be stored for this stream, and for no other."""
        head = self.active + first_version.to_bytes(_VERSION_BYTES)
        nonce = os.urandom(NONCE_BYTES)
        return head + nonce + self._ciphers[self.active].encrypt(nonce, key, head + stream.encode())

    def unwrap(self, stream: str, wrapped: bytes) -> tuple[bytes, int]:
        """The stream's key and the first version it serves. Raises UnknownMasterKey, WrongMasterKey."""
        cipher = self._ciphers.get(wrapped[:_ID_BYTES])
        if cipher is None:
            raise UnknownMasterKey(f"the key of {stream} was wrapped by master key {wrapped[:_ID_BYTES].hex()}")
        head, body = wrapped[: _ID_BYTES + _VERSION_BYTES], wrapped[_ID_BYTES + _VERSION_BYTES :]
        try:
            key = cipher.decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], head + stream.encode())
        except (InvalidTag, ValueError) as error:
            raise WrongMasterKey(f"the wrapped key of {stream} does not belong to it") from error
        return key, int.from_bytes(head[_ID_BYTES:])

    def rewrap(self, stream: str, wrapped: bytes) -> bytes:
        """The same stream key under the active master key. Raises UnknownMasterKey, WrongMasterKey."""
        return self.wrap(stream, *self.unwrap(stream, wrapped))


FetchKeys = Callable[[Sequence[str]], Awaitable[Iterable[tuple[str, bytes]]]]
"""Stream and wrapped key of those streams that have one."""


class KeyRing:
    """The keys of the streams in use, so that few events need a look into the key table.

    Holds up to `keys_max`, the most recently used ones.
    """

    def __init__(self, masters: MasterKeys, fetch: FetchKeys, keys_max: int = 100_000) -> None:
        self._masters = masters
        self._fetch = fetch
        self._keys_max = keys_max
        self._held: OrderedDict[str, StreamKey] = OrderedDict()
        self._forgotten = 0

    def held(self, stream: str) -> StreamKey | None:
        """The stream's key if it is in memory."""
        key = self._held.get(stream)
        if key is not None:
            self._held.move_to_end(stream)
        return key

    async def of(self, streams: Collection[str]) -> dict[str, StreamKey]:
        """The keys of those streams that have one; at most one query."""
        keys = {stream: key for stream in streams if (key := self.held(stream)) is not None}
        missing = [stream for stream in streams if stream not in keys]
        if missing:
            keys.update(await self._load(missing))
        return keys

    async def refresh(self, stream: str) -> StreamKey | None:
        """The stream's key as it is stored now: another process may have destroyed or replaced the one held here."""
        self.forget(stream)
        return (await self.of([stream])).get(stream)

    def create(self, stream: str, first_version: int) -> tuple[StreamKey, bytes]:
        """A new key, and its wrapped form to store. Not held before `hold`, because the append may be refused."""
        secret = os.urandom(KEY_BYTES)
        return StreamKey(secret, first_version), self._masters.wrap(stream, secret, first_version)

    def hold(self, stream: str, key: StreamKey) -> None:
        """Keeps a stored key in memory."""
        self._held[stream] = key
        self._held.move_to_end(stream)
        if len(self._held) > self._keys_max:
            self._held.popitem(last=False)

    def forget(self, stream: str) -> None:
        """Drops the key from memory, as whoever destroys the stored one must ask of every process."""
        self._held.pop(stream, None)
        _cipher.cache_clear()  # they are soon made anew; one of them must not be
        self._forgotten += 1

    async def _load(self, streams: Sequence[str]) -> dict[str, StreamKey]:
        forgotten = self._forgotten
        found = {}
        for stream, wrapped in await self._fetch(streams):
            secret, first_version = self._masters.unwrap(stream, wrapped)
            found[stream] = StreamKey(secret, first_version)
        if forgotten == self._forgotten:  # else it may be one of these, read just before it was destroyed
            for stream, key in found.items():
                self.hold(stream, key)
        return found
