"""Phone: call detail records of FreeSWITCH, and files of any kind."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.telephony.files import FORMATS, looks_like
from channels.telephony.records import calls_in
from domain.calls.intake import Call
from domain.calls.stages import Direction
from tests.channels.phone.samples import SETTINGS, UUID, a_json_cdr, an_xml_cdr, calls, read
from tests.channels.posted import NOON


@pytest.mark.parametrize("start", ["1763717400", "1763717400123", "1763717400123456"])
def test_seconds_and_their_fractions_are_told_apart(start: str) -> None:
    (call,) = calls(json.dumps(a_json_cdr(start)))

    assert call == Call(
        call_id=UUID,
        direction=Direction.INBOUND,
        handle="+4930901820",
        outcome="answered",
        occurred_at=datetime(2025, 11, 21, 9, 30, tzinfo=UTC),
        duration_seconds=95,
    )


def test_json_comes_alone_in_a_list_or_by_the_line() -> None:
    one, two = a_json_cdr(), a_json_cdr(uuid="b", call_uuid="b")

    for files in (
        [json.dumps([one, two])],
        [json.dumps(one), json.dumps(two)],
        [f"{json.dumps(one)}\n{json.dumps(two)}"],
    ):
        assert {call.call_id for call in calls(*files)} == {UUID, "b"}


def test_the_talk_of_two_legs_counts_once() -> None:
    second = a_json_cdr(uuid="b-leg", billsec="100", answer_epoch="1763717410")

    (call,) = calls(json.dumps(second), json.dumps(a_json_cdr()))

    assert call.duration_seconds == 105


def test_the_legs_of_a_call_are_one() -> None:
    second = a_json_cdr(uuid="b-leg", billsec="0", answer_epoch="0", hangup_cause="NO_ANSWER")

    (call,) = calls(json.dumps(second), json.dumps(a_json_cdr()))

    assert (call.call_id, call.outcome, call.duration_seconds) == (UUID, "answered", 95)


@pytest.mark.parametrize(
    ("variables", "outcome"),
    [
        ({"answer_epoch": "1763717405"}, "answered"),
        ({"answer_epoch": "1763717405", "last_app": "voicemail"}, "voicemail"),
        ({"answer_epoch": "0", "hangup_cause": "USER_BUSY"}, "busy"),
        ({"hangup_cause": "ORIGINATOR_CANCEL"}, "missed"),
        ({"hangup_cause": "NO_ROUTE_DESTINATION"}, "failed"),
    ],
)
def test_each_end_of_freeswitch_has_an_outcome(variables: dict[str, str], outcome: str) -> None:
    (call,) = calls(an_xml_cdr(**variables))

    assert (call.call_id, call.outcome, call.author) == (UUID, outcome, "Li Na")


def test_xml_holds_one_record_or_several() -> None:
    several = f'<?xml version="1.0"?><cdrs>{an_xml_cdr()}{an_xml_cdr(uuid="b")}</cdrs>'

    assert {call.call_id for call in calls(several)} == {UUID, "b"}


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><cdr><variables><uuid>&b;</uuid></variables></cdr>'


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (BOMB, 1),
        ("<cdr>\n<variables>\n</cdr>", 3),
        ("<other/>", 1),
        (an_xml_cdr(start_epoch="soon"), 1),
        ('{"variables": {}}', 1),
        ("[1]", 1),
        (f"{json.dumps(a_json_cdr())}\n{{broken\n", 2),
    ],
)
def test_a_broken_record_is_named_with_its_line(raw: str, line: int) -> None:
    found = read(raw)

    assert [one.place for one in found.refused] == [f"file1:{line}"]


def test_a_file_is_known_by_its_first_sign() -> None:
    assert [looks_like(one) for one in (b"\xef\xbb\xbf <cdr/>", b'[{"a"', b"{", b'"","03"', b"")] == [
        "freeswitch-xml",
        "freeswitch-json",
        "freeswitch-json",
        "asterisk",
        "asterisk",
    ]


CELLS = st.sampled_from(["204", "030901820", "2026-11-21 10:30:00", "9999-12-31 23:59:59", "0001-01-01", "ANSWERED"])
LINES = st.lists(st.lists(CELLS | st.text(max_size=8), max_size=21).map('","'.join)).map("\n".join).map(str.encode)
NUMBERS = st.integers(0, 10**20).map(str)


@given(st.one_of(st.binary(), LINES, NUMBERS.map(lambda one: json.dumps(a_json_cdr(one)).encode())))
def test_any_bytes_are_read_or_refused_with_their_place(raw: bytes) -> None:
    for file_format in FORMATS:
        found = read(raw, file_format=file_format)

        told = calls_in(found, SETTINGS, now=NOON)

        assert all(call.handle and call.call_id and call.duration_seconds >= 0 for _, call in told)
        assert all(one.place.startswith("file1:") and one.reason for one in found.refused)
