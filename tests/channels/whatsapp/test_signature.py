"""WhatsApp: only Meta, or whoever knows the account's secret, gets in."""

import hashlib
import hmac
import json

import pytest

from channels import whatsapp
from channels.edge.payload import SignatureWrong
from domain.account import AccountDefinition, AccountInvalid
from tests.channels.posted import posted

ACCOUNT = AccountDefinition(
    channel="whatsapp",
    name="Shop",
    queue_id="queue-1",
    address="1122334455667",
    settings={"app_secret": "new", "app_secret_previous": "old", "verify_token": "vt"},
)


def signed(raw: bytes, secret: bytes = b"new") -> dict[str, str]:
    return {"x-hub-signature-256": "sha256=" + hmac.new(secret, raw, hashlib.sha256).hexdigest()}


def test_a_signature_of_either_secret_over_the_raw_body_is_believed() -> None:
    raw = '{"text": "caf\\u00e9 \\ud83d\\ude00", "as sent": "😀"}'.encode()

    whatsapp.verify(ACCOUNT, posted(raw, signed(raw)))
    whatsapp.verify(ACCOUNT, posted(raw, signed(raw, b"old")))


def test_the_signature_is_the_hmac_that_everybody_publishes() -> None:
    # The well-known HMAC-SHA256 example: key "key", message "The quick brown fox jumps over the lazy dog".
    account = AccountDefinition(
        channel="whatsapp", name="S", queue_id="q", address="1", settings={"app_secret": "key", "verify_token": "v"}
    )
    signature = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"

    whatsapp.verify(
        account,
        posted(b"The quick brown fox jumps over the lazy dog", {"x-hub-signature-256": f"sha256={signature}"}),
    )


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-hub-signature-256": ""},
        {"x-hub-signature-256": "sha256="},
        {"x-hub-signature-256": "sha256=abc"},
        {"x-hub-signature-256": "sha1=" + "0" * 64},
        {"x-hub-signature-256": "sha256=" + "é" * 64},
        {"x-hub-signature-256": signed(b"body")["x-hub-signature-256"][7:]},
        signed(b"body", b"wrong"),
        signed(b"bodz"),
        signed(b"body", b""),
    ],
)
def test_any_other_signature_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureWrong):
        whatsapp.verify(ACCOUNT, posted(b"body", headers))


def test_json_that_was_read_and_written_again_does_not_fit_its_signature() -> None:
    raw = b'{"text":"caf\\u00e9"}'

    with pytest.raises(SignatureWrong):
        whatsapp.verify(ACCOUNT, posted(json.dumps(json.loads(raw), ensure_ascii=False).encode(), signed(raw)))


def test_the_handshake_is_answered_with_the_challenge() -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "vt", "hub.challenge": "1158201444"}

    assert whatsapp.answer_handshake(ACCOUNT, posted(query=query)).body == b"1158201444"


@pytest.mark.parametrize("query", [{}, {"hub.mode": "subscribe", "hub.verify_token": "é"}, {"hub.verify_token": "vt"}])
def test_a_handshake_with_another_token_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(SignatureWrong):
        whatsapp.answer_handshake(ACCOUNT, posted(query=query))


@pytest.mark.parametrize("missing", ["app_secret", "verify_token"])
def test_an_account_without_its_secrets_is_refused(missing: str) -> None:
    settings = {name: value for name, value in ACCOUNT.settings.items() if name != missing}

    with pytest.raises(AccountInvalid, match=missing):
        whatsapp.read_settings(
            AccountDefinition(channel="whatsapp", name="S", queue_id="q", address="1", settings=settings)
        )
