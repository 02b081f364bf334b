"""The adapter door: other systems' messages in, or a refusal that names the field and the limit."""

import json
import timeit
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import adapter
from channels.edge.payload import UnreadablePayload
from domain.intake import InboundMessage
from domain.interaction import Attachment, Content, ContentKind

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def a_message(**changes: Any) -> dict[str, Any]:
    return {"account": "account-1", "message_id": "m-1", "handle": "ana", "text": "Hello"} | changes


def raw(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_a_message_with_everything_becomes_ours() -> None:
    whole = a_message(
        author="A\u202ena",
        text="Hi\x00\n😀",
        thread="t-1",
        subject="Par\ncel",
        occurred_at="2026-11-21T12:00:00+02:00",
        language="pt_BR",
    )

    account, message = adapter.parse(raw(whole), received_at=NOON)

    assert account == "account-1"
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
    _, message = adapter.parse(raw(a_message()), received_at=NOON)

    assert message.occurred_at == NOON


def test_content_may_be_more_than_text() -> None:
    content = {
        "kind": "image",
        "text": "Look",
        "attachments": [{"name": "../a\u202e.jpg", "size_bytes": 7}],
        "about": "m-0",
    }
    one = {name: value for name, value in a_message(content=content).items() if name != "text"}

    _, message = adapter.parse(raw(one), received_at=NOON)

    assert message.content == Content(
        kind=ContentKind.IMAGE, text="Look", attachments=(Attachment(name="a.jpg", size_bytes=7),), about="m-0"
    )


@pytest.mark.parametrize(("kind", "claim"), [("edit", "edit"), ("unsend", "unsend"), ("reaction", "reaction")])
def test_the_claim_kind_follows_the_content(kind: str, claim: str) -> None:
    _, message = adapter.parse(raw(a_message(text="", content={"kind": kind, "about": "m-0"})), received_at=NOON)

    assert message.kind == claim


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"account": ""}, "account", ">= 1"),
        ({"message_id": "x" * 257}, "message_id", "<= 256"),
        ({"message_id": 7}, "message_id", "Expected `str`"),
        ({"handle": "\u200b\x00"}, "handle", "visible"),
        ({"message_id": " "}, "message_id", "visible"),
        ({"text": "x" * 100_001}, "text", "<= 100000"),
        ({"text": " \x00"}, "text", "needs a text"),
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
        ({"occured_at": "2026-11-21T12:00:00Z"}, "", "occured_at"),
    ],
)
def test_a_wrong_field_is_named_with_its_limit(changes: dict[str, Any], field: str, says: str) -> None:
    for parse, value, where in (
        (adapter.parse, a_message(**changes), field),
        (adapter.parse_batch, {"messages": [a_message(), a_message(**changes)]}, f"messages[1].{field}".rstrip(".")),
    ):
        with pytest.raises(UnreadablePayload) as refused:
            parse(raw(value), received_at=NOON)

        assert refused.value.field == where
        assert says in refused.value.reason


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b"\xff", b'{"text": "\\ud800"}', b"[" * 200_000, b'{"a":' * 200_000]
)
def test_what_is_no_message_is_refused(body: bytes) -> None:
    for parse in (adapter.parse, adapter.parse_batch):
        with pytest.raises(UnreadablePayload):
            parse(body, received_at=NOON)


@given(
    st.fixed_dictionaries(
        {"account": st.just("a"), "message_id": st.text(), "handle": st.text(), "text": st.text()},
        optional={"occurred_at": st.datetimes().map(lambda at: f"{at.isoformat()}Z"), "thread": st.text()},
    )
)
def test_any_message_is_clean_or_refused(value: dict[str, str]) -> None:
    try:
        _, message = adapter.parse(raw(value), received_at=NOON)
    except UnreadablePayload:
        return

    assert "\x00" not in message.content.text + message.handle + message.thread
    assert message.handle.strip()
    assert datetime(1970, 1, 1, tzinfo=UTC) <= message.occurred_at <= NOON + timedelta(days=1)


def test_a_batch_is_read_in_order_up_to_its_limit() -> None:
    messages = [a_message(message_id=f"m-{number}") for number in range(500)]

    found = adapter.parse_batch(raw({"messages": messages}), received_at=NOON)

    assert [message.provider_id for _, message in found] == [f"m-{number}" for number in range(500)]
    for wrong in ([], [*messages, a_message()]):
        with pytest.raises(UnreadablePayload, match="messages"):
            adapter.parse_batch(raw({"messages": wrong}), received_at=NOON)


@pytest.mark.benchmark
def test_a_message_takes_under_5_microseconds() -> None:
    body = raw(
        a_message(text="Hello, where is my parcel?\nI ordered it last week.", occurred_at="2026-11-11T00:00:01Z")
    )

    microseconds = min(timeit.repeat(lambda: adapter.parse(body, received_at=NOON), number=1_000, repeat=9)) * 1_000

    assert microseconds < 5
