"""WeChat: every kind of message and event, and what their ids count."""

from datetime import UTC, datetime
from itertools import permutations

import pytest

from channels import wechat
from channels.edge.payload import UnreadablePayload
from domain.intake import InboundMessage
from domain.interaction import Attachment, Content, ContentKind
from domain.outbound.reach import Reach
from tests.channels.wechat.sealed import a_wechat_account, callback

MEDIA = "<MediaId>media-1</MediaId>"


def a_message(kind: str, body: str, *, number: int = 1) -> bytes:
    return (
        f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[oA1]]></FromUserName>"
        f"<CreateTime>1348831860</CreateTime><MsgType><![CDATA[{kind}]]></MsgType>{body}"
        f"{'' if kind == 'event' else f'<MsgId>{1234567890123456 + number}</MsgId>'}</xml>"
    ).encode()


def read(message: bytes) -> list[InboundMessage]:
    return [one for _, one in wechat.parse(a_wechat_account(), callback(message)).messages]


def test_a_text_says_who_when_and_what() -> None:
    delivery = wechat.parse(a_wechat_account(), callback(a_message("text", "<Content>你好 😀</Content>")))

    assert delivery.messages == [
        (
            "gh_1",
            InboundMessage(
                provider_id="1234567890123457",
                handle="oA1",
                content=Content(text="你好 😀"),
                occurred_at=datetime(2012, 9, 28, 11, 31, tzinfo=UTC),
            ),
        )
    ]


@pytest.mark.parametrize(
    ("kind", "body", "content"),
    [
        ("image", f"<PicUrl>http://p</PicUrl>{MEDIA}", (ContentKind.IMAGE, "", "image/jpeg")),
        ("voice", f"{MEDIA}<Format>amr</Format>", (ContentKind.AUDIO, "", "audio/amr")),
        ("voice", f"{MEDIA}<Format>speex</Format>", (ContentKind.AUDIO, "", "audio/speex")),
        ("voice", f"{MEDIA}<Recognition>你好</Recognition>", (ContentKind.AUDIO, "你好", "audio/amr")),
        ("video", f"{MEDIA}<ThumbMediaId>t</ThumbMediaId>", (ContentKind.VIDEO, "", "video/mp4")),
        ("shortvideo", MEDIA, (ContentKind.VIDEO, "", "video/mp4")),
    ],
)
def test_media_come_as_a_reference(kind: str, body: str, content: tuple[ContentKind, str, str]) -> None:
    (message,) = read(a_message(kind, body))

    content_kind, text, content_type = content
    attachments = (Attachment(content_type=content_type, reference="media-1"),)
    assert message.content == Content(kind=content_kind, text=text, attachments=attachments)


@pytest.mark.parametrize(
    ("kind", "body", "content"),
    [
        (
            "location",
            "<Location_X>23.1</Location_X><Location_Y>113.3</Location_Y><Label>Office</Label>",
            Content(kind=ContentKind.LOCATION, text="Office\n23.1, 113.3"),
        ),
        ("link", "<Title>T</Title><Description>D</Description><Url>http://u</Url>", Content(text="T\nD\nhttp://u")),
        (
            "text",
            "<Content>Yes</Content><bizmsgmenuid>101</bizmsgmenuid>",
            Content(kind=ContentKind.CHOICE, text="Yes"),
        ),
        (
            "miniprogrampage",
            "<Title>T</Title>",
            Content(kind=ContentKind.UNSUPPORTED, text="This kind of WeChat message cannot be shown: miniprogrampage"),
        ),
        (
            "image",
            "",
            Content(kind=ContentKind.UNSUPPORTED, text="This kind of WeChat message cannot be shown: image"),
        ),
    ],
)
def test_every_kind_is_shown_or_said_to_be_none(kind: str, body: str, content: Content) -> None:
    (message,) = read(a_message(kind, body))

    assert (message.kind, message.content) == ("message", content)


@pytest.mark.parametrize(
    ("event", "rest", "kind", "said", "referral"),
    [
        ("subscribe", "", ContentKind.SYSTEM, "follows the account now", ""),
        ("subscribe", "<EventKey>qrscene_7</EventKey>", ContentKind.SYSTEM, "follows", "QR code 7"),
        ("unsubscribe", "", ContentKind.SYSTEM, "replies will not reach them", ""),
        ("SCAN", "<EventKey>7</EventKey>", ContentKind.SYSTEM, "scanned a QR code", "QR code 7"),
        ("CLICK", "<EventKey>ORDERS</EventKey>", ContentKind.CHOICE, "ORDERS", ""),
        (
            "scancode_waitmsg",
            "<EventKey>K</EventKey><ScanCodeInfo><ScanResult>978</ScanResult></ScanCodeInfo>",
            ContentKind.CHOICE,
            "K\n978",
            "",
        ),
    ],
)
def test_events_are_told_apart_by_who_when_and_what(
    event: str, rest: str, kind: ContentKind, said: str, referral: str
) -> None:
    (message,) = read(a_message("event", f"<Event>{event}</Event>{rest}"))

    key = rest.partition("<EventKey>")[2].partition("<")[0]
    assert (message.kind, message.provider_id) == ("event", f"oA1:1348831860:{event}:{key}")
    assert (message.content.kind, message.content.referral) == (kind, referral)
    assert message.content.reach is {"subscribe": Reach.OPEN, "unsubscribe": Reach.BLOCKED}.get(event)
    assert said in message.content.text


@pytest.mark.parametrize("event", ["VIEW", "LOCATION", "TEMPLATESENDJOBFINISH", "kf_create_session", "pic_weixin", ""])
def test_events_that_need_no_agent_are_counted_only(event: str) -> None:
    delivery = wechat.parse(a_wechat_account(), callback(a_message("event", f"<Event>{event}</Event>")))

    assert (delivery.messages, delivery.ignored) == ([], [f"event:{event}"])


def test_a_message_without_an_id_is_known_by_its_content() -> None:
    one, other = b"<xml><MsgType>text</MsgType><Content>1</Content></xml>", b"<xml><MsgType>text</MsgType></xml>"

    ids = [message.provider_id for raw in (one, one, other) for message in read(raw)]

    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("raw", [b"", b"<xml/>", b"{}", b"<xml><MsgType/></xml>", b"\xff"])
def test_what_is_no_message_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        read(raw)


def test_repeated_and_shuffled_deliveries_give_the_same_messages() -> None:
    raws = [
        a_message("text", "<Content>1</Content>", number=1),
        a_message("image", MEDIA, number=2),
        a_message("event", "<Event>CLICK</Event><EventKey>A</EventKey>"),
    ]
    alone = {(one.kind, one.provider_id): one for raw in raws for one in read(raw)}

    assert len(alone) == 3
    for order in permutations(raws):
        found = {(one.kind, one.provider_id): one for raw in (*order, *order) for one in read(raw)}
        assert found == alone
