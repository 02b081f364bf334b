"""The Idempotency-Key header (IETF httpapi draft): one key, one command, for ever."""

import re

from api.http.refusals import Invalid, KeyMissing

HEADER = "idempotency-key"
KEY_CHARACTERS_MAX = 255
_QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_BARE = re.compile(r"[\x21\x23-\x7e]+")


def read_key(header: str | None, *, is_required: bool) -> str | None:
    """The key. A structured-field string, as the draft has it, or a bare token. Raises KeyMissing, Invalid.

    Example: `"8e03978e-40d5"` with or without its quotes is the key `8e03978e-40d5`.
    """
    if header is None:
        if is_required:
            raise KeyMissing
        return None
    text = header.strip()
    quoted = _QUOTED.fullmatch(text)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if len(key) > KEY_CHARACTERS_MAX:
        raise Invalid("header.Idempotency-Key", f"{len(key)} characters are too many", KEY_CHARACTERS_MAX)
    if not key or not (quoted or _BARE.fullmatch(text)):
        raise Invalid("header.Idempotency-Key", "1 to 255 printable ASCII characters", KEY_CHARACTERS_MAX)
    return key


def fingerprinted(method: str, path: str, body: bytes) -> bytes:
    """What must be the same for a key to be the same command."""
    return b"%s %s\n%s" % (method.encode(), path.encode("utf-8", "surrogatepass"), body)
