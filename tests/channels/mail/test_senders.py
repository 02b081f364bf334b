"""Who a mail is taken to be from, and where answers go: by `From`, or by whom a form's `Reply-To` names."""

from datetime import UTC, datetime

import pytest

from channels.email import parse
from channels.mail.trust import Dmarc
from domain.intake import InboundMessage

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PROVEN = """Authentication-Results: mx.shop.example; dmarc=pass header.from=d.example
Received: from mail.d.example (203.0.113.9) by mx.shop.example"""


def read(*lines: str) -> InboundMessage:
    """Our mailbox is help@shop.example."""
    raw = "\n".join([*lines, "Message-ID: <1@x>", "", "Hello"]).encode()
    own = ["help@shop.example"]
    return parse(raw, received_at=NOON, own_addresses=own, authserv_id="mx.shop.example").message


@pytest.mark.parametrize(
    "sender",
    [
        "noreply@forms.example",
        "NoReply@example.org",
        "Forms <no-reply@example.org>",
        "do_not_reply@example.org",
        "shop-noreply@example.org",
        "donotreply+7@example.org",
        "nicht-antworten@example.org",
        "help@shop.example",
        "wordpress@shop.example",
    ],
)
def test_the_mail_of_a_form_is_of_whoever_filled_it_in(sender: str) -> None:
    message = read(f"From: {sender}", "Reply-To: Carla <Carla@example.org>")

    assert (message.handle, message.author, message.reply_to) == ("carla@example.org", "Carla", "")
    assert message.claimed == sender.rpartition("<")[2].rstrip(">")


def test_answers_go_where_a_proven_sender_wants_them_within_the_same_domain() -> None:
    proven = read(PROVEN, "From: ana@d.example", "Reply-To: Ana's office <office@d.example>")
    unproven = read("From: ana@d.example", "Reply-To: office@d.example")

    assert (proven.handle, proven.reply_to, proven.claimed) == ("ana@d.example", "office@d.example", "")
    assert (unproven.handle, unproven.reply_to, unproven.claimed) == ("office@d.example", "", "ana@d.example")


def test_answers_about_a_customer_never_go_to_a_stranger_whom_the_mail_names() -> None:
    message = read(PROVEN, "From: ana@d.example", "Reply-To: ana@elsewhere.example")

    assert (message.handle, message.reply_to, message.claimed) == ("ana@elsewhere.example", "", "ana@d.example")


def test_what_was_found_about_the_claimed_domain_proves_nothing_about_another_sender() -> None:
    raw = f"{PROVEN}\nFrom: ana@d.example\nReply-To: eve@elsewhere.example\n\nHi".encode()

    assert parse(raw, received_at=NOON, authserv_id="mx.shop.example").dmarc is Dmarc.NONE


@pytest.mark.parametrize(
    "lines",
    [
        ("Reply-To: ana@EXAMPLE.org",),
        ("Reply-To: <>",),
        ("Reply-To: carla@example.net, otto@example.net",),
        ("Reply-To: Shop <help@shop.example>",),
        ("Reply-To: reply+1@shop.example",),
        ("Reply-To: noreply@example.net",),
        ("Reply-To: list@lists.example", "List-Id: <list.lists.example>"),
        ("Reply-To: list@lists.example", "Precedence: list"),
    ],
)
def test_a_reply_address_that_names_no_one_person_is_not_followed(lines: tuple[str, ...]) -> None:
    message = read("From: Ana <ana@example.org>", *lines)

    assert (message.handle, message.author, message.reply_to, message.claimed) == ("ana@example.org", "Ana", "", "")


def test_a_mail_server_is_not_taken_for_whom_its_report_names() -> None:
    message = read("From: Mail Delivery System <MAILER-DAEMON@mx.example>", "Reply-To: ana@example.org")

    assert (message.handle, message.claimed) == ("mailer-daemon@mx.example", "")
