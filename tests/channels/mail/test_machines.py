"""Mail that machines wrote: bounces lead to the reply that failed, and a person's mail is never one of them."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email import Mail, parse
from channels.mail.automatic import Nature
from channels.mail.bounces import Severity
from channels.mail.threads import bounce_address, message_id_of_token
from domain.intake import DeliveryReport
from domain.outbound.delivery import DeliveryStatus
from tests.channels.mail.bounce_samples import (
    BOUNCES,
    KEY,
    MESSAGE,
    OTHERS,
    OURS,
    a_text,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def read(raw: bytes, recipient: str = "help@shop.example") -> Mail:
    return parse(raw, received_at=NOON, token_keys=[KEY], envelope_recipient=recipient)


def test_how_many_reports_of_mail_servers_are_read(tell: Callable[[str], None]) -> None:
    mails = {name: read(raw) for name, (raw, _, _) in BOUNCES.items()}

    known = [name for name, mail in mails.items() if mail.nature is Nature.BOUNCE]
    right = [name for name, mail in mails.items() if mail.bounce and mail.bounce.severity.value == BOUNCES[name][1]]
    tell(f"Bounces known: {len(known)} of {len(mails)}; hard, soft or delayed right: {len(right)}")
    assert known == right == list(BOUNCES)


@pytest.mark.parametrize("name", BOUNCES)
def test_a_bounce_says_what_failed_for_whom_and_which_reply_it_was(name: str) -> None:
    raw, severity, status = BOUNCES[name]

    mail = read(raw)

    assert mail.bounce is not None
    worst = next(one for one in mail.bounce.failures if one.severity is mail.bounce.severity)
    assert (worst.severity, worst.status, worst.recipient) == (severity, status, "bo@example.org")
    assert (mail.bounce.provider_id, mail.bounce.message_id) == (OURS, MESSAGE)
    assert mail.is_automatic
    assert mail.message.content.text or mail.message.content.attachments


@pytest.mark.parametrize("name", OTHERS)
def test_what_only_looks_like_a_bounce_is_none(name: str) -> None:
    raw, nature = OTHERS[name]

    mail = read(raw)

    assert (mail.nature, mail.bounce) == (nature, None)
    assert mail.is_automatic is (mail.nature is not Nature.PERSON)


def test_a_failed_reply_becomes_a_report_and_a_delay_does_not() -> None:
    failed, delayed = read(BOUNCES["postfix"][0]).bounce, read(BOUNCES["postfix delayed"][0]).bounce
    assert failed is not None
    assert delayed is not None

    assert delayed.report(NOON) is None
    assert failed.report(NOON) == DeliveryReport(
        status=DeliveryStatus.FAILED,
        occurred_at=NOON,
        provider_id=OURS,
        handle="bo@example.org",
        reason="5.1.1 550 5.1.1 <bo@example.org>: Recipient address rejected: User unknown",
        callback=MESSAGE,
    )


def test_a_bounce_address_tells_the_reply_where_nothing_was_returned() -> None:
    address = bounce_address(MESSAGE, domain="shop.example", key=KEY)
    raw = a_text("somebody@mx.example.org", "Delivery failure", "Your mail could not be delivered.", head="")

    bounce = read(raw, recipient=address).bounce

    assert bounce is not None
    assert (bounce.provider_id, bounce.message_id, bounce.severity) == ("", MESSAGE, Severity.HARD)
    assert len(address.partition("@")[0]) <= 64
    assert message_id_of_token([address.replace("0193", "0194")], [KEY]) == ""


def test_a_bounce_about_somebody_elses_mail_concerns_no_reply_of_ours() -> None:
    raw = BOUNCES["postfix"][0].replace(OURS.encode(), b"<other@example.org>")

    bounce = read(raw).bounce

    assert bounce is not None
    assert (bounce.provider_id, bounce.returned_id, bounce.report(NOON)) == ("", "<other@example.org>", None)


def test_our_own_mail_coming_back_is_told_from_a_customers() -> None:
    mail = parse(
        a_text("Shop <help@shop.example>", "Hi", "Hello", head=""),
        received_at=NOON,
        own_addresses=["help@shop.example"],
    )

    assert (mail.nature, mail.automatic_because) == (Nature.OWN, ("from ourselves",))


PIECES = [piece for raw, *_ in BOUNCES.values() for piece in raw.splitlines(keepends=True)]


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=40).map(b"".join))
def test_any_shuffled_report_is_still_read(raw: bytes) -> None:
    assert read(b"Return-Path: <>\nFrom: mailer-daemon\n" + raw).nature
