"""Messenger and Instagram deliveries as Meta documents them, event by event."""

from typing import Any

PAGE, PERSON = "1067280970047460", "4357001"
SENT = 1_762_902_671_123
"""Milliseconds: 2025-11-11T23:11:11.123Z."""


def event(**parts: Any) -> dict[str, Any]:
    """Something that the customer did."""
    return {"sender": {"id": PERSON}, "recipient": {"id": PAGE}, "timestamp": SENT} | parts


def echo(**message: Any) -> dict[str, Any]:
    """Something that the page, or an app of it, wrote."""
    whole = {"mid": "m_e", "is_echo": True, "app_id": 1517776481860111} | message
    return {"sender": {"id": PAGE}, "recipient": {"id": PERSON}, "timestamp": SENT, "message": whole}


def delivery(*events: dict[str, Any], of: str = "page", under: str = "messaging") -> dict[str, Any]:
    """A whole payload."""
    return {"object": of, "entry": [{"id": PAGE, "time": SENT, under: list(events)}]}


def attached(kind: str, **payload: Any) -> dict[str, Any]:
    """A message that is an attachment."""
    return event(message={"mid": f"m_{kind}", "attachments": [{"type": kind, "payload": payload}]})


CDN = "https://scontent.xx.fbcdn.net/v/t1.15752-9/1.jpg?_nc_cat=1&oh=" + "a" * 400
BOTH: list[dict[str, Any]] = [
    event(message={"mid": "m_1", "text": "Hello 😀"}),
    event(message={"mid": "m_2", "text": "Yes", "quick_reply": {"payload": "YES"}}),
    event(message={"mid": "m_3", "text": "That one", "reply_to": {"mid": "m_1"}}),
    event(message={"mid": "m_4", "text": "Ad", "referral": {"ad_id": "120208", "source": "ADS"}}),
    attached("image", url=CDN),
    attached("video", url=CDN),
    attached("audio", url=CDN),
    attached("file", url=CDN),
    attached("template", generic={"elements": [{"title": "Boots", "subtitle": "Size 38"}]}),
    attached("hologram", url=CDN),
    event(reaction={"mid": "m_1", "action": "react", "reaction": "love", "emoji": "❤"}),
    event(reaction={"mid": "m_1", "action": "unreact"}, timestamp=SENT + 1),
    event(message_edit={"mid": "m_1", "text": "Hello!", "num_edit": 1}),
    event(message_edit={"mid": "m_1", "text": "Hello!!", "num_edit": 2}),
    event(postback={"mid": "m_5", "title": "Get started", "payload": "START"}),
    event(referral={"ref": "winter", "source": "SHORTLINK", "type": "OPEN_THREAD"}),
    echo(text="Hi", metadata="message-1"),
    echo(mid="m_f", text="From the inbox"),
]
MESSENGER = [
    *BOTH,
    attached("fallback", url="https://shop.example/boots", title="Boots"),
    attached("location", coordinates={"lat": 52.5, "long": 13.4}, title="Ana's place"),
    attached("sticker", url=CDN, sticker_id=369239263222822),
    event(delivery={"mids": ["m_e"], "watermark": SENT}),
    event(delivery={"watermark": SENT + 1}),
    event(read={"watermark": SENT}),
    event(optin={"type": "one_time_notif_req", "payload": "NEWS"}),
    {"recipient": {"id": PAGE}, "timestamp": SENT, "optin": {"ref": "checkout", "user_ref": "ref-7"}},
    event(account_linking={"status": "linked", "authorization_code": "PASS"}),
    event(pass_thread_control={"new_owner_app_id": "123", "metadata": "to people"}),
    event(take_thread_control={"previous_owner_app_id": "123"}),
    event(policy_enforcement={"action": "warning", "reason": "…"}),
]
INSTAGRAM = [
    *BOTH,
    event(message={"mid": "m_1", "is_deleted": True}),
    event(message={"mid": "m_6", "is_unsupported": True}),
    event(message={"mid": "m_7", "text": "Lovely", "reply_to": {"story": {"url": CDN, "id": "178"}}}),
    attached("share", url="https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1&signature=x"),
    attached("story_mention", url="https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=2&signature=x"),
    attached("ig_reel", reel_video_id="9", title="Reel", url=CDN),
    attached("ig_post", ig_post_media_id="8", title="Post", url=CDN),
    event(message={"mid": "m_8", "attachments": [{"type": "like_heart"}]}),
    event(read={"mid": "m_e"}),
]
