"""LINE: only LINE, or whoever knows the channel's secret, gets in."""

import base64
import hashlib
import hmac
import json

import pytest

from channels import line
from channels.edge.payload import SignatureWrong
from domain.account import AccountInvalid
from tests.channels.posted import an_account, posted

ACCOUNT = an_account("line", "U123", channel_secret="new", channel_secret_previous="old")


def signed(raw: bytes, secret: bytes = b"new") -> dict[str, str]:
    return {"x-line-signature": base64.b64encode(hmac.new(secret, raw, hashlib.sha256).digest()).decode()}


def test_a_signature_of_either_secret_over_the_raw_body_is_believed() -> None:
    raw = '{"destination": "U123", "events": [], "as sent": "\\u00e9 😀"}'.encode()

    line.verify(ACCOUNT, posted(raw, signed(raw)))
    line.verify(ACCOUNT, posted(raw, signed(raw, b"old")))


def test_the_signature_is_the_one_that_lines_own_sdk_is_tested_with() -> None:
    account = an_account("line", "U123", channel_secret="channel_secret")
    signature = "/gg9a+LvFevTH1sd7XCQycD7tsWclCsInj7MhBHxN7k="

    line.verify(account, posted(b"bodybodybodybody", {"x-line-signature": signature}))


def test_the_signature_is_the_hmac_that_everybody_publishes() -> None:
    # The well-known HMAC-SHA256 example, in base64: key "key", message "The quick brown fox jumps over the lazy dog".
    account = an_account("line", "U123", channel_secret="key")
    raw = b"The quick brown fox jumps over the lazy dog"

    line.verify(account, posted(raw, {"x-line-signature": "97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg="}))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-line-signature": ""},
        {"x-line-signature": signed(b"body")["x-line-signature"][:-2]},
        {"x-line-signature": "sha256=" + signed(b"body")["x-line-signature"]},
        {"x-line-signature": hmac.new(b"new", b"body", hashlib.sha256).hexdigest()},
        {"x-line-signature": "é" * 44},
        signed(b"body", b"wrong"),
        signed(b"bodz"),
        signed(b"body", b""),
    ],
)
def test_any_other_signature_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureWrong):
        line.verify(ACCOUNT, posted(b"body", headers))


def test_json_that_was_read_and_written_again_does_not_fit_its_signature() -> None:
    raw = b'{"events":[],"text":"caf\\u00e9"}'

    with pytest.raises(SignatureWrong):
        line.verify(ACCOUNT, posted(json.dumps(json.loads(raw), ensure_ascii=False).encode(), signed(raw)))


@pytest.mark.parametrize(
    ("address", "settings", "named"),
    [("", {"channel_secret": "s"}, "address"), ("U123", {}, r"settings\.channel_secret")],
)
def test_an_account_that_cannot_work_is_refused_by_what_is_wrong(
    address: str, settings: dict[str, str], named: str
) -> None:
    with pytest.raises(AccountInvalid, match=named):
        line.read_settings(an_account("line", address, **settings))
