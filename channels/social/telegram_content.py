"""What a Telegram message says, kind by kind, as our content."""

from typing import Any

from channels.edge.payload import a_dict, a_text, an_identifier, dicts
from channels.edge.text import file_name, one_line
from channels.social.reading import led_here_by, lines, unsupported
from domain.interaction import Attachment, Content, ContentKind

FILES = {
    "animation": (ContentKind.VIDEO, "video/mp4"),
    "live_photo": (ContentKind.VIDEO, "video/mp4"),
    "audio": (ContentKind.AUDIO, "audio/mpeg"),
    "document": (ContentKind.DOCUMENT, "application/octet-stream"),
    "sticker": (ContentKind.STICKER, "image/webp"),
    "video": (ContentKind.VIDEO, "video/mp4"),
    "video_note": (ContentKind.VIDEO, "video/mp4"),
    "voice": (ContentKind.AUDIO, "audio/ogg"),
}
"""Kind, and what it is where it does not say. The first two come with `document` or `photo` beside them as well."""
UNSHOWN = ("paid_media", "story", "game", "invoice", "giveaway", "giveaway_winners", "gift", "unique_gift")
_NEWS = """
new_chat_members left_chat_member chat_owner_left chat_owner_changed new_chat_title new_chat_photo delete_chat_photo
group_chat_created supergroup_chat_created channel_chat_created message_auto_delete_timer_changed migrate_to_chat_id
migrate_from_chat_id pinned_message successful_payment refunded_payment users_shared chat_shared gift_upgrade_sent
connected_website write_access_allowed passport_data proximity_alert_triggered boost_added chat_background_set
checklist_tasks_done checklist_tasks_added direct_message_price_changed forum_topic_created forum_topic_edited
forum_topic_closed forum_topic_reopened general_forum_topic_hidden general_forum_topic_unhidden giveaway_created
giveaway_completed managed_bot_created paid_message_price_changed poll_option_added poll_option_deleted
suggested_post_approved suggested_post_approval_failed suggested_post_declined suggested_post_paid
suggested_post_refunded video_chat_scheduled video_chat_started video_chat_ended video_chat_participants_invited
"""
NEWS = tuple(_NEWS.split())
"""The service messages of Bot API 10.1."""
_ENVELOPE = """
message_id message_thread_id direct_messages_topic from sender_chat sender_boost_count sender_business_bot sender_tag
date guest_query_id business_connection_id chat forward_origin is_topic_message is_automatic_forward reply_to_message
external_reply quote reply_to_story reply_to_checklist_task_id reply_to_poll_option_id via_bot guest_bot_caller_user
guest_bot_caller_chat edit_date has_protected_content is_from_offline is_paid_post media_group_id author_signature
paid_star_count entities link_preview_options suggested_post_info effect_id caption caption_entities
show_caption_above_media has_media_spoiler reply_markup
"""
ENVELOPE = frozenset(_ENVELOPE.split())
"""What stands beside the words of any message; a name that is neither here nor above is a kind we do not know."""
RICH_DEPTH_MAX = 32
"""Levels of a rich message that are read; deeper ones hold nothing that people write."""
_RICH_PARTS = ("label", "summary", "text", "expression", "alternative_text", "caption", "credit")
_RICH_BLOCKS = ("blocks", "items", "cells")


def content_of(message: dict[str, Any], *, about: str) -> Content:
    """Never raises: what it cannot read is `unsupported`. `about` is what the message answers.

    Example: `{"message_id": 7, "chat": {"id": 42}, "text": "/start winter"}` → `Content(text="/start winter",
    referral="link winter")`
    """
    caption = a_text(message.get("caption"))
    for name, (kind, content_type) in FILES.items():
        if file := a_dict(message.get(name)):
            text = caption or (a_text(file.get("emoji")) if kind is ContentKind.STICKER else "")
            return _said(message, kind, text, about, (_file(file, content_type),))
    if photos := dicts(message.get("photo")):
        largest = max(photos, key=lambda photo: _number(photo.get("width")) * _number(photo.get("height")))
        return _said(message, ContentKind.IMAGE, caption, about, (_file(largest, "image/jpeg"),))
    if text := a_text(message.get("text")):
        return _said(message, ContentKind.TEXT, text, about)
    return _other(message, about)


