"""Telegram: what people say and do in a chat with a bot, in a group, or with a business account."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from channels import telegram
from channels.edge.payload import Delivery, UnreadablePayload
from domain.intake import Echo, InboundMessage
from domain.interaction import Attachment, Content, ContentKind
from domain.outbound.reach import Reach
from tests.channels.posted import NOON, an_account, posted

ACCOUNT = an_account("telegram", "110201543", secret_token="s")
ANA = {"id": 42, "is_bot": False, "first_name": "Ana", "last_name": "Lee"}
PRIVATE = {"id": 42, "type": "private", "first_name": "Ana"}
GROUP = {"id": -100123, "type": "supergroup", "title": "Club"}
AT = datetime(2025, 11, 11, 23, 11, 11, tzinfo=UTC)


def read(**parts: Any) -> Delivery:
    return telegram.parse(ACCOUNT, posted(json.dumps({"update_id": 9} | parts).encode()))


def said(**parts: Any) -> dict[str, Any]:
    return {"message_id": 7, "from": ANA, "chat": PRIVATE, "date": 1762902671} | parts


def only_message(**parts: Any) -> InboundMessage:
    ((address, message),) = read(**parts).messages
    assert address == "110201543"
    return message


def test_a_text_says_who_when_and_what() -> None:
    message = only_message(
        message=said(text="Hello 😀", reply_to_message={"message_id": 5, "chat": PRIVATE, "date": 1})
    )

    assert message == InboundMessage(
        provider_id="42:7",
        handle="42",
        content=Content(text="Hello 😀", about="42:5"),
        occurred_at=AT,
        author="Ana Lee",
    )


def test_the_language_of_their_app_is_told() -> None:
    sender = ANA | {"language_code": "pt-br"}

    assert only_message(message=said(text="Oi", **{"from": sender})).language == "pt-br"
    assert only_message(message=said(text="Oi", **{"from": ANA | {"language_code": "?"}})).language == ""


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        (
            {
                "photo": [
                    {"file_id": "small", "width": 90, "height": 60, "file_size": 1},
                    {"file_id": "large", "width": 900, "height": 600, "file_size": 9},
                ],
                "caption": "Look",
                "media_group_id": "13",
            },
            Content(
                kind=ContentKind.IMAGE,
                text="Look",
                attachments=(Attachment(content_type="image/jpeg", size_bytes=9, reference="large"),),
            ),
        ),
        (
            {"document": {"file_id": "d", "file_name": "../a.pdf", "mime_type": "application/pdf", "file_size": 5}},
            Content(
                kind=ContentKind.DOCUMENT,
                attachments=(Attachment(name="a.pdf", content_type="application/pdf", size_bytes=5, reference="d"),),
            ),
        ),
        (
            {"animation": {"file_id": "a", "mime_type": "video/mp4"}, "document": {"file_id": "a"}},
            Content(kind=ContentKind.VIDEO, attachments=(Attachment(content_type="video/mp4", reference="a"),)),
        ),
        (
            {"voice": {"file_id": "v", "mime_type": "audio/ogg", "duration": 3}},
            Content(kind=ContentKind.AUDIO, attachments=(Attachment(content_type="audio/ogg", reference="v"),)),
        ),
        (
            {"sticker": {"file_id": "s", "emoji": "👍", "is_video": True}},
            Content(
                kind=ContentKind.STICKER,
                text="👍",
                attachments=(Attachment(content_type="video/webm", reference="s"),),
            ),
        ),
        (
            {
                "venue": {"title": "HQ", "address": "1 Way", "location": {"latitude": 1.5, "longitude": 2.5}},
                "location": {},
            },
            Content(kind=ContentKind.LOCATION, text="HQ\n1 Way\n1.5, 2.5"),
        ),
        (
            {"contact": {"first_name": "Bo", "phone_number": "+1555"}},
            Content(kind=ContentKind.CONTACTS, text="Bo: +1555"),
        ),
        ({"dice": {"emoji": "🎲", "value": 4}}, Content(text="🎲 4")),
        ({"text": "/start winter"}, Content(text="/start winter", referral="link winter")),
        ({"text": "x", "forward_origin": {"type": "user", "date": 1}}, Content(text="x", is_forwarded=True)),
        (
            {"rich_message": {"blocks": [{"type": "paragraph", "text": ["Hi ", {"type": "bold", "text": "you"}]}]}},
            Content(text="Hi you"),
        ),
        ({"new_chat_title": "Club"}, Content(kind=ContentKind.SYSTEM, text="New chat title: Club")),
        (
            {"game": {"title": "Chess"}},
            Content(kind=ContentKind.UNSUPPORTED, text="This kind of Telegram message cannot be shown: game"),
        ),
    ],
)
def test_every_kind_of_message_comes_out_as_a_kind_of_ours(parts: dict[str, Any], content: Content) -> None:
    assert only_message(message=said(**parts)).content == content


@pytest.mark.parametrize(
    ("parts", "claim", "content"),
    [
        (
            {"edited_message": said(text="Hello!", edit_date=1762902672)},
            ("edit", "42:7#edit.9"),
            Content(kind=ContentKind.EDIT, text="Hello!", about="42:7"),
        ),
        (
            {
                "message_reaction": {
                    "chat": PRIVATE,
                    "message_id": 7,
                    "user": ANA,
                    "date": 1,
                    "old_reaction": [],
                    "new_reaction": [{"type": "emoji", "emoji": "👍"}],
                }
            },
            ("reaction", "42:7#reaction.9"),
            Content(kind=ContentKind.REACTION, text="👍", about="42:7"),
        ),
        (
            {"message_reaction": {"chat": PRIVATE, "message_id": 7, "user": ANA, "date": 1, "new_reaction": []}},
            ("reaction_removal", "42:7#reaction.9"),
            Content(kind=ContentKind.REACTION, about="42:7"),
        ),
        (
            {
                "callback_query": {
                    "id": "77",
                    "from": ANA,
                    "data": "yes",
                    "chat_instance": "1",
                    "message": {
                        "message_id": 6,
                        "chat": PRIVATE,
                        "date": 0,
                        "reply_markup": {"inline_keyboard": [[{"text": "Yes, please", "callback_data": "yes"}]]},
                    },
                }
            },
            ("message", "42:6#callback.77"),
            Content(kind=ContentKind.CHOICE, text="Yes, please", about="42:6"),
        ),
        (
            {"my_chat_member": {"chat": PRIVATE, "from": ANA, "date": 1, "new_chat_member": {"status": "kicked"}}},
            ("system", "42:#my_chat_member.9"),
            Content(kind=ContentKind.SYSTEM, text="Blocked the bot", reach=Reach.BLOCKED),
        ),
        (
            {"my_chat_member": {"chat": PRIVATE, "from": ANA, "date": 1, "new_chat_member": {"status": "member"}}},
            ("system", "42:#my_chat_member.9"),
            Content(kind=ContentKind.SYSTEM, text="Unblocked the bot", reach=Reach.OPEN),
        ),
    ],
)
def test_edits_reactions_presses_and_blocks_have_claims_of_their_own(
    parts: dict[str, Any], claim: tuple[str, str], content: Content
) -> None:
    message = only_message(**parts)

    assert (message.kind, message.provider_id) == claim
    assert (message.handle, message.content) == ("42", content)


def test_in_a_group_the_person_is_the_customer_and_the_group_the_thread() -> None:
    message = only_message(message=said(chat=GROUP, text="Hi"))
    in_topic = only_message(message=said(chat=GROUP, text="Hi", message_thread_id=5, is_topic_message=True))
    as_group = only_message(message=said(chat=GROUP, sender_chat=GROUP, text="Hi"))

    assert (message.provider_id, message.handle, message.thread) == ("-100123:7", "42", "-100123")
    assert in_topic.thread == "-100123:5"
    assert (as_group.handle, as_group.author) == ("-100123", "Club")


def test_a_business_chat_tells_what_its_owner_wrote_as_an_echo_and_what_was_deleted() -> None:
    owner = {"id": 9000, "is_bot": False, "first_name": "Shop"}
    theirs = read(business_message=said(business_connection_id="bc", text="Hi"))
    ours = read(business_message=said(business_connection_id="bc", text="Hello", **{"from": owner}))
    deleted = read(deleted_business_messages={"business_connection_id": "bc", "chat": PRIVATE, "message_ids": [7, 8]})

    ((_, message),) = theirs.messages
    ((_, echo),) = ours.echoes
    assert (message.provider_id, message.thread) == ("bc:42:7", "business:bc")
    assert echo == Echo(
        provider_id="bc:42:7", handle="42", content=Content(text="Hello"), occurred_at=AT, thread="business:bc"
    )
    assert [one.content for _, one in deleted.messages] == [
        Content(kind=ContentKind.UNSEND, about="bc:42:7"),
        Content(kind=ContentKind.UNSEND, about="bc:42:8"),
    ]
    assert len({(one.kind, one.provider_id) for _, one in deleted.messages}) == 2


def test_what_is_no_customers_words_is_named_and_left_out() -> None:
    assert read(channel_post=said(text="News")).ignored == ["channel_post"]
    assert read(hologram={}).ignored == ["hologram"]
    assert read(my_chat_member={"chat": GROUP, "new_chat_member": {"status": "kicked"}}).ignored == ["my_chat_member"]


def test_a_message_without_an_id_is_known_by_its_update() -> None:
    assert only_message(message={"chat": PRIVATE, "text": "x"}).provider_id == "42:#9"
    assert read(message=None).ignored == ["message"]


@pytest.mark.parametrize("date", [-1, "?", None, 10**15, 1e400])
def test_an_absurd_time_is_replaced_by_when_it_came(date: Any) -> None:
    assert only_message(message=said(text="x", date=date)).occurred_at == NOON


@pytest.mark.parametrize("raw", [b"", b"{", b"null", b"[]", b"{}", b'{"update_id": {}}', b"[" * 200_000])
def test_what_is_no_update_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        telegram.parse(ACCOUNT, posted(raw))
