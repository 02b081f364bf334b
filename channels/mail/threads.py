"""Which conversation a mail belongs to: our reply tokens and Message-IDs, then what the mail says it answers."""

import hashlib
import hmac
import re
from base64 import b32encode
from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec

from channels.mail.headers import Headers

MESSAGE_ID_LENGTH_MAX = 512
REFERENCES_READ_MAX = 200
MAC_LETTERS = 20
"""Of base32, 100 bits: small enough for a local part of 64 octets (RFC 5321), far too many to try."""

_ID = re.compile(r"<\s*([^<>\s]+)\s*>")
_BARE_ID = re.compile(rb"[^<>\s@]{1,250}@[^<>\s@]{1,250}")
_TOKEN = re.compile(rf"reply\+([0-9a-f]{{32}})\.([a-z2-7]{{{MAC_LETTERS}}})@", re.IGNORECASE)
_OWN_ID = re.compile(
    rf"<([0-9a-f]{{32}})\.([0-9a-f]{{32}})\.([a-z2-7]{{{MAC_LETTERS}}})@[^<>\s]{{1,255}}>", re.IGNORECASE
)
_BOUNCE_TOKEN = re.compile(rf"bounce\+([0-9a-f]{{32}})\.([a-z2-7]{{{MAC_LETTERS}}})@", re.IGNORECASE)


class Rule(StrEnum):
    """What a mail by itself tells of its thread. What else decides is `domain/threads/placing.py`."""

    REPLY_ADDRESS = "reply_address"
    OWN_MESSAGE_ID = "own_message_id"
    REFERENCES = "references"
    IN_REPLY_TO = "in_reply_to"
    NEW = "new"


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """Where a mail belongs."""

    rule: Rule
    own_id: str
    """The mail's own Message-ID."""
    thread: str
    """The Message-ID of the first mail of the thread, as far as this mail knows."""
    answers: str
    """The Message-ID that this one answers, or nothing."""
    conversation_id: str = ""
    """The conversation, where a token or id that only we can make proves it."""
    named: tuple[str, ...] = ()
    """Every id that it says it answers, the nearest first."""


def reply_address(conversation_id: str, *, domain: str, key: bytes) -> str:
    """Where a customer's answer finds its conversation, whatever their mail program does to the headers.

    Example: `reply+0193a7c2…(32 hex).k5sw4…(20 letters)@shop.example`
    """
    conversation = _hex(conversation_id)
    return f"reply+{conversation}.{_mac(key, 'reply', conversation)}@{domain}"


def own_message_id(conversation_id: str, message_id: str, *, domain: str, key: bytes) -> str:
    """The Message-ID of a reply of ours; the same for every attempt to send it.

    Example: `<0193a7c2….0193a7c3….k5sw4…@shop.example>`
    """
    conversation, message = _hex(conversation_id), _hex(message_id)
    return f"<{conversation}.{message}.{_mac(key, 'message', conversation, message)}@{domain}>"


def bounce_address(message_id: str, *, domain: str, key: bytes) -> str:
    """A sender address of its own for each reply (VERP): what comes back to it is a report about that reply.

    Example: `bounce+0193a7c3…(32 hex).k5sw4…(20 letters)@shop.example`
    """
    message = _hex(message_id)
    return f"bounce+{message}.{_mac(key, 'bounce', message)}@{domain}"


def message_id_of_token(addresses: Iterable[str], keys: Sequence[bytes]) -> str:
    """Our message named by the first valid bounce address among these, or nothing."""
    for text in addresses:
        for found in _BOUNCE_TOKEN.finditer(text):
            if _is_ours(found[2].lower(), keys, "bounce", found[1].lower()):
                return f"message-{found[1].lower()}"
    return ""


def own_message_ids_in(text: str, keys: Sequence[bytes]) -> Iterator[tuple[str, str]]:
    """Each Message-ID of ours anywhere in a text, and the message of ours that it names."""
    for found in _OWN_ID.finditer(text):
        if conversation_of_message_id(found[0], keys):
            yield found[0], f"message-{found[2].lower()}"


def conversation_of_token(addresses: Iterable[str], keys: Sequence[bytes]) -> str:
    """The conversation named by the first valid reply token in any of these addresses, or nothing."""
    for text in addresses:
        for found in _TOKEN.finditer(text):
            conversation, mac = found[1].lower(), found[2].lower()
            if _is_ours(mac, keys, "reply", conversation):
                return f"conversation-{conversation}"
    return ""


def conversation_of_message_id(message_id: str, keys: Sequence[bytes]) -> str:
    """The conversation, if this Message-ID is one that we made, else nothing."""
    found = _OWN_ID.fullmatch(message_id)
    if found is None or not _is_ours(found[3].lower(), keys, "message", found[1].lower(), found[2].lower()):
        return ""
    return f"conversation-{found[1].lower()}"


def message_ids_in(value: bytes) -> list[str]:
    """The ids of a header, in brackets, in order; each at most 512 characters.

    Example: `b"<a@x> (comment) <b@y>"` → `["<a@x>", "<b@y>"]`
    """
    found = _ID.findall(value.decode("latin-1"))
    return [f"<{one}>" for one in found[:REFERENCES_READ_MAX] if len(one) <= MESSAGE_ID_LENGTH_MAX]


def own_id_in(value: bytes) -> str:
    """The id of a Message-ID header, or nothing. Some programs leave the brackets out, some the id.

    Example: `b"1@example.org"` → `"<1@example.org>"`; `b"<>"` → `""`
    """
    if found := message_ids_in(value):
        return found[0]
    return f"<{value.decode('latin-1')}>" if _BARE_ID.fullmatch(value) else ""


def place(
    headers: Headers, *, own_id: str, recipients: Iterable[str], strangers: Collection[str], keys: Sequence[bytes]
) -> Placement:
    """Decides by reply token, then our Message-IDs, then the ids the mail itself names; else it is a new thread.

    `strangers` are addresses in lower case: old programs write `In-Reply-To: <somebody's address>`, and 33 unrelated
    mails of one real archive share such an "id", so these are no ids. An id we never saw only joins mail of the same
    customer, since threads live inside a customer's stream.
    """
    answered = [one for one in message_ids_in(headers.raw("in-reply-to")) if one[1:-1].lower() not in strangers]
    chain = [one for one in message_ids_in(headers.raw("references")) if one[1:-1].lower() not in strangers]
    answers = (answered or chain[-1:] or [""])[0]
    root = (chain or answered or [own_id])[0]
    named = tuple(dict.fromkeys([*answered, *reversed(chain)]))
    rule = Rule.REFERENCES if chain else Rule.IN_REPLY_TO if answered else Rule.NEW
    if conversation_id := conversation_of_token(recipients, keys):
        rule = Rule.REPLY_ADDRESS
    elif conversation_id := next(filter(None, (conversation_of_message_id(one, keys) for one in named)), ""):
        rule = Rule.OWN_MESSAGE_ID
    return Placement(
        rule=rule, own_id=own_id, thread=root, answers=answers, conversation_id=conversation_id, named=named
    )


def _is_ours(mac: str, keys: Sequence[bytes], *parts: str) -> bool:
    given = mac.encode("utf-8", "replace")
    return any(hmac.compare_digest(_mac(key, *parts).encode(), given) for key in keys)


def _mac(key: bytes, *parts: str) -> str:
    digest = hmac.new(key, ".".join(parts).encode(), hashlib.sha256).digest()
    return b32encode(digest).decode().lower()[:MAC_LETTERS]


def _hex(identifier: str) -> str:
    return identifier.rpartition("-")[2]
