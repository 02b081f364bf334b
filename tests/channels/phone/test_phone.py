"""Phone: numbers as people and machines write them, call notes and call records."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import phone
from channels.edge.payload import UnreadablePayload
from domain.account import AccountDefinition, AccountInvalid
from domain.calls.intake import Call
from domain.calls.stages import Direction

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "region", "handle"),
    [
        ("+49 30 901820", "", "+4930901820"),
        ("(030) 90 18-20", "DE", "+4930901820"),
        ("0049 30 901820", "DE", "+4930901820"),
        ("\uff10\uff13\uff10 \uff19\uff10\uff11\uff18\uff12\uff10", "DE", "+4930901820"),
        ("138 0013 8000", "CN", "+8613800138000"),
        ("tel:+1-201-555-0123", "", "+12015550123"),
        ("204", "DE", "204"),
        ("030 901820", "", "030901820"),
        ("anonymous", "DE", "anonymous"),
        ("Withheld", "DE", "anonymous"),
        ("<unknown>", "DE", "anonymous"),
        ("", "DE", "anonymous"),
        ("\u202e \x00", "DE", "anonymous"),
        ("kim@pbx.example", "DE", "kim@pbx.example"),
    ],
)
def test_a_number_is_read_however_it_is_written(number: str, region: str, handle: str) -> None:
    assert phone.normalised(number, region) == handle


@given(st.text(), st.sampled_from(["", "DE", "CN"]))
def test_any_number_has_a_handle(number: str, region: str) -> None:
    assert phone.normalised(number, region)


def a_note(**changes: Any) -> bytes:
    note = {"call_id": "c-1", "number": "030 901820", "outcome": "answered", "note": "Wants\x00 a refund"}
    return json.dumps(note | {"duration_seconds": 180, "occurred_at": "2026-11-21T09:30:00+01:00"} | changes).encode()


def a_record(**changes: Any) -> bytes:
    record = {"call_id": "1699.42", "direction": "inbound", "from": "030 901820", "to": "030 123456"}
    rest = {"started_at": "2026-11-21T09:30:00+01:00", "outcome": "missed"}
    return json.dumps(record | rest | changes).encode()


def test_an_agents_note_becomes_a_call() -> None:
    call = phone.parse_note(a_note(name="Ana"), region="DE", received_at=NOON)

    assert call == Call(
        call_id="c-1",
        direction=Direction.INBOUND,
        handle="+4930901820",
        outcome="answered",
        occurred_at=datetime(2026, 11, 21, 8, 30, tzinfo=UTC),
        duration_seconds=180,
        note="Wants a refund",
        author="Ana",
    )


def test_a_note_without_number_and_time_is_of_somebody_unknown_now() -> None:
    call = phone.parse_note(b'{"call_id": "c-1"}', region="DE", received_at=NOON)

    assert (call.handle, call.occurred_at, call.outcome) == ("anonymous", NOON, "answered")


def test_the_customer_of_a_record_is_the_other_end() -> None:
    inbound = phone.parse_record(a_record(), region="DE", received_at=NOON)
    outbound = phone.parse_record(a_record(direction="outbound", leg="2"), region="DE", received_at=NOON)

    assert (inbound.handle, inbound.call_id) == ("+4930901820", "1699.42")
    assert (outbound.handle, outbound.call_id) == ("+4930123456", "1699.42:2")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"call_id": ""}, "call_id"),
        ({"call_id": "x" * 257}, "call_id"),
        ({"number": "1" * 65}, "number"),
        ({"outcome": "great"}, "outcome"),
        ({"direction": "sideways"}, "direction"),
        ({"duration_seconds": -1}, "duration_seconds"),
        ({"duration_seconds": 10**30}, "duration_seconds"),
        ({"note": "x" * 20_001}, "note"),
        ({"occurred_at": "2026-11-21T09:30:00"}, "occurred_at"),
        ({"occurred_at": "0000-01-01T00:00:00Z"}, "occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at"),
        ({"occurred_at": "9999-12-31T23:59:59-14:00"}, "occurred_at"),
        ({"occurred_at": "2026-11-23T12:00:01Z"}, "occurred_at"),
    ],
)
def test_a_note_beyond_a_limit_is_refused_with_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(UnreadablePayload) as refused:
        phone.parse_note(a_note(**changes), region="DE", received_at=NOON)

    assert refused.value.field == field


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"\xff", b"[" * 100_000, a_record(outcome="great"), a_record(started_at=1e30)]
)
def test_what_is_no_record_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        phone.parse_record(raw, region="DE", received_at=NOON)


def test_an_account_names_a_country_or_none() -> None:
    definition = AccountDefinition(channel="phone", name="P", queue_id="q", default_region="de")

    assert phone.read_settings(definition).region == "DE"
    with pytest.raises(AccountInvalid, match="default_region"):
        phone.read_settings(AccountDefinition(channel="phone", name="P", queue_id="q", default_region="Germany"))
