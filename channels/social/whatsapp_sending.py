"""WhatsApp on the way out: texts, files, which are uploaded first, and templates, as the Cloud API wants them."""

from typing import Any

import httpx

from application.exchange.sending import Outcome, Outgoing, OutgoingFile, Refusal, Rejected
from channels.edge.graph import GraphAccess, post_message, upload
from domain.outbound.templates import ButtonKind, Template, TemplateButton


async def send_reply(reply: Outgoing, client: httpx.AsyncClient, access: GraphAccess, sender: str) -> Outcome:
    """One attempt; `sender` is our phone number id. A file that was uploaded lives at Meta for 30 days.

    Example: `{"messaging_product": "whatsapp", "recipient_type": "individual", "to": "972987654321", "type": "text",
    "text": {"body": "Hi", "preview_url": false}, "context": {"message_id": "wamid.X"},
    "biz_opaque_callback_data": "message-0193…"}`; to a business-scoped user id `"recipient": "US.1349…"` for `to`
    """
    to = _recipient(reply)
    if to is None:
        return Rejected(reason=f"{reply.handle!r} is no WhatsApp address", refusal=Refusal.RECIPIENT_GONE)
    media_id = ""
    if reply.files:
        uploaded = await _uploaded(reply.files[0], client, access, sender)
        if isinstance(uploaded, Rejected):
            return uploaded
        media_id = uploaded
    body = {
        "messaging_product": "whatsapp",
        **to,
        **_content(reply, media_id),
        "biz_opaque_callback_data": reply.message_id,
    }
    if reply.in_reply_to and not reply.in_reply_to.startswith("sha256:") and reply.template is None:
        body["context"] = {"message_id": reply.in_reply_to}
    return await post_message(client, access, sender, body)


async def _uploaded(file: OutgoingFile, client: httpx.AsyncClient, access: GraphAccess, sender: str) -> str | Rejected:
    """`POST {api_url}/{sender}/media` (Cloud API reference, "Upload media")."""
    form = {"messaging_product": "whatsapp", "type": file.content_type}
    given = (file.name, file.body, file.content_type)
    return await upload(client, access, f"{sender}/media", form, given, field="file")


def _content(reply: Outgoing, media_id: str) -> dict[str, Any]:
    """Example: `{"type": "document", "document": {"id": "1013859600285441", "filename": "invoice.pdf"}}`."""
    if reply.template is not None:
        return {"type": "template", "template": _template(reply.template, reply.files, media_id)}
    if not reply.files:
        return {"type": "text", "text": {"body": reply.text, "preview_url": False}}
    (file,) = reply.files
    caption = {"caption": reply.text} if reply.text else {}
    return {"type": file.sent_as, file.sent_as: _media(file, media_id) | caption}


def _media(file: OutgoingFile, media_id: str) -> dict[str, str]:
    return {"id": media_id} | ({"filename": file.name} if file.sent_as == "document" else {})


def _template(template: Template, files: tuple[OutgoingFile, ...], media_id: str) -> dict[str, Any]:
    """As the Cloud API's reference of template messages has it; only the components that something fills in.

    Example: `{"name": "order_update", "language": {"code": "de"}, "components": [{"type": "body", "parameters":
    [{"type": "text", "text": "Ana"}]}]}`
    """
    header = [_text(template.header)] if template.header else []
    header += [{"type": file.sent_as, file.sent_as: _media(file, media_id)} for file in files]
    components: list[dict[str, Any]] = [{"type": "header", "parameters": header}] if header else []
    if template.parameters:
        components.append({"type": "body", "parameters": [_text(one) for one in template.parameters]})
    components += [_button(one) for one in template.buttons]
    told: dict[str, Any] = {"name": template.name, "language": {"code": template.language}}
    return told | ({"components": components} if components else {})


def _button(button: TemplateButton) -> dict[str, Any]:
    is_url = button.kind is ButtonKind.URL
    parameter = _text(button.text) if is_url else {"type": "payload", "payload": button.text}
    return {
        "type": "button",
        "sub_type": button.kind.value,
        "index": str(button.index),
        "parameters": [parameter],
    }


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _recipient(reply: Outgoing) -> dict[str, str] | None:
    """A group, a phone number, or a business-scoped user id (`US.1349…`), each named in its own way."""
    if reply.thread:
        return {"recipient_type": "group", "to": reply.thread}
    if reply.handle.startswith("+") and reply.handle[1:].isdigit():
        return {"recipient_type": "individual", "to": reply.handle[1:]}
    country, dot, rest = reply.handle.partition(".")
    if dot and rest and len(country) == 2 and country.isascii() and country.isupper():
        return {"recipient_type": "individual", "recipient": reply.handle}
    return None
