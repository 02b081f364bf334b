"""Cursors: where a page ended, in a form that nobody has to understand."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta

import msgspec

from application.views import CursorInvalid
from infrastructure.views.columns import EPOCH, microseconds

CURSOR_CHARACTERS_MAX = 400


class Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The last row of a page: `["occurred", 836352001000000, 42, ""]`."""

    order: str
    """Which pages it belongs to."""
    sort_microseconds: int
    position: int = 0
    key: str = ""

    @property
    def sort_at(self) -> datetime:
        return EPOCH + timedelta(microseconds=self.sort_microseconds)


_decoder = msgspec.msgpack.Decoder(Cursor)


def write_cursor(order: str, sort_at: datetime, *, position: int = 0, key: str = "") -> str:
    """The cursor as text for a URL."""
    cursor = Cursor(order, microseconds(sort_at), position, key)
    return urlsafe_b64encode(msgspec.msgpack.encode(cursor)).rstrip(b"=").decode()


def read_cursor(text: str, order: str) -> Cursor:
    """The cursor of a page of this order. Raises CursorInvalid."""
    if len(text) > CURSOR_CHARACTERS_MAX:
        raise CursorInvalid(f"a cursor has at most {CURSOR_CHARACTERS_MAX} characters, not {len(text)}")
    try:
        cursor = _decoder.decode(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
        _ = cursor.sort_at  # raises OverflowError for a time out of range
    except (ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise CursorInvalid(CursorInvalid.__doc__) from error
    if cursor.order != order or not 0 <= cursor.position < 2**63 or "\0" in cursor.key:
        raise CursorInvalid(CursorInvalid.__doc__)
    return cursor
