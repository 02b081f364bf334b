"""X: both envelopes, what we sent ourselves, what was read, and chats that nobody here can read."""

import json
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import x
from channels.edge.payload import Delivery, UnreadablePayload
from domain.intake import DeliveryReport, Echo, InboundMessage
from domain.interaction import Attachment, Content, ContentKind
from domain.outbound.delivery import DeliveryStatus
from tests.channels.posted import NOON, posted
from tests.channels.x.situations import (
    JO,
    OTHER_OURS,
    OURS,
    a_message,
    a_reading,
    account_activity,
    an_x_account,
    x_activity,
)

CREATED = datetime(2018, 1, 19, 23, 12, 40, 557_000, tzinfo=UTC)


def read(raw: bytes, user: str = OURS) -> Delivery:
    return x.parse(an_x_account(user), posted(raw))


@pytest.mark.parametrize("raw", [account_activity(a_message()), x_activity("dm.received", a_message())])
def test_both_envelopes_give_the_same_message(raw: bytes) -> None:
    message = InboundMessage(
        provider_id="954491830116155396",
        handle=JO,
        content=Content(text="Hello 😀"),
        occurred_at=CREATED,
        author="Jo Brinks",
    )

    assert read(raw) == Delivery(messages=[(OURS, message)])


@pytest.mark.parametrize("envelope", [account_activity, lambda one: x_activity("dm.sent", one)])
def test_what_we_sent_comes_back_as_an_echo(envelope: Any) -> None:
    echo = Echo(provider_id="7", handle=JO, content=Content(text="Hi"), occurred_at=CREATED)

    assert read(envelope(a_message("Hi", sender=OURS, to=JO, number="7"))) == Delivery(echoes=[(OURS, echo)])


def test_two_accounts_of_ours_that_write_to_each_other_see_each_their_side() -> None:
    message = a_message("Hi", sender=OTHER_OURS, to=OURS, number="7")

    received = read(account_activity(message, user=OURS))
    sent = read(account_activity(message, user=OTHER_OURS), user=OTHER_OURS)

    assert [(address, one.handle) for address, one in received.messages] == [(OURS, OTHER_OURS)]
    assert [(address, one.handle) for address, one in sent.echoes] == [(OTHER_OURS, OURS)]
    assert (received.echoes, sent.messages) == ([], [])


@pytest.mark.parametrize(
    "raw",
    [
        account_activity(direct_message_mark_read_events=[a_reading()]),
        x_activity("dm.read", direct_message_mark_read_events=[a_reading()]),
    ],
)
def test_what_was_read_is_told_of_one_and_of_all_before_it(raw: bytes) -> None:
    at = datetime(2018, 2, 12, 16, 20, 44, 662_000, tzinfo=UTC)
    one = DeliveryReport(status=DeliveryStatus.READ, occurred_at=at, handle=JO, provider_id="954491830116155396")
    # The id itself says when it was made: the very millisecond that the event names.
    all_before = DeliveryReport(status=DeliveryStatus.READ, occurred_at=at, handle=JO, upto=CREATED)

    assert read(raw) == Delivery(reports=[(OURS, one), (OURS, all_before)])


@pytest.mark.parametrize(
    ("raw", "ignored"),
    [
        (account_activity(direct_message_mark_read_events=[a_reading(reader=OURS)]), ["read:ours"]),
        (account_activity(direct_message_mark_read_events=[{}]), ["read:unnamed"]),
        (account_activity(direct_message_indicate_typing_events=[{}, {}]), ["typing", "typing"]),
        (x_activity("dm.indicate_typing", direct_message_indicate_typing_events=[{}]), ["typing"]),
        (x_activity("profile.update.bio", after="x"), ["profile.update.bio"]),
        (x_activity("chat.conversation_join"), ["chat.conversation_join"]),
        (x_activity(""), ["activity:unnamed"]),
        (account_activity(follow_events=[{}]), ["follow_events"]),
        (b'{"user_event": {"revoke": {}}}', ["user_event"]),
    ],
)
def test_news_of_no_concern_are_counted_only(raw: bytes, ignored: list[str]) -> None:
    assert read(raw) == Delivery(ignored=ignored)


ENCRYPTED = Content(
    kind=ContentKind.UNSUPPORTED, text="An encrypted X chat message came. It can be read in the X app only, not here."
)


