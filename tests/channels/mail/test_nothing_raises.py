"""Real mail, mutilated anywhere: it still becomes a mail, with everything on that reading can do."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from channels.email import parse
from channels.mail.html import sanitised
from tests.channels.corpora import mails
from tests.channels.mail.bounce_samples import BOUNCES, KEY
from tests.channels.test_email_corpus import SNIPPETS

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
WOUNDS = st.lists(
    st.tuples(st.integers(0, 8_000), st.integers(0, 40), st.sampled_from(SNIPPETS) | st.binary(max_size=6)), max_size=12
)


@given(st.integers(0, 999), WOUNDS)
def test_mutilated_real_mail_becomes_a_mail(which: int, wounds: list[tuple[int, int, bytes]]) -> None:
    raws = [*(raw[:9_000] for raw in mails().values()), *(raw for raw, _, _ in BOUNCES.values())]
    raw = bytearray(raws[which % len(raws)])
    for place, length, put in wounds:
        raw[place : place + length] = put

    mail = parse(bytes(raw), received_at=NOON, token_keys=[KEY], authserv_id="mx.shop.example")

    content = mail.message.content
    assert mail.message.handle
    assert mail.message.provider_id
    assert all(0 <= one.start < one.end <= len(content.text) for one in content.kept)
    assert "<script" not in sanitised(content.html[:9_000])
