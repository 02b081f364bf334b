"""What a Messenger or Instagram message says, kind by kind, as our content."""

from typing import Any

import msgspec

from channels.edge.payload import a_dict, a_text, an_identifier, dicts
from channels.edge.text import file_name, one_line
from channels.social.reading import a_link, led_here_by, lines, unsupported
from domain.interaction import Attachment, Content, ContentKind

MEDIA_HOSTS = (".fbcdn.net", ".fbsbx.com", ".cdninstagram.com")
"""Where Meta keeps what people send: links with a signature that expires, and no token."""
MEDIA = {
    "image": ContentKind.IMAGE,
    "video": ContentKind.VIDEO,
    "audio": ContentKind.AUDIO,
    "file": ContentKind.DOCUMENT,
    "sticker": ContentKind.STICKER,
}
SHARES = {
    "share": "Shared a post",
    "post": "Shared a post",
    "ig_post": "Shared a post",
    "reel": "Shared a reel",
    "ig_reel": "Shared a reel",
    "story_mention": "Mentioned us in a story",
    "ig_story": "Shared a story",
    "fallback": "Shared a link",
    "template": "Sent a card",
}
HEART = "❤️"


class _Part(msgspec.Struct, frozen=True):
    """What one attachment adds to a message."""

    kind: ContentKind
    text: str = ""
    files: tuple[Attachment, ...] = ()


def content_of(message: dict[str, Any], medium: str) -> Content:
    """Never raises: what it cannot read is `unsupported`.

    Example: `{"mid": "m_1", "text": "Hi", "reply_to": {"mid": "m_0"}}` → `Content(text="Hi", about="m_0")`
    """
    if message.get("is_deleted"):
        return Content(kind=ContentKind.UNSEND, about=an_identifier(message.get("mid")))
    answered = a_dict(message.get("reply_to"))
    story = a_dict(answered.get("story"))
    about = an_identifier(answered.get("mid"))
    parts = [_part(one, medium) for one in _without_doubles(dicts(message.get("attachments")))]
    text = a_text(message.get("text"))
    if message.get("is_unsupported") or not (text or parts):
        return unsupported(medium, "it was sent without what it says", about=about)
    return Content(
        kind=_kind(message, text, parts),
        text=lines(text, *(part.text for part in parts)),
        attachments=(*(file for part in parts for file in part.files), *_file(story)),
        about=about,
        referral=led_here_by("story", story.get("id")) if story else referral_of(message.get("referral")),
    )


def _kind(message: dict[str, Any], text: str, parts: list[_Part]) -> ContentKind:
    if message.get("quick_reply"):
        return ContentKind.CHOICE
    shown = [part.kind for part in parts if part.kind is not ContentKind.TEXT]
    return ContentKind.TEXT if not shown or (text and shown == [ContentKind.UNSUPPORTED]) else shown[0]


def _without_doubles(attachments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A sticker comes as `image` and as `sticker` until the end of August 2026: the image goes (Meta, 2026-06)."""
    stickers = [a_dict(one.get("payload")) for one in attachments if a_text(one.get("type")) == "sticker"]
    marks = {(name, a_text(sticker.get(name))) for sticker in stickers for name in ("sticker_id", "url")}

    def is_double(attachment: dict[str, Any]) -> bool:
        payload = a_dict(attachment.get("payload"))
        given = {(name, a_text(payload.get(name))) for name in ("sticker_id", "url") if payload.get(name)}
        return a_text(attachment.get("type")) == "image" and bool(given & marks)

    return [one for one in attachments if not is_double(one)]


def _part(attachment: dict[str, Any], medium: str) -> _Part:
    kind, payload = a_text(attachment.get("type")), a_dict(attachment.get("payload"))
    title = a_text(payload.get("title")) or a_text(attachment.get("title"))
    if kind in MEDIA:
        is_sticker = kind == "image" and bool(payload.get("sticker_id"))
        files = _file(payload, name=title)
        return _Part(ContentKind.STICKER if is_sticker else MEDIA[kind], "" if files else title, files)
    if kind == "like_heart":
        return _Part(ContentKind.STICKER, HEART)
    if kind == "location":
        place = a_dict(payload.get("coordinates"))
        spot = ", ".join(part for part in (a_text(place.get("lat")), a_text(place.get("long"))) if part)
        return _Part(ContentKind.LOCATION, lines(title, spot, a_link(attachment.get("url"))))
    if kind in SHARES:
        link = a_link(payload.get("url")) or a_link(attachment.get("url"))
        files = _file({"url": link}) if is_kept_by_meta(link) else ()
        return _Part(ContentKind.TEXT, lines(SHARES[kind], title, *_cards(payload), "" if files else link), files)
    return _Part(ContentKind.UNSUPPORTED, unsupported(medium, kind).text)


def _cards(payload: dict[str, Any]) -> list[str]:
    """Titles of a template's cards. Example: `{"elements": [{"title": "Boots", "subtitle": "Size 38"}]}`."""
    elements = [*dicts(payload.get("elements")), *dicts(a_dict(payload.get("product")).get("elements"))]
    generic = dicts(a_dict(payload.get("generic")).get("elements"))
    cards = [(a_text(one.get("title")), a_text(one.get("subtitle"))) for one in (*elements, *generic)]
    return [lines(*card) for card in cards]


def _file(payload: dict[str, Any], *, name: str = "") -> tuple[Attachment, ...]:
    link = a_link(payload.get("url"))
    return (Attachment(name=file_name(name), reference=link),) if link else ()


def is_kept_by_meta(link: str) -> bool:
    """Whether a link leads to a file on Meta's own hosts, and not to some page that was shared."""
    host = link.partition("://")[2].partition("/")[0].lower()
    return host.endswith(MEDIA_HOSTS)


def referral_of(referral: Any) -> str:
    """What led somebody here: an ad, a link, a shop's product.

    Example: `{"source": "ADS", "type": "OPEN_THREAD", "ad_id": "120208", "ref": "winter",
    "ads_context_data": {"ad_title": "Winter sale"}}` → `'ad 120208 "Winter sale"'`
    """
    given = a_dict(referral)
    if not given:
        return ""
    if given.get("ad_id"):
        return led_here_by("ad", given["ad_id"], a_dict(given.get("ads_context_data")).get("ad_title"))
    if product := a_dict(given.get("product")).get("id"):
        return led_here_by("product", product)
    sort = one_line(a_text(given.get("source")) or a_text(given.get("type"))).lower()
    return led_here_by(sort, given.get("ref") or given.get("referer_uri"))
