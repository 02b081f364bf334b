"""What a WeChat message or event says, kind by kind, as our content."""

from collections.abc import Mapping

from channels.edge.payload import an_identifier
from channels.edge.text import one_line
from domain.interaction import Attachment, Content, ContentKind
from domain.outbound.reach import Reach

MEDIA = {
    "image": (ContentKind.IMAGE, "image/jpeg"),
    "voice": (ContentKind.AUDIO, "audio/amr"),
    "video": (ContentKind.VIDEO, "video/mp4"),
    "shortvideo": (ContentKind.VIDEO, "video/mp4"),
}
QR_PREFIX = "qrscene_"


def content_of(fields: Mapping[str, str]) -> Content:
    """Of a message. Example: `{"MsgType": "text", "Content": "你好"}` → `Content(text="你好")`."""
    kind = fields.get("MsgType", "")
    match kind:
        case "text" if fields.get("bizmsgmenuid"):
            return Content(kind=ContentKind.CHOICE, text=fields.get("Content", ""))
        case "text":
            return Content(text=fields.get("Content", ""))
        case "location":
            place = f"{fields.get('Location_X', '')}, {fields.get('Location_Y', '')}"
            return Content(kind=ContentKind.LOCATION, text=_lines(fields.get("Label", ""), place))
        case "link":
            return Content(text=_lines(*(fields.get(name, "") for name in ("Title", "Description", "Url"))))
    reference = an_identifier(fields.get("MediaId"))
    if kind in MEDIA and reference:
        content_kind, content_type = MEDIA[kind]
        if kind == "voice" and fields.get("Format", "amr").lower() != "amr":
            content_type = f"audio/{one_line(fields['Format'].lower(), length_max=20)}"
        # WeChat's own speech recognition, where the account has it switched on, is the voice message's text.
        text = fields.get("Recognition", "")
        attachment = Attachment(content_type=content_type, reference=reference)
        return Content(kind=content_kind, text=text, attachments=(attachment,))
    text = one_line(f"This kind of WeChat message cannot be shown: {kind}")
    return Content(kind=ContentKind.UNSUPPORTED, text=text)


def content_of_event(fields: Mapping[str, str]) -> Content | None:
    """Of what a customer did; None for what needs no agent: menu links, positions by the minute, WeChat's own news.

    Example: `{"MsgType": "event", "Event": "CLICK", "EventKey": "ORDERS"}` → `Content(kind="choice", text="ORDERS")`
    """
    event, key = fields.get("Event", ""), fields.get("EventKey", "")
    match event:
        case "subscribe":
            text = "The customer follows the account now."
            return Content(kind=ContentKind.SYSTEM, text=text, referral=_qr_code(key), reach=Reach.OPEN)
        case "unsubscribe":
            text = "The customer does not follow the account any more: replies will not reach them."
            return Content(kind=ContentKind.SYSTEM, text=text, reach=Reach.BLOCKED)
        case "SCAN":
            return Content(kind=ContentKind.SYSTEM, text="The customer scanned a QR code.", referral=_qr_code(key))
        case "CLICK":
            return Content(kind=ContentKind.CHOICE, text=key)
        case "scancode_push" | "scancode_waitmsg":
            return Content(kind=ContentKind.CHOICE, text=_lines(key, fields.get("ScanCodeInfo.ScanResult", "")))
    return None


def _qr_code(key: str) -> str:
    scene = one_line(key.removeprefix(QR_PREFIX))
    return f"QR code {scene}" if scene else ""


def _lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part)
