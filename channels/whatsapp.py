"""WhatsApp Cloud API: account settings, verify, parse, send, fetch.

A delivery is `entry[]` of `changes[]` of `messages[]`, `statuses[]`, `errors[]` and more; every level is read.
"""

import hashlib
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from application.exchange.media import Fetched, Get, MediaRefused, Why
from application.exchange.sending import Outcome, Outgoing, Refusal, Rejected
from channels.edge.graph import GraphAccess
from channels.edge.payload import (
    Acknowledgement,
    Delivery,
    Posted,
    UnreadablePayload,
    a_dict,
    a_text,
    an_identifier,
    at_second,
    dicts,
    read_json,
)
from channels.edge.text import one_line
from channels.social.meta_proof import answer_subscription, demand_settings, demand_signature
from channels.social.reading import claim_kind, id_from_content
from channels.social.whatsapp_content import content_of
from channels.social.whatsapp_people import changed_handles, recipient_handles, sender_handles, updated_handles
from channels.social.whatsapp_sending import send_reply
from channels.social.whatsapp_templates import list_approved
from domain.account import AccountDefinition
from domain.intake import DeliveryReport, Echo, InboundMessage
from domain.interaction import Attachment, Content, ContentKind
from domain.outbound.delivery import DeliveryStatus
from domain.outbound.templates import Approved

READ = frozenset({"contacts", "messages", "message_echoes", "user_id_update", "statuses", "errors"})
TOLD_OF_MESSAGES = frozenset({"messages", "standby"})
"""Fields whose statuses are about messages, and not about calls."""
STATUSES = {
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "played": DeliveryStatus.READ,
    "failed": DeliveryStatus.FAILED,
}
NOTICES = ("account_", "business_", "phone_number_", "error:")
"""How kinds of news begin that concern the account or its number: bans, reviews, quality, and errors of no message."""
TEXT_LENGTH_MAX = 4_096
"""Characters of a text that we send."""
MEDIA_HOSTS = (".fbsbx.com", ".fbcdn.net", ".whatsapp.net")
"""Where Meta keeps what its API leads to; `lookaside.fbsbx.com` as a rule."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a WhatsApp account needs."""

    phone_number_id: str
    """`AccountDefinition.address`: Meta's id of our number, as in `1122334455667`."""
    app_secret: str
    verify_token: str
    """What we told Meta to say when it subscribes."""
    app_secret_previous: str = ""
    """Still believed while the secret is being rolled."""
    access: GraphAccess
    """`access_token` and `api_url`: what sending needs."""
    waba_id: str = ""
    """Of the WhatsApp Business Account, which has the templates."""


def read_settings(definition: AccountDefinition) -> Settings:
    """Raises AccountInvalid with the setting that is missing."""
    demand_settings(definition, "a WhatsApp", "its phone number id")
    return Settings(
        phone_number_id=definition.address,
        app_secret=definition.settings["app_secret"],
        verify_token=definition.settings["verify_token"],
        app_secret_previous=definition.settings.get("app_secret_previous", ""),
        access=GraphAccess.read(definition),
        waba_id=definition.settings.get("waba_id", ""),
    )


def verify(definition: AccountDefinition, posted: Posted) -> None:
    """Checks Meta's signature of the raw body. Raises SignatureWrong."""
    settings = read_settings(definition)
    demand_signature(posted, (settings.app_secret, settings.app_secret_previous))


def answer_handshake(definition: AccountDefinition, posted: Posted) -> Acknowledgement:
    """The challenge that Meta wants back when it subscribes. Raises SignatureWrong."""
    return answer_subscription(posted, read_settings(definition).verify_token)


