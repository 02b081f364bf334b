"""Messenger: what a page's customers say and do, as our messages, echoes and reports."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from channels import messenger
from channels.edge.payload import Delivery, UnreadablePayload
from domain.intake import DeliveryReport, Echo, InboundMessage
from domain.interaction import Attachment, Content, ContentKind
from domain.outbound.delivery import DeliveryStatus
from tests.channels.messenger.samples import CDN, PAGE, PERSON, SENT, attached, delivery, echo, event
from tests.channels.posted import NOON, an_account, posted

ACCOUNT = an_account("messenger", PAGE, app_secret="s", verify_token="v")
AT = datetime(2025, 11, 11, 23, 11, 11, 123_000, tzinfo=UTC)


def read(*events: dict[str, Any], under: str = "messaging") -> Delivery:
    return messenger.parse(ACCOUNT, posted(json.dumps(delivery(*events, under=under)).encode()))


def only_message(one: dict[str, Any]) -> InboundMessage:
    ((address, message),) = read(one).messages
    assert address == PAGE
    return message


def test_a_text_says_who_when_and_what() -> None:
    message = only_message(event(message={"mid": "m_1", "text": "Hello 😀", "reply_to": {"mid": "m_0"}}))

    assert message == InboundMessage(
        provider_id="m_1", handle=PERSON, content=Content(text="Hello 😀", about="m_0"), occurred_at=AT
    )


@pytest.mark.parametrize(
    ("one", "content"),
    [
        (attached("image", url=CDN), Content(kind=ContentKind.IMAGE, attachments=(Attachment(reference=CDN),))),
        (attached("video", url=CDN), Content(kind=ContentKind.VIDEO, attachments=(Attachment(reference=CDN),))),
        (attached("audio", url=CDN), Content(kind=ContentKind.AUDIO, attachments=(Attachment(reference=CDN),))),
        (attached("file", url=CDN), Content(kind=ContentKind.DOCUMENT, attachments=(Attachment(reference=CDN),))),
        (
            attached("sticker", url=CDN, sticker_id=3),
            Content(kind=ContentKind.STICKER, attachments=(Attachment(reference=CDN),)),
        ),
        (
            attached("image", url=CDN, sticker_id=3),
            Content(kind=ContentKind.STICKER, attachments=(Attachment(reference=CDN),)),
        ),
        (
            attached("location", coordinates={"lat": 52.5, "long": 13.4}, title="Ana's place"),
            Content(kind=ContentKind.LOCATION, text="Ana's place\n52.5, 13.4"),
        ),
        (
            attached("fallback", url="https://shop.example/boots", title="Boots"),
            Content(text="Shared a link\nBoots\nhttps://shop.example/boots"),
        ),
        (
            attached("template", generic={"elements": [{"title": "Boots", "subtitle": "Size 38"}]}),
            Content(text="Sent a card\nBoots\nSize 38"),
        ),
        (
            attached("hologram", url=CDN),
            Content(kind=ContentKind.UNSUPPORTED, text="This kind of Messenger message cannot be shown: hologram"),
        ),
    ],
)
def test_every_kind_of_attachment_comes_out_as_a_kind_of_ours(one: dict[str, Any], content: Content) -> None:
    message = only_message(one)

    assert (message.kind, message.content) == ("message", content)


def test_a_sticker_that_comes_as_image_and_as_sticker_is_one_sticker() -> None:
    attachments = [{"type": kind, "payload": {"url": CDN, "sticker_id": 3}} for kind in ("image", "sticker")]

    message = only_message(event(message={"mid": "m_s", "attachments": attachments}))

    assert message.content == Content(kind=ContentKind.STICKER, attachments=(Attachment(reference=CDN),))


def test_several_pictures_of_one_message_stay_one_message_with_its_text() -> None:
    attachments = [{"type": "image", "payload": {"url": f"{CDN}{number}"}} for number in range(3)]

    message = only_message(event(message={"mid": "m_s", "text": "Look", "attachments": attachments}))

    assert (message.content.kind, message.content.text) == (ContentKind.IMAGE, "Look")
    assert [one.reference for one in message.content.attachments] == [f"{CDN}{number}" for number in range(3)]


@pytest.mark.parametrize(
    ("parts", "claim", "content"),
    [
        (
            {"message_edit": {"mid": "m_1", "text": "Hello!", "num_edit": 2}},
            ("edit", "m_1#edit.2"),
            Content(kind=ContentKind.EDIT, text="Hello!", about="m_1"),
        ),
        (
            {"reaction": {"mid": "m_1", "action": "react", "reaction": "love", "emoji": "❤"}},
            ("reaction", f"m_1#reaction.{PERSON}.{SENT}"),
            Content(kind=ContentKind.REACTION, text="❤", about="m_1"),
        ),
        (
            {"reaction": {"mid": "m_1", "action": "unreact"}},
            ("reaction_removal", f"m_1#reaction.{PERSON}.{SENT}"),
            Content(kind=ContentKind.REACTION, about="m_1"),
        ),
        (
            {"postback": {"mid": "m_5", "title": "Get started", "payload": "START", "referral": {"ref": "w"}}},
            ("message", "m_5"),
            Content(kind=ContentKind.CHOICE, text="Get started", referral="w"),
        ),
        (
            {"message": {"mid": "m_2", "text": "Yes", "quick_reply": {"payload": "YES"}}},
            ("message", "m_2"),
            Content(kind=ContentKind.CHOICE, text="Yes"),
        ),
        (
            {"referral": {"ref": "winter", "source": "SHORTLINK", "type": "OPEN_THREAD"}},
            ("system", f"#referral.{PERSON}.{SENT}"),
            Content(kind=ContentKind.SYSTEM, text="Came back through a link", referral="shortlink winter"),
        ),
        (
            {"account_linking": {"status": "linked"}},
            ("system", f"#account_linking.{PERSON}.{SENT}"),
            Content(kind=ContentKind.SYSTEM, text="Account linking: linked"),
        ),
        (
            {"pass_thread_control": {"new_owner_app_id": "123", "metadata": "to people"}},
            ("system", f"#pass_thread_control.{PERSON}.{SENT}"),
            Content(kind=ContentKind.SYSTEM, text="Another app handed the conversation over: to people"),
        ),
    ],
)
def test_edits_reactions_presses_and_news_have_claims_of_their_own(
    parts: dict[str, Any], claim: tuple[str, str], content: Content
) -> None:
    message = only_message(event(**parts))

    assert (message.kind, message.provider_id) == claim
    assert message.content == content


def test_an_ad_that_led_to_the_message_is_named() -> None:
    referral = {"ad_id": "120208", "source": "ADS", "ads_context_data": {"ad_title": "Winter sale"}}

    message = only_message(event(message={"mid": "m_4", "text": "How much?", "referral": referral}))

    assert message.content == Content(text="How much?", referral='ad 120208 "Winter sale"')


def test_what_the_page_wrote_is_an_echo_and_says_which_of_our_messages_it_was() -> None:
    found = read(echo(text="Hi", metadata="message-1"), echo(mid="m_f", text="From the inbox"))

    ours = Echo(provider_id="m_e", handle=PERSON, content=Content(text="Hi"), occurred_at=AT, callback="message-1")
    theirs = Echo(provider_id="m_f", handle=PERSON, content=Content(text="From the inbox"), occurred_at=AT)
    assert found.echoes == [(PAGE, ours), (PAGE, theirs)]
    assert found.messages == []


def test_receipts_tell_of_one_message_or_of_all_until_a_moment() -> None:
    found = read(event(delivery={"mids": ["m_e"], "watermark": SENT}), event(read={"watermark": SENT}))

    common: dict[str, Any] = {"occurred_at": AT, "handle": PERSON}
    assert [report for _, report in found.reports] == [
        DeliveryReport(status=DeliveryStatus.DELIVERED, provider_id="m_e", **common),
        DeliveryReport(status=DeliveryStatus.DELIVERED, upto=AT, **common),
        DeliveryReport(status=DeliveryStatus.READ, upto=AT, **common),
    ]


def test_what_another_app_has_in_hand_is_read_as_well() -> None:
    found = read(event(message={"mid": "m_1", "text": "Hello"}), under="standby")

    assert [message.content.text for _, message in found.messages] == ["Hello"]


def test_somebody_who_only_ticked_a_checkbox_has_a_reference_for_a_handle() -> None:
    optin = {"recipient": {"id": PAGE}, "timestamp": SENT, "optin": {"ref": "checkout", "user_ref": "ref-7"}}

    assert only_message(optin).handle == "user_ref:ref-7"


def test_news_of_the_page_and_of_its_feed_are_named_and_left_out() -> None:
    payload = delivery(event(policy_enforcement={"action": "warning"}))
    payload["entry"].append({"id": PAGE, "changes": [{"field": "feed", "value": {"item": "post"}}]})

    found = messenger.parse(ACCOUNT, posted(json.dumps(payload).encode()))

    assert found.ignored == ["messaging:policy_enforcement", "change:feed"]


@pytest.mark.parametrize("timestamp", [-1, "?", None, [], 10**30, "1e400", 0.5e18])
def test_an_absurd_time_is_replaced_by_when_it_came(timestamp: Any) -> None:
    assert only_message(event(message={"mid": "m", "text": "x"}, timestamp=timestamp)).occurred_at == NOON


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"null", b"[]", b'{"object": "page"}', b'{"object": "instagram", "entry": []}', b"[" * 200_000]
)
def test_what_is_no_messenger_delivery_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        messenger.parse(ACCOUNT, posted(raw))
