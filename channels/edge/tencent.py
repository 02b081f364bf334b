"""What WeChat and WeCom share on the way in: callbacks that are signed and encrypted, and XML read without trust.

The scheme is Tencent's "message encryption and decryption" page, the same for both: SHA-1 over the sorted token,
timestamp, nonce and cipher text; AES-256-CBC whose IV is the first half of the key; padding to 32 bytes.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from hmac import compare_digest

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from channels.edge.payload import SignatureWrong, UnreadablePayload
from channels.edge.text import clean, without_controls
from domain.account import AccountDefinition, AccountInvalid

CLOCK_SKEW_MAX = timedelta(minutes=5)
"""A signed time further from ours than this is a replay; within it, the claim of the message's id keeps it single."""
PADDED_TO_BYTES = 32
ENCODED_KEY_CHARACTERS = 43
FIELDS_MAX = 200
"""Of a callback's XML; Tencent sends about ten."""


class CallbackKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What proves and opens an account's callbacks: of each secret the present one, then the one before."""

    tokens: tuple[str, ...]
    """Settings `token`, `token_previous`."""
    aes_keys: tuple[bytes, ...]
    """Settings `encoding_aes_key`, `encoding_aes_key_previous`, decoded."""
    receiver: str
    """The app id or corp id that every callback ends with."""

    @classmethod
    def read(cls, definition: AccountDefinition, receiver_setting: str) -> "CallbackKeys":
        """Raises AccountInvalid with the setting that is missing or wrong."""
        given = definition.settings
        for name in ("token", "encoding_aes_key", receiver_setting):
            if not given.get(name):
                raise AccountInvalid(f"settings.{name}: a {definition.channel} account needs it")
        encoded = ("encoding_aes_key", "encoding_aes_key_previous")
        return cls(
            tokens=tuple(one for one in (given["token"], given.get("token_previous", "")) if one),
            aes_keys=tuple(_aes_key(name, given[name]) for name in encoded if given.get(name)),
            receiver=given[receiver_setting],
        )

    def demand_signature(self, signature: str, *signed: str) -> None:
        """Hex SHA-1 over token and the rest, sorted and joined. Raises SignatureWrong."""
        given = signature.encode("utf-8", "replace")
        if not any(compare_digest(_signature(token, *signed), given) for token in self.tokens):
            raise SignatureWrong("the signature does not fit")

    def opened(self, encrypted: str) -> bytes:
        """The message in it. Raises SignatureWrong where no key opens it for this receiver."""
        for key in self.aes_keys:
            message, receiver = _decrypted(key, encrypted)
            if receiver and compare_digest(receiver, self.receiver.encode()):
                return message
        raise SignatureWrong("no key of this account opens the message, or it is for another app")


def _aes_key(name: str, encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded + "=", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(encoded) != ENCODED_KEY_CHARACTERS or len(key) != 32:
        raise AccountInvalid(
            f"settings.{name}: Tencent's EncodingAESKey has {ENCODED_KEY_CHARACTERS} letters and digits"
        )
    return key


def _signature(*parts: str) -> bytes:
    joined = "".join(sorted(parts)).encode("utf-8", "replace")
    return hashlib.sha1(joined, usedforsecurity=False).hexdigest().encode()  # Tencent's choice


def _decrypted(key: bytes, encrypted: str) -> tuple[bytes, bytes]:
    """Message and receiver: 16 random bytes, 4 bytes of length (big endian), message, receiver, padding.

    Two empty ones where the key does not fit.
    """
    try:
        sealed = base64.b64decode(encrypted, validate=True)
        decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        plain = decryptor.update(sealed) + decryptor.finalize()
    except (binascii.Error, ValueError):
        return b"", b""
    padding = plain[-1] if plain else 0
    if not 0 < padding <= PADDED_TO_BYTES or plain[-padding:] != bytes([padding]) * padding:
        return b"", b""
    plain = plain[:-padding]
    end = 20 + int.from_bytes(plain[16:20])
    return (plain[20:end], plain[end:]) if 20 <= end <= len(plain) else (b"", b"")


def demand_recent(timestamp: str, received_at: datetime) -> None:
    """Raises SignatureWrong for a signed time (Unix seconds) more than 5 minutes from when it came."""
    is_number = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12
    if not is_number or abs(int(timestamp) - received_at.timestamp()) > CLOCK_SKEW_MAX.total_seconds():
        raise SignatureWrong(f"timestamp: more than {CLOCK_SKEW_MAX} from our clock, so it may be a replay")


def open_callback(keys: CallbackKeys, query: Mapping[str, str], encrypted: str) -> bytes:
    """The message of a callback whose signature fits. Raises SignatureWrong."""
    signed = (query.get("timestamp", ""), query.get("nonce", ""), encrypted)
    keys.demand_signature(query.get("msg_signature", ""), *signed)
    return keys.opened(encrypted)


def encrypted_in(raw: bytes) -> str:
    """What stands in `<Encrypt>`. Raises SignatureWrong where nothing does: plain mode leaves the body unsigned.

    Example: `<xml><ToUserName>gh_1</ToUserName><Encrypt>RypEvHKD8QQK…</Encrypt></xml>` → `"RypEvHKD8QQK…"`
    """
    try:
        encrypted = read_xml(raw).get("Encrypt", "")
    except UnreadablePayload as error:
        raise SignatureWrong(f"no encrypted callback: {error}") from None
    if not encrypted:
        raise SignatureWrong("the message is not encrypted; choose safe mode (安全模式) where the server is set up")
    return encrypted


def read_xml(raw: bytes) -> dict[str, str]:
    """The texts of an XML element's children by tag, and of their children as `ScanCodeInfo.ScanResult`.

    Of tags that repeat the first counts. A document type, and with it every entity, is refused.
    Raises UnreadablePayload.
    """
    try:
        root = fromstring(without_controls(clean(raw.decode("utf-8", "replace"))), forbid_dtd=True)
    except DefusedXmlException:
        raise UnreadablePayload("", "XML with a document type or entities is not read") from None
    except (ParseError, ValueError, LookupError) as error:
        raise UnreadablePayload("", f"this is not XML: {error}") from None
    fields: dict[str, str] = {}
    for child in root:
        fields.setdefault(str(child.tag), clean(child.text or ""))
        for grandchild in child:
            fields.setdefault(f"{child.tag}.{grandchild.tag}", clean(grandchild.text or ""))
        if len(fields) > FIELDS_MAX:
            raise UnreadablePayload("", f"more than {FIELDS_MAX} fields")
    return fields
