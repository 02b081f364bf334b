"""Telegram: only whoever knows the bot's secret token gets in."""

import pytest

from channels import telegram
from channels.edge.payload import SignatureWrong
from domain.account import AccountInvalid
from tests.channels.posted import an_account, posted

ACCOUNT = an_account("telegram", "110201543", secret_token="new_Token-1", secret_token_previous="old_Token-1")
HEADER = "x-telegram-bot-api-secret-token"


def test_either_secret_token_is_believed_whatever_the_body() -> None:
    raw = '{"update_id": 1, "message": {"text": "😀"}}'.encode()

    telegram.verify(ACCOUNT, posted(raw, {HEADER: "new_Token-1"}))
    telegram.verify(ACCOUNT, posted(raw, {HEADER: "old_Token-1"}))


@pytest.mark.parametrize(
    "headers",
    [{}, {HEADER: ""}, {HEADER: "new_Token-"}, {HEADER: "new_Token-2"}, {HEADER: " new_Token-1"}, {HEADER: "é"}],
)
def test_any_other_token_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureWrong):
        telegram.verify(ACCOUNT, posted(b"{}", headers))


def test_an_empty_previous_token_opens_nothing() -> None:
    account = an_account("telegram", "110201543", secret_token="s", secret_token_previous="")

    with pytest.raises(SignatureWrong):
        telegram.verify(account, posted(b"{}", {HEADER: ""}))


@pytest.mark.parametrize(
    ("address", "settings", "named"),
    [
        ("", {"secret_token": "s"}, "address"),
        ("@shop_bot", {"secret_token": "s"}, "address"),
        ("110201543", {}, r"settings\.secret_token"),
        ("110201543", {"secret_token": "s", "bot_token": "999:AA"}, r"settings\.bot_token"),
    ],
)
def test_an_account_that_cannot_work_is_refused_by_what_is_wrong(
    address: str, settings: dict[str, str], named: str
) -> None:
    with pytest.raises(AccountInvalid, match=named):
        telegram.read_settings(an_account("telegram", address, **settings))
