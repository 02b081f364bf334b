"""What a WhatsApp message says, kind by kind, as our content."""

import base64
import binascii
from typing import Any

from msgspec.structs import replace

from channels.edge.payload import UnreadablePayload, a_dict, a_text, an_identifier, dicts, read_json
from channels.edge.text import clean, file_name, one_line
from channels.social.reading import led_here_by, lines
from domain.interaction import Attachment, Content, ContentKind

MEDIA = {
    "image": ContentKind.IMAGE,
    "video": ContentKind.VIDEO,
    "audio": ContentKind.AUDIO,
    "document": ContentKind.DOCUMENT,
    "sticker": ContentKind.STICKER,
}
NESTING_MAX = 2
"""An edit holds a message; an edit within that is nothing WhatsApp sends."""


def content_of(message: dict[str, Any]) -> Content:
    """Example: `{"type": "text", "text": {"body": "Hello"}, "context": {"id": "wamid.Y"}}` →
    `Content(text="Hello", about="wamid.Y")`. Never raises: what it cannot read is `unsupported`.
    """
    content, context = _content_of(message), a_dict(message.get("context"))
    product = a_dict(context.get("referred_product"))
    if not (context or message.get("referral")):
        return content
    return replace(
        content,
        text=lines(content.text, _product_text(product) if product else ""),
        referral=_referral(a_dict(message.get("referral"))),
        is_forwarded=bool(context.get("forwarded") or context.get("frequently_forwarded")),
    )


def _product_text(product: dict[str, Any]) -> str:
    """Example: `{"catalog_id": "194836", "product_retailer_id": "SODA"}` → `"About SODA of catalogue 194836"`."""
    catalogue = a_text(product.get("catalog_id"))
    return one_line(
        f"About {a_text(product.get('product_retailer_id')) or 'a product'}"
        f"{f' of catalogue {catalogue}' if catalogue else ''}"
    )


def _referral(referral: dict[str, Any]) -> str:
    """Example: `{"source_type": "ad", "source_id": "1202", "headline": "Winter sale"}` → `'ad 1202 "Winter sale"'`."""
    return led_here_by(referral.get("source_type"), referral.get("source_id"), referral.get("headline"))


def _content_of(message: dict[str, Any], *, depth: int = 0) -> Content:
    kind = a_text(message.get("type"))
    body = a_dict(message.get(kind))
    about = an_identifier(a_dict(message.get("context")).get("id"))
    if kind == "contacts":
        return Content(kind=ContentKind.CONTACTS, text=_contacts_text(dicts(message.get(kind))), about=about)
    if not body:
        return _unsupported(message, kind, about)
    if kind in MEDIA:
        return _media(MEDIA[kind], body, about)
    match kind:
        case "text":
            return Content(text=a_text(body.get("body")), about=about)
        case "location":
            return Content(kind=ContentKind.LOCATION, text=_location_text(body), about=about)
        case "order":
            return Content(kind=ContentKind.ORDER, text=_order_text(body), about=about)
        case "button":
            return Content(kind=ContentKind.CHOICE, text=a_text(body.get("text")), about=about)
        case "interactive":
            text = _choice_text(body)
            return (
                Content(kind=ContentKind.CHOICE, text=text, about=about) if text else _unsupported(message, kind, about)
            )
        case "system":
            return Content(kind=ContentKind.SYSTEM, text=a_text(body.get("body")), about=about)
    return _about_another(message, kind, body, about, depth)


def _about_another(message: dict[str, Any], kind: str, body: dict[str, Any], about: str, depth: int) -> Content:
    """Reactions, edits and unsends, which change a message that came before."""
    original = an_identifier(body.get("original_message_id"))
    match kind:
        case "reaction":
            # Taking a reaction back is an emoji that is missing or empty (Meta, 2026-05).
            about = an_identifier(body.get("message_id"))
            return Content(kind=ContentKind.REACTION, text=a_text(body.get("emoji")), about=about)
        case "revoke":
            return Content(kind=ContentKind.UNSEND, about=original)
        case "edit" if depth < NESTING_MAX:
            new = _content_of(a_dict(body.get("message")), depth=depth + 1)
            return Content(kind=ContentKind.EDIT, text=new.text, attachments=new.attachments, about=original)
    return _unsupported(message, kind, about)


