"""Whose mail a colleague sends on: by the attached mail, or by the headers that mail programs copy into the text."""

from datetime import UTC, datetime

import pytest

from channels.email import parse, read_settings
from domain.account import AccountDefinition, AccountInvalid
from domain.intake import InboundMessage
from tests.channels.mail.test_quotes import HEADER_BLOCKS

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MX = "mx.shop.example"
FOUND = f"Authentication-Results: {MX}; dmarc=%s header.from=shop.example\nReceived: from x.example by {MX}"
KIM = "From: Kim <Kim@shop.example>"
ATTACHED = "Content-Type: message/rfc822\n\nFrom: Ana <ana@example.org>\nSubject: Parcel\n\nWhere is it?"


def read(text: str, *lines: str, subject: str = "Fwd: Parcel", dmarc: str = "pass") -> InboundMessage:
    """Kim may send on; our mailbox is help@shop.example."""
    raw = "\n".join([FOUND % dmarc, KIM, *lines, f"Subject: {subject}", "Message-ID: <1@x>", "", text]).encode()
    return parse(
        raw,
        received_at=NOON,
        own_addresses=["help@shop.example"],
        authserv_id=MX,
        forwarders=["kim@shop.example"],
    ).message


def in_parts(*parts: str) -> tuple[str, str]:
    body = "".join(f"--b\n{part}\n" for part in parts)
    return f"{body}--b--", "Content-Type: multipart/mixed; boundary=b"


SHAPES = {
    "Gmail": "Please answer.\n\n---------- Forwarded message ---------\nVon: Ana <ana@example.org>\nDate: Mi., 27. Okt."
    "\nSubject: Parcel\nTo: <kim@shop.example>\n\nHi",
    "Apple": "> Début du message réexpédié :\n>\n> De: Ana <ana@example.org>\n> Objet: Parcel\n> Date: 26\n>\n> Hi",
    "Outlook": "Please.\n\n________________________________\nFrom: Ana <ana@example.org>\nSent: Monday\nTo: Kim\n"
    "Subject: Parcel\n\nHi",
    "Outlook of old": "Please.\n\n-----Original Message-----\nFrom: Ana [mailto:ana@example.org] \nSent: Monday\n\nHi",
    "Thunderbird": "-------- Weitergeleitete Nachricht --------\nBetreff: \tParcel\nDatum: \tMon\n"
    "Von: \tAna <ana@example.org>\nAn: \tkim@shop.example\n\nHi",
    "Outlook's markup": "*From:* Ana <ana@example.org>\n*Sent:* Monday\n*To:* Kim\n*Subject:* Parcel\n\nHi",
    "a broken line": "---------- Forwarded message ---------\nFrom: Ana\n<ana@example.org>\nDate: Mon\n\nHi",
    "a mail within": "---------- Forwarded message ---------\nFrom: Ana <ana@example.org>\nDate: Mon\n\nSee:\n"
    "---------- Forwarded message ---------\nFrom: Eve <eve@example.org>\nDate: Sun\n\nHi",
}


BEGINNINGS = """
Begin forwarded message:
Forwarded message:
Začátek přeposílané zprávy:
Start på videresendt besked:
Započni proslijeđenu poruku:
Továbbított levél kezdete:
Începe mesajul redirecționat:
Начало переадресованного сообщения:
Začiatok preposlanej správy:
İleti başlangıcı:
Початок листа, що пересилається:
----- Edelleenlähetetty viesti -----
-------- Välitetty viesti / Fwd.Msg --------
----- Message transmis -----
-------- Proslijeđena poruka --------
--- Treść przekazanej wiadomości ---
-------- Перенаправленное сообщение --------
-------- Preposlaná správa --- Forwarded Message --------
-------- İletilen İleti --------
----- İletilmiş Mesaj -----
-------- Переслане повідомлення --------
----- Mesaj redirecționat -----
""".strip().splitlines()  # noqa: RUF001 - Russian and others are what is read here


