"""The adapter door: other systems' messages in, or a refusal that names the field and the limit."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.doors.adapters.reading import read_message
from api.http.refusals import Invalid
from channels.edge.payload import UnreadablePayload
from domain.intake import InboundMessage
from domain.interaction import Attachment, Content, ContentKind

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def a_message(**changes: Any) -> dict[str, Any]:
    return {"account": "account-1", "message_id": "m-1", "handle": "ana", "text": "Hello"} | changes


def raw(value: Any) -> bytes:
    return json.dumps(value).encode()


def read(payload: bytes) -> InboundMessage:
    return read_message(payload, "account-1", received_at=NOON)


def test_a_message_with_everything_becomes_ours() -> None:
    whole = a_message(
        author="A\u202ena",
        text="Hi\x07\n😀",
        thread="t-1",
        subject="Par\ncel",
        occurred_at="2026-11-21T12:00:00+02:00",
        language="pt_BR",
    )

    message = read(raw(whole))

    assert message == InboundMessage(
        provider_id="m-1",
        handle="ana",
        content=Content(text="Hi\n😀"),
        occurred_at=datetime(2026, 11, 21, 10, tzinfo=UTC),
        author="Ana",
        thread="t-1",
        subject="Par cel",
        language="pt-BR",
    )


def test_the_least_message_is_dated_by_its_arrival() -> None:
    message = read(raw(a_message()))

    assert message.occurred_at == NOON


def test_content_may_be_more_than_text() -> None:
    content = {
        "kind": "image",
        "text": "Look",
        "attachments": [{"name": "../a\u202e.jpg", "size_bytes": 7}],
        "about": "m-0",
    }
    one = {name: value for name, value in a_message(content=content).items() if name != "text"}

    message = read(raw(one))

    assert message.content == Content(
        kind=ContentKind.IMAGE, text="Look", attachments=(Attachment(name="a.jpg", size_bytes=7),), about="m-0"
    )


@pytest.mark.parametrize(("kind", "claim"), [("edit", "edit"), ("unsend", "unsend"), ("reaction", "reaction")])
def test_the_claim_kind_follows_the_content(kind: str, claim: str) -> None:
    message = read(raw(a_message(text="", content={"kind": kind, "about": "m-0"})))

    assert message.kind == claim


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"account": ""}, "account", ">= 1"),
        ({"message_id": "x" * 257}, "message_id", "<= 256"),
        ({"message_id": 7}, "message_id", "Expected `str`"),
        ({"handle": "\u200b\x07"}, "handle", "visible"),
        ({"message_id": " "}, "message_id", "visible"),
        ({"text": "x" * 100_001}, "text", "<= 100000"),
        ({"text": " \x07"}, "text", "needs a text"),
        ({"text": "a\x00b"}, "text", "NUL"),
        ({"author": "x" * 257}, "author", "<= 256"),
        ({"subject": "x" * 1_001}, "subject", "<= 1000"),
        ({"content": {"text": "too"}}, "content", "either"),
        ({"text": "", "content": {}}, "content.text", "needs"),
        ({"text": "", "content": {"kind": "smell"}}, "content.kind", "Invalid enum"),
        ({"text": "", "content": {"attachments": [{"size_bytes": -1}]}}, "content.attachments[0].size_bytes", ">= 0"),
        ({"occurred_at": "0000-01-01T00:00:00Z"}, "occurred_at", "Invalid"),
        ({"occurred_at": "0001-01-01T00:00:00+23:59"}, "occurred_at", ""),
        ({"occurred_at": "1969-12-31T23:59:59Z"}, "occurred_at", "1970"),
        ({"occurred_at": "2026-11-22T12:00:01Z"}, "occurred_at", "one day"),
        ({"occurred_at": "9999-12-31T23:59:59-23:59"}, "occurred_at", ""),
        ({"occurred_at": "2026-11-21T12:00:00"}, "occurred_at", "timezone"),
        ({"occured_at": "2026-11-21T12:00:00Z"}, "occured_at", "unknown field"),
    ],
)
def test_a_wrong_field_is_named_with_its_limit(changes: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises((Invalid, UnreadablePayload)) as refused:
        read(raw(a_message(**changes)))

    named, _, reason = str(refused.value).removeprefix("$.").partition(": ")
    assert named == field
    assert says in reason


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b"\xff", b'{"text": "\\ud800"}', b"[" * 200_000, b'{"a":' * 200_000]
)
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        read(body)


@given(
    st.fixed_dictionaries(
        {"account": st.just("account-1"), "message_id": st.text(), "handle": st.text(), "text": st.text()},
        optional={"occurred_at": st.datetimes().map(lambda at: f"{at.isoformat()}Z"), "thread": st.text()},
    )
)
def test_any_message_is_clean_or_refused(value: dict[str, str]) -> None:
    try:
        message = read(raw(value))
    except (Invalid, UnreadablePayload):
        return

    assert "\x00" not in message.content.text + message.handle + message.thread
    assert message.handle.strip()
    assert datetime(1970, 1, 1, tzinfo=UTC) <= message.occurred_at <= NOON + timedelta(days=1)
