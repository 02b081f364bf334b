"""The media store: bytes of attachments, sealed, each under a keyed hash of itself."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Sequence

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from application.exchange.media import MediaBroken, StoredMedia
from infrastructure.log.keys import KEY_BYTES, NONCE_BYTES, MasterKeys, Rewrapped, UnknownMasterKey, WrongMasterKey
from infrastructure.media.content_type import content_type_of
from infrastructure.media.places import Place

FORMAT = b"OTM1"
_KEY_STARTS = len(FORMAT)
_NONCE_STARTS = _KEY_STARTS + 4 + 8 + NONCE_BYTES + KEY_BYTES + 16
_SEAL_STARTS = _NONCE_STARTS + NONCE_BYTES
_LENGTH_BYTES = 4


class SealedStore:
    """The port `application.exchange.media.MediaStore`.

    An object's name is BLAKE2b-256 over its bytes, keyed with the claim key: who sees names learns nothing, not even
    whether a file that they have is among them. An object is: `OTM1`, its own data key wrapped by a master key
    (72 bytes, see `MasterKeys`), nonce (12), then AES-256-GCM over the length of what is known of it (4 bytes), that
    as MessagePack, and the bytes. Format and name are the associated data: no object can take another's place.
    """

    def __init__(self, place: Place, *, master_keys: Sequence[bytes], digest_key: bytes) -> None:
        self._place = place
        self._masters = MasterKeys(master_keys)
        self._keyed = hashlib.blake2b(digest_size=32, key=digest_key[:64], person=b"onethread media")

    async def put(self, body: bytes, content_type: str = "", name: str = "") -> StoredMedia:
        """As the port: what is put twice is one object."""
        del name  # it proves nothing, and the event has it
        stored, sealed = await asyncio.to_thread(self._seal, body, content_type)
        await self._place.put(_path(stored.digest), sealed)
        return stored

    async def get(self, digest: str) -> tuple[StoredMedia, bytes] | None:
        """As the port. Raises MediaNotStored, MediaBroken."""
        sealed = await self._place.get(_path(digest))
        return None if sealed is None else await asyncio.to_thread(self._open, digest, sealed)

    async def rewrap(self) -> AsyncIterator[Rewrapped]:
        """Wraps what a former master key wrapped once more, by the active one, some objects at a time.

        While others read and write; may end anywhere and begin again. Raises MediaNotStored.
        """
        async for names in self._place.names():
            page = Rewrapped()
            for reason in await asyncio.gather(*map(self._rewrap, names)):
                page.done += reason is None
                page.lost += [reason] if reason else []
            yield page

    async def _rewrap(self, path: str) -> str | None:
        """None where it was wrapped anew, empty where there was nothing to do, else why it is lost."""
        former = await self._place.get(path, _KEY_STARTS + len(self._masters.active))
        if former is None or not former.startswith(FORMAT) or former.endswith(self._masters.active):
            return ""
        if (sealed := await self._place.get(path)) is None:
            return ""
        owner = _owner(path.rpartition("/")[2])
        try:
            wrapped = self._masters.rewrap(owner, sealed[_KEY_STARTS:_NONCE_STARTS])
        except (UnknownMasterKey, WrongMasterKey) as error:
            return str(error)
        await self._place.put(path, b"".join((FORMAT, wrapped, memoryview(sealed)[_NONCE_STARTS:])))
        return None

    def _seal(self, body: bytes, declared: str) -> tuple[StoredMedia, bytes]:
        hasher = self._keyed.copy()
        hasher.update(body)
        stored = StoredMedia(
            digest=hasher.hexdigest(),
            sha256=hashlib.sha256(body).hexdigest(),
            size_bytes=len(body),
            content_type=content_type_of(body, declared),
        )
        key, nonce = os.urandom(KEY_BYTES), os.urandom(NONCE_BYTES)
        known = msgspec.msgpack.encode(stored)
        plain = b"".join((len(known).to_bytes(_LENGTH_BYTES), known, body))
        sealed = AESGCM(key).encrypt(nonce, plain, FORMAT + stored.digest.encode())
        return stored, b"".join((FORMAT, self._masters.wrap(_owner(stored.digest), key, 1), nonce, sealed))

    def _open(self, digest: str, sealed: bytes) -> tuple[StoredMedia, bytes]:
        """Raises MediaBroken."""
        nonce = sealed[_NONCE_STARTS:_SEAL_STARTS]
        try:
            key, _ = self._masters.unwrap(_owner(digest), sealed[_KEY_STARTS:_NONCE_STARTS])
            plain = AESGCM(key).decrypt(nonce, memoryview(sealed)[_SEAL_STARTS:], FORMAT + digest.encode())
        except (InvalidTag, ValueError, UnknownMasterKey, WrongMasterKey) as error:
            raise MediaBroken(f"media {digest} cannot be opened: {type(error).__name__}") from error
        end = _LENGTH_BYTES + int.from_bytes(plain[:_LENGTH_BYTES])
        return msgspec.msgpack.decode(plain[_LENGTH_BYTES:end], type=StoredMedia), plain[end:]


def _path(digest: str) -> str:
    """Below 256 directories, so that none grows too long for people to list."""
    return f"{digest[:2]}/{digest}"


def _owner(digest: str) -> str:
    return f"media-{digest}"
