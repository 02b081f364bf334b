"""E-mail: who wrote, what, with which files, and when, however the mail is made."""

import hashlib
from datetime import UTC, datetime

import pytest

from channels.email import Mail, parse, sent_at
from channels.mail.threads import Rule
from domain.intake import InboundMessage
from domain.interaction import Attachment, Content

RUSSIAN = "Привет, где моя посылка? Жду ответа."
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def a_mail(*lines: str | bytes, body: bytes = b"Hello") -> bytes:
    head = [line if isinstance(line, bytes) else line.encode() for line in lines]
    return b"\r\n".join([b"From: Ana <ana@example.org>", *head, b"", body])


def read(raw: bytes) -> Mail:
    return parse(raw, received_at=NOON)


def test_a_plain_mail_becomes_a_message() -> None:
    raw = a_mail(
        "To: Shop <help@shop.example>",
        "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=",
        "Date: Sat, 21 Nov 2026 10:00:00 +0100",
        "Message-ID: <1@example.org>",
    )

    mail = read(raw)

    assert mail.message == InboundMessage(
        provider_id="<1@example.org>",
        handle="ana@example.org",
        content=Content(text="Hello"),
        occurred_at=datetime(2026, 11, 21, 9, tzinfo=UTC),
        author="Ana",
        thread="<1@example.org>",
        subject="Grüße",
        joined_by="new",
        written=mail.message.written,
    )
    assert (mail.rule, mail.recipient, mail.automatic_because) == (Rule.NEW, "help@shop.example", ())


@pytest.mark.parametrize(("header", "language"), [("de-CH", "de-CH"), (" zh ", "zh"), ("de, en", ""), ("*", "")])
def test_the_language_of_a_mail_is_told_where_it_is_one(header: str, language: str) -> None:
    assert read(a_mail(f"Content-Language: {header}")).message.language == language


def test_text_markup_and_files_are_told_apart() -> None:
    body = (
        b'--o\r\nContent-Type: multipart/alternative; boundary="i"\r\n\r\n'
        b"--i\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHi \xf0\x9f\x98\x80\r\n"
        b"--i\r\nContent-Type: text/html\r\n\r\n<b>Hi</b>\r\n--i--\r\n"
        b"--o\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: attachment; filename*=utf-8''..%2Fbill%E2%80%AE.pdf\r\n\r\nJVBERg==\r\n"
        b"--o\r\nContent-Type: message/rfc822\r\n\r\nFrom: bob@example.org\r\n\r\nnot our body\r\n--o--\r\n"
    )

    content = read(a_mail('Content-Type: multipart/mixed; boundary="o"', body=body)).message.content

    attached = b"From: bob@example.org\r\n\r\nnot our body"
    assert content == Content(
        text="Hi 😀",
        html="<b>Hi</b>",
        attachments=(
            Attachment(
                name="bill.pdf",
                content_type="application/pdf",
                size_bytes=4,
                sha256=hashlib.sha256(b"%PDF").hexdigest(),
                reference="part:2",
            ),
            Attachment(
                content_type="message/rfc822",
                size_bytes=len(attached),
                sha256=hashlib.sha256(attached).hexdigest(),
                reference="part:3",
            ),
        ),
    )


def test_a_mail_of_markup_alone_gets_its_text_from_it() -> None:
    html = b"<html><head><style>p{}</style></head><p>Hello&nbsp;<b>Ana</b></p><script>x()</script><p>Bye &lt;3</p>"

    content = read(a_mail("Content-Type: text/html; charset=utf-8", body=html)).message.content

    assert (content.text, content.html) == ("Hello Ana\n\nBye <3", html.decode())


