"""LINE: account settings, verify, parse, send, fetch.

Who somebody is (the user id) means something only to the bots of one provider, so it is held apart by account.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from application.exchange.media import Fetched, Get, MediaRefused
from application.exchange.sending import Outcome, Outgoing
from channels.edge.payload import (
    Delivery,
    Posted,
    SignatureWrong,
    UnreadablePayload,
    a_dict,
    a_text,
    an_identifier,
    dicts,
    read_json,
)
from channels.edge.text import one_line
from channels.social.line_content import content_of
from channels.social.line_sending import push_reply
from channels.social.reading import UNKNOWN_HANDLE, at_millisecond, claim_kind, id_from_content, lines
from domain.account import AccountDefinition, AccountInvalid
from domain.intake import InboundMessage
from domain.interaction import Attachment, Content, ContentKind
from domain.outbound.reach import Reach

SIGNATURE_HEADER = "x-line-signature"
API_URL = "https://api.line.me"
MEDIA_URL = "https://api-data.line.me"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a LINE official account needs."""

    bot_user_id: str
    """`AccountDefinition.address`: what deliveries call `destination`, `U` and 32 hexadecimal digits."""
    channel_secrets: tuple[str, ...]
    """`channel_secret`, and `channel_secret_previous` while it is rolled."""
    access_token: str = ""
    """`access_token`. An account without one only receives."""
    api_url: str = API_URL
    media_url: str = MEDIA_URL


def read_settings(definition: AccountDefinition) -> Settings:
    """Raises AccountInvalid with the setting that is missing."""
    given = definition.settings
    if not definition.address:
        raise AccountInvalid("address: a LINE account needs its bot's user id")
    if not given.get("channel_secret"):
        raise AccountInvalid("settings.channel_secret: a LINE account needs it")
    return Settings(
        bot_user_id=definition.address,
        channel_secrets=(given["channel_secret"], given.get("channel_secret_previous", "")),
        access_token=given.get("access_token", ""),
        api_url=(given.get("api_url") or API_URL).rstrip("/"),
        media_url=(given.get("media_url") or MEDIA_URL).rstrip("/"),
    )


def verify(definition: AccountDefinition, posted: Posted) -> None:
    """Checks `X-Line-Signature`: base64 of the HMAC-SHA256 of the raw body. Raises SignatureWrong."""
    given = posted.headers.get(SIGNATURE_HEADER, "").encode("utf-8", "replace")
    secrets = [one.encode() for one in read_settings(definition).channel_secrets if one]
    expected = (base64.b64encode(hmac.new(one, posted.raw, hashlib.sha256).digest()) for one in secrets)
    if not any(hmac.compare_digest(one, given) for one in expected):
        raise SignatureWrong(f"{SIGNATURE_HEADER}: missing, or it does not fit the body")


def parse(definition: AccountDefinition, posted: Posted) -> Delivery:
    """Everything in a delivery; one without events is how LINE's console tries the address.

    Raises UnreadablePayload for what is not a LINE delivery at all.

    Example: `{"destination": "U123", "events": [{"type": "message", "mode": "active", "timestamp": 1462629479859,
    "source": {"type": "user", "userId": "U206d"}, "webhookEventId": "01FZ74A0TDDPYRVKNK77XKC3ZR",
    "deliveryContext": {"isRedelivery": false}, "message": {"id": "325708", "type": "text", "text": "Hello"}}]}`
    """
    payload = read_json(posted.raw)
    if not isinstance(payload, dict) or not isinstance(payload.get("events"), list):
        raise UnreadablePayload("events", "a LINE delivery has a list here")
    address = an_identifier(payload.get("destination")) or definition.address
    delivery = Delivery()
    for event in dicts(payload["events"]):
        kind = a_text(event.get("type"))
        if kind in READERS:
            provider_id, content = READERS[kind](event)
            delivery.messages.append((address, _message(event, provider_id, content, posted.received_at)))
        else:
            delivery.ignored.append(one_line(kind))
    return delivery


