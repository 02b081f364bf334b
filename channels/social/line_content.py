"""What a LINE message says, kind by kind, as our content."""

from typing import Any

from channels.edge.payload import a_dict, a_text, an_identifier
from channels.edge.text import file_name
from channels.social.reading import a_link, lines, unsupported
from domain.interaction import Attachment, Content, ContentKind

MEDIA = {
    "image": ContentKind.IMAGE,
    "video": ContentKind.VIDEO,
    "audio": ContentKind.AUDIO,
    "file": ContentKind.DOCUMENT,
}


def content_of(message: dict[str, Any]) -> Content:
    """Never raises: what it cannot read is `unsupported`.

    Example: `{"id": "325708", "type": "text", "text": "Hello", "quotedMessageId": "325707"}` →
    `Content(text="Hello", about="325707")`
    """
    kind, about = a_text(message.get("type")), an_identifier(message.get("quotedMessageId"))
    if kind in MEDIA:
        return _media(MEDIA[kind], message, about)
    match kind:
        case "text":
            return Content(text=a_text(message.get("text")), about=about)
        case "sticker":
            words: list[Any] = message["keywords"] if isinstance(message.get("keywords"), list) else []
            text = a_text(message.get("text")) or ", ".join(word for word in map(a_text, words) if word)
            return Content(kind=ContentKind.STICKER, text=text, about=about)
        case "location":
            spot = f"{a_text(message.get('latitude'))}, {a_text(message.get('longitude'))}"
            text = lines(a_text(message.get("title")), a_text(message.get("address")), spot)
            return Content(kind=ContentKind.LOCATION, text=text, about=about)
    return unsupported("LINE", kind, about=about)


def _media(kind: ContentKind, message: dict[str, Any], about: str) -> Content:
    """The bytes lie with LINE under the message's id, or at a link of somebody else's, which is shown as text too.

    Pictures sent together come as messages of their own: `{"imageSet": {"id": "E005D", "index": 2, "total": 2}}`.
    """
    keeper, album = a_dict(message.get("contentProvider")), a_dict(message.get("imageSet"))
    link = a_link(keeper.get("originalContentUrl")) if a_text(keeper.get("type")) == "external" else ""
    size = message.get("fileSize")
    is_size = isinstance(size, int) and not isinstance(size, bool) and 0 <= size <= 2**53
    attachment = Attachment(
        name=file_name(a_text(message.get("fileName"))),
        size_bytes=size if is_size else None,
        reference=link or an_identifier(message.get("id")),
    )
    place = f"{a_text(album.get('index'))} of {a_text(album.get('total'))} sent together" if "index" in album else ""
    return Content(kind=kind, text=lines(place, link), attachments=(attachment,), about=about)