@pytest.mark.parametrize(
    ("header", "name", "address"),
    [
        (b"From: Ana@Example.ORG", "", "ana@example.org"),
        (b'From: "Doe, Ana" <ana@example.org>', "Doe, Ana", "ana@example.org"),
        (b"From: ana@example.org (Ana Doe)", "Ana Doe", "ana@example.org"),
        (b"From: Ana <ana@example.org", "Ana", "ana@example.org"),
        (b"From: =?gb2312?B?1cXI/Q==?= <a@example.org>", "张三", "a@example.org"),
        (b"From: =?utf-8?B?5byg?= =?utf-8?B?5LiJ?= <a@example.org>", "张三", "a@example.org"),
        (b"From: =?utf-8?B?5bw=?= =?utf-8?B?oA==?= <a@example.org>", "张", "a@example.org"),
        ("From: Jürgen <j@example.org>".encode(), "Jürgen", "j@example.org"),
        ("From: Jürgen <j@example.org>".encode("latin-1"), "Jürgen", "j@example.org"),
        (b"From: =?unknown-8bit?q?Ana?= <a@example.org>", "Ana", "a@example.org"),
        (b"From: =?utf-8?q?Ana_=3Cana=40example=2Eorg=3E?=", "Ana", "ana@example.org"),
        ("From: 用户 <用户@例子.example>".encode(), "用户", "用户@例子.example"),
        ("From: àà <à@example.org>".encode(), "àà", "à@example.org"),
        (b"From: \r\nFrom: Bo <bo@example.org>", "Bo", "bo@example.org"),
        (b"Sender: bo@example.org", "", "bo@example.org"),
        (b'Return-Path: <>\r\nFrom: "" (Mail Delivery System)', "Mail Delivery System", "mailer-daemon"),
        (b"X-None: 1", "", "unknown"),
        ("From: evil\u202egro.knab <a@example.org>".encode(), "evilgro.knab", "a@example.org"),
    ],
)
def test_the_sender_is_found(header: bytes, name: str, address: str) -> None:
    message = read(header + b"\r\n\r\nHello").message

    assert (message.author, message.handle) == (name, address)


@pytest.mark.parametrize(
    ("charset", "body", "text", "rung"),
    [
        ("utf-8", "Grüße".encode(), "Grüße", "declared"),
        ("gb2312", "囧字".encode("gb18030"), "囧字", "alias"),
        ("iso-8859-1", b"caf\xe9 \x80", "café €", "alias"),
        ("x-unknown", "Grüße".encode(), "Grüße", "utf-8"),
        ("us-ascii", "Grüße".encode(), "Grüße", "utf-8"),
        ("charset=utf-8", "Grüße".encode(), "Grüße", "declared"),
        ("DEFAULT", b"caf\xe9", "café", "cp1252"),
        ("rot13", b"plain", "plain", "utf-8"),
        (
            "utf-8",
            RUSSIAN.encode("cp1251"),
            RUSSIAN,
            "guessed",
        ),
    ],
)
def test_a_text_is_read_on_the_first_rung_that_holds(charset: str, body: bytes, text: str, rung: str) -> None:
    mail = read(a_mail(f'Content-Type: text/plain; charset="{charset}"', body=body))

    assert (mail.message.content.text, mail.rung) == (text, rung)


@pytest.mark.parametrize(
    ("date", "at"),
    [
        (b"Sat, 21 Nov 2026 10:00:00 +0100", datetime(2026, 11, 21, 9, tzinfo=UTC)),
        (b"Sat, 21 Nov 2026 10:00:00", datetime(2026, 11, 21, 10, tzinfo=UTC)),
        (b"", NOON),
        (b"yesterday", NOON),
        (b"Sat, 21 Nov 9999 10:00:00 +0100", NOON),
        (b"Sat, 21 Nov 99999999999 10:00:00 +0100", NOON),
        (b"Wed, 31 Dec 1969 23:59:59 +0000", NOON),
        (b"\xff\x00", NOON),
    ],
)
def test_an_absurd_date_is_replaced_by_when_it_came(date: bytes, at: datetime) -> None:
    assert sent_at(date, received_at=NOON) == at


