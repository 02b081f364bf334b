"""X: only X, or whoever knows the app's secret, gets in."""

import base64
import hmac
import json

import pytest
from msgspec.structs import replace

from channels import x
from channels.edge.payload import SignatureWrong
from domain.account import AccountDefinition, AccountInvalid
from tests.channels.posted import posted
from tests.channels.x.situations import a_message, account_activity, an_x_account

SECRET = "new"
RAW = account_activity(a_message("Grüße 😀"))


def signed(raw: bytes, secret: str = SECRET) -> dict[str, str]:
    signature = base64.b64encode(hmac.digest(secret.encode(), raw, "sha256")).decode()
    return {"x-twitter-webhooks-signature": f"sha256={signature}"}


def test_a_signature_of_either_secret_over_the_raw_body_is_believed() -> None:
    for raw in (RAW, json.dumps({"text": "as sent: 😀"}, ensure_ascii=False).encode()):
        x.verify(an_x_account(), posted(raw, signed(raw)))
        x.verify(an_x_account(), posted(raw, signed(raw, "old")))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-twitter-webhooks-signature": ""},
        {"x-twitter-webhooks-signature": "sha256="},
        {"x-twitter-webhooks-signature": signed(RAW)["x-twitter-webhooks-signature"][7:]},
        {"x-twitter-webhooks-signature": "é" * 51},
        signed(RAW, "wrong"),
        signed(RAW, ""),
        signed(RAW + b" "),
        signed(json.dumps(json.loads(RAW), ensure_ascii=False).encode()),
    ],
)
def test_any_other_signature_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureWrong):
        x.verify(an_x_account(), posted(RAW, headers))


def test_the_challenge_is_answered_with_the_hmac_that_everybody_publishes() -> None:
    # The well-known HMAC-SHA256 example: key "key", message "The quick brown fox jumps over the lazy dog".
    token = "The quick brown fox jumps over the lazy dog"
    digest = bytes.fromhex("f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8")

    answer = x.answer_handshake(an_x_account(consumer_secret="key"), posted(query={"crc_token": token}))

    assert json.loads(answer.body) == {"response_token": f"sha256={base64.b64encode(digest).decode()}"}
    assert (answer.status, answer.media_type) == (200, "application/json")


def test_a_challenge_without_a_token_is_refused() -> None:
    with pytest.raises(SignatureWrong):
        x.answer_handshake(an_x_account(), posted())


@pytest.mark.parametrize(
    ("account", "named"),
    [
        (an_x_account(consumer_secret=""), "settings.consumer_secret"),
        (replace(an_x_account(), address="@shop"), "address"),
        (an_x_account(consumer_key="k", access_token="t"), "settings.access_token_secret"),
        (an_x_account(access_token_secret="s"), "settings.consumer_key"),
    ],
)
def test_an_account_that_cannot_work_names_the_setting(account: AccountDefinition, named: str) -> None:
    with pytest.raises(AccountInvalid, match=named):
        x.read_settings(account)
