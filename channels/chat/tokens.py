"""Visitor tokens: by which a visitor's browser is known again, for one web chat and until they expire."""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime

from channels.edge.payload import SignatureWrong

_VISITOR_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def make_visitor_token(visitor_id: str, *, account_id: str, key: bytes, expires_at: datetime) -> str:
    """What a visitor's browser keeps to be known again. Good for one account only, until it expires.

    Example: `visitor_id="0193a7c2"` → `"0193a7c2.1794873600.mZ3…"` (id, Unix seconds, 43 letters of base64)
    """
    said = f"{visitor_id}.{int(expires_at.timestamp())}"
    return f"{said}.{_mac(key, account_id, said)}"


def verify_visitor_token(token: str, *, account_id: str, keys: Sequence[bytes], at: datetime) -> str:
    """The visitor's id. Raises SignatureWrong for a token of another account, a changed or an expired one."""
    said, _, mac = token.rpartition(".")
    visitor_id, _, expiry = said.rpartition(".")
    given = mac.encode("utf-8", "replace")
    if not any(hmac.compare_digest(_mac(key, account_id, said).encode(), given) for key in keys):
        raise SignatureWrong("token: it was not made for this widget")
    if not expiry.isdecimal() or at.timestamp() >= int(expiry) or _VISITOR_ID.fullmatch(visitor_id) is None:
        raise SignatureWrong("token: it has expired; say hello without one")
    return visitor_id


def _mac(key: bytes, account_id: str, said: str) -> str:
    text = f"{len(account_id)}:{account_id}:{said}"
    digest = hmac.new(key, text.encode("utf-8", "replace"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
