"""What stands in a page of WeCom's customer service: customers' messages, staff's, and news of the system."""

import hashlib
import json
import re
from datetime import datetime
from typing import Any

from channels.edge.payload import Delivery, a_dict, a_text, an_identifier, at_second, dicts
from channels.edge.text import clean, one_line
from domain.intake import DeliveryReport, Echo, InboundMessage
from domain.interaction import Attachment, Content, ContentKind
from domain.outbound.delivery import DeliveryStatus
from domain.outbound.reach import Reach

MEDIA = {
    "image": (ContentKind.IMAGE, "image/jpeg"),
    "voice": (ContentKind.AUDIO, "audio/amr"),
    "video": (ContentKind.VIDEO, "video/mp4"),
    "file": (ContentKind.DOCUMENT, "application/octet-stream"),
}
SYSTEM, STAFF = "4", "5"
"""Of `origin`; 3 is the customer. Of others, the content decides: nothing a customer wrote may get lost."""
OWN_ID = re.compile("[0-9a-f]{32}")
REFUSES = "10"
FAILURES = {
    "0": "unknown cause",
    "1": "the customer service account was deleted",
    "2": "the app was closed",
    "4": "more than 48 hours after the customer's last message",
    "5": "the session was closed",
    "6": "more than 5 messages for the customer's last one",
    "8": "the corp is not verified",
    REFUSES: "the customer refuses messages",
    "11": "the corp has no member signed in to WeCom",
    "12": "what was sent may only be sent after the customer wrote",
}


def read_item(item: dict[str, Any], address: str, delivery: Delivery, received_at: datetime) -> None:
    """Puts one entry of `msg_list` where it belongs in the delivery."""
    at = at_second(item.get("send_time"), received_at=received_at)
    if a_text(item.get("msgtype")) == "event":
        _read_event(item, address, delivery, at)
        return
    if a_text(item.get("origin")) == SYSTEM:
        delivery.ignored.append(f"system:{an_identifier(item.get('msgtype'))}")
        return
    provider_id, handle, content = _id(item), _customer(item), content_of(item)
    if a_text(item.get("origin")) == STAFF:
        echo = Echo(provider_id=provider_id, handle=handle, content=content, occurred_at=at)
        delivery.echoes.append((address, echo))
    else:
        message = InboundMessage(provider_id=provider_id, handle=handle, content=content, occurred_at=at)
        delivery.messages.append((address, message))


def _read_event(item: dict[str, Any], address: str, delivery: Delivery, at: datetime) -> None:
    """Example: `{"msgid": "m2", "msgtype": "event", "event": {"event_type": "msg_send_fail", "open_kfid": "wkxx",
    "external_userid": "wmxx", "fail_msgid": "0193…", "fail_type": 4}}`
    """
    event = a_dict(item.get("event"))
    kind, handle = a_text(event.get("event_type")), _customer(event)
    recalled = an_identifier(event.get("recall_msgid"))
    match kind:
        case "msg_send_fail":
            failed, cause = an_identifier(event.get("fail_msgid")), a_text(event.get("fail_type"))
            report = DeliveryReport(
                provider_id=failed,
                status=DeliveryStatus.FAILED,
                occurred_at=at,
                handle=handle,
                reason=one_line(f"{cause} {FAILURES.get(cause, '')}"),
                callback=f"message-{failed}" if OWN_ID.fullmatch(failed) else "",
                reach=Reach.BLOCKED if cause == REFUSES else None,
            )
            delivery.reports.append((address, report))
        case "user_recall_msg" if recalled:
            unsend = Content(kind=ContentKind.UNSEND, about=recalled)
            message = InboundMessage(provider_id=recalled, handle=handle, content=unsend, occurred_at=at, kind="unsend")
            delivery.messages.append((address, message))
        case "servicer_recall_msg" if recalled:
            unsend = Content(kind=ContentKind.UNSEND, about=recalled)
            echo = Echo(provider_id=recalled, handle=handle, content=unsend, occurred_at=at, kind="unsend")
            delivery.echoes.append((address, echo))
        case "reject_customer_msg_switch_change":
            is_refusing = a_text(event.get("reject_switch")) == "1"
            text = "The customer refuses our messages now." if is_refusing else "The customer takes our messages again."
            reach = Reach.BLOCKED if is_refusing else Reach.OPEN
            content = Content(kind=ContentKind.SYSTEM, text=text, reach=reach)
            message = InboundMessage(
                provider_id=_id(item), handle=handle, content=content, occurred_at=at, kind="event"
            )
            delivery.messages.append((address, message))
        case _:
            delivery.ignored.append(f"event:{one_line(kind)}")


def content_of(item: dict[str, Any]) -> Content:
    """Example: `{"msgtype": "text", "text": {"content": "你好"}}` → `Content(text="你好")`.

    Never raises: what it cannot read is `unsupported`.
    """
    kind = a_text(item.get("msgtype"))
    body = a_dict(item.get(kind))
    match kind:
        case "text":
            content_kind = ContentKind.CHOICE if body.get("menu_id") else ContentKind.TEXT
            return Content(kind=content_kind, text=a_text(body.get("content")))
        case "location":
            place = f"{a_text(body.get('latitude'))}, {a_text(body.get('longitude'))}"
            return Content(kind=ContentKind.LOCATION, text=_lines(body, "name", "address", last=place))
        case "link":
            return Content(text=_lines(body, "title", "desc", "url"))
        case "channels_shop_order":
            return Content(
                kind=ContentKind.ORDER, text=_lines(body, "order_id", "product_titles", "price_wording", "state")
            )
        case "channels_shop_product":
            return Content(text=_lines(body, "title", "sales_price", "shop_nickname"))
        case "merged_msg":
            return Content(text=_merged(body), is_forwarded=True)
    if kind in MEDIA and (reference := an_identifier(body.get("media_id"))):
        content_kind, content_type = MEDIA[kind]
        attachment = Attachment(content_type=content_type, reference=reference)
        return Content(kind=content_kind, attachments=(attachment,))
    title = one_line(a_text(body.get("title")) or a_text(body.get("nickname")))
    text = one_line(f"This kind of WeCom message cannot be shown: {kind or 'unnamed'}{f' ({title})' if title else ''}")
    return Content(kind=ContentKind.UNSUPPORTED, text=text)


def _merged(body: dict[str, Any]) -> str:
    r"""A forwarded chat: its title and who said what.

    Example: `{"title": "Chat", "item": [{"sender_name": "Ana", "msgtype": "text",
    "msg_content": "{\"text\": {\"content\": \"Hi\"}}"}]}` → `"Chat\nAna: Hi"`
    """
    lines = [a_text(body.get("title"))]
    for item in dicts(body.get("item")):
        said = a_text(item.get("msg_content"))
        try:
            content = a_dict(json.loads(said))
        except (ValueError, RecursionError):
            content = {}
        text = a_text(a_dict(content.get("text")).get("content")) or f"[{a_text(item.get('msgtype'))}]"
        lines.append(clean(f"{one_line(a_text(item.get('sender_name')))}: {text}"))
    return "\n".join(line for line in lines if line)


def _lines(body: dict[str, Any], *names: str, last: str = "") -> str:
    return "\n".join(part for part in (*(a_text(body.get(name)) for name in names), last) if part)


def _customer(holder: dict[str, Any]) -> str:
    return an_identifier(holder.get("external_userid")) or "unknown"


def _id(item: dict[str, Any]) -> str:
    canonical = json.dumps(item, sort_keys=True, default=str).encode("utf-8", "replace")
    return an_identifier(item.get("msgid")) or f"sha256:{hashlib.sha256(canonical).hexdigest()}"