def parse(definition: AccountDefinition, posted: Posted) -> Delivery:
    """Everything in a delivery: messages, echoes, receipts, and the kinds of what this version does not store.

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
    metadata, contacts = a_dict(value.get("metadata")), dicts(value.get("contacts"))
    address, own_number = (an_identifier(metadata.get(name)) for name in ("phone_number_id", "display_phone_number"))
    before, ignored = _count(delivery), len(delivery.ignored)
    for message in dicts(value.get("messages")):
        delivery.messages.append((address, _message(message, contacts, received_at)))
    for update in dicts(value.get("user_id_update")):
        delivery.messages.append((address, _update(update, received_at)))
    for echo in dicts(value.get("message_echoes")):
        delivery.echoes.append((address, _echo(echo, contacts, own_number, received_at)))
    for status in dicts(value.get("statuses")):
        if field in TOLD_OF_MESSAGES and a_text(status.get("status")) in STATUSES:
            delivery.reports.append((address, _report(status, received_at)))
        else:
            delivery.ignored.append(f"{field}:{a_text(status.get('status'))}")
    delivery.ignored.extend(f"error:{error_text(error)}" for error in dicts(value.get("errors")))
    delivery.ignored.extend(f"{field}:{sort}" for sort in _other_kinds(value))
    if before == _count(delivery):
        delivery.ignored.append(f"{field}:")
    delivery.notices.extend((address, one) for one in delivery.ignored[ignored:] if one.startswith(NOTICES))


def _count(delivery: Delivery) -> int:
    return len(delivery.messages) + len(delivery.echoes) + len(delivery.reports) + len(delivery.ignored)


def _other_kinds(value: dict[str, Any]) -> list[str]:
    """The kinds of what is neither message, echo, receipt nor error: calls, news of the account."""
    if event := a_text(value.get("event")):
        return [event]
    others = [item for name, items in value.items() if name not in READ for item in dicts(items)]
    return [
        next((a_text(item[name]) for name in ("type", "event", "status", "value") if name in item), "")
        for item in others
    ]


def _message(message: dict[str, Any], contacts: list[dict[str, Any]], received_at: datetime) -> InboundMessage:
    contact = _contact_of(message, contacts, ("from", "from_user_id", "from_parent_user_id"))
    profile = a_dict(contact.get("profile"))
    content = content_of(message)
    is_system = content.kind is ContentKind.SYSTEM
    handle, *others = (changed_handles if is_system else sender_handles)(message, contact)
    return InboundMessage(
        provider_id=an_identifier(message.get("id")) or id_from_content(message),
        handle=handle,
        content=content,
        occurred_at=at_second(message.get("timestamp"), received_at=received_at),
        other_handles=tuple(others),
        author=one_line(a_text(profile.get("name")) or a_text(profile.get("username"))),
        thread=an_identifier(message.get("group_id")),
        kind=claim_kind(content),
    )


def _update(update: dict[str, Any], received_at: datetime) -> InboundMessage:
    """Somebody has another business-scoped user id; Meta gives the news no id."""
    handle, *others = updated_handles(update)
    text = a_text(update.get("detail")) or "Has another user id"
    return InboundMessage(
        provider_id=id_from_content(update),
        handle=handle,
        content=Content(kind=ContentKind.SYSTEM, text=text),
        occurred_at=at_second(update.get("timestamp"), received_at=received_at),
        other_handles=tuple(others),
        kind="system",
    )


def _echo(echo: dict[str, Any], contacts: list[dict[str, Any]], own_number: str, received_at: datetime) -> Echo:
    """What staff wrote, edited or deleted in the phone app. Kinds are as of messages."""
    contact = _contact_of(echo, contacts, ("to", "to_user_id", "to_parent_user_id", "from"))
    content = content_of(echo)
    handle, *others = recipient_handles(echo, contact, own_number)
    return Echo(
        provider_id=an_identifier(echo.get("id")) or id_from_content(echo),
        handle=handle,
        content=content,
        occurred_at=at_second(echo.get("timestamp"), received_at=received_at),
        other_handles=tuple(others),
        thread=an_identifier(echo.get("group_id")),
        kind=claim_kind(content),
    )


def _contact_of(message: dict[str, Any], contacts: list[dict[str, Any]], names: tuple[str, ...]) -> dict[str, Any]:
    """The contact that a message is from or to, by these fields. The only one there is belongs to a message that names
    nobody, but never to one of somebody else.
    """
    person = {an_identifier(message.get(name)) for name in names} - {""}
    for contact in contacts:
        if person & {an_identifier(contact.get(name)) for name in ("wa_id", "user_id", "parent_user_id")}:
            return contact
    return contacts[0] if not person and len(contacts) == 1 else {}


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


async def send(definition: AccountDefinition, reply: Outgoing, client: httpx.AsyncClient) -> Outcome:
    """Hands a text, a file or a template to the Cloud API, which returns our message id in every status that follows.

    A longer text is refused rather than cut in two: each half would have a fate of its own, the reply only one.
    """
    settings = read_settings(definition)
    if len(reply.text) > TEXT_LENGTH_MAX:
        return Rejected(reason=f"a text has at most {TEXT_LENGTH_MAX} characters", refusal=Refusal.OUR_FAULT)
    return await send_reply(reply, client, settings.access, settings.phone_number_id)


async def list_templates(definition: AccountDefinition, client: httpx.AsyncClient) -> tuple[Approved, ...]:
    """The account's approved templates. Raises AccountInvalid, TemplatesNotTold."""
    settings = read_settings(definition)
    return await list_approved(settings.access, settings.waba_id, client)


async def fetch(definition: AccountDefinition, attachment: Attachment, get: Get) -> Fetched:
    """In two steps, both with the account's `access_token`: where it is, then the bytes. The link lasts five minutes.

    `GET {api_url}/{media id}` → `{"url": "https://lookaside.fbsbx.com/…", "mime_type": "image/jpeg", "sha256":
    "<hex>", "file_size": 303833}`. Raises MediaRefused.
    """
    access = GraphAccess.read(definition)
    if not access.token:
        raise MediaRefused("settings.access_token: this account has none", is_final=False, why=Why.ACCOUNT)
    host, proof = urlsplit(access.api_url).hostname or "", {"authorization": f"Bearer {access.token}"}
    told = await get(f"{access.api_url}/{quote(attachment.reference, safe='')}", hosts={host}, headers=proof)
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
