"""WeCom's pages: customers, staff and the system, and nothing of it dropped."""

import json
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import wecom
from channels.edge.payload import Delivery, UnreadablePayload
from domain.intake import DeliveryReport, Echo, InboundMessage
from domain.interaction import Attachment, Content, ContentKind
from domain.outbound.delivery import DeliveryStatus
from domain.outbound.reach import Reach
from tests.channels.posted import posted
from tests.channels.wechat.sealed import a_wecom_account

SENT = datetime(2021, 3, 11, 16, 3, 5, tzinfo=UTC)
OWN_ID = "0193a7c20000700080000000000000aa"


def an_item(kind: str = "text", body: Any = None, **changes: Any) -> dict[str, Any]:
    whole = {"msgid": "m1", "open_kfid": "wkxx", "external_userid": "wmxx", "send_time": 1_615_478_585, "origin": 3}
    return whole | {"msgtype": kind, kind: {"content": "你好 😀"} if body is None else body} | changes


def an_event(kind: str, **event: Any) -> dict[str, Any]:
    event = {"event_type": kind, "open_kfid": "wkxx", "external_userid": "wmxx"} | event
    return {"msgid": "e1", "send_time": 1_615_478_585, "origin": 4, "msgtype": "event", "event": event}


def read(*items: Any) -> Delivery:
    page = {"errcode": 0, "errmsg": "ok", "next_cursor": "c1", "has_more": 0, "msg_list": items}
    return wecom.parse(a_wecom_account(), posted(json.dumps(page).encode()))


def test_a_customers_message_says_who_when_and_what() -> None:
    message = InboundMessage(provider_id="m1", handle="wmxx", content=Content(text="你好 😀"), occurred_at=SENT)

    assert read(an_item()) == Delivery(messages=[("wkxx", message)])


def test_what_staff_wrote_in_the_app_is_an_echo() -> None:
    echo = Echo(provider_id="m1", handle="wmxx", content=Content(text="你好 😀"), occurred_at=SENT)

    assert read(an_item(origin=5, servicer_userid="zhangsan")) == Delivery(echoes=[("wkxx", echo)])


@pytest.mark.parametrize("origin", [3, "3", 0, 99, None])
def test_of_an_origin_that_is_new_nothing_is_lost(origin: Any) -> None:
    assert len(read(an_item(origin=origin)).messages) == 1


@pytest.mark.parametrize(
    ("kind", "content_kind", "content_type"),
    [
        ("image", ContentKind.IMAGE, "image/jpeg"),
        ("voice", ContentKind.AUDIO, "audio/amr"),
        ("video", ContentKind.VIDEO, "video/mp4"),
        ("file", ContentKind.DOCUMENT, "application/octet-stream"),
    ],
)
def test_media_come_as_a_reference(kind: str, content_kind: ContentKind, content_type: str) -> None:
    ((_, message),) = read(an_item(kind, {"media_id": "media-1"})).messages

    attachments = (Attachment(content_type=content_type, reference="media-1"),)
    assert message.content == Content(kind=content_kind, attachments=attachments)


FORWARDED = {
    "title": "Chat",
    "item": [
        {"sender_name": "Ana", "msgtype": "text", "msg_content": '{"text": {"content": "Hi"}}'},
        {"sender_name": "Ben", "msgtype": "image", "msg_content": "{broken"},
    ],
}


@pytest.mark.parametrize(
    ("kind", "body", "content"),
    [
        ("text", {"content": "Yes", "menu_id": "101"}, Content(kind=ContentKind.CHOICE, text="Yes")),
        (
            "location",
            {"latitude": 23.1, "longitude": 113.3, "name": "HQ", "address": "Street 1"},
            Content(kind=ContentKind.LOCATION, text="HQ\nStreet 1\n23.1, 113.3"),
        ),
        ("link", {"title": "T", "desc": "D", "url": "http://u"}, Content(text="T\nD\nhttp://u")),
        (
            "channels_shop_order",
            {"order_id": "7", "product_titles": "Tea", "price_wording": "¥10", "state": "paid"},
            Content(kind=ContentKind.ORDER, text="7\nTea\n¥10\npaid"),
        ),
        ("channels_shop_product", {"title": "Tea", "sales_price": "10"}, Content(text="Tea\n10")),
        ("merged_msg", FORWARDED, Content(text="Chat\nAna: Hi\nBen: [image]", is_forwarded=True)),
        (
            "miniprogram",
            {"title": "Game"},
            Content(
                kind=ContentKind.UNSUPPORTED, text="This kind of WeCom message cannot be shown: miniprogram (Game)"
            ),
        ),
        (
            "image",
            {},
            Content(kind=ContentKind.UNSUPPORTED, text="This kind of WeCom message cannot be shown: image"),
        ),
        (
            "hologram",
            [],
            Content(kind=ContentKind.UNSUPPORTED, text="This kind of WeCom message cannot be shown: hologram"),
        ),
    ],
)
def test_every_kind_is_shown_or_said_to_be_none(kind: str, body: Any, content: Content) -> None:
    ((_, message),) = read(an_item(kind, body)).messages

    assert message.content == content


