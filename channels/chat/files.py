"""Files in a web chat: as the frames name them, and the ticket by which a visitor's message carries what they uploaded.

A ticket says what is kept and who brought it, under the account's key, so that nothing has to be remembered of a file
that no message ever carries.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from application.exchange.media import StoredMedia
from channels.edge.payload import SignatureWrong
from domain.account import AccountInvalid

TICKET_LENGTH_MAX = 1_024
FILES_MAX = 10
"""With one message."""
NAME_LENGTH_MAX = 256
BYTES_MAX, BYTES_LIMIT = 10_000_000, 25_000_000
"""Of a file that a visitor sends: unless the account says otherwise, and whatever it says."""


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file that goes with a message or an answer.

    Whoever sees the frame gets it by `POST /v1/webchat/{account_id}/media/{media_id}`.

    Example: `{"media_id": "9f86d081…", "name": "invoice.pdf", "content_type": "application/pdf", "size_bytes": 20480}`
    """

    media_id: str
    name: str
    content_type: str
    size_bytes: int


class FileSaid(msgspec.Struct, frozen=True, kw_only=True):
    """A file that the visitor uploaded by `POST /v1/webchat/{account_id}/files`, and what they call it.

    Example: `{"ticket": "eyJ2aXNp…", "name": "photo.jpg"}`
    """

    ticket: Annotated[str, msgspec.Meta(min_length=1, max_length=TICKET_LENGTH_MAX)]
    name: Annotated[str, msgspec.Meta(max_length=NAME_LENGTH_MAX)] = ""


class _Ticket(msgspec.Struct, array_like=True):
    account_id: str
    visitor_id: str
    expires_at_seconds: int
    file: StoredMedia


_decoder = msgspec.json.Decoder(_Ticket)


def read_bytes_max(settings: Mapping[str, str]) -> int:
    """Of a file that a visitor of the account sends; 0: they cannot send any. Raises AccountInvalid."""
    given = settings.get("visitor_file_bytes_max", str(BYTES_MAX))
    if not (given.isascii() and given.isdigit() and len(given) < 12 and int(given) <= BYTES_LIMIT):
        raise AccountInvalid(f"settings.visitor_file_bytes_max: it is a number from 0 to {BYTES_LIMIT}")
    return int(given)


def make_ticket(file: StoredMedia, *, account_id: str, visitor_id: str, key: bytes, expires_at: datetime) -> str:
    """What a message of that visitor names the file by, until it expires.

    Example: `"WyJhY2NvdW50LTAxOTM….mZ3…"` (base64 of JSON, 43 letters of base64)
    """
    said = msgspec.json.encode(_Ticket(account_id, visitor_id, int(expires_at.timestamp()), file))
    return f"{_letters(said)}.{_letters(_mac(key, said))}"


def read_ticket(ticket: str, *, account_id: str, visitor_id: str, keys: Sequence[bytes], at: datetime) -> StoredMedia:
    """The file. Raises SignatureWrong for another visitor's, a changed or an expired one."""
    said, given = (_bytes(part) for part in (ticket.partition(".")[0], ticket.partition(".")[2]))
    if not any(hmac.compare_digest(_mac(key, said), given) for key in keys):
        raise SignatureWrong("it was not made for this widget")
    one = _decoder.decode(said)
    if (one.account_id, one.visitor_id) != (account_id, visitor_id):
        raise SignatureWrong("somebody else uploaded it")
    if at >= datetime.fromtimestamp(one.expires_at_seconds, UTC):
        raise SignatureWrong("it has expired; upload the file again")
    return one.file


def _mac(key: bytes, said: bytes) -> bytes:
    return hmac.new(key, b"file\0" + said, hashlib.sha256).digest()


def _letters(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(letters: str) -> bytes:
    """Nothing for what is no base64, which fits no signature."""
    try:
        return base64.urlsafe_b64decode(letters.encode("utf-8", "replace") + b"=" * (-len(letters) % 4))
    except ValueError:
        return b""
