"""SMS: only Twilio, or whoever knows the account's token, gets in."""

import base64
import hashlib
import hmac
from urllib.parse import quote, urlencode

import pytest
from msgspec.structs import replace

from channels import sms
from channels.edge.payload import Posted, SignatureWrong
from domain.account import AccountDefinition, AccountInvalid
from tests.channels.posted import an_account, posted

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"
TOKEN = "12345"
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def a_number(**settings: str) -> AccountDefinition:
    return an_account("sms", "+18005551212", **({"account_sid": "AC1", "auth_token": "12345"} | settings))


def signed(fields: list[tuple[str, str]], *, url: str = URL, signed_url: str = "", token: str = TOKEN) -> Posted:
    """A form as Twilio signs it; `signed_url` where that is not the URL that it called."""
    text = (signed_url or url) + "".join(name + value for name, value in sorted(set(fields)))
    signature = base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()
    return posted(urlencode(fields).encode(), {"x-twilio-signature": signature}, url=url)


def test_the_example_that_twilio_documents_is_believed() -> None:
    sms.verify(a_number(), posted(FORM, {"x-twilio-signature": SIGNATURE}, url=URL))


def test_fields_that_come_twice_are_signed_as_in_twilios_own_tests() -> None:
    raw = b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234"

    sms.verify(a_number(), posted(raw, {"x-twilio-signature": "IK+Dwps556ElfBT0I3Rgjkr1wJU="}, url=URL))


TEXT = [("Body", "Grüße 😀 你好"), ("AccountSid", "AC1"), ("MessageSid", "SM1"), ("From", "+1"), ("NewField", "")]


@pytest.mark.parametrize(
    "delivery",
    [
        signed(TEXT),
        signed(TEXT, token="old"),
        signed(TEXT, url="https://a.example/x", signed_url="https://a.example:443/x"),
        signed(TEXT, url="https://a.example:8443/x", signed_url="https://a.example/x"),
        signed(TEXT, url="http://a.example/x", signed_url="http://a.example:80/x"),
        signed([]),
    ],
)
def test_either_token_over_all_fields_and_the_url_with_or_without_port_is_believed(delivery: Posted) -> None:
    sms.verify(a_number(auth_token_previous="old"), delivery)


@pytest.mark.parametrize(
    "delivery",
    [
        signed(TEXT, token="wrong"),
        signed(TEXT, token=""),
        signed([*TEXT, ("AccountSid", "AC2")]),
        signed(TEXT, signed_url=URL + "&x=1"),
        replace(signed(TEXT), raw=signed(TEXT).raw.replace(b"SM1", b"SM2")),
        replace(signed(TEXT), raw=signed(TEXT).raw + b"&More=1"),
        replace(signed(TEXT), headers={}),
        replace(signed(TEXT), headers={"x-twilio-signature": "é"}),
        replace(signed(TEXT), url=""),
        replace(signed(TEXT), url="https://[broken"),
        replace(signed(TEXT), raw=b"a=1&" * 2_000),
    ],
)
def test_any_other_signature_is_refused(delivery: Posted) -> None:
    with pytest.raises(SignatureWrong):
        sms.verify(a_number(), delivery)


def test_each_account_has_a_token_of_its_own() -> None:
    sub = a_number(account_sid="AC2", auth_token="of the subaccount")
    delivery = signed([("AccountSid", "AC2"), ("MessageSid", "SM1")], token="of the subaccount")

    sms.verify(sub, delivery)

    with pytest.raises(SignatureWrong):
        sms.verify(a_number(), delivery)


BODY = b'{"property": "value", "boolean": true}'
BODY_HASH = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"


def a_json_delivery(body: bytes = BODY, digest: str = BODY_HASH) -> Posted:
    url = f"{URL}&bodySHA256={quote(digest)}"
    signature = base64.b64encode(hmac.digest(b"12345", url.encode(), "sha1")).decode()
    return posted(body, {"x-twilio-signature": signature}, {"bodySHA256": digest}, url=url)


def test_of_a_json_body_the_hash_in_the_signed_url_is_compared() -> None:
    assert hashlib.sha256(BODY).hexdigest() == BODY_HASH

    sms.verify(a_number(), a_json_delivery())

    for wrong in (a_json_delivery(body=BODY + b" "), a_json_delivery(digest="0" * 64), a_json_delivery(digest="é")):
        with pytest.raises(SignatureWrong):
            sms.verify(a_number(), wrong)


@pytest.mark.parametrize(
    ("account", "named"),
    [
        (a_number(account_sid=""), "settings.account_sid"),
        (a_number(auth_token=""), "settings.auth_token"),
        (replace(a_number(), address=""), "address"),
        (replace(a_number(), address="+49 157 35980000"), "'\\+4915735980000'"),
        (replace(a_number(), default_region="XX"), "default_region"),
    ],
)
def test_an_account_that_cannot_work_names_the_setting(account: AccountDefinition, named: str) -> None:
    with pytest.raises(AccountInvalid, match=named):
        sms.read_settings(account)
