"""WhatsApp Cloud API: account settings, verify, parse, fetch.

A delivery is `entry[]` of `changes[]` of `messages[]`, `statuses[]`, `errors[]` and more; every level is read.
"""

import hashlib
import json
from datetime import datetime
from hmac import compare_digest
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from application.exchange.media import Fetched, Get, MediaRefused, Why
from channels.edge.payload import (
    Acknowledgement,
    Delivery,
    Posted,
    SignatureWrong,
    UnreadablePayload,
    a_dict,
    a_text,
    an_identifier,
    at_second,
    demand_hmac,
    dicts,
    read_json,
)
from channels.edge.text import one_line
from channels.edge.whatsapp_content import content_of
from domain.account import AccountDefinition, AccountInvalid
from domain.intake import DeliveryReport, InboundMessage
from domain.interaction import Attachment, ContentKind, DeliveryStatus

SIGNATURE_HEADER = "x-hub-signature-256"
READ = frozenset({"contacts", "messages", "statuses", "errors"})
STATUSES = {
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "played": DeliveryStatus.READ,
    "failed": DeliveryStatus.FAILED,
}
PHONE_DIGITS = range(5, 21)
API_URL = "https://graph.facebook.com/v25.0"
"""Unless the account's setting `api_url` says another; version included."""
MEDIA_HOSTS = (".fbsbx.com", ".fbcdn.net", ".whatsapp.net")
"""Where Meta keeps what its API leads to; `lookaside.fbsbx.com` as a rule."""
UNKNOWN_HANDLE = "unknown"
"""Whoever sent a message that names no sender."""
CLAIM_KINDS = {ContentKind.EDIT: "edit", ContentKind.UNSEND: "unsend", ContentKind.SYSTEM: "system"}
"""What a message id counts, where that is not a message. Reactions are told apart further by `_claim_kind`."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a WhatsApp account needs."""

    phone_number_id: str
    """`AccountDefinition.address`: Meta's id of our number, as in `1122334455667`."""
    app_secret: str
    verify_token: str
    """What we told Meta to say when it subscribes."""
    app_secret_previous: str = ""
    """Still believed while the secret is being rolled."""


def read_settings(definition: AccountDefinition) -> Settings:
    """Raises AccountInvalid with the setting that is missing."""
    for name in ("app_secret", "verify_token"):
        if not definition.settings.get(name):
            raise AccountInvalid(f"settings.{name}: a WhatsApp account needs it")
    if not definition.address:
        raise AccountInvalid("address: a WhatsApp account needs its phone number id")
    return Settings(
        phone_number_id=definition.address,
        app_secret=definition.settings["app_secret"],
        verify_token=definition.settings["verify_token"],
        app_secret_previous=definition.settings.get("app_secret_previous", ""),
    )


def verify(definition: AccountDefinition, posted: Posted) -> None:
    """Checks `X-Hub-Signature-256: sha256=<64 hex>` over the raw body.

    Meta signs the bytes as sent, with non-ASCII escaped: JSON that was read and written again does not fit.
    Raises SignatureWrong.
    """
    settings = read_settings(definition)
    name, _, signature = posted.headers.get(SIGNATURE_HEADER, "").partition("=")
    if name != "sha256" or len(signature) != 64:
        raise SignatureWrong(f"{SIGNATURE_HEADER}: missing, or not sha256= and 64 hexadecimal digits")
    secrets = (settings.app_secret.encode(), settings.app_secret_previous.encode())
    demand_hmac(posted.raw, signature.encode("utf-8", "replace"), secrets)


def answer_handshake(definition: AccountDefinition, posted: Posted) -> Acknowledgement:
    """What to answer Meta's GET with (200, plain text) when it subscribes: the challenge. Raises SignatureWrong.

    Example: `{"hub.mode": "subscribe", "hub.verify_token": "…", "hub.challenge": "1158201444"}` → `"1158201444"`
    """
    given = posted.query.get("hub.verify_token", "").encode("utf-8", "replace")
    is_known = compare_digest(given, read_settings(definition).verify_token.encode())
    if posted.query.get("hub.mode") != "subscribe" or not is_known:
        raise SignatureWrong("hub.verify_token: it is not the one of this account")
    return Acknowledgement(body=posted.query.get("hub.challenge", "").encode())


