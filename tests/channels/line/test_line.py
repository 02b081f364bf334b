"""LINE: what people say and do, alone or in a group, as our messages."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from channels import line
from channels.edge.payload import Delivery, UnreadablePayload
from domain.intake import InboundMessage
from domain.interaction import Attachment, Content, ContentKind
from domain.outbound.reach import Reach
from tests.channels.posted import NOON, an_account, posted

BOT, ANA, GROUP = "U" + "b" * 32, "U" + "a" * 32, "C" + "c" * 32
ACCOUNT = an_account("line", BOT, channel_secret="s")


def read(*events: dict[str, Any]) -> Delivery:
    return line.parse(ACCOUNT, posted(json.dumps({"destination": BOT, "events": list(events)}).encode()))


def event(kind: str = "message", **parts: Any) -> dict[str, Any]:
    whole = {
        "type": kind,
        "mode": "active",
        "timestamp": 1462629479859,
        "source": {"type": "user", "userId": ANA},
        "webhookEventId": "01FZ74A0TDDPYRVKNK77XKC3ZR",
        "deliveryContext": {"isRedelivery": False},
        "replyToken": "nHuyWiB7yP5Zw52FIkcQobQuGDXCTA",
    }
    return whole | parts


def said(**message: Any) -> dict[str, Any]:
    return event(message={"id": "325708"} | message)


def only_message(one: dict[str, Any]) -> InboundMessage:
    ((address, message),) = read(one).messages
    assert address == BOT
    return message


def test_a_text_says_who_when_and_what() -> None:
    message = only_message(said(type="text", text="Hello 😀", quotedMessageId="325707"))

    assert message == InboundMessage(
        provider_id="325708",
        handle=ANA,
        content=Content(text="Hello 😀", about="325707"),
        occurred_at=datetime(2016, 5, 7, 13, 57, 59, 859_000, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("message", "content"),
    [
        (
            {"type": "image", "contentProvider": {"type": "line"}},
            Content(kind=ContentKind.IMAGE, attachments=(Attachment(reference="325708"),)),
        ),
        (
            {"type": "image", "contentProvider": {"type": "line"}, "imageSet": {"id": "E0", "index": 2, "total": 3}},
            Content(kind=ContentKind.IMAGE, text="2 of 3 sent together", attachments=(Attachment(reference="325708"),)),
        ),
        (
            {"type": "video", "contentProvider": {"type": "external", "originalContentUrl": "https://a.example/v"}},
            Content(
                kind=ContentKind.VIDEO,
                text="https://a.example/v",
                attachments=(Attachment(reference="https://a.example/v"),),
            ),
        ),
        (
            {"type": "file", "fileName": "a/b.txt", "fileSize": 2138},
            Content(
                kind=ContentKind.DOCUMENT,
                attachments=(Attachment(name="b.txt", size_bytes=2138, reference="325708"),),
            ),
        ),
        ({"type": "sticker", "keywords": ["Love", "You"]}, Content(kind=ContentKind.STICKER, text="Love, You")),
        (
            {"type": "location", "title": "HQ", "address": "Tokyo", "latitude": 35.5, "longitude": 139.5},
            Content(kind=ContentKind.LOCATION, text="HQ\nTokyo\n35.5, 139.5"),
        ),
        (
            {"type": "hologram"},
            Content(kind=ContentKind.UNSUPPORTED, text="This kind of LINE message cannot be shown: hologram"),
        ),
    ],
)
def test_every_kind_of_message_comes_out_as_a_kind_of_ours(message: dict[str, Any], content: Content) -> None:
    found = only_message(said(**message))

    assert (found.kind, found.content) == ("message", content)


@pytest.mark.parametrize(
    ("one", "claim", "content"),
    [
        (
            event("messageEdited", message={"id": "325708", "type": "text", "text": "Hello!"}),
            ("edit", "325708#edit.01FZ74A0TDDPYRVKNK77XKC3ZR"),
            Content(kind=ContentKind.EDIT, text="Hello!", about="325708"),
        ),
        (
            event("unsend", unsend={"messageId": "325708"}),
            ("unsend", "325708#unsend"),
            Content(kind=ContentKind.UNSEND, about="325708"),
        ),
        (
            event("postback", postback={"data": "buy=1", "params": {"date": "2026-12-24"}}),
            ("message", "#01FZ74A0TDDPYRVKNK77XKC3ZR"),
            Content(kind=ContentKind.CHOICE, text="buy=1\n2026-12-24"),
        ),
        (
            event("follow", follow={"isUnblocked": False}),
            ("system", "#01FZ74A0TDDPYRVKNK77XKC3ZR"),
            Content(kind=ContentKind.SYSTEM, text="Added the account as a friend", reach=Reach.OPEN),
        ),
        (
            event("follow", follow={"isUnblocked": True}),
            ("system", "#01FZ74A0TDDPYRVKNK77XKC3ZR"),
            Content(kind=ContentKind.SYSTEM, text="Unblocked the account", reach=Reach.OPEN),
        ),
        (
            event("unfollow"),
            ("system", "#01FZ74A0TDDPYRVKNK77XKC3ZR"),
            Content(kind=ContentKind.SYSTEM, text="Blocked the account", reach=Reach.BLOCKED),
        ),
        (
            event("accountLink", link={"result": "ok", "nonce": "V"}),
            ("system", "#01FZ74A0TDDPYRVKNK77XKC3ZR"),
            Content(kind=ContentKind.SYSTEM, text="Account link: ok"),
        ),
    ],
)
def test_edits_unsends_presses_and_follows_have_claims_of_their_own(
    one: dict[str, Any], claim: tuple[str, str], content: Content
) -> None:
    message = only_message(one)

    assert (message.kind, message.provider_id) == claim
    assert message.content == content


def test_in_a_group_the_person_is_the_customer_and_the_group_where_nobody_is_named() -> None:
    known = only_message(event(source={"type": "group", "groupId": GROUP, "userId": ANA}, message={"id": "1"}))
    unknown = only_message(event(source={"type": "room", "roomId": "R1"}, message={"id": "1"}))
    nobody = only_message(event(source=None, message={"id": "1"}))

    assert (known.handle, known.thread) == (ANA, GROUP)
    assert (unknown.handle, unknown.thread) == ("R1", "R1")
    assert (nobody.handle, nobody.thread) == ("unknown", "")


def test_a_redelivered_event_is_the_same_message_even_without_an_id() -> None:
    first = event("postback", webhookEventId=None, postback={"data": "buy=1"})
    again = first | {"deliveryContext": {"isRedelivery": True}}
    other = event("postback", webhookEventId=None, postback={"data": "buy=2"})

    ids = [only_message(one).provider_id for one in (first, again, other)]

    assert ids[0] == ids[1] != ids[2]


def test_the_try_of_the_console_has_no_events_and_is_no_error() -> None:
    assert read() == Delivery()


@pytest.mark.parametrize("kind", ["join", "leave", "memberJoined", "beacon", "videoPlayComplete", "botSuspended", "?"])
def test_what_is_no_customers_words_is_named_and_left_out(kind: str) -> None:
    assert read(event(kind)).ignored == [kind]


@pytest.mark.parametrize("timestamp", [-1, "?", None, 10**30])
def test_an_absurd_time_is_replaced_by_when_it_came(timestamp: Any) -> None:
    assert only_message(said(type="text", text="x") | {"timestamp": timestamp}).occurred_at == NOON


@pytest.mark.parametrize("raw", [b"", b"{", b"null", b"[]", b"{}", b'{"events": {}}', b"[" * 200_000])
def test_what_is_no_line_delivery_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        line.parse(ACCOUNT, posted(raw))
