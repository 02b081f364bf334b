"""X direct messages: account settings, verify, parse, send, fetch.

Two envelopes come: Account Activity's, which X gives up, and X Activity's, around the same lists of events.
"""

import base64
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from application.exchange.media import Fetched, Get
from application.exchange.sending import Accepted, Outcome, Outgoing, OutgoingFile, Refusal, Rejected, Unknown
from channels.edge.oauth1 import OAuth1
from channels.edge.payload import (
    Acknowledgement,
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
from channels.edge.posting import REASON_LENGTH_MAX, as_nothing_sent, json_of, post, refused_by_status
from channels.edge.text import one_line
from channels.edge.x_events import read_activity, read_lists
from domain.account import AccountDefinition, AccountInvalid
from domain.interaction import Attachment

API_URL = "https://api.x.com"
SIGNATURE_HEADER = "x-twitter-webhooks-signature"
MEDIA_HOSTS = (".twitter.com", ".x.com", ".twimg.com")
TEXT_LENGTH_MAX = 10_000
SENDING = ("consumer_key", "access_token", "access_token_secret")
RECIPIENT_GONE = frozenset({"50", "63", "108", "150", "349"})
"""No such user, suspended, not found; takes no messages from us (twice). Codes of X's v1.1, which v2 repeats."""
RESET_SECONDS_MAX = 24 * 3_600


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an X account needs."""

    user_id: str
    """`AccountDefinition.address`: our user id, as in `4337869213`."""
    consumer_secrets: tuple[str, ...]
    """Settings `consumer_secret` and `consumer_secret_previous`, of the app: sign deliveries."""
    oauth: OAuth1 | None
    """Settings `consumer_key`, `access_token`, `access_token_secret`; without them it only receives."""
    api_url: str


def read_settings(definition: AccountDefinition) -> Settings:
    """Raises AccountInvalid with the setting that is missing or wrong."""
    given = definition.settings
    if not given.get("consumer_secret"):
        raise AccountInvalid("settings.consumer_secret: an x account needs it")
    if not (definition.address.isascii() and definition.address.isdigit()):
        raise AccountInvalid(f"address: {definition.address!r} is no X user id, as in 4337869213")
    missing = [name for name in SENDING if not given.get(name)]
    if 0 < len(missing) < len(SENDING):
        raise AccountInvalid(f"settings.{missing[0]}: sending needs {', '.join(SENDING)}, or none of them to receive")
    oauth = OAuth1(
        consumer_key=given.get("consumer_key", ""),
        consumer_secret=given["consumer_secret"],
        token=given.get("access_token", ""),
        token_secret=given.get("access_token_secret", ""),
    )
    both = (given["consumer_secret"], given.get("consumer_secret_previous", ""))
    return Settings(
        user_id=definition.address,
        consumer_secrets=tuple(one for one in both if one),
        oauth=None if missing else oauth,
        api_url=(given.get("api_url") or API_URL).rstrip("/"),
    )


def _signed(secret: str, content: bytes) -> bytes:
    return b"sha256=" + base64.b64encode(hmac.digest(secret.encode(), content, "sha256"))


def verify(definition: AccountDefinition, posted: Posted) -> None:
    """Checks `X-Twitter-Webhooks-Signature: sha256=<base64>` over the raw body. Raises SignatureWrong."""
    given = posted.headers.get(SIGNATURE_HEADER, "").encode("utf-8", "replace")
    expected = (_signed(secret, posted.raw) for secret in read_settings(definition).consumer_secrets)
    if not any(hmac.compare_digest(one, given) for one in expected):
        raise SignatureWrong(f"{SIGNATURE_HEADER}: missing, or it does not fit the body")


def answer_handshake(definition: AccountDefinition, posted: Posted) -> Acknowledgement:
    """What to answer X's challenge with, which comes again and again: a hook that fails it once goes silent.

    Raises SignatureWrong where there is nothing to answer.

    Example: `{"crc_token": "MDY5"}` → `{"response_token": "sha256=x0mYd8hz2goCTfcNAaMqENy2BFgJJfJOb4PdvTffpwg="}`
    """
    token = posted.query.get("crc_token", "")
    if not token:
        raise SignatureWrong("crc_token: missing")
    answer = _signed(read_settings(definition).consumer_secrets[0], token.encode("utf-8", "replace")).decode()
    return Acknowledgement(body=msgspec.json.encode({"response_token": answer}), media_type="application/json")


def parse(definition: AccountDefinition, posted: Posted) -> Delivery:
    """Everything in a delivery of either kind: messages, our own from elsewhere, what was read, and what is ignored.

    Raises UnreadablePayload.

    Example: `{"for_user_id": "4337869213", "direct_message_events": [{"type": "message_create", "id": "9544918301",
    "created_timestamp": "1516403560557", "message_create": {"target": {"recipient_id": "4337869213"},
    "sender_id": "3001969357", "message_data": {"text": "Hello"}}}], "users": {"3001969357": {"name": "Jo"}}}`
    or `{"data": {"event_uuid": "-5", "event_type": "dm.received", "filter": {"user_id": "4337869213"},
    "payload": {"direct_message_events": [...], "users": {...}}}}`
    """
    payload = read_json(posted.raw)
    if not isinstance(payload, dict) or not payload:
        raise UnreadablePayload("", "a delivery of X is a JSON object")
    delivery = Delivery()
    activities = dicts(payload.get("data")) or [one for one in (a_dict(payload.get("data")),) if one]
    for activity in activities:
        read_activity(activity, definition.address, delivery, posted.received_at)
    if not activities:
        address = an_identifier(payload.get("for_user_id")) or definition.address
        read_lists(payload, address, delivery, posted.received_at)
    return delivery


async def send(
    definition: AccountDefinition,
    reply: Outgoing,
    client: httpx.AsyncClient,
    clock: Callable[[], float] = time.time,
) -> Outcome:
    """Hands a text, a picture or both to a one-to-one conversation: 15 in 15 minutes and 1,440 a day for each of our
    users.

    Example: `{"text": "Hi", "attachments": [{"media_id": "1455952740635586573"}]}` →
    `{"data": {"dm_conversation_id": "1-2", "dm_event_id": "1346889436626259968"}}`
    """
    settings = read_settings(definition)
    if settings.oauth is None:
        reason = f"settings.{SENDING[0]}: this account has none, so it only receives"
        return Rejected(reason=reason, refusal=Refusal.OUR_FAULT, concerns_account=True)
    if not (reply.handle.isascii() and reply.handle.isdigit()):
        return Rejected(reason=f"{reply.handle!r} is no X user", refusal=Refusal.RECIPIENT_GONE)
    if len(reply.text) > TEXT_LENGTH_MAX:
        return Rejected(reason=f"a text has at most {TEXT_LENGTH_MAX} characters", refusal=Refusal.OUR_FAULT)
    body: dict[str, Any] = {"text": reply.text} if reply.text else {}
    if reply.files:
        media_id = await _uploaded(reply.files[0], client, settings, clock)
        if isinstance(media_id, Rejected):
            return media_id
        body["attachments"] = [{"media_id": media_id}]
    url = f"{settings.api_url}/2/dm_conversations/with/{reply.handle}/messages"
    answer = await post(client, url, json=body, headers=_signed_by(settings, "POST", url, clock))
    if not isinstance(answer, httpx.Response):
        return answer
    payload = json_of(answer)
    if not answer.is_success:
        return _refused(answer, payload, clock())
    provider_id = an_identifier(a_dict(payload.get("data")).get("dm_event_id"))
    if not provider_id:
        return Unknown(reason=f"{answer.status_code} without the id of a message")
    return Accepted(provider_id=provider_id)


async def _uploaded(
    file: OutgoingFile, client: httpx.AsyncClient, settings: Settings, clock: Callable[[], float]
) -> str | Rejected:
    """`POST /2/media/upload` in one request, which X takes for pictures; good for one message and for 24 hours. Nothing
    is sent by it to anybody, so that it may be tried again whatever went wrong.

    Example: `{"data": {"id": "1455952740635586573", "media_key": "3_1455952740635586573"}}`
    """
    url, given = f"{settings.api_url}/2/media/upload", {"media": (file.name, file.body, file.content_type)}
    form, headers = {"media_category": file.sent_as}, _signed_by(settings, "POST", url, clock)
    answer = await post(client, url, data=form, files=given, headers=headers)
    if not isinstance(answer, httpx.Response):
        return as_nothing_sent(answer)
    payload = json_of(answer)
    if not answer.is_success:
        return as_nothing_sent(_refused(answer, payload, clock()))
    reason = f"{answer.status_code} without the id of a file"
    media_id = an_identifier(a_dict(payload.get("data")).get("id"))
    return media_id or Rejected(reason=reason, refusal=Refusal.RETRY_LATER)


def _signed_by(settings: Settings, method: str, url: str, clock: Callable[[], float]) -> dict[str, str]:
    """The header that signs a request whose body is no form of fields alone; none for an account that only receives."""
    if settings.oauth is None:
        return {}
    nonce, timestamp = secrets.token_hex(16), int(clock())
    return {"authorization": settings.oauth.authorization(method, url, nonce=nonce, timestamp=timestamp)}


def _refused(answer: httpx.Response, payload: dict[str, Any], now: float) -> Rejected | Unknown:
    """Example: `{"title": "Forbidden", "detail": "You cannot send messages to this user.", "status": 403}`."""
    errors = dicts(payload.get("errors"))
    codes = {a_text(error.get("code")) for error in errors}
    details = [a_text(payload.get("detail")), *(a_text(error.get("message")) for error in errors)]
    words = one_line("; ".join(part for part in details if part) or answer.reason_phrase)
    reason = f"{answer.status_code} {words}"[:REASON_LENGTH_MAX]
    if answer.status_code == 429:
        wait = _until_reset(answer, now)
        return Rejected(reason=reason, refusal=Refusal.RETRY_LATER, retry_after_seconds=wait, concerns_account=True)
    is_about_them = answer.status_code == 403 and "cannot send messages to this user" in words.lower()
    if is_about_them or codes & RECIPIENT_GONE:
        return Rejected(reason=reason, refusal=Refusal.RECIPIENT_GONE)
    return refused_by_status(answer, words)


def _until_reset(answer: httpx.Response, now: float) -> float | None:
    """Seconds until `x-rate-limit-reset`, which is a time in Unix seconds."""
    reset = answer.headers.get("x-rate-limit-reset", "")
    if not (reset.isascii() and reset.isdigit() and len(reset) <= 12):
        return None
    return min(max(float(reset) - now, 1.0), RESET_SECONDS_MAX)


async def fetch(
    definition: AccountDefinition, attachment: Attachment, get: Get, clock: Callable[[], float] = time.time
) -> Fetched:
    """The bytes of a picture or video; those of direct messages are given only to who wrote or got them.

    Raises MediaRefused.
    """
    headers = _signed_by(read_settings(definition), "GET", attachment.reference, clock)
    return await get(attachment.reference, hosts=MEDIA_HOSTS, headers=headers)