@pytest.mark.parametrize(
    ("failed", "fail_type", "reason", "callback", "reach"),
    [
        (OWN_ID, 4, "4 more than 48 hours after the customer's last message", f"message-{OWN_ID}", None),
        (OWN_ID, 10, "10 the customer refuses messages", f"message-{OWN_ID}", Reach.BLOCKED),
        ("staffs", 99, "99", "", None),
    ],
)
def test_a_failure_names_what_we_sent_by_our_own_id(
    failed: str, fail_type: int, reason: str, callback: str, reach: Reach | None
) -> None:
    delivery = read(an_event("msg_send_fail", fail_msgid=failed, fail_type=fail_type))

    report = DeliveryReport(
        provider_id=failed,
        status=DeliveryStatus.FAILED,
        occurred_at=SENT,
        handle="wmxx",
        reason=reason,
        callback=callback,
        reach=reach,
    )
    assert delivery == Delivery(reports=[("wkxx", report)])


def test_what_is_taken_back_is_an_unsend_on_the_side_that_did() -> None:
    delivery = read(an_event("user_recall_msg", recall_msgid="m1"), an_event("servicer_recall_msg", recall_msgid="m2"))

    ((_, message),), ((_, echo),) = delivery.messages, delivery.echoes
    assert (message.kind, message.content) == ("unsend", Content(kind=ContentKind.UNSEND, about="m1"))
    assert (echo.kind, echo.content) == ("unsend", Content(kind=ContentKind.UNSEND, about="m2"))


@pytest.mark.parametrize(
    ("switch", "said", "reach"),
    [(1, "refuses our messages", Reach.BLOCKED), (0, "takes our messages again", Reach.OPEN)],
)
def test_a_customer_who_refuses_messages_is_shown_to_the_agent(switch: int, said: str, reach: Reach) -> None:
    ((_, message),) = read(an_event("reject_customer_msg_switch_change", reject_switch=switch)).messages

    assert (message.kind, message.content.kind) == ("event", ContentKind.SYSTEM)
    assert said in message.content.text
    assert message.content.reach is reach


@pytest.mark.parametrize(
    "kind", ["enter_session", "session_status_change", "servicer_status_change", "user_recall_msg"]
)
def test_other_events_are_counted_only(kind: str) -> None:
    assert read(an_event(kind)) == Delivery(ignored=[f"event:{kind}"])


def test_what_the_system_says_by_itself_is_no_customers_message() -> None:
    assert read(an_item(origin=4)) == Delivery(ignored=["system:text"])


@pytest.mark.parametrize("raw", [b"{", b"{}", b'{"msg_list": 1}', b"", b"[]", b"\xff"])
def test_what_is_no_page_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        wecom.parse(a_wecom_account(), posted(raw))


ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
NAMES = ["msgid", "open_kfid", "external_userid", "send_time", "origin", "text", "event", "merged_msg", "image"]
KINDS = ["text", "event", "merged_msg", "image", "location", "?"]


@given(fields=st.dictionaries(st.sampled_from(NAMES), ANYTHING), kind=st.sampled_from(KINDS) | ANYTHING)
def test_of_any_item_exactly_one_thing_is_read(fields: dict[str, Any], kind: Any) -> None:
    delivery = read(fields | {"msgtype": kind})

    found = len(delivery.messages) + len(delivery.echoes) + len(delivery.reports) + len(delivery.ignored)
    assert found == 1


def test_alone_twice_shuffled_and_merged_give_the_same_items() -> None:
    items = [an_item(msgid="1"), an_item(msgid="2", origin=5), an_event("user_recall_msg", recall_msgid="1")]

    def found(*pages: Delivery) -> frozenset[tuple[str, str, str]]:
        messages = {("message", one.kind, one.provider_id) for page in pages for _, one in page.messages}
        return frozenset(messages | {("echo", one.kind, one.provider_id) for page in pages for _, one in page.echoes})

    alone = found(*(read(item) for item in items))
    for order in permutations(items):
        assert found(read(*order)) == found(read(*order, *order)) == alone
        assert found(*(read(item) for item in (*order, *order))) == alone
    assert len(alone) == 3
