"""Tencent's crypto and XML: the vectors that others publish, and any bytes at all."""

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import wechat, wecom
from channels.edge.payload import Delivery, Posted, SignatureWrong, UnreadablePayload
from channels.edge.tencent import CallbackKeys, read_xml
from domain.account import AccountDefinition
from tests.channels.posted import NOON
from tests.channels.wechat.sealed import a_wechat_account, a_wecom_account, callback, sealed

Parse = Callable[[AccountDefinition, Posted], Delivery]
BOTH = [(wechat.parse, a_wechat_account()), (wecom.parse, a_wecom_account())]
AES_KEY = base64.b64decode("kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR=")


def test_what_another_library_publishes_is_opened_for_its_receiver_only() -> None:
    encrypted = "9s4gMv99m88kKTh/H8IdkNiFGeG9pd7vNWl50fGRWXY="

    assert CallbackKeys(tokens=(), aes_keys=(AES_KEY,), receiver="rust").opened(encrypted) == b"test"
    with pytest.raises(SignatureWrong):
        CallbackKeys(tokens=(), aes_keys=(AES_KEY,), receiver="rest").opened(encrypted)


@pytest.mark.parametrize("length", range(64))
def test_a_message_of_any_length_is_opened(length: int) -> None:
    account = a_wechat_account()

    assert wechat.read_settings(account).keys.opened(sealed(b"x" * length)) == b"x" * length


@pytest.mark.parametrize(
    "raw",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><xml><Content>&b;</Content></xml>',
        b"<!DOCTYPE a><xml><Content>x</Content></xml>",
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1/"><xml/>',
        b"<xml>&lol;</xml>",
        b"<xml>" + b"".join(b"<a%d/>" % i for i in range(500)) + b"</xml>",
        b"<xml>",
        b"",
        b"\xff\xfe",
        b"<?xml version='1.0' encoding='klingon'?><xml",
    ],
)
def test_entities_and_what_is_no_xml_are_refused(raw: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        read_xml(raw)


def test_children_and_theirs_are_read_and_the_first_of_two_counts() -> None:
    raw = "<xml><A><![CDATA[你\x0b好 😀]]></A><A>2</A><B> <C>3</C> </B></xml>".encode()

    assert read_xml(raw) == {"A": "你好 😀", "B": " ", "B.C": "3"}


@pytest.mark.parametrize(("parse", "account"), BOTH)
@given(raw=st.binary())
def test_any_bytes_are_read_or_refused(parse: Parse, account: AccountDefinition, raw: bytes) -> None:
    for delivery in (Posted(raw=raw, received_at=NOON), callback(raw), callback(b"<xml>" + raw + b"</xml>")):
        try:
            parse(account, delivery)
        except UnreadablePayload:
            continue


TAGS = ["MsgType", "Event", "MediaId", "FromUserName", "CreateTime", "MsgId", "Content", "Format", "EventKey", "Token"]


@pytest.mark.parametrize(("parse", "account"), BOTH)
@given(
    kind=st.sampled_from(["text", "image", "voice", "location", "link", "event", "?"]),
    fields=st.dictionaries(st.sampled_from(TAGS), st.text()),
)
def test_any_fields_are_read_or_refused(
    parse: Parse, account: AccountDefinition, kind: str, fields: dict[str, str]
) -> None:
    texts = "".join(f"<{name}><![CDATA[{text}]]></{name}>" for name, text in fields.items())
    try:
        delivery = parse(account, callback(f"<xml><MsgType>{kind}</MsgType>{texts}</xml>".encode("utf-8", "replace")))
    except UnreadablePayload:
        return

    assert len(delivery.messages) + len(delivery.ignored) == 1