def _media(kind: ContentKind, body: dict[str, Any], about: str) -> Content:
    attachment = Attachment(
        name=file_name(a_text(body.get("filename"))),
        content_type=one_line(a_text(body.get("mime_type"))) or "application/octet-stream",
        sha256=_hex(a_text(body.get("sha256"))),
        reference=an_identifier(body.get("id")),
    )
    return Content(kind=kind, text=a_text(body.get("caption")), attachments=(attachment,), about=about)


def _hex(digest: str) -> str:
    """A SHA-256 in hexadecimal; WhatsApp writes it in base64. Empty where it is not one."""
    try:
        decoded = base64.b64decode(digest, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return decoded.hex() if len(decoded) == 32 else ""


def _location_text(body: dict[str, Any]) -> str:
    r"""Example: `{"latitude": 37.46, "longitude": -122.2, "name": "HQ"}` → `"HQ\n37.46, -122.2"`."""
    place = f"{a_text(body.get('latitude'))}, {a_text(body.get('longitude'))}"
    return lines(a_text(body.get("name")), a_text(body.get("address")), place, a_text(body.get("url")))


def _contacts_text(contacts: list[dict[str, Any]]) -> str:
    """Example: `[{"name": {"formatted_name": "Ana"}, "phones": [{"phone": "+1 555"}]}]` → `"Ana: +1 555"`."""
    found = []
    for contact in contacts:
        ways = [a_text(phone.get("phone")) for phone in dicts(contact.get("phones"))]
        ways += [a_text(email.get("email")) for email in dicts(contact.get("emails"))]
        name = a_text(a_dict(contact.get("name")).get("formatted_name"))
        found.append(f"{name}: {', '.join(way for way in ways if way)}".strip(": "))
    return lines(*found)


def _order_text(body: dict[str, Any]) -> str:
    """Example: `{"product_items": [{"product_retailer_id": "SODA", "quantity": 2, "item_price": 10,
    "currency": "ILS"}]}` → `"2 of SODA, 10 ILS each"`.
    """
    items = [
        f"{a_text(item.get('quantity'))} of {a_text(item.get('product_retailer_id'))}, "
        f"{a_text(item.get('item_price'))} {a_text(item.get('currency'))} each"
        for item in dicts(body.get("product_items"))
    ]
    return lines(a_text(body.get("text")), *items)


def _choice_text(body: dict[str, Any]) -> str:
    """What was pressed, picked or filled in; empty where this is none of those."""
    kind = a_text(body.get("type"))
    answer = a_dict(body.get(kind))
    match kind:
        case "button_reply" | "list_reply":
            return lines(a_text(answer.get("title")), a_text(answer.get("description")))
        case "nfm_reply":
            return lines(a_text(answer.get("body")), _form_text(answer.get("response_json")))
        case "call_permission_reply":
            return f"Permission to call: {a_text(answer.get('response'))}"
    return ""


def _form_text(response_json: Any) -> str:
    """A filled-in form, a line for each answer; as it came where it is not an object.

    Example: `'{"rating": "4", "flow_token": "AQ"}'` → `"rating: 4"`
    """
    text = a_text(response_json)
    try:
        answers = read_json(text.encode("utf-8", "replace"))
    except UnreadablePayload:
        return text
    if not isinstance(answers, dict):
        return text
    return lines(*(clean(f"{name}: {answer}") for name, answer in answers.items() if name != "flow_token"))


def _unsupported(message: dict[str, Any], kind: str, about: str) -> Content:
    """Example: `"This kind of WhatsApp message cannot be shown: unsupported/pool (131051 Message type unknown)"`."""
    sort = a_text(a_dict(message.get(kind)).get("type"))
    name = "/".join(part for part in (kind, sort) if part) or "unnamed"
    errors = [f"{a_text(error.get('code'))} {a_text(error.get('title'))}" for error in dicts(message.get("errors"))]
    reason = f" ({'; '.join(errors)})" if errors else ""
    text = one_line(f"This kind of WhatsApp message cannot be shown: {name}{reason}")
    return Content(kind=ContentKind.UNSUPPORTED, text=text, about=about)
