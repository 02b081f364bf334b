"""Whether the sender is who they say: only our own server is believed, and only where nobody else can have written."""

from datetime import UTC, datetime

import pytest

from channels.email import parse
from channels.mail.trust import Dmarc

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
OURS = "mx.shop.example"
PASS = "Authentication-Results: mx.shop.example; spf=pass; dmarc=pass (p=none) header.from=example.org"
BORDER = "Received: from mail.example.org (mail.example.org [198.51.100.7]) by mx.shop.example with ESMTPS id 1; now"
INSIDE = "Received: from mx.shop.example (localhost [127.0.0.1]) by imap.shop.example with LMTP id 2; now"
FOREIGN = "Received: from pc (pc [203.0.113.9]) by mail.example.org with ESMTPA id 3; now"


@pytest.mark.parametrize(
    ("lines", "dmarc"),
    [
        ((PASS, BORDER, FOREIGN), Dmarc.PASS),
        ((INSIDE, PASS, BORDER, FOREIGN), Dmarc.PASS),
        ((PASS.replace("dmarc=pass", "dmarc=fail"), BORDER), Dmarc.FAIL),
        ((PASS.replace("dmarc=pass", "dmarc=none"), BORDER), Dmarc.NONE),
        ((PASS.replace("dmarc=pass", "dkim=pass"), BORDER), Dmarc.NONE),
        ((PASS.replace(OURS, "MX.Shop.Example 1"), BORDER), Dmarc.PASS),
        ((PASS.replace("dmarc=pass (p=none)", "dmarc=fail (dmarc=pass; dmarc=pass)"), BORDER), Dmarc.FAIL),
        ((PASS + "; dmarc=fail", BORDER), Dmarc.FAIL),
        ((PASS.replace("dmarc=pass", "dmarc=fail"), PASS, BORDER), Dmarc.FAIL),
        ((BORDER, PASS, FOREIGN), Dmarc.NONE),
        ((BORDER, PASS, BORDER), Dmarc.NONE),
        ((BORDER, FOREIGN, PASS), Dmarc.NONE),
        ((BORDER.replace("from mail.example.org", "from imap.shop.example"), PASS, BORDER), Dmarc.NONE),
        ((PASS.replace(OURS, "mx.evil.example"), BORDER), Dmarc.NONE),
        ((PASS.replace(OURS, "mx.shop.example.evil.example"), BORDER), Dmarc.NONE),
        ((PASS, FOREIGN), Dmarc.NONE),
        ((PASS,), Dmarc.NONE),
        ((), Dmarc.NONE),
    ],
)
def test_a_finding_is_believed_only_from_our_own_server(lines: tuple[str, ...], dmarc: Dmarc) -> None:
    raw = "\r\n".join([*lines, "From: ana@example.org", "", "Hello"]).encode()

    read = parse(raw, received_at=NOON, authserv_id=OURS)

    assert read.dmarc is dmarc
    assert read.message.dmarc == ("" if dmarc is Dmarc.NONE else dmarc)
    assert parse(raw, received_at=NOON).dmarc is Dmarc.NONE