def parse(definition: AccountDefinition, posted: Posted) -> Delivery:
    """Everything in a delivery: messages, receipts, and the kinds of what this version does not store.

    Kinds it does not know become messages of kind `unsupported`, so that the agent sees that something came.
    Raises UnreadablePayload for what is not a WhatsApp delivery at all.

    Example: `{"object": "whatsapp_business_account", "entry": [{"id": "123", "changes": [{"field": "messages",
    "value": {"metadata": {"phone_number_id": "1122334455667"}, "contacts": [{"profile": {"name": "Ana"},
    "wa_id": "972987654321"}], "messages": [{"from": "972987654321", "id": "wamid.X", "timestamp": "1697043223",
    "type": "text", "text": {"body": "Hello"}}]}}]}]}`
    """
    del definition  # nothing of it is needed to read what is not encrypted
    payload = read_json(posted.raw)
    if not isinstance(payload, dict) or not isinstance(payload.get("entry"), list):
        raise UnreadablePayload("entry", "a WhatsApp delivery has a list here")
    delivery = Delivery()
    for entry in dicts(payload["entry"]):
        for change in dicts(entry.get("changes")):
            _read_change(change, delivery, posted.received_at)
    return delivery


def _read_change(change: dict[str, Any], delivery: Delivery, received_at: datetime) -> None:
    field, value = a_text(change.get("field")), a_dict(change.get("value"))
    address = an_identifier(a_dict(value.get("metadata")).get("phone_number_id"))
    contacts = dicts(value.get("contacts"))
    before = len(delivery.messages) + len(delivery.reports) + len(delivery.ignored)
    for message in dicts(value.get("messages")):
        delivery.messages.append((address, _message(message, contacts, received_at)))
        delivery.ignored.extend(_left_out(message))
    for status in dicts(value.get("statuses")):
        if field == "messages" and a_text(status.get("status")) in STATUSES:
            delivery.reports.append((address, _report(status, received_at)))
        else:
            delivery.ignored.append(f"{field}:{a_text(status.get('status'))}")
    delivery.ignored.extend(f"error:{error_text(error)}" for error in dicts(value.get("errors")))
    delivery.ignored.extend(f"{field}:{sort}" for sort in _other_kinds(value))
    if before == len(delivery.messages) + len(delivery.reports) + len(delivery.ignored):
        delivery.ignored.append(f"{field}:")


def _other_kinds(value: dict[str, Any]) -> list[str]:
    """The kinds of what is neither message, receipt nor error: staff's echoes, calls, news of the account."""
    if event := a_text(value.get("event")):
        return [event]
    others = [item for name, items in value.items() if name not in READ for item in dicts(items)]
    return [
        next((a_text(item[name]) for name in ("type", "event", "status", "value") if name in item), "")
        for item in others
    ]


def _message(message: dict[str, Any], contacts: list[dict[str, Any]], received_at: datetime) -> InboundMessage:
    contact = _contact_of(message, contacts)
    profile = a_dict(contact.get("profile"))
    content = content_of(message)
    return InboundMessage(
        provider_id=an_identifier(message.get("id")) or _id_from_content(message),
        handle=handle_of(message, contact),
        content=content,
        occurred_at=at_second(message.get("timestamp"), received_at=received_at),
        author=one_line(a_text(profile.get("name")) or a_text(profile.get("username"))),
        thread=an_identifier(message.get("group_id")),
        kind=_claim_kind(content.kind, content.text),
    )


def _claim_kind(kind: ContentKind, text: str) -> str:
    if kind is ContentKind.REACTION:
        return "reaction" if text else "reaction_removal"
    return CLAIM_KINDS.get(kind, "message")


def handle_of(message: dict[str, Any], contact: dict[str, Any]) -> str:
    """Who wrote: the phone number as `+972987654321` where there is one, else the business-scoped user id.

    Since 2026 the phone may be missing, or `from` may hold the user id itself.
    """
    said, known = an_identifier(message.get("from")), an_identifier(contact.get("wa_id"))
    for number in (said, known):
        if number.isascii() and number.isdigit() and len(number) in PHONE_DIGITS:
            return f"+{number}"
    users = (message.get("from_user_id"), contact.get("user_id"))
    parents = (message.get("from_parent_user_id"), contact.get("parent_user_id"))
    return next((user for user in map(an_identifier, (*users, *parents)) if user), said or known or UNKNOWN_HANDLE)


