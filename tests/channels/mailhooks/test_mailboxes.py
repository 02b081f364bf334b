"""Whose mailbox an address is, and how an account says where its mail comes from."""

import pytest

from channels.mail.arriving.mailboxes import (
    Fit,
    bounce_address,
    fit_of,
    message_id_of_token,
    recipients_in,
    without_plus_part,
)
from channels.mail.arriving.settings import ImapAccount
from channels.mail.threads import reply_address
from domain.account import AccountInvalid
from tests.channels.mailhooks.situations import KEY, an_account

CONVERSATION = "conversation-0193a7c2b3c4d5e6f708192a3b4c5d6e"
MESSAGE = "message-0193a7c2b3c4d5e6f708192a3b4c5d6f"
BOUNCES = bounce_address(MESSAGE, domain="shop.example", key=KEY.encode())
IMAP = {"imap_host": "imap.shop.example", "imap_user": "help", "imap_password": "secret"}


@pytest.mark.parametrize(
    ("address", "fit"),
    [
        ("help@shop.example", Fit.ADDRESS),
        (" HELP+orders@Shop.Example ", Fit.ADDRESS),
        ("sales@shop.example", Fit.ALIAS),
        ("sales+x@shop.example", Fit.ALIAS),
        ("bounce@shop.example", Fit.ALIAS),
        (BOUNCES, Fit.TOKEN),
        (reply_address(CONVERSATION, domain="shop.example", key=KEY.encode()), Fit.TOKEN),
        (reply_address(CONVERSATION, domain="elsewhere.example", key=KEY.encode()), Fit.TOKEN),
        (reply_address(CONVERSATION, domain="shop.example", key=b"another key"), Fit.NONE),
        ("anything@catch.example", Fit.DOMAIN),
        ("helped@shop.example", Fit.NONE),
        ("help@shop.example.org", Fit.NONE),
        ("help", Fit.NONE),
        ("", Fit.NONE),
    ],
)
def test_an_address_fits_a_mailbox_by_its_best_reason(address: str, fit: Fit) -> None:
    names = {"aliases": "sales@shop.example, *@catch.example,", "bounce_address": "bounce@shop.example"}

    assert fit_of(an_account(**names), address) is fit


def test_an_account_without_aliases_takes_nothing_else() -> None:
    assert fit_of(an_account(), "@") is Fit.NONE
    assert fit_of(an_account(), "") is Fit.NONE


def test_a_plus_part_is_left_out_and_nothing_else_is() -> None:
    assert without_plus_part("Support+a+b@Shop.example") == "support@shop.example"
    assert without_plus_part("support@shop.example") == "support@shop.example"


def test_a_bounce_address_leads_back_to_its_message_and_nobody_else_can_make_one() -> None:
    assert len(BOUNCES.partition("@")[0]) <= 64
    assert message_id_of_token(["x@y.example", BOUNCES.upper()], [b"new", KEY.encode()]) == MESSAGE
    assert message_id_of_token([BOUNCES], [b"new"]) == ""
    assert message_id_of_token([BOUNCES.replace("5d6f", "5d6e")], [KEY.encode()]) == ""
    assert message_id_of_token(["bounce@shop.example"], [KEY.encode()]) == ""


def test_headers_of_mail_servers_say_whom_a_mail_is_for_before_the_senders_do() -> None:
    raw = b"To: Shop <help@shop.example>\r\nCc: a@b.example\r\nDelivered-To: sales@shop.example\r\n\r\nTo: no@x.example"

    assert recipients_in(raw) == ["sales@shop.example", "help@shop.example", "a@b.example"]
    assert recipients_in(b"") == []


def test_an_imap_mailbox_is_encrypted_by_default_and_takes_two_passwords() -> None:
    account = ImapAccount.read(IMAP | {"imap_password_previous": "old", "imap_folders": "INBOX, Support/New"})

    assert account == ImapAccount(
        host="imap.shop.example",
        port=993,
        user="help",
        passwords=("secret", "old"),
        security="tls",
        folders=("INBOX", "Support/New"),
    )
    assert ImapAccount.read({}) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("imap_port", "0"),
        ("imap_port", "mail"),
        ("imap_security", "ssl"),
        ("imap_user", ""),
        ("imap_password", ""),
        ("imap_folders", ","),
        ("imap_poll_seconds", "1681"),
        ("imap_poll_seconds", "nan"),
        ("imap_timeout_seconds", "0.01"),
        ("imap_old_mail", "yes"),
    ],
)
def test_an_imap_mailbox_that_could_not_work_is_refused_with_its_setting(name: str, value: str) -> None:
    with pytest.raises(AccountInvalid, match=name):
        ImapAccount.read(IMAP | {name: value})