@pytest.mark.parametrize(
    ("payload", "handle"),
    [
        ({"conversation_id": f"{OURS}-{JO}", "sender_id": JO, "encoded_event": "AAAA"}, JO),
        ({"conversation_id": f"{OURS}-{JO}", "encoded_event": "AAAA"}, JO),
        ({"conversation_id": "g1", "encoded_event": "AAAA"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_of_an_encrypted_chat_the_agent_sees_that_something_came(payload: dict[str, str], handle: str) -> None:
    delivery = read(x_activity("chat.received", **payload))

    message = InboundMessage(
        provider_id="-4611686018427387905", handle=handle, content=ENCRYPTED, occurred_at=NOON, kind="chat"
    )
    assert delivery == Delivery(messages=[(OURS, message)])


def test_an_encrypted_chat_of_ours_is_an_echo() -> None:
    raw = x_activity("chat.sent", conversation_id=f"{OURS}-{JO}", sender_id=OURS)

    ((address, echo),) = read(raw).echoes

    assert (address, echo.handle, echo.kind, echo.content) == (OURS, JO, "chat", ENCRYPTED)


@pytest.mark.parametrize("uuid", [-9_223_372_036_854_775_808, "-9223372036854775808"])
def test_an_id_below_zero_and_beyond_53_bits_stays_as_it_is(uuid: Any) -> None:
    ((_, message),) = read(x_activity("chat.received", uuid=uuid)).messages

    assert message.provider_id == "-9223372036854775808"


PHOTO = {"url": "https://t.co/9", "type": "photo", "media_url_https": "https://ton.twitter.com/a.jpg"}
VARIANTS = [
    {"content_type": "application/x-mpegURL", "url": "https://video.twimg.com/a.m3u8"},
    {"content_type": "video/mp4", "bitrate": 832_000, "url": "https://video.twimg.com/big.mp4"},
    {"content_type": "video/mp4", "bitrate": 320_000, "url": "https://video.twimg.com/small.mp4"},
]
LINKS = {"urls": [{"url": "https://t.co/1", "expanded_url": "https://shop.example/7"}, {"url": "https://t.co/9"}]}
PLACE = {"type": "shared_coordinate", "shared_coordinate": {"coordinates": {"coordinates": [-105.2, 40.0]}}}


@pytest.mark.parametrize(
    ("text", "parts", "content"),
    [
        ("See https://t.co/1", {"entities": LINKS}, Content(text="See https://shop.example/7")),
        (
            "Look https://t.co/9",
            {"attachment": {"type": "media", "media": PHOTO}, "entities": LINKS},
            Content(
                kind=ContentKind.IMAGE,
                text="Look",
                attachments=(Attachment(content_type="image/jpeg", reference="https://ton.twitter.com/a.jpg"),),
            ),
        ),
        (
            "",
            {"attachment": {"type": "media", "media": {"type": "video", "video_info": {"variants": VARIANTS}}}},
            Content(
                kind=ContentKind.VIDEO,
                attachments=(Attachment(content_type="video/mp4", reference="https://video.twimg.com/big.mp4"),),
            ),
        ),
        (
            "",
            {"attachment": {"type": "location", "location": PLACE}},
            Content(kind=ContentKind.LOCATION, text="40.0, -105.2"),
        ),
        ("Yes", {"quick_reply_response": {"type": "options"}}, Content(kind=ContentKind.CHOICE, text="Yes")),
        (
            "Hi",
            {"attachment": {"type": "hologram"}},
            Content(kind=ContentKind.UNSUPPORTED, text="Hi\nThis kind of X message cannot be shown: hologram"),
        ),
        ("", {}, Content(kind=ContentKind.UNSUPPORTED, text="This kind of X message cannot be shown: empty")),
    ],
)
def test_every_kind_is_shown_or_said_to_be_none(text: str, parts: dict[str, Any], content: Content) -> None:
    ((_, message),) = read(account_activity(a_message(text, **parts))).messages

    assert message.content == content


def test_a_kind_of_event_that_is_new_is_shown_as_something_that_came() -> None:
    raw = account_activity({"type": "reaction_create", "id": "5", "sender_id": JO})

    ((_, message),) = read(raw).messages

    assert (message.provider_id, message.handle) == ("5", JO)
    assert message.content.text == "This kind of X message cannot be shown: reaction_create"


@pytest.mark.parametrize("raw", [b"", b"{", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_delivery_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        read(raw)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
NAMES = ["direct_message_events", "direct_message_mark_read_events", "users", "payload", "event_type", "filter"]
INSIDE = ["type", "id", "sender_id", "created_timestamp", "last_read_event_id", "message_create"]
EVENTS = st.lists(st.dictionaries(st.sampled_from(INSIDE), ANYTHING, max_size=4), max_size=2)
SHAPES = st.dictionaries(st.sampled_from(NAMES), EVENTS | ANYTHING, max_size=4)


@given(shape=SHAPES, is_activity=st.booleans())
def test_any_json_is_read_or_refused(shape: dict[str, Any], is_activity: Any) -> None:
    try:
        read(json.dumps({"data": shape} if is_activity else shape).encode())
    except UnreadablePayload:
        return


@given(
    created=st.dictionaries(st.sampled_from(["target", "sender_id", "message_data"]), ANYTHING),
    data=st.dictionaries(st.sampled_from(["text", "entities", "attachment", "quick_reply_response"]), ANYTHING),
)
def test_of_any_event_exactly_one_thing_is_read(created: dict[str, Any], data: dict[str, Any]) -> None:
    event = {"type": "message_create", "message_create": {"message_data": data} | created}

    delivery = read(account_activity(event))

    assert len(delivery.messages) + len(delivery.echoes) == 1


def test_alone_twice_shuffled_and_merged_give_the_same_items() -> None:
    events = [a_message("1", number="1"), a_message("2", number="2"), a_message("3", number="3", sender=OURS, to=JO)]

    def items(*raws: bytes) -> frozenset[tuple[str, str, str]]:
        deliveries = [read(raw) for raw in raws]
        found = [("message", one.provider_id, one.content.text) for two in deliveries for _, one in two.messages]
        found += [("echo", one.provider_id, one.content.text) for two in deliveries for _, one in two.echoes]
        return frozenset(found)

    alone = items(*(account_activity(event) for event in events))
    for order in permutations(events):
        assert items(account_activity(*order)) == alone
        assert items(*(x_activity("dm.received", event) for event in (*order, *order))) == alone
        assert items(x_activity("dm.received", *order, *order)) == alone
    assert len(alone) == 3
