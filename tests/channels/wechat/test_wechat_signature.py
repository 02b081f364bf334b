"""WeChat: only Tencent, or whoever knows the account's token and key, gets in."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from channels import wechat
from channels.edge.payload import Posted, SignatureWrong
from domain.account import AccountDefinition, AccountInvalid
from tests.channels.posted import NOON, posted
from tests.channels.wechat.sealed import AES_KEY, a_wechat_account, callback, signature, signed_query

OTHER_KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
TEXT = "<xml><MsgType>text</MsgType><Content>你好 😀</Content><MsgId>1</MsgId></xml>".encode()
ENCRYPTED_SAMPLE = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3"
    "TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gs"
    "ijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUa"
    "x5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIG"
    "HBZZIs2pDBS8R07+qN+E7Q=="
)


def test_the_sample_that_tencent_publishes_is_believed_and_opened() -> None:
    raw = f"<xml><ToUserName>wx5823bf96d3bd56c7</ToUserName><Encrypt>{ENCRYPTED_SAMPLE}</Encrypt></xml>".encode()
    query = {"timestamp": "1409659813", "nonce": "1372623149"}
    query["msg_signature"] = "477715d11cdb4164915debcba66cb864d751f3e6"
    sample = Posted(raw=raw, received_at=datetime.fromtimestamp(1_409_659_813, UTC), query=query)

    wechat.verify(a_wechat_account(), sample)
    ((_, message),) = wechat.parse(a_wechat_account(), sample).messages

    assert (message.content.text, message.handle) == ("hello", "mycreate")
    assert message.provider_id == "4561255354251345929"


@pytest.mark.parametrize(
    "delivery",
    [
        callback(TEXT),
        callback(TEXT, token="old"),
        callback(TEXT, aes_key=OTHER_KEY),
        callback(TEXT, at=NOON - timedelta(minutes=4)),
    ],
)
def test_either_of_two_tokens_and_keys_is_believed(delivery: Posted) -> None:
    account = a_wechat_account(token_previous="old", encoding_aes_key_previous=OTHER_KEY)

    wechat.verify(account, delivery)
    ((_, message),) = wechat.parse(account, delivery).messages

    assert message.content.text == "你好 😀"


def test_what_was_believed_when_it_came_is_read_after_its_token_was_rolled() -> None:
    ((_, message),) = wechat.parse(a_wechat_account(token="new"), callback(TEXT)).messages

    assert message.content.text == "你好 😀"


def flipped(delivery: Posted) -> Posted:
    return replace(delivery, raw=delivery.raw.replace(b"[CDATA[", b"[CDATA[A"))


def with_query(delivery: Posted, **changes: str) -> Posted:
    return replace(delivery, query={**delivery.query, **changes})


def signed_anyway(encrypted: str) -> Posted:
    return posted(f"<xml><Encrypt>{encrypted}</Encrypt></xml>".encode(), query=signed_query(encrypted))


@pytest.mark.parametrize(
    "delivery",
    [
        callback(TEXT, token="wrong"),
        callback(TEXT, aes_key=OTHER_KEY),
        callback(TEXT, receiver="wx0000000000000000"),
        callback(TEXT, receiver=""),
        callback(TEXT, at=NOON - timedelta(minutes=6)),
        callback(TEXT, at=NOON + timedelta(minutes=6)),
        flipped(callback(TEXT)),
        with_query(callback(TEXT), msg_signature=""),
        with_query(callback(TEXT), msg_signature="é" * 40),
        with_query(callback(TEXT), nonce="1"),
        with_query(callback(TEXT), timestamp=""),
        with_query(callback(TEXT), timestamp="9" * 400),
        replace(callback(TEXT), query={}),
        signed_anyway("AAAA"),
        signed_anyway("not base64!"),
        signed_anyway(base64.b64encode(b"x" * 32).decode()),
    ],
)
def test_what_is_forged_damaged_or_old_is_refused(delivery: Posted) -> None:
    with pytest.raises(SignatureWrong):
        wechat.verify(a_wechat_account(), delivery)


def test_plain_mode_is_refused_and_says_what_to_do() -> None:
    query = {"signature": signature("QDG6eK", "1795262400", "1"), "timestamp": "1795262400", "nonce": "1"}
    plain = replace(posted(TEXT, query=query), received_at=datetime.fromtimestamp(1_795_262_400, UTC))

    with pytest.raises(SignatureWrong, match="choose safe mode"):
        wechat.verify(a_wechat_account(), plain)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"<xml>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><xml><Encrypt>&a;</Encrypt></xml>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><xml><Encrypt>a</Encrypt></xml>',
    ],
)
def test_what_is_no_encrypted_xml_is_refused(raw: bytes) -> None:
    with pytest.raises(SignatureWrong):
        wechat.verify(a_wechat_account(), posted(raw, query=signed_query("")))


def test_the_handshake_is_answered_with_what_came() -> None:
    timestamp = str(int(NOON.timestamp()))
    query = {"signature": signature("QDG6eK", timestamp, "7"), "timestamp": timestamp, "nonce": "7", "echostr": "58370"}

    assert wechat.answer_handshake(a_wechat_account(), posted(query=query)).body == b"58370"

    for change in ({"signature": "0" * 40}, {"nonce": "8"}, {"timestamp": "1"}):
        with pytest.raises(SignatureWrong):
            wechat.answer_handshake(a_wechat_account(), posted(query=query | change))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"token": ""}, "settings.token"),
        ({"encoding_aes_key": ""}, "settings.encoding_aes_key"),
        ({"encoding_aes_key": AES_KEY[:-1]}, "settings.encoding_aes_key"),
        ({"encoding_aes_key": "é" * 43}, "settings.encoding_aes_key"),
        ({"encoding_aes_key_previous": "short"}, "settings.encoding_aes_key_previous"),
        ({"app_id": ""}, "settings.app_id"),
    ],
)
def test_an_account_that_cannot_work_names_the_setting(settings: dict[str, str], named: str) -> None:
    with pytest.raises(AccountInvalid, match=named):
        wechat.read_settings(a_wechat_account(**settings))


def test_an_account_without_an_address_is_refused() -> None:
    account: AccountDefinition = replace(a_wechat_account(), address="")

    with pytest.raises(AccountInvalid, match="address"):
        wechat.read_settings(account)
