"""What customers do on the media that have a webhook, in each provider's own format: write, amend, receive, read."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from api.demo.scene import Handed
from api.demo.shop import (
    LINE_BOT,
    PAGE,
    PHONE_NUMBER_ID,
    PROFESSIONAL_ACCOUNT,
    SMS_NUMBER,
    TWILIO_ACCOUNT,
    WECHAT_ACCOUNT,
    WECOM_DESK,
    X_USER,
    DemoCustomer,
)
from api.demo.signing import Hook, by_line, by_meta, by_telegram, by_twilio, by_wechat, by_wecom, by_x

Words = Sequence[tuple[int, str]]
"""What somebody says in one go: the number of each message, and its text."""


class Medium(NamedTuple):
    """What somebody does on a channel."""

    write: Callable[[DemoCustomer, Words], Hook]
    amend: Mapping[str, Callable[[DemoCustomer, int], Hook]] = {}
    """By what it is: an edit, a reaction or an unsend of the message with that number."""
    receive: Callable[[Handed], Hook] | None = None
    """The receipt that the provider posts; None where it has none."""
    several: bool = True
    """A delivery may hold several messages."""


def _seconds() -> int:
    return int(datetime.now(UTC).timestamp())


def _milliseconds() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


def _whatsapp(value: Mapping[str, Any]) -> Hook:
    metadata = {"display_phone_number": "4930123456", "phone_number_id": PHONE_NUMBER_ID}
    whole = {"messaging_product": "whatsapp", "metadata": metadata, **value}
    entry = {"id": "102290129340398", "changes": [{"field": "messages", "value": whole}]}
    return by_meta("whatsapp", {"object": "whatsapp_business_account", "entry": [entry]})


def _whatsapp_messages(who: DemoCustomer, messages: Sequence[Mapping[str, Any]]) -> Hook:
    number = who.phone.lstrip("+")
    contacts = [{"profile": {"name": who.name}, "wa_id": number}]
    frame = {"from": number, "timestamp": str(_seconds())}
    return _whatsapp({"contacts": contacts, "messages": [{**frame, **one} for one in messages]})


def _whatsapp_writes(who: DemoCustomer, words: Words) -> Hook:
    said = [{"id": f"wamid.{number}", "type": "text", "text": {"body": text}} for number, text in words]
    return _whatsapp_messages(who, said)


def _whatsapp_reacts(who: DemoCustomer, number: int) -> Hook:
    reaction = {"message_id": f"wamid.{number}", "emoji": "👍"}
    return _whatsapp_messages(who, [{"id": f"wamid.{secrets.token_hex(12)}", "type": "reaction", "reaction": reaction}])


def _whatsapp_receives(handed: Handed) -> Hook:
    """Both in one delivery and in the wrong order, as happens."""
    common = {"id": handed.provider_id, "timestamp": str(_seconds()), "recipient_id": handed.handle}
    return _whatsapp({"statuses": [{**common, "status": status} for status in ("read", "delivered")]})


def _meta(channel: str, handle: str, events: Sequence[Mapping[str, Any]]) -> Hook:
    address = PAGE if channel == "messenger" else PROFESSIONAL_ACCOUNT
    frame = {"sender": {"id": handle}, "recipient": {"id": address}, "timestamp": _milliseconds()}
    entry = {"id": address, "time": _milliseconds(), "messaging": [{**frame, **one} for one in events]}
    return by_meta(channel, {"object": "page" if channel == "messenger" else channel, "entry": [entry]})


def _meta_writes(channel: str) -> Callable[[DemoCustomer, Words], Hook]:
    def write(who: DemoCustomer, words: Words) -> Hook:
        said = [{"message": {"mid": f"m_{number}", "text": text}} for number, text in words]
        return _meta(channel, who.handle_on(channel), said)

    return write


def _messenger_reacts(who: DemoCustomer, number: int) -> Hook:
    reaction = {"mid": f"m_{number}", "action": "react", "reaction": "love", "emoji": "❤"}
    return _meta("messenger", who.handle_on("messenger"), [{"reaction": reaction}])


def _messenger_edits(who: DemoCustomer, number: int) -> Hook:
    edit = {"mid": f"m_{number}", "text": "Where is my parcel? Order 20261111-0042, sorry.", "num_edit": 1}
    return _meta("messenger", who.handle_on("messenger"), [{"message_edit": edit}])


def _messenger_receives(handed: Handed) -> Hook:
    """Delivered is told by id, read only up to a time."""
    upto = _milliseconds()
    delivery = {"mids": [handed.provider_id], "watermark": upto}
    return _meta("messenger", handed.handle, [{"delivery": delivery}, {"read": {"watermark": upto}}])


def _instagram_unsends(who: DemoCustomer, number: int) -> Hook:
    """By the same id once more."""
    return _meta("instagram", who.handle_on("instagram"), [{"message": {"mid": f"m_{number}", "is_deleted": True}}])


def _instagram_receives(handed: Handed) -> Hook:
    return _meta("instagram", handed.handle, [{"read": {"mid": handed.provider_id}}])


def _telegram(who: DemoCustomer, kind: str, number: int, **body: Any) -> Hook:
    chat = int(who.handle_on("telegram"))
    person = {"id": chat, "is_bot": False, "first_name": who.name}
    common = {"message_id": number, "date": _seconds(), "chat": {"id": chat, "type": "private"}}
    role = "user" if kind == "message_reaction" else "from"
    return by_telegram({"update_id": secrets.randbelow(2**31), kind: {**common, role: person, **body}})


def _telegram_writes(who: DemoCustomer, words: Words) -> Hook:
    ((number, text),) = words
    return _telegram(who, "message", number, text=text)


def _telegram_edits(who: DemoCustomer, number: int) -> Hook:
    return _telegram(who, "edited_message", number, text="The blue one, I mean 🙃", edit_date=_seconds())


def _telegram_reacts(who: DemoCustomer, number: int) -> Hook:
    return _telegram(who, "message_reaction", number, old_reaction=[], new_reaction=[{"type": "emoji", "emoji": "🙏"}])


def _line(who: DemoCustomer, events: Sequence[Mapping[str, Any]]) -> Hook:
    source = {"type": "user", "userId": who.handle_on("line")}
    whole = [
        {
            "mode": "active",
            "timestamp": _milliseconds(),
            "source": source,
            "webhookEventId": secrets.token_hex(13),
            "deliveryContext": {"isRedelivery": False},
            **event,
        }
        for event in events
    ]
    return by_line({"destination": LINE_BOT, "events": whole})


def _line_writes(who: DemoCustomer, words: Words) -> Hook:
    said = [{"type": "message", "message": {"id": str(number), "type": "text", "text": text}} for number, text in words]
    return _line(who, said)


def _line_unsends(who: DemoCustomer, number: int) -> Hook:
    return _line(who, [{"type": "unsend", "unsend": {"messageId": str(number)}}])


def _wechat_writes(who: DemoCustomer, words: Words) -> Hook:
    ((number, text),) = words
    return by_wechat(
        f"<xml><ToUserName>{WECHAT_ACCOUNT}</ToUserName><FromUserName>{who.handle_on('wechat')}</FromUserName>"
        f"<CreateTime>{_seconds()}</CreateTime><MsgType>text</MsgType><Content><![CDATA[{text}]]></Content>"
        f"<MsgId>{number}</MsgId></xml>"
    )


def _wecom_item(who: DemoCustomer, number: int, **body: Any) -> dict[str, Any]:
    common = {"open_kfid": WECOM_DESK, "external_userid": who.handle_on("wecom")}
    return {"msgid": f"kf{number}", "send_time": _seconds(), "origin": 3, **common, **body}


def _wecom_writes(who: DemoCustomer, words: Words) -> Hook:
    said = [_wecom_item(who, number, msgtype="text", text={"content": text}) for number, text in words]
    return by_wecom(*said)


def _wecom_recalls(who: DemoCustomer, number: int) -> Hook:
    event = {
        "event_type": "user_recall_msg",
        "open_kfid": WECOM_DESK,
        "external_userid": who.handle_on("wecom"),
        "recall_msgid": f"kf{number}",
    }
    return by_wecom(_wecom_item(who, secrets.randbelow(2**50), msgtype="event", event=event))


def _x(kind: str, **payload: Any) -> Hook:
    """The envelope of X Activity, whose ids may be negative."""
    event = {"event_uuid": str(-secrets.randbelow(2**62)), "event_type": kind, "filter": {"user_id": X_USER}}
    return by_x({"data": {**event, "payload": payload}})


def _x_writes(who: DemoCustomer, words: Words) -> Hook:
    sender = who.handle_on("x")
    created = {"target": {"recipient_id": X_USER}, "sender_id": sender}
    frame = {"type": "message_create", "created_timestamp": str(_milliseconds())}
    said = [
        {**frame, "id": str(number), "message_create": {**created, "message_data": {"text": text}}}
        for number, text in words
    ]
    users = {sender: {"id": sender, "name": who.name, "screen_name": who.social}}
    return _x("dm.received", direct_message_events=said, users=users)


def _x_receives(handed: Handed) -> Hook:
    read = {
        "created_timestamp": str(_milliseconds()),
        "sender_id": handed.handle,
        "target": {"recipient_id": X_USER},
        "last_read_event_id": handed.provider_id,
    }
    return _x("dm.read", direct_message_mark_read_events=[read])


def _sms_writes(who: DemoCustomer, words: Words) -> Hook:
    ((number, text),) = words
    return _twilio(f"SM{number:032x}", From=who.phone, To=SMS_NUMBER, Body=text, NumMedia="0")


def _sms_receives(handed: Handed) -> Hook:
    return _twilio(handed.provider_id, From=SMS_NUMBER, To=handed.handle, MessageStatus="delivered")


def _twilio(sid: str, **fields: str) -> Hook:
    return by_twilio({"MessageSid": sid, "AccountSid": TWILIO_ACCOUNT} | fields)


MEDIA = {
    "whatsapp": Medium(_whatsapp_writes, {"reaction": _whatsapp_reacts}, _whatsapp_receives),
    "messenger": Medium(
        _meta_writes("messenger"), {"reaction": _messenger_reacts, "edit": _messenger_edits}, _messenger_receives
    ),
    "instagram": Medium(_meta_writes("instagram"), {"unsend": _instagram_unsends}, _instagram_receives),
    "telegram": Medium(_telegram_writes, {"edit": _telegram_edits, "reaction": _telegram_reacts}, several=False),
    "line": Medium(_line_writes, {"unsend": _line_unsends}),
    "wechat": Medium(_wechat_writes, several=False),
    "wecom": Medium(_wecom_writes, {"unsend": _wecom_recalls}),
    "x": Medium(_x_writes, receive=_x_receives),
    "sms": Medium(_sms_writes, receive=_sms_receives, several=False),
}
"""By channel."""
