"""Messenger and Instagram: only Meta, or whoever knows the account's secret, gets in."""

import hashlib
import hmac
import json
from types import ModuleType

import pytest

from channels import instagram, messenger
from channels.edge.payload import SignatureWrong
from domain.account import AccountDefinition, AccountInvalid
from tests.channels.posted import an_account, posted

BOTH = pytest.mark.parametrize("medium", [messenger, instagram])


def account(medium: ModuleType, **settings: str) -> AccountDefinition:
    given = {"app_secret": "new", "app_secret_previous": "old", "verify_token": "vt"}
    return an_account(medium.__name__.rpartition(".")[2], "1067", **(given | settings))


def signed(raw: bytes, secret: bytes = b"new") -> dict[str, str]:
    return {"x-hub-signature-256": "sha256=" + hmac.new(secret, raw, hashlib.sha256).hexdigest()}


@BOTH
def test_a_signature_of_either_secret_over_the_raw_body_is_believed(medium: ModuleType) -> None:
    raw = '{"text": "caf\\u00e9 \\ud83d\\ude00", "as sent": "😀"}'.encode()

    medium.verify(account(medium), posted(raw, signed(raw)))
    medium.verify(account(medium), posted(raw, signed(raw, b"old")))


@BOTH
def test_the_signature_is_the_hmac_that_everybody_publishes(medium: ModuleType) -> None:
    # The well-known HMAC-SHA256 example: key "key", message "The quick brown fox jumps over the lazy dog".
    signature = "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
    raw = b"The quick brown fox jumps over the lazy dog"

    medium.verify(account(medium, app_secret="key"), posted(raw, {"x-hub-signature-256": signature}))


@BOTH
def test_the_published_sample_of_a_hub_signature_is_believed(medium: ModuleType) -> None:
    # GitHub documents this one of the header that both took over from PubSubHubbub; Meta publishes none.
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    account_of_sample = account(medium, app_secret="It's a Secret to Everybody")

    medium.verify(account_of_sample, posted(b"Hello, World!", {"x-hub-signature-256": signature}))


@BOTH
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
def test_any_other_signature_is_refused(medium: ModuleType, headers: dict[str, str]) -> None:
    with pytest.raises(SignatureWrong):
        medium.verify(account(medium), posted(b"body", headers))


@BOTH
def test_json_that_was_read_and_written_again_does_not_fit_its_signature(medium: ModuleType) -> None:
    raw = b'{"text":"caf\\u00e9"}'

    with pytest.raises(SignatureWrong):
        medium.verify(account(medium), posted(json.dumps(json.loads(raw), ensure_ascii=False).encode(), signed(raw)))


@BOTH
def test_the_handshake_is_answered_with_the_challenge_and_only_to_who_knows_the_token(medium: ModuleType) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "vt", "hub.challenge": "1158201444"}

    assert medium.answer_handshake(account(medium), posted(query=query)).body == b"1158201444"
    for wrong in ({}, {"hub.verify_token": "é"}, {"hub.mode": "unsubscribe"}):
        with pytest.raises(SignatureWrong):
            medium.answer_handshake(account(medium), posted(query=(query | wrong) if wrong else {}))


@BOTH
@pytest.mark.parametrize("missing", ["app_secret", "verify_token"])
def test_an_account_without_its_secrets_is_refused_by_name(medium: ModuleType, missing: str) -> None:
    with pytest.raises(AccountInvalid, match=f"settings.{missing}"):
        medium.read_settings(account(medium, **{missing: ""}))


@BOTH
def test_an_account_without_its_address_is_refused_by_name(medium: ModuleType) -> None:
    with pytest.raises(AccountInvalid, match="address"):
        medium.read_settings(an_account("messenger", "", app_secret="s", verify_token="v"))


def test_instagram_has_two_flavours_of_app_and_no_third() -> None:
    by_page = instagram.read_settings(account(instagram, page_id="555"))
    by_login = instagram.read_settings(account(instagram, login="instagram"))

    assert (by_page.sender, by_page.access.api_url) == ("555", "https://graph.facebook.com/v25.0")
    assert (by_login.sender, by_login.access.api_url) == ("1067", "https://graph.instagram.com/v25.0")
    with pytest.raises(AccountInvalid, match=r"settings\.login"):
        instagram.read_settings(account(instagram, login="threads"))