def _message(event: dict[str, Any], provider_id: str, content: Content, received_at: datetime) -> InboundMessage:
    """In a group it may not be told who wrote; then the group did."""
    source = a_dict(event.get("source"))
    thread = an_identifier(source.get("groupId")) or an_identifier(source.get("roomId"))
    return InboundMessage(
        provider_id=provider_id,
        handle=an_identifier(source.get("userId")) or thread or UNKNOWN_HANDLE,
        content=content,
        occurred_at=at_millisecond(event.get("timestamp"), received_at=received_at),
        thread=thread,
        kind=claim_kind(content),
    )


def _event_id(event: dict[str, Any]) -> str:
    """LINE's own, the same again when it delivers again; of its content where there is none."""
    event_id = an_identifier(event.get("webhookEventId"))
    if event_id:
        return event_id
    return id_from_content({name: one for name, one in event.items() if name != "deliveryContext"})


def _said(event: dict[str, Any]) -> tuple[str, Content]:
    message = a_dict(event.get("message"))
    return an_identifier(message.get("id")) or _event_id(event), content_of(message)


def _edited(event: dict[str, Any]) -> tuple[str, Content]:
    """The id is the first version's, so what counts is the event."""
    message = a_dict(event.get("message"))
    new, about = content_of(message), an_identifier(message.get("id"))
    content = Content(kind=ContentKind.EDIT, text=new.text, attachments=new.attachments, about=about)
    return f"{about}#edit.{_event_id(event)}", content


def _unsent(event: dict[str, Any]) -> tuple[str, Content]:
    about = an_identifier(a_dict(event.get("unsend")).get("messageId"))
    return f"{about or _event_id(event)}#unsend", Content(kind=ContentKind.UNSEND, about=about)


def _pressed(event: dict[str, Any]) -> tuple[str, Content]:
    """Example: `{"data": "action=buy&item=123", "params": {"datetime": "2017-12-25T01:00"}}`."""
    postback = a_dict(event.get("postback"))
    picked = [a_text(one) for one in a_dict(postback.get("params")).values()]
    return f"#{_event_id(event)}", Content(kind=ContentKind.CHOICE, text=lines(a_text(postback.get("data")), *picked))


def _news(event: dict[str, Any]) -> tuple[str, Content]:
    reach: Reach | None = None
    match a_text(event.get("type")):
        case "follow":
            reach = Reach.OPEN
            was_blocked = bool(a_dict(event.get("follow")).get("isUnblocked"))
            text = "Unblocked the account" if was_blocked else "Added the account as a friend"
        case "unfollow":
            text, reach = "Blocked the account", Reach.BLOCKED
        case "accountLink":
            text = f"Account link: {a_text(a_dict(event.get('link')).get('result'))}"
        case _:
            text = f"Membership: {a_text(a_dict(event.get('membership')).get('type'))}"
    return f"#{_event_id(event)}", Content(kind=ContentKind.SYSTEM, text=one_line(text).rstrip(":"), reach=reach)


READERS: dict[str, Callable[[dict[str, Any]], tuple[str, Content]]] = {
    "message": _said,
    "messageEdited": _edited,
    "unsend": _unsent,
    "postback": _pressed,
    "follow": _news,
    "unfollow": _news,
    "accountLink": _news,
    "membership": _news,
}


async def send(definition: AccountDefinition, reply: Outgoing, client: httpx.AsyncClient) -> Outcome:
    """Pushes a text; reply tokens last a minute, and agents take longer."""
    settings = read_settings(definition)
    return await push_reply(reply, client, token=settings.access_token, api_url=settings.api_url)


async def fetch(definition: AccountDefinition, attachment: Attachment, get: Get) -> Fetched:
    """From LINE's own keeping, by the message's id. Raises MediaRefused, also for a link to anybody else's host."""
    if attachment.reference.startswith(("https://", "http://")):
        host = urlsplit(attachment.reference).hostname
        raise MediaRefused(f"it lies at {host}, which is not LINE's", is_final=True)
    settings = read_settings(definition)
    return await get(
        f"{settings.media_url}/v2/bot/message/{quote(attachment.reference, safe='')}/content",
        hosts=(urlsplit(settings.media_url).hostname or "",),
        headers={"authorization": f"Bearer {settings.access_token}"},
    )
