"""Headers as bad programs write them: sender, name, subject and files of each sample are what a person would read."""

# ruff: noqa: RUF001 - other scripts are what is read here

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from channels.email import parse
from channels.mail.guesses import guess
from domain.interaction import Attachment

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SENDERS: list[tuple[bytes, str, str]] = [
    (b'From: "LTD" <"Foo Bar" <a@b.com>>', "LTD Foo Bar", "a@b.com"),
    (b'From: LTD" <a@b.com>', "LTD", "a@b.com"),
    (b'From: "LTD <a@b.com>', "LTD", "a@b.com"),
    (b'From: EXAMPLE "LTD" <a@b.com>', 'EXAMPLE "LTD"', "a@b.com"),
    (b"From: Foo <a@b.com", "Foo", "a@b.com"),
    (b"From: Foo a@b.com>", "Foo", "a@b.com"),
    (b'From: "Foo" <a @b.com>', "Foo", "a@b.com"),
    (b"From: Foo <mailto:a@b.com>", "Foo", "a@b.com"),
    (b'From: "Foo" [mailto:a@b.com]', "Foo", "a@b.com"),
    (b'From: "Foo \\"Bar\\" Baz" <a@b.com>', 'Foo "Bar" Baz', "a@b.com"),
    (b'From: ""Foo"" <a@b.com>', "Foo", "a@b.com"),
    (b"From: 'Foo' via Bar <a@b.com>", "'Foo' via Bar", "a@b.com"),
    (b"From: Group: a@b.com, c@d.com;", "", "a@b.com"),
    (b"From: undisclosed-recipients:;", "", "unknown"),
    (b'From: "c@d.com" <a@b.com>', "c@d.com", "a@b.com"),
    (b"From: a@b.com (Foo (nested) Bar)", "Foo (nested) Bar", "a@b.com"),
    (b'From: "Foo, Inc." a@b.com', "Foo, Inc.", "a@b.com"),
    (b"From: Doe, Ana <a@b.com>", "Doe, Ana", "a@b.com"),
    (b"From: Foo; <a@b.com>", "Foo", "a@b.com"),
    (b"From: <Foo> <a@b.com>", "Foo", "a@b.com"),
    (b'From: Foo <"a b"@c.com>', "Foo", '"a b"@c.com'),
    (b"From: Foo <a@[127.0.0.1]>", "Foo", "a@[127.0.0.1]"),
    (b"From: A <a@b.com>\nFrom: B <c@d.com>", "A", "a@b.com"),
    (b"From: nobody\nFrom: B <c@d.com>", "B", "c@d.com"),
    (b"from : Foo<a@b.com>", "Foo", "a@b.com"),
    (b"From: =?utf-8?Q?Foo,_Bar?= <a@b.com>", "Foo, Bar", "a@b.com"),
    (b'From: "=?utf-8?Q?Foo?=\n =?utf-8?Q?_Bar?=" <a@b.com>', "Foo Bar", "a@b.com"),
    (b"From: =?UTF-8?Q?Foo?==?UTF-8?Q?Bar?= <a@b.com>", "FooBar", "a@b.com"),
    (b"From: =?iso-8859-1?q?J=FCrgen M?= <a@b.com>", "Jürgen M", "a@b.com"),
    (b"From: =?utf-8*de?B?SsO8cmdlbg?= <a@b.com>", "Jürgen", "a@b.com"),
    (b"From: =?gb2312?B?zuXX?= =?gb2312?B?1g==?= <a@b.com>", "五字", "a@b.com"),
    (b"From: <a..b.@docomo.ne.jp>", "", "a..b.@docomo.ne.jp"),
    (b"From: Foo <a@b.com.>", "Foo", "a@b.com"),
    (b"From: Foo\n Bar\n\t<a@b.com>", "Foo Bar", "a@b.com"),
]
WRITTEN = [
    ("gb18030", "张三丰的订单问题"),
    ("gb18030", "您好，我没有收到包裹"),
    ("big5", "訂單問題請幫忙"),
    ("big5", "我沒有收到包裹"),
    ("shift_jis", "注文についてのお問い合わせ"),
    ("euc_jp", "注文についてのお問い合わせ"),
    ("iso2022_jp", "注文についてのお問い合わせ"),
    ("euc_kr", "주문 문의드립니다"),
    ("latin-1", "Größenänderung für Jürgen"),
    ("latin-1", "Réclamation à propos d'une commande"),
    ("cp1252", "Preis 5 € – bitte prüfen"),
    ("cp1251", "Заказ не пришёл"),
    ("koi8-r", "Заказ не пришёл"),
]
SUBJECTS: list[tuple[bytes, str]] = [
    (b"=?utf-8?Q?Why?_Because?=", "Why? Because"),
    (b"=?utf-8?Q?cut_off", "cut off"),
    (b"=?utf-8?B?5bw=?=\r\n =?utf-8?B?oA==?=", "张"),
    (b"plain =?utf-8?q?caf=C3=A9?= plain", "plain café plain"),
    (b"=?x-unknown?q?caf=C3=A9?=", "café"),
    (b"=?iso-2022-jp?B?GyRCQ21KOBsoQg==?=", "注文"),
    (b"=?utf-8?Q?=F0=9F=93=A6?= parcel\x00", "📦 parcel"),
    ("Größe".encode(), "Größe"),
]
FILES: list[tuple[bytes, str]] = [
    (b"Content-Disposition: attachment; filename*=utf-8''%E5%8F%91%E7%A5%A8.pdf", "发票.pdf"),
    (b"Content-Disposition: attachment; filename*0*=latin1'de'Rech; filename*1*=%FCn; filename*2=.pdf", "Rechün.pdf"),
    (b'Content-Disposition: attachment; filename="=?gb2312?B?t6LGsS5wZGY=?="', "发票.pdf"),
    (b'Content-Disposition: attachment; filename="=?utf-8?Q?a=C3=A4?=\r\n =?utf-8?Q?b.pdf?="', "aäb.pdf"),
    (b"Content-Disposition: attachment; filename==?utf-8?Q?a=C3=A4.pdf?=", "aä.pdf"),
    (b'Content-Disposition: attachment; filename="\xb7\xa2\xc6\xb1\xc4\xfa\xba\xc3.pdf"', "发票您好.pdf"),
    ('Content-Disposition: attachment; filename="Größe.pdf"'.encode(), "Größe.pdf"),
    ('Content-Disposition: attachment; filename="Größe.pdf"'.encode("latin-1"), "Größe.pdf"),
    (b"Content-Disposition: attachment; filename=two words.pdf", "two words.pdf"),
    (b'Content-Disposition: attachment; filename="a;b.pdf"', "a;b.pdf"),
    (b'Content-Disposition: attachment; filename="C:\\\\Users\\\\a.pdf"', "a.pdf"),
    (b'Content-Type: application/pdf; name="=?utf-8?B?5Y+R56WoLnBkZg==?="', "发票.pdf"),
    (b"Content-Type: application/pdf; name*=utf-8''%E5%8F%91.pdf", "发.pdf"),
    (b"Content-Disposition: attachment", ""),
]  # fmt: skip


