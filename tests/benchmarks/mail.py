"""How many ordinary mails one core reads: parts, charsets, quotations, bounces, threads, all of it."""

import time
from base64 import b64encode
from datetime import UTC, datetime

from channels.email import parse
from tests.benchmarks.figures import Figure, at_least, shown

MAILS_A_SECOND_MIN = 1_500
MAILS = 3_000
ROUNDS = 3
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SAID = "Hello,\n\nthe parcel with order 42 has not arrived yet. Could you look into it?\n\nBest regards\nAna Müller\n"
QUOTED = "Dear Ana,\nthank you for your order. It is on its way to you.\nYour shop\n" * 4
WROTE = "On Fri, Nov 20, 2026 at 6:32 PM, The Shop <help@shop.example> wrote:"
HEAD = (
    "Received: from mail.example.org (mail.example.org [198.51.100.7]) by mx.shop.example with ESMTPS id 1; now\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=1; h=from:to:subject; bh=abc; b=def\r\n"
    "From: =?utf-8?q?Ana_M=C3=BCller?= <ana@example.org>\r\nTo: The Shop <help@shop.example>\r\n"
    "Subject: Re: Order 42\r\nDate: Sat, 21 Nov 2026 10:00:00 +0100\r\nIn-Reply-To: <1@shop.example>\r\n"
    "References: <0@example.org> "
    "<1@shop.example>\r\nMIME-Version: 1.0\r\n"
)


def _mails() -> list[bytes]:
    """As they come: a plain reply, one with markup beside its text, one with a file of 3 kB."""
    text = SAID + "\n" + WROTE + "\n" + "".join(f"> {line}\n" for line in QUOTED.splitlines())
    html = f"<div dir=ltr>{SAID}</div><div class=gmail_quote>{WROTE}<blockquote type=cite>{QUOTED}</blockquote></div>"
    plain = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}"
    both = f"--a\r\n{plain}\r\n--a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--a--\r\n"
    file = b64encode(b"%PDF" * 768).decode()
    attached = (
        f"--m\r\n{plain}\r\n--m\r\nContent-Type: application/pdf; name=bill.pdf\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment; filename=bill.pdf\r\n\r\n{file}\r\n--m--\r\n"
    )
    bodies = (
        plain,
        f"Content-Type: multipart/alternative; boundary=a\r\n\r\n{both}",
        f"Content-Type: multipart/mixed; boundary=m\r\n\r\n{attached}",
    )
    return [
        f"Message-ID: <{number}@example.org>\r\n{HEAD}{bodies[number % len(bodies)]}".encode()
        for number in range(MAILS)
    ]


def measure() -> list[Figure]:
    """Mails read a second of one core's time, the best of three rounds: others may use the machine too."""
    mails = _mails()
    best = 0.0
    for _ in range(ROUNDS):
        began = time.process_time()
        for raw in mails:
            parse(raw, received_at=NOON)
        best = max(best, len(mails) / (time.process_time() - began))
    return [
        at_least("ordinary mails read", best, "mails/s", reference=MAILS_A_SECOND_MIN, factor=1, of="1,500 a core"),
        shown("their mean size", sum(map(len, mails)) / len(mails), "bytes"),
    ]
