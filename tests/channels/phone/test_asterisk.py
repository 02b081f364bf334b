"""Phone: call detail records of Asterisk."""

from datetime import UTC, datetime

import pytest

from channels.telephony.records import calls_in
from domain.calls.intake import Call
from domain.calls.stages import Direction
from tests.channels.phone.samples import SETTINGS, calls, cdr, read
from tests.channels.posted import NOON


def test_a_line_of_asterisk_is_a_call_in_the_time_of_its_place() -> None:
    (call,) = calls(cdr("030901820", "204", "1763717400.42"))

    assert call == Call(
        call_id="1763717400.42",
        direction=Direction.INBOUND,
        handle="+4930901820",
        outcome="answered",
        occurred_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
        duration_seconds=95,
        author="Li Na",
    )


@pytest.mark.parametrize(
    ("further", "call_id"),
    [
        (("1763717400.42",), "1763717400.42"),
        (("pbx-1763717400.42",), "pbx-1763717400.42"),
        (("1763717400.42", "vip"), "1763717400.42"),
        (("", "1763717400.40", "3"), "1763717400.40"),
        (("1763717400.42", "", "1763717400.40", "3"), "1763717400.40"),
        (("1763717400.42", "vip", "", "1763717400.40", "3"), "1763717400.40"),
    ],
)
def test_every_shape_of_master_csv_has_its_key(further: tuple[str, ...], call_id: str) -> None:
    (call,) = calls(cdr("030901820", "204", *further))

    assert call.call_id == call_id


def test_a_line_without_an_id_is_known_by_all_of_it() -> None:
    plain, other, field = cdr(), cdr(talk=96), cdr("030901820", "204", "vip")

    ids = [call.call_id for call in calls(plain + other + plain, plain, field)]

    assert len(ids) == len(set(ids)) == 3
    assert all(one.startswith("row:") for one in ids)
    assert ids == [call.call_id for call in calls(plain + other + plain, plain, field)]


def test_an_export_with_a_heading_is_read_by_its_names() -> None:
    heading = '\ufeff"calldate","clid","src","dst","disposition","billsec","uniqueid","linkedid"\r\n'
    row = '"2026-11-21 10:30:00","Li Na <030901820>","030901820","204","NO ANSWER","0","2.1","1.1"\r\n'

    (call,) = calls(heading + row)

    assert (call.call_id, call.outcome, call.author) == ("1.1", "missed", "Li Na")


def test_a_call_that_rang_two_and_was_passed_on_is_one() -> None:
    def part(called: str, linked: str = "1763717400.42", **rest: str) -> str:
        return cdr("030901820", called, "1763717400.42", "", linked, "1", **rest)  # type: ignore[arg-type]

    rang = cdr("030901820", "204", "1763717400.42", "", "1763717400.42", "1", ended="NO ANSWER", talk=0)
    consulted = cdr("204", "205", "1763717460.50", "", "1763717400.42", "3", start="2026-11-21 10:31:00", talk=20)
    taken = part("205", start="2026-11-21 10:30:20")
    passed_on = part("206", start="2026-11-21 10:32:00")

    (call,) = calls(passed_on + taken, rang + consulted + rang)

    assert (call.outcome, call.duration_seconds) == ("answered", 190)
    assert call.occurred_at == datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("caller", "called", "direction", "handle"),
    [
        ("030901820", "030123456", Direction.INBOUND, "+4930901820"),
        ("204", "004930901820", Direction.OUTBOUND, "+4930901820"),
        ("030123456", "030901820", Direction.OUTBOUND, "+4930901820"),
        ("", "204", Direction.INBOUND, "anonymous"),
        ("anonymous", "s", Direction.INBOUND, "anonymous"),
        ("kim@pbx.example", "204", Direction.INBOUND, "kim@pbx.example"),
    ],
)
def test_who_called_whom_is_told_by_the_numbers(caller: str, called: str, direction: Direction, handle: str) -> None:
    (call,) = calls(cdr(caller, called))

    assert (call.direction, call.handle) == (direction, handle)


def test_a_call_among_ourselves_is_left_out_and_named() -> None:
    found = read(cdr("204", "*97") + cdr("204", "030123456"))

    assert calls_in(found, SETTINGS, now=NOON) == []
    assert [(one.place, one.reason) for one in found.refused] == [
        ("file1:1", "a call among ourselves"),
        ("file1:2", "a call among ourselves"),
    ]


@pytest.mark.parametrize(
    ("line", "outcome", "seconds"),
    [
        (cdr(ended="NO ANSWER"), "missed", 0),
        (cdr(ended="BUSY"), "busy", 0),
        (cdr(ended="FAILED"), "failed", 0),
        (cdr(ended="CONGESTION"), "failed", 0),
        (cdr(app="VoiceMail"), "voicemail", 95),
        (cdr(app="Queue", to=""), "missed", 0),
        (cdr(app="Queue"), "answered", 95),
    ],
)
def test_each_end_of_asterisk_has_an_outcome(line: str, outcome: str, seconds: int) -> None:
    (call,) = calls(line)

    assert (call.outcome, call.duration_seconds) == (outcome, seconds)


def test_the_hour_that_comes_twice_is_told_apart_by_the_id() -> None:
    def at(*further: str) -> datetime:
        (call,) = calls(cdr("030901820", "204", *further, start="2026-10-25 02:30:00"))
        return call.occurred_at

    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert at(f"{int(first.timestamp())}.1") == first
    assert at(f"{int(second.timestamp())}.1") == second
    assert at() == first


def test_a_broken_line_is_named_and_the_others_go_on() -> None:
    good = cdr("030901820", "204", "1763717400.42")
    lines = [
        good,
        '"too","few"\n',
        cdr(start="yesterday"),
        cdr(ended="SHRUGGED"),
        cdr(start="2027-01-01 00:00:00"),
        '"two\nlines","few"\n',
        good.replace(".42", ".43"),
        good.replace(",95,", ",minus,"),
    ]

    found = read("".join(lines))
    stored = [call.call_id for _, call in calls_in(found, SETTINGS, now=NOON)]

    assert stored == ["1763717400.42", "1763717400.43"]
    assert [one.place for one in found.refused] == ["file1:2", "file1:3", "file1:4", "file1:6", "file1:9", "file1:5"]
    assert "2 columns" in found.refused[0].reason