@pytest.mark.parametrize("header", ["X-None: 1", "Message-ID: <>", "Message-ID: ", f"Message-ID: <{'x' * 600}@y>"])
def test_a_mail_without_id_is_known_by_its_content(header: str) -> None:
    first, again, other = a_mail(header), b"Received: from elsewhere\r\n" + a_mail(header), a_mail(header, body=b"Bye")

    ids = [read(raw).message.provider_id for raw in (first, again, other)]

    assert ids[0] == ids[1] != ids[2]
    assert ids[0].startswith("sha256:")


def test_an_id_without_brackets_is_still_an_id() -> None:
    assert read(a_mail("Message-ID: 1@example.org")).message.provider_id == "<1@example.org>"


def test_an_id_that_comes_back_with_other_content_keeps_the_id_and_shows_the_other_content() -> None:
    first, other = (read(a_mail("Message-ID: <1@x>", body=body)) for body in (b"Hello", b"Bye"))

    assert first.message.provider_id == other.message.provider_id == "<1@x>"
    assert first.message.content != other.message.content
    assert first.content_sha256 != other.content_sha256
    assert first.message.written != other.message.written


@pytest.mark.parametrize("line", ["Subject: Other", "Date: Fri, 20 Nov 2026 10:00:00 +0100", "From: bo@example.org"])
def test_what_the_sender_wrote_is_told_apart_by_who_when_and_about_what(line: str) -> None:
    raw, name = b"From: ana@example.org\r\nSubject: Hi\r\nDate: Thu, 19 Nov 2026 10:00:00 +0100", line.partition(":")[0]
    other = b"\r\n".join(line.encode() if one.startswith(name.encode()) else one for one in raw.split(b"\r\n"))

    assert read(raw + b"\r\n\r\nHello").message.written != read(other + b"\r\n\r\nHello").message.written


def test_the_way_a_mail_took_does_not_change_its_content_hash() -> None:
    direct, relayed = a_mail("Message-ID: <1@x>"), b"Received: by mx\nDelivered-To: b@c\n" + a_mail("Message-ID: <1@x>")

    assert read(direct).content_sha256 == read(relayed.replace(b"\r\n", b"\n")).content_sha256


@pytest.mark.parametrize(
    ("header", "reasons"),
    [
        ("Auto-Submitted: no", ()),
        ("Auto-Submitted: auto-replied; owner=x", ("auto-submitted: auto-replied",)),
        ("X-Auto-Response-Suppress: OOF, DR", ("x-auto-response-suppress",)),
        ("X-Auto-Response-Suppress: DR", ()),
        ("Precedence: Bulk", ("precedence: bulk",)),
        ("List-Id: <l.example.org>", ("list",)),
        ("Return-Path: <>", ("null sender",)),
        ("X-Loop: 1", ("x-loop",)),
        ("Content-Type: multipart/report; report-type=delivery-status; boundary=b", ("report",)),
        ("Subject: Out of Office: gone fishing", ("subject of an automatic reply",)),
    ],
)
def test_machines_mail_is_known_by_its_headers(header: str, reasons: tuple[str, ...]) -> None:
    mail = read(a_mail(header))

    assert (mail.automatic_because, mail.is_automatic) == (reasons, bool(reasons))


def test_our_own_mail_that_comes_back_is_known() -> None:
    mail = parse(a_mail(), received_at=NOON, own_addresses=["Ana@Example.org"])

    assert mail.automatic_because == ("from ourselves",)


def test_the_envelope_knows_better_than_the_headers_whom_it_came_for() -> None:
    mail = parse(a_mail("To: list@example.net"), received_at=NOON, envelope_recipient="help@shop.example")

    assert mail.recipient == "help@shop.example"


def test_an_address_is_the_same_however_its_capitals_are_written() -> None:
    written, plain = (read(f"From: {one}\r\n\r\nHi".encode()).message for one in ("Ana@D.Example", "ana@d.example"))

    assert written.handle == plain.handle == "ana@d.example"
    assert (written.other_handles, plain.other_handles) == (("Ana@d.example",), ())
