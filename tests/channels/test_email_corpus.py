"""E-mail: real mail, broken mail, no mail at all. Nothing raises; we find what Python's own parser finds."""

import email
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email import UNKNOWN_HANDLE, parse
from channels.mail.bodies import decoded_bytes
from channels.mail.html_text import text_of_html
from channels.mail.structure import HEADER_BYTES_MAX, NESTING_MAX, PARTS_MAX, take_apart
from tests.channels.corpora import mails

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SNIPPETS = [
    b"From: ",
    b"Content-Type: ",
    b"multipart/mixed; boundary=",
    b'"',
    b"\r\n",
    b"\n\n",
    b"--",
    b"b",
    b"=?utf-8?q?",
    b"?=",
    b"<",
    b">",
    b"@",
    b"a",
    b";",
    b"charset=",
    b"utf-7",
    b"unicode_escape",
    b"\xff",
    b"\x00",
    b"filename*0*=",
    b"''",
    b"(",
    b"Message-ID: <>",
    b"References: ",
    b"Date: ",
    b"base64",
    b"Content-Transfer-Encoding: ",
    b"message/rfc822",
    b" ",
    b",",
]


def test_every_mail_of_the_corpus_has_a_sender_and_something_to_read(tell: Callable[[str], None]) -> None:
    read = [parse(raw, received_at=NOON) for raw in mails().values()]

    whole = [mail for mail in read if mail.message.handle != UNKNOWN_HANDLE and "@" in mail.message.handle]
    daemons = [mail for mail in read if mail.message.handle == "mailer-daemon" and "bounce" in mail.automatic_because]
    said = [mail for mail in read if mail.message.content.text or mail.message.content.attachments]
    tell(f"Mails with a sender: {len(whole) + len(daemons)} of {len(read)}; with text or files: {len(said)}")
    assert len(whole) + len(daemons) == len(said) == len(read) >= 39


def test_the_same_parts_are_found_as_pythons_own_parser_finds() -> None:
    for name, raw in mails().items():
        ours = take_apart(raw).parts

        theirs = list(leaves(email.message_from_bytes(raw)))

        assert [part.content_type for part in ours] == [part.get_content_type() for part in theirs], name
        for our, their in zip(ours, theirs, strict=True):
            if isinstance(payload := their.get_payload(decode=True), bytes):
                assert decoded_bytes(our).rstrip() == payload.rstrip(), name


def leaves(message: Message) -> Iterator[Message]:
    """An attached mail is one leaf, as it is with us."""
    if message.get_content_maintype() != "multipart" or not message.is_multipart():
        yield message
        return
    for part in message.get_payload():
        assert isinstance(part, Message)
        yield from leaves(part)


@given(st.binary(max_size=2_000))
def test_any_bytes_become_a_mail(raw: bytes) -> None:
    assert parse(raw, received_at=NOON).message.handle


@given(st.lists(st.sampled_from(SNIPPETS) | st.binary(max_size=4), max_size=80).map(b"".join))
def test_anything_that_looks_like_mail_becomes_a_mail(raw: bytes) -> None:
    assert parse(raw, received_at=NOON).message.provider_id


@pytest.mark.parametrize("seed", range(20))
def test_mutilated_real_mail_still_becomes_a_mail(seed: int) -> None:
    chance = random.Random(seed)
    for raw in mails().values():
        broken = bytearray(raw[: 20_000 if chance.random() < 0.8 else len(raw)])
        for _ in range(chance.randrange(1, 40)):
            place = chance.randrange(min(len(broken), 4_000))
            broken[place : place + chance.randrange(4)] = chance.choice(SNIPPETS)

        mail = parse(bytes(broken), received_at=NOON)

        assert mail.message.handle
        assert mail.message.provider_id


def a_nest(depth: int) -> bytes:
    parts = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (one, one) for one in range(depth))
    return b"From: a@b\n" + parts + b"\ndeep"


def test_a_nest_of_parts_is_left_unread_at_its_limit() -> None:
    structure = take_apart(a_nest(2_000))

    assert structure.limits == ("NESTING_MAX",)
    assert structure.parts[0].number.count(".") == NESTING_MAX - 1


def test_parts_beyond_the_limit_are_left_out() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * (PARTS_MAX * 10)

    structure = take_apart(raw)

    assert (len(structure.parts), structure.limits) == (PARTS_MAX, ("PARTS_MAX",))


def test_headers_beyond_the_limit_are_cut_off_and_the_body_is_kept() -> None:
    raw = b"From: a@b\n" + b"X: y\n" * HEADER_BYTES_MAX + b"\nbody"

    mail = parse(raw, received_at=NOON)

    assert (mail.message.handle, mail.message.content.text, mail.limits) == ("a@b", "body", ("HEADER_BYTES_MAX",))


@pytest.mark.parametrize(
    "raw",
    [
        b"From: " + b"<" * 300_000,
        b"From: " + b'"' * 300_001,
        b"From: " + b"(" * 300_000,
        b"From: a@b\nReferences: " + b"<a@b> " * 100_000,
        b"Content-Type: text/plain" + b"; a*0*=" * 100_000,
        b"Content-Type: text/html\n\n" + b"<style>" * 100_000,
        b"Content-Type: text/html\n\n" + b"<!--<a" * 100_000,
        b"Content-Type: text/html\n\n" + b"<b> " * 100_000,
        b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n" * 500_000,
        b"Content-Type: multipart/mixed; boundary=-\n\n" + b"--" * 300_000,
        b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--ab\n" * 200_000,
        b"Subject: " + b"=?a?q?" * 5_000,
    ],
)
def test_hostile_mail_takes_no_longer_than_a_big_one(raw: bytes) -> None:
    begun = time.process_time()

    parse(raw, received_at=NOON)

    assert time.process_time() - begun < 2


@given(st.text())
def test_any_markup_has_a_text(html: str) -> None:
    assert "<script>" not in text_of_html(f"<script>{html}</script>")