@pytest.mark.parametrize("line", BEGINNINGS)
def test_a_line_that_says_so_is_enough_in_many_languages(line: str) -> None:
    text = f"Please answer.\n\n{line}\n\nFrom: Ana <ana@example.org>\nDate: Monday\n\nHi"

    assert read(text, subject="Parcel").handle == "ana@example.org"


@pytest.mark.parametrize(
    "prefix", ["Fwd", "FW", "WG", "TR", "RV", "I", "VS", "PD", "ENC", "İLT", "Redir.", "Videresend"]
)
def test_a_subject_that_says_so_is_known_in_many_languages(prefix: str) -> None:
    assert read(SHAPES["Outlook"], subject=f"{prefix}: Parcel").handle == "ana@example.org"


def test_programs_that_only_say_who_wrote_are_understood() -> None:
    message = read('See below.\n\nOn 27 Oct 2021 09:31, "Ana" <ana@example.org> wrote:\n\nHi', subject="FW: Parcel")

    assert (message.handle, message.author) == ("ana@example.org", "")


@pytest.mark.parametrize("shape", SHAPES)
def test_the_mail_is_of_whom_the_copied_headers_name(shape: str) -> None:
    message = read(SHAPES[shape])

    assert (message.handle, message.author, message.claimed) == ("ana@example.org", "Ana", "Kim@shop.example")
    assert (message.content.is_forwarded, message.content.kept) == (True, ())


@pytest.mark.parametrize("block", HEADER_BLOCKS)
def test_copied_headers_name_the_writer_in_many_languages(block: str) -> None:
    copied = block.replace("|", "\n").replace("Ana", "Ana <ana@example.org>", 1)

    assert read(f"See below.\n\n{copied}\n\nHi").handle == "ana@example.org"


def test_an_attached_mail_names_its_writer_and_stays_a_file() -> None:
    text, kind = in_parts("Content-Type: text/plain\n\nPlease answer.", ATTACHED)

    message = read(text, kind, subject="no word of it")

    assert (message.handle, message.claimed) == ("ana@example.org", "Kim@shop.example")
    assert message.content.text == "Please answer."
    assert [file.content_type for file in message.content.attachments] == ["message/rfc822"]


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        (SHAPES["Outlook"], "Parcel"),
        (SHAPES["Gmail"], "Re: Fwd: Parcel"),
        ("From: Hamburg\n\nI am back.", "Fwd: Parcel"),
        ("---------- Forwarded message ---------\n\nnothing is told", "Fwd: Parcel"),
        (SHAPES["Gmail"].replace("ana@example.org", "help@shop.example"), "Fwd: Parcel"),
        (SHAPES["Gmail"].replace("ana@example.org", "KIM@shop.example"), "Fwd: Parcel"),
        (SHAPES["Gmail"].replace("ana@example.org", "no-reply@example.org"), "Fwd: Parcel"),
        (SHAPES["Gmail"].replace("ana@example.org", "mailer-daemon@example.org"), "Fwd: Parcel"),
        ("", "Fwd: Parcel"),
    ],
)
def test_where_nobody_is_told_it_is_the_colleagues_own(text: str, subject: str) -> None:
    message = read(text, subject=subject)

    assert (message.handle, message.claimed, message.content.is_forwarded) == ("kim@shop.example", "", False)


def test_of_several_attached_mails_none_is_the_one() -> None:
    text, kind = in_parts(ATTACHED, ATTACHED)

    assert read(text, kind).handle == "kim@shop.example"


@pytest.mark.parametrize("dmarc", ["fail", "none"])
def test_whoever_only_claims_to_be_a_colleague_is_not_believed(dmarc: str) -> None:
    assert read(SHAPES["Gmail"], dmarc=dmarc).handle == "kim@shop.example"


@pytest.mark.parametrize("settings", [{"forwarders": "kim"}, {"forwarders": "kim@shop.example", "authserv_id": ""}])
def test_colleagues_are_addresses_and_need_a_server_that_proves_them(settings: dict[str, str]) -> None:
    given = {"token_key": "k" * 32, "authserv_id": MX} | settings

    with pytest.raises(AccountInvalid):
        read_settings(AccountDefinition(channel="email", name="S", queue_id="q", address="a@b.c", settings=given))