def test_how_many_nasty_samples_are_read_right(tell: Callable[[str], None]) -> None:
    senders = [parse(head + b"\n\nHi", received_at=NOON).message for head, _, _ in SENDERS]
    subjects = [parse(b"Subject: " + raw + b"\n\nHi", received_at=NOON).message.subject for raw, _ in SUBJECTS]
    files = [attached(head).name for head, _ in FILES]

    right = [
        (one.author, one.handle) == (name, address) for one, (_, name, address) in zip(senders, SENDERS, strict=True)
    ]
    right += [got == expected for got, (_, expected) in zip(subjects, SUBJECTS, strict=True)]
    right += [got == expected for got, (_, expected) in zip(files, FILES, strict=True)]
    right += [written(charset, text) == (text, text) for charset, text in WRITTEN]
    tell(f"Nasty headers right: {sum(right)} of {len(right)}")
    assert len(right) >= 40
    assert all(right)


def attached(head: bytes) -> Attachment:
    body = b"--b\n\nHi\n--b\n" + head + b"\nContent-Transfer-Encoding: base64\n\nJVBERg==\n--b--\n"
    raw = b"From: a@b.com\nContent-Type: multipart/mixed; boundary=b\n\n" + body
    (one,) = parse(raw, received_at=NOON).message.content.attachments
    assert one.size_bytes == len(b"%PDF")
    return one


def written(charset: str, text: str, head: bytes = b"") -> tuple[str, str]:
    """Name and subject of a mail whose headers are in this charset, undeclared."""
    bare = text.encode(charset)
    message = parse(
        b"From: " + bare + b" <a@b.com>\nSubject: " + bare + b"\n" + head + b"\nHi", received_at=NOON
    ).message
    return message.author, message.subject


@pytest.mark.parametrize(("head", "name", "address"), SENDERS)
def test_a_broken_sender_is_read_as_a_person_would(head: bytes, name: str, address: str) -> None:
    message = parse(head + b"\n\nHi", received_at=NOON).message

    assert (message.author, message.handle) == (name, address)


@pytest.mark.parametrize(("charset", "text"), WRITTEN)
def test_headers_in_a_charset_that_nobody_declared_are_read(charset: str, text: str) -> None:
    assert written(charset, text) == (text, text)
    assert written(charset, text, f"Content-Type: text/plain; charset={charset}\n".encode()) == (text, text)


@pytest.mark.parametrize(("raw", "subject"), SUBJECTS)
def test_a_broken_subject_is_read(raw: bytes, subject: str) -> None:
    assert parse(b"Subject: " + raw + b"\n\nHi", received_at=NOON).message.subject == subject


@pytest.mark.parametrize(("head", "name"), FILES)
def test_a_file_has_its_name_however_it_is_written(head: bytes, name: str) -> None:
    assert attached(head).name == name


@pytest.mark.parametrize(
    ("declared", "head", "charset", "rung"),
    [
        ("", '<meta charset="gb2312">', "gb18030", "meta"),
        ("us-ascii", "<meta http-equiv=Content-Type content='text/html; charset=koi8-r'>", "koi8-r", "meta"),
        ("utf-8", "<meta charset=gb2312>", "utf-8", "declared"),
        ("", "<meta charset=nonsense>", "utf-8", "utf-8"),
        ("", "", "gb18030", "guessed"),
    ],
)
def test_markup_may_declare_its_own_charset(declared: str, head: str, charset: str, rung: str) -> None:
    text = "Заказ" if charset == "koi8-r" else "订单问题您好"
    kind = f"text/html; charset={declared}" if declared else "text/html"
    raw = f"From: a@b.com\nContent-Type: {kind}\n\n{head}<p>".encode() + text.encode(charset) + b"</p>"

    mail = parse(raw, received_at=NOON)

    assert (mail.message.content.text, mail.rung) == (text, rung)


def test_bytes_that_look_like_no_charset_are_not_guessed() -> None:
    assert guess(b"plain") == guess(b"") == guess(b"\x1b[0m") == ""
