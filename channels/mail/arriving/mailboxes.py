"""Which mailbox an address belongs to: the account's own, a reply token, a plus part, another name of it."""

import hashlib
import hmac
import re
from base64 import b32encode
from collections.abc import Iterable, Sequence
from enum import IntEnum

from channels.mail.headers import Headers, addresses_in
from channels.mail.structure import HEADER_BYTES_MAX
from channels.mail.threads import conversation_of_token
from domain.account import AccountDefinition

MAC_LETTERS = 20
"""Of base32, as in a reply token: a local part has 64 octets (RFC 5321, section 4.5.3.1.1)."""
RECIPIENT_HEADERS = ("delivered-to", "x-original-to", "envelope-to", "to", "cc")
"""Those that a mail server wrote come first: the others are the sender's words."""
_HEADERS_END = re.compile(rb"\n\r?\n")
_BOUNCE_TOKEN = re.compile(rf"bounce\+([0-9a-f]{{32}})\.([a-z2-7]{{{MAC_LETTERS}}})@", re.IGNORECASE)


class Fit(IntEnum):
    """How well an address fits a mailbox; the greater wins."""

    NONE = 0
    DOMAIN = 1
    """It has a name of its own, but the mailbox takes whatever is sent to its domain: `*@shop.example`."""
    ALIAS = 2
    ADDRESS = 3
    """It is the mailbox, plus part or not: `support+orders@shop.example`."""
    TOKEN = 4
    """It holds a reply token, or is a bounce address, that only this mailbox can have made."""


def fit_of(definition: AccountDefinition, address: str) -> Fit:
    """How well the address fits a mailbox account.

    `settings.aliases` names more addresses of the mailbox, comma-separated: `sales@shop.example, *@shop.example`.
    """
    keys = token_keys(definition)
    if conversation_of_token([address], keys) or message_id_of_token([address], keys):
        return Fit.TOKEN
    given, plain = address.strip().lower(), without_plus_part(address)
    if definition.address.lower() in {given, plain}:
        return Fit.ADDRESS
    named = f"{definition.settings.get('aliases', '')},{definition.settings.get('bounce_address', '')}"
    aliases = {alias for one in named.split(",") if (alias := one.strip().lower())}
    if aliases & {given, plain}:
        return Fit.ALIAS
    return Fit.DOMAIN if f"*@{plain.rpartition('@')[2]}" in aliases else Fit.NONE


def recipients_in(raw: bytes) -> list[str]:
    """Whom a mail is for as far as its headers say, the likeliest first."""
    headers = Headers(_HEADERS_END.split(raw[:HEADER_BYTES_MAX], maxsplit=1)[0])
    values = [value for name in RECIPIENT_HEADERS for value in headers.all(name)]
    return list(dict.fromkeys(address for _, address in addresses_in(values) if address))


def without_plus_part(address: str) -> str:
    """The address in lower case, without what stands between a plus sign and the domain (RFC 5233).

    Example: `"Support+orders@Shop.example"` → `"support@shop.example"`
    """
    local, _, domain = address.strip().lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def token_keys(definition: AccountDefinition) -> tuple[bytes, ...]:
    """`token_key`, and `token_key_previous` while it is rolled."""
    given = definition.settings
    return tuple(key.encode() for name in ("token_key", "token_key_previous") if (key := given.get(name, "")))


def bounce_address(message_id: str, *, domain: str, key: bytes) -> str:
    """Where a bounce of this one message comes back to, whatever the other side makes of its text (VERP).

    Example: `bounce+0193a7c3…(32 hex).k5sw4…(20 letters)@shop.example`
    """
    message = message_id.rpartition("-")[2]
    return f"bounce+{message}.{_mac(key, message)}@{domain}"


def message_id_of_token(addresses: Iterable[str], keys: Sequence[bytes]) -> str:
    """The message, as in `message-0193…`, that the first valid bounce address among these is about, or nothing."""
    for text in addresses:
        for found in _BOUNCE_TOKEN.finditer(text):
            message, given = found[1].lower(), found[2].lower().encode()
            if any(hmac.compare_digest(_mac(key, message).encode(), given) for key in keys):
                return f"message-{message}"
    return ""


def _mac(key: bytes, message: str) -> str:
    digest = hmac.new(key, f"bounce.{message}".encode(), hashlib.sha256).digest()
    return b32encode(digest).decode().lower()[:MAC_LETTERS]