def _contact_of(message: dict[str, Any], contacts: list[dict[str, Any]]) -> dict[str, Any]:
    """The contact that a message is from; the only one there is where none fits."""
    sender = {an_identifier(message.get(name)) for name in ("from", "from_user_id", "from_parent_user_id")} - {""}
    for contact in contacts:
        if sender & {an_identifier(contact.get(name)) for name in ("wa_id", "user_id", "parent_user_id")}:
            return contact
    return contacts[0] if len(contacts) == 1 else {}


def _report(status: dict[str, Any], received_at: datetime) -> DeliveryReport:
    participants = (status.get("recipient_participant_user_id"), status.get("recipient_participant_id"))
    return DeliveryReport(
        provider_id=an_identifier(status.get("id")),
        status=STATUSES[a_text(status.get("status"))],
        occurred_at=at_second(status.get("timestamp"), received_at=received_at),
        participant=next((one for one in map(an_identifier, participants) if one), ""),
        reason="; ".join(error_text(error) for error in dicts(status.get("errors"))),
        callback=a_text(status.get("biz_opaque_callback_data")),
    )


def error_text(error: dict[str, Any]) -> str:
    """A provider's error in one line.

    Example: `{"code": 131051, "title": "Message type unknown"}` → `"131051 Message type unknown"`
    """
    return one_line(f"{a_text(error.get('code'))} {a_text(error.get('title')) or a_text(error.get('message'))}")


def _left_out(message: dict[str, Any]) -> list[str]:
    """What else a message carries that this version does not store."""
    context = a_dict(message.get("context"))
    marks = [
        f"context:{name}" for name in ("forwarded", "frequently_forwarded", "referred_product") if context.get(name)
    ]
    return [*(["referral"] if message.get("referral") else []), *marks]


def _id_from_content(message: dict[str, Any]) -> str:
    canonical = json.dumps(message, sort_keys=True, default=str).encode("utf-8", "replace")
    return f"sha256:{hashlib.sha256(canonical).hexdigest()}"


async def fetch(definition: AccountDefinition, attachment: Attachment, get: Get) -> Fetched:
    """In two steps, both with the account's `access_token`: where it is, then the bytes. The link lasts five minutes.

    `GET {api_url}/{media id}` → `{"url": "https://lookaside.fbsbx.com/…", "mime_type": "image/jpeg", "sha256":
    "<hex>", "file_size": 303833}`. Raises MediaRefused.
    """
    api_url = (definition.settings.get("api_url") or API_URL).rstrip("/")
    if not (token := definition.settings.get("access_token", "")):
        raise MediaRefused("settings.access_token: this account has none", is_final=False, why=Why.ACCOUNT)
    host, proof = urlsplit(api_url).hostname or "", {"authorization": f"Bearer {token}"}
    told = await get(f"{api_url}/{quote(attachment.reference, safe='')}", hosts={host}, headers=proof)
    try:
        found = a_dict(read_json(told.body))
    except UnreadablePayload as error:
        raise MediaRefused(f"Meta's answer cannot be read: {error}", is_final=False, why=Why.BROKEN) from error
    try:
        fetched = await get(a_text(found.get("url")), hosts={host, *MEDIA_HOSTS}, headers=proof)
    except MediaRefused as refused:
        # A link that is gone was used too late; the next try begins with a new one.
        raise MediaRefused(
            refused.reason, is_final=refused.is_final and refused.why is not Why.GONE, why=refused.why
        ) from refused
    said = attachment.sha256 or a_text(found.get("sha256"))
    if said and said != hashlib.sha256(fetched.body).hexdigest():
        raise MediaRefused("the bytes do not fit their hash", is_final=False, why=Why.BROKEN)
    declared = a_text(found.get("mime_type")) or fetched.content_type
    return Fetched(body=fetched.body, content_type=one_line(declared))