def _said(
    message: dict[str, Any], kind: ContentKind, text: str, about: str, files: tuple[Attachment, ...] = ()
) -> Content:
    command, _, parameter = text.partition(" ")
    return Content(
        kind=kind,
        text=text,
        attachments=files,
        about=about,
        referral=led_here_by("link", parameter) if command == "/start" and parameter else "",
        is_forwarded=bool(message.get("forward_origin")),
    )


def _other(message: dict[str, Any], about: str) -> Content:
    if venue := a_dict(message.get("venue")):
        where = lines(a_text(venue.get("title")), a_text(venue.get("address")), _spot(a_dict(venue.get("location"))))
        return _said(message, ContentKind.LOCATION, where, about)
    if location := a_dict(message.get("location")):
        return _said(message, ContentKind.LOCATION, _spot(location), about)
    if contact := a_dict(message.get("contact")):
        text = f"{full_name(contact)}: {a_text(contact.get('phone_number'))}"
        return _said(message, ContentKind.CONTACTS, text.strip(": "), about)
    if pressed := a_dict(message.get("web_app_data")):
        text = lines(a_text(pressed.get("button_text")), a_text(pressed.get("data")))
        return _said(message, ContentKind.CHOICE, text, about)
    for name, read in (("dice", _dice), ("poll", _poll), ("checklist", _checklist), ("rich_message", _rich)):
        if (body := a_dict(message.get(name))) and (text := read(body)):
            return _said(message, ContentKind.TEXT, text, about)
    if name := next((name for name in UNSHOWN if name in message), ""):
        return unsupported("Telegram", name, about=about)
    if name := next((name for name in NEWS if name in message), ""):
        detail = a_text(message[name])
        words = f"{name.replace('_', ' ').capitalize()}{f': {detail}' if detail else ''}"
        return Content(kind=ContentKind.SYSTEM, text=one_line(words))
    return unsupported("Telegram", next((name for name in message if name not in ENVELOPE), ""), about=about)


def _file(file: dict[str, Any], content_type: str) -> Attachment:
    if file.get("is_animated"):
        content_type = "application/x-tgsticker"
    elif file.get("is_video"):
        content_type = "video/webm"
    return Attachment(
        name=file_name(a_text(file.get("file_name"))),
        content_type=one_line(a_text(file.get("mime_type"))) or content_type,
        size_bytes=_number(file.get("file_size")) or None,
        reference=an_identifier(file.get("file_id")),
    )


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2**53 else 0


def full_name(person: dict[str, Any]) -> str:
    """Example: `{"id": 42, "first_name": "Ana", "last_name": "Lee"}` → `"Ana Lee"`."""
    return one_line(f"{a_text(person.get('first_name'))} {a_text(person.get('last_name'))}")


def _spot(location: dict[str, Any]) -> str:
    return f"{a_text(location.get('latitude'))}, {a_text(location.get('longitude'))}"


def _dice(dice: dict[str, Any]) -> str:
    return f"{a_text(dice.get('emoji'))} {a_text(dice.get('value'))}".strip()


def _poll(poll: dict[str, Any]) -> str:
    return lines(a_text(poll.get("question")), *(f"- {a_text(one.get('text'))}" for one in dicts(poll.get("options"))))


def _checklist(checklist: dict[str, Any]) -> str:
    return lines(
        a_text(checklist.get("title")), *(f"- {a_text(one.get('text'))}" for one in dicts(checklist.get("tasks")))
    )


def _rich(rich: dict[str, Any]) -> str:
    """The words of a formatted message, a line for each block."""
    return lines(*_blocks(rich, RICH_DEPTH_MAX)).strip()


def _blocks(block: Any, depth: int) -> list[str]:
    if depth <= 0:
        return []
    if isinstance(block, list):
        return [line for one in block for line in _blocks(one, depth - 1)]
    body = a_dict(block)
    words = [_words(body.get(name), depth - 1) for name in _RICH_PARTS if name in body]
    return [*words, *(line for name in _RICH_BLOCKS if name in body for line in _blocks(body[name], depth - 1))]


def _words(rich: Any, depth: int) -> str:
    if depth <= 0:
        return ""
    if isinstance(rich, list):
        return "".join(_words(one, depth - 1) for one in rich)
    if isinstance(rich, dict):
        return "".join(_words(rich[name], depth - 1) for name in _RICH_PARTS if name in rich)
    return a_text(rich)
