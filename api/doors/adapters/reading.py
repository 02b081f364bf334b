"""What adapters send, read strictly: one message, and the messages of a batch that could not be read as a whole."""

import re
from datetime import datetime
from typing import Annotated

import msgspec

from api.http.bodies import decode
from api.http.refusals import Invalid
from channels.adapter import BATCH_MESSAGES_MAX, AdapterMessage, to_message
from channels.edge.payload import UnreadablePayload
from domain.intake import InboundMessage

_STEP = re.compile(r"[^.\[\]]+")


class _Apart(msgspec.Struct, forbid_unknown_fields=True):
    """A batch whose messages are left as they came."""

    messages: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=BATCH_MESSAGES_MAX)]


_decoder = msgspec.json.Decoder(AdapterMessage)
_apart_decoder = msgspec.json.Decoder(_Apart)


def read_message(payload: bytes, account_id: str, *, received_at: datetime) -> InboundMessage:
    """The message for that account in JSON. Raises Invalid, UnreadablePayload."""
    return message_of(decode(payload, _decoder), account_id, received_at=received_at)


def message_of(one: AdapterMessage, account_id: str, *, received_at: datetime) -> InboundMessage:
    """The adapter's message as ours. Raises UnreadablePayload with the field."""
    if one.account != account_id:
        raise UnreadablePayload("account", f"it is not the account that it was sent to, {account_id}")
    return to_message(one, received_at=received_at)


def read_apart(raw: bytes, refusal: Invalid) -> list[AdapterMessage | Invalid]:
    """Each message of a batch that was refused, or what is wrong with it. Raises the refusal where it is no batch.

    Example: `{"messages": [{"account": "account-0193…", …}, {"account": 7}]}` → a message, and what names `$.account`
    """
    try:
        batch = _apart_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise refusal from None
    apart: list[AdapterMessage | Invalid] = []
    for one in batch.messages:
        try:
            apart.append(decode(bytes(one), _decoder))
        except Invalid as error:
            apart.append(error)
    return apart


def pointer_of(field: str) -> str:
    """A field's JSON path as a JSON pointer (RFC 6901).

    Example: `"$.messages[3].content.text"` → `"/messages/3/content/text"`
    """
    steps = _STEP.findall(field.removeprefix("$"))
    return "".join(f"/{one.replace('~', '~0').replace('/', '~1')}" for one in steps)
