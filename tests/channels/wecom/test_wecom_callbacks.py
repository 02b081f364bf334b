"""WeCom's callbacks: proven like WeChat's, always sealed, and nothing but a nudge."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from channels import wecom
from channels.edge.payload import Delivery, Posted, SignatureWrong, UnreadablePayload
from domain.account import AccountInvalid
from tests.channels.posted import NOON, posted
from tests.channels.wechat.sealed import a_wecom_account, callback

NUDGE = (
    b"<xml><ToUserName><![CDATA[ww1]]></ToUserName><CreateTime>1348831860</CreateTime><MsgType>event</MsgType>"
    b"<Event>kf_msg_or_event</Event><Token>ENCApHxnGDNAVNY4AaSJKj4T</Token><OpenKfId>wkxx</OpenKfId></xml>"
)


def test_the_handshake_that_tencent_publishes_is_answered_with_what_was_sealed() -> None:
    query = {
        "msg_signature": "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
        "timestamp": "1409659589",
        "nonce": "263014780",
        "echostr": "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
    }
    asked = Posted(raw=b"", received_at=datetime.fromtimestamp(1_409_659_589, UTC), query=query)

    assert wecom.answer_handshake(a_wecom_account(), asked).body == b"1616140317555161061"

    for wrong in ({"nonce": "1"}, {"msg_signature": ""}, {"echostr": ""}, {"timestamp": "1409659999"}):
        with pytest.raises(SignatureWrong):
            wecom.answer_handshake(a_wecom_account(), replace(asked, query=query | wrong))


def test_the_handshake_of_another_published_sample_is_answered_too() -> None:
    query = {
        "msg_signature": "dd6b9c95b495b3f7e2901bfbc76c664930ffdb96",
        "timestamp": "1411443780",
        "nonce": "437374425",
        "echostr": "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q==",
    }
    asked = Posted(raw=b"", received_at=datetime.fromtimestamp(1_411_443_780, UTC), query=query)
    account = a_wecom_account(
        token="123456", encoding_aes_key="kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", corp_id="wx49f0ab532d5d035a"
    )

    assert wecom.answer_handshake(account, asked).body.isdigit()


def test_a_callback_is_a_nudge_and_holds_nothing_else() -> None:
    delivery = callback(NUDGE)

    wecom.verify(a_wecom_account(), delivery)

    assert wecom.parse(a_wecom_account(), delivery) == Delivery(ignored=["nudge"])
    nudge = wecom.nudge_in(a_wecom_account(), delivery)
    assert nudge == wecom.Nudge(open_kfid="wkxx", token="ENCApHxnGDNAVNY4AaSJKj4T")


def test_news_of_another_kind_are_no_nudge() -> None:
    delivery = callback(NUDGE.replace(b"kf_msg_or_event", b"change_contact"))

    assert wecom.parse(a_wecom_account(), delivery) == Delivery(ignored=["event:change_contact"])
    assert wecom.nudge_in(a_wecom_account(), delivery) is None


@pytest.mark.parametrize(
    "delivery",
    [
        callback(NUDGE, token="wrong"),
        callback(NUDGE, receiver="ww0"),
        callback(NUDGE, at=NOON - timedelta(minutes=6)),
        posted(NUDGE),
        posted(b'{"msg_list": []}'),
    ],
)
def test_what_is_forged_old_or_not_sealed_is_refused(delivery: Posted) -> None:
    with pytest.raises(SignatureWrong):
        wecom.verify(a_wecom_account(), delivery)


def test_a_callback_that_cannot_be_opened_is_refused() -> None:
    with pytest.raises(UnreadablePayload, match="Encrypt"):
        wecom.parse(a_wecom_account(), posted(b"<xml/>"))


@pytest.mark.parametrize("missing", ["token", "encoding_aes_key", "corp_id", "secret"])
def test_an_account_that_cannot_work_names_the_setting(missing: str) -> None:
    with pytest.raises(AccountInvalid, match=f"settings.{missing}"):
        wecom.read_settings(a_wecom_account(**{missing: ""}))


def test_an_account_without_an_address_is_refused() -> None:
    with pytest.raises(AccountInvalid, match="address"):
        wecom.read_settings(replace(a_wecom_account(), address=""))
