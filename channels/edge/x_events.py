"""What stands in a delivery of X: direct messages, what was read, typing, and notices of encrypted chats."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from channels.edge.payload import Delivery, a_dict, a_text, an_identifier, at_second, dicts, plausible
from channels.edge.text import one_line
from domain.intake import DeliveryReport, Echo, InboundMessage
from domain.interaction import Attachment, Content, ContentKind
from domain.outbound.delivery import DeliveryStatus

SNOWFLAKE_BEGAN = datetime(2010, 11, 4, 1, 42, 54, 657_000, tzinfo=UTC)
"""Ids of X hold the milliseconds since then, above 22 bits of other things."""
MESSAGES, READS, TYPING = (
    "direct_message_events",
    "direct_message_mark_read_events",
    "direct_message_indicate_typing_events",
)
NOT_NEWS = frozenset({"for_user_id", "users", "apps", "user_has_blocked", MESSAGES, READS, TYPING})
ENCRYPTED = "An encrypted X chat message came. It can be read in the X app only, not here."
MEDIA_KINDS = {"photo": ContentKind.IMAGE, "video": ContentKind.VIDEO, "animated_gif": ContentKind.VIDEO}


def read_activity(activity: dict[str, Any], default: str, delivery: Delivery, received_at: datetime) -> None:
    """One event of X Activity, for the user that it names; for `default` where it names none."""
    kind, payload = a_text(activity.get("event_type")), a_dict(activity.get("payload"))
    address = an_identifier(a_dict(activity.get("filter")).get("user_id")) or default
    if kind.startswith("chat."):
        _read_encrypted(activity, kind, payload, address, delivery, received_at)
        return
    before = _count(delivery)
    read_lists(payload, address, delivery, received_at)
    if _count(delivery) == before:
        delivery.ignored.append(one_line(kind) or "activity:unnamed")


def read_lists(payload: dict[str, Any], address: str, delivery: Delivery, received_at: datetime) -> None:
    """The lists that both envelopes hold."""
    users = a_dict(payload.get("users"))
    for event in dicts(payload.get(MESSAGES)):
        _read_message(event, users, address, delivery, received_at)
    for event in dicts(payload.get(READS)):
        _read_receipt(event, address, delivery, received_at)
    delivery.ignored.extend("typing" for _ in dicts(payload.get(TYPING)))
    others = [name for name, value in payload.items() if name not in NOT_NEWS and isinstance(value, list | dict)]
    delivery.ignored.extend(one_line(name) for name in others)


def _count(delivery: Delivery) -> int:
    return len(delivery.messages) + len(delivery.echoes) + len(delivery.reports) + len(delivery.ignored)


def _read_message(
    event: dict[str, Any], users: dict[str, Any], address: str, delivery: Delivery, received_at: datetime
) -> None:
    kind = a_text(event.get("type"))
    created = a_dict(event.get("message_create"))
    sender = an_identifier(created.get("sender_id")) or an_identifier(event.get("sender_id")) or "unknown"
    content = _unsupported(kind) if kind != "message_create" else content_of(a_dict(created.get("message_data")))
    provider_id = an_identifier(event.get("id")) or _id_from(event)
    at = at_second(_seconds(event.get("created_timestamp")), received_at=received_at)
    if sender == address:
        to = an_identifier(a_dict(created.get("target")).get("recipient_id")) or "unknown"
        delivery.echoes.append((address, Echo(provider_id=provider_id, handle=to, content=content, occurred_at=at)))
        return
    user = a_dict(users.get(sender))
    message = InboundMessage(
        provider_id=provider_id,
        handle=sender,
        content=content,
        occurred_at=at,
        author=one_line(a_text(user.get("name")) or a_text(user.get("screen_name"))),
    )
    delivery.messages.append((address, message))


def _read_receipt(event: dict[str, Any], address: str, delivery: Delivery, received_at: datetime) -> None:
    """Two reports: about the message that is named, and about all before it, which were read with it.

    Example: `{"created_timestamp": "1518452444662", "sender_id": "199566737",
    "target": {"recipient_id": "3001969357"}, "last_read_event_id": "963085315333238788"}`
    """
    reader, last = an_identifier(event.get("sender_id")), an_identifier(event.get("last_read_event_id"))
    if reader == address or not reader or not last:
        delivery.ignored.append("read:ours" if reader == address else "read:unnamed")
        return
    at = at_second(_seconds(event.get("created_timestamp")), received_at=received_at)
    about_it = DeliveryReport(status=DeliveryStatus.READ, occurred_at=at, handle=reader, provider_id=last)
    about_all = DeliveryReport(status=DeliveryStatus.READ, occurred_at=at, handle=reader, upto=_made_at(last, at))
    delivery.reports.extend([(address, about_it), (address, about_all)])


def _read_encrypted(
    activity: dict[str, Any],
    kind: str,
    payload: dict[str, Any],
    address: str,
    delivery: Delivery,
    received_at: datetime,
) -> None:
    """Example: `{"event_type": "chat.received", "event_uuid": "0f52…", "payload": {"conversation_id": "121-184",
    "sender_id": "184", "encoded_event": "BASE64…"}}`
    """
    if kind not in ("chat.received", "chat.sent"):
        delivery.ignored.append(one_line(kind))
        return
    provider_id = an_identifier(activity.get("event_uuid")) or _id_from(payload)
    people = an_identifier(payload.get("conversation_id")).replace(":", "-").split("-")
    other = next((one for one in people if one.isdigit() and one != address), "unknown")
    sender = an_identifier(payload.get("sender_id")) or (address if kind == "chat.sent" else other)
    content = Content(kind=ContentKind.UNSUPPORTED, text=ENCRYPTED)
    if sender == address:
        echo = Echo(provider_id=provider_id, handle=other, content=content, occurred_at=received_at, kind="chat")
        delivery.echoes.append((address, echo))
    else:
        message = InboundMessage(
            provider_id=provider_id, handle=sender, content=content, occurred_at=received_at, kind="chat"
        )
        delivery.messages.append((address, message))


def content_of(data: dict[str, Any]) -> Content:
    """What a message says: its text with links in full, one picture, video or place, or the answer that was picked.

    Example: `{"text": "Look https://t.co/1", "attachment": {"type": "media", "media": {"url": "https://t.co/1",
    "type": "photo", "media_url_https": "https://ton.twitter.com/1.1/ton/data/dm/…/a.jpg"}}}`
    """
    attachment = a_dict(data.get("attachment"))
    media = a_dict(attachment.get("media"))
    text = _with_links(a_text(data.get("text")), a_dict(data.get("entities")), a_text(media.get("url")))
    kind = MEDIA_KINDS.get(a_text(media.get("type")))
    if kind is not None and (found := _attachment(media)) is not None:
        return Content(kind=kind, text=text, attachments=(found,))
    if attachment:
        place = a_dict(a_dict(attachment.get("location")).get("shared_coordinate"))
        coordinates = a_dict(place.get("coordinates")).get("coordinates")
        if isinstance(coordinates, list) and len(coordinates) == 2:
            where = f"{a_text(coordinates[1])}, {a_text(coordinates[0])}"  # GeoJSON: longitude first
            return Content(kind=ContentKind.LOCATION, text="\n".join(part for part in (text, where) if part))
        sort = one_line(a_text(attachment.get("type")))
        note = _unsupported(sort).text
        return Content(kind=ContentKind.UNSUPPORTED, text="\n".join(part for part in (text, note) if part))
    if a_dict(data.get("quick_reply_response")):
        return Content(kind=ContentKind.CHOICE, text=text)
    return Content(text=text) if text else _unsupported("empty")


def _with_links(text: str, entities: dict[str, Any], media_url: str) -> str:
    """X shortens every link and adds one to the attachment, which stands beside the text anyway."""
    for link in dicts(entities.get("urls")):
        short, full = a_text(link.get("url")), a_text(link.get("expanded_url"))
        if short and full and short != media_url:
            text = text.replace(short, full)
    return text.replace(media_url, "").strip() if media_url else text


def _attachment(media: dict[str, Any]) -> Attachment | None:
    """A picture, or the best MP4 of a video."""
    if a_text(media.get("type")) == "photo":
        url = a_text(media.get("media_url_https"))
        return Attachment(content_type="image/jpeg", reference=url) if url else None
    variants = dicts(a_dict(media.get("video_info")).get("variants"))
    films = [one for one in variants if a_text(one.get("content_type")) == "video/mp4" and a_text(one.get("url"))]
    if not films:
        return None
    best = max(films, key=lambda one: rate if isinstance(rate := one.get("bitrate"), int) else 0)
    return Attachment(content_type="video/mp4", reference=a_text(best.get("url")))


def _unsupported(kind: str) -> Content:
    text = one_line(f"This kind of X message cannot be shown: {kind or 'unnamed'}")
    return Content(kind=ContentKind.UNSUPPORTED, text=text)


def _seconds(milliseconds: Any) -> float | None:
    try:
        return int(a_text(milliseconds)[:20]) / 1_000
    except ValueError:
        return None


def _made_at(snowflake: str, otherwise: datetime) -> datetime:
    """When an id was made, as the id says; of one that is no snowflake, `otherwise`."""
    if not (snowflake.isascii() and snowflake.isdigit() and len(snowflake) <= 19):
        return otherwise
    made = SNOWFLAKE_BEGAN + timedelta(milliseconds=int(snowflake) >> 22)
    return plausible(made, received_at=otherwise)


def _id_from(event: dict[str, Any]) -> str:
    canonical = json.dumps(event, sort_keys=True, default=str).encode("utf-8", "replace")
    return f"sha256:{hashlib.sha256(canonical).hexdigest()}"
