"""Opening hours: in a time zone of their own, over changes of clocks, holidays and nights."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain.hours import WEEKDAYS, HoursInvalid, OpeningHours, demand_valid

BERLIN = OpeningHours(
    time_zone="Europe/Berlin",
    weekly={"mon": (("09:00", "12:30"), ("13:00", "18:00")), "sun": (("00:00", "24:00"),)},
    holidays=("2026-11-16",),
    special={"2026-11-23": (("10:00", "11:00"),), "2026-11-30": ()},
)
ALWAYS = OpeningHours(time_zone="UTC", weekly=dict.fromkeys(WEEKDAYS, (("00:00", "24:00"),)))
NEVER = OpeningHours(time_zone="UTC", weekly={})

NEVER_COMES = datetime.max.replace(tzinfo=UTC)


def at(text: str) -> datetime:
    """In UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-09T07:59:59", False),
        ("2026-11-09T08:00:00", True),
        ("2026-11-09T11:29:59", True),
        ("2026-11-09T11:30:00", False),
        ("2026-11-09T12:00:00", True),
        ("2026-11-09T17:00:00", False),
        ("2026-11-10T10:00:00", False),
    ],
)
def test_a_day_is_open_in_its_spans_by_the_wall_clock_there(moment: str, is_open: bool) -> None:  # noqa: FBT001
    assert BERLIN.is_open(at(moment)) is is_open


def test_the_same_wall_clock_is_an_hour_earlier_in_summer() -> None:
    assert BERLIN.is_open(at("2026-07-06T07:00:00"))
    assert not BERLIN.is_open(at("2026-07-06T06:59:59"))


def test_a_holiday_is_closed_all_day() -> None:
    assert not BERLIN.is_open(at("2026-11-16T10:00:00"))
    assert BERLIN.next_change(at("2026-11-16T10:00:00")) == at("2026-11-21T23:00:00")


def test_a_special_day_goes_before_the_week() -> None:
    assert BERLIN.is_open(at("2026-11-23T09:30:00"))
    assert not BERLIN.is_open(at("2026-11-23T12:30:00"))


def test_a_special_day_without_spans_is_closed() -> None:
    assert not BERLIN.is_open(at("2026-11-30T10:00:00"))


def test_a_special_day_goes_before_a_holiday() -> None:
    hours = replace(BERLIN, holidays=("2026-11-23",))

    assert hours.is_open(at("2026-11-23T09:30:00"))


def test_the_next_change_is_the_end_of_the_span_then_the_begin_of_the_next() -> None:
    assert BERLIN.next_change(at("2026-11-09T08:00:00")) == at("2026-11-09T11:30:00")
    assert BERLIN.next_change(at("2026-11-09T11:30:00")) == at("2026-11-09T12:00:00")


def test_midnight_between_two_open_days_is_no_change() -> None:
    hours = replace(BERLIN, weekly={"sat": (("20:00", "24:00"),), "sun": (("00:00", "06:00"),)})

    assert hours.is_open(at("2026-11-14T22:59:59"))
    assert hours.is_open(at("2026-11-14T23:00:00"))
    assert hours.next_change(at("2026-11-14T19:00:00")) == at("2026-11-15T05:00:00")


def test_clocks_that_go_forward_shorten_the_day() -> None:
    sunday_begins, sunday_ends = at("2026-03-28T23:00:00"), at("2026-03-29T22:00:00")

    assert BERLIN.next_change(sunday_begins - timedelta(seconds=1)) == sunday_begins
    assert BERLIN.next_change(sunday_begins) == sunday_ends
    assert sunday_ends - sunday_begins == timedelta(hours=23)


def test_clocks_that_go_back_lengthen_the_day() -> None:
    sunday_begins, sunday_ends = at("2026-10-24T22:00:00"), at("2026-10-25T23:00:00")

    assert BERLIN.next_change(sunday_begins) == sunday_ends
    assert sunday_ends - sunday_begins == timedelta(hours=25)


def test_the_hour_that_is_repeated_is_open_twice() -> None:
    hours = replace(BERLIN, weekly={"sun": (("02:00", "03:00"),)})

    assert hours.is_open(at("2026-10-25T00:30:00"))
    assert hours.is_open(at("2026-10-25T01:30:00"))
    assert not hours.is_open(at("2026-10-25T02:00:00"))


def test_the_hour_that_is_left_out_is_not_open() -> None:
    hours = replace(BERLIN, weekly={"sun": (("02:00", "03:00"),)})

    assert not any(hours.is_open(at("2026-03-29T00:00:00") + timedelta(minutes=10 * step)) for step in range(18))


NIGHTS = (("00:15", "02:30"), ("02:45", "03:15"), ("22:00", "24:00"))
ZONES = ("Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana")
"""Offsets of quarters of an hour, changes of clocks by half an hour, and one at midnight."""


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("begins", ["2026-03-07", "2026-03-28", "2026-04-03", "2026-10-03", "2026-10-24", "2026-10-31"])
def test_nothing_changes_between_now_and_the_next_change(zone: str, begins: str) -> None:
    hours = OpeningHours(time_zone=zone, weekly=dict.fromkeys(WEEKDAYS, NIGHTS))
    moment, end = at(begins), at(begins) + timedelta(days=3)

    while moment < end:
        change = hours.next_change(moment)

        assert change is not None
        assert change > moment
        while moment < change:
            assert hours.is_open(moment) != hours.is_open(change), (moment, change)
            moment += timedelta(minutes=15)


def test_a_span_that_begins_in_the_hour_left_out_begins_after_it() -> None:
    hours = replace(BERLIN, weekly={"sun": (("02:30", "04:00"),)})

    assert hours.next_change(at("2026-03-28T12:00:00")) == at("2026-03-29T01:00:00")


def test_a_span_that_ends_in_the_hour_repeated_ends_twice() -> None:
    hours = replace(BERLIN, weekly={"sun": (("01:00", "02:37"),)})
    changes = [at("2026-10-24T12:00:00")]

    for _ in range(4):
        changes.append(hours.next_change(changes[-1]) or NEVER_COMES)

    assert changes[1:] == [
        at("2026-10-24T23:00:00"),
        at("2026-10-25T00:37:00"),
        at("2026-10-25T01:00:00"),
        at("2026-10-25T01:37:00"),
    ]


def test_what_is_always_open_or_never_has_no_next_change() -> None:
    for hours, is_open in ((ALWAYS, True), (NEVER, False)):
        assert hours.is_open(at("2026-11-09T08:00:00")) is is_open
        assert hours.next_change(at("2026-11-09T08:00:00")) is None


def test_a_special_day_within_the_year_ends_what_would_never_open() -> None:
    hours = replace(NEVER, special={"2027-11-11": (("09:00", "10:00"),)})

    assert hours.next_change(at("2026-11-09T08:00:00")) == at("2027-11-11T09:00:00")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"weekly": {"monday": ()}}, "weekly.monday"),
        ({"weekly": {"mon": (("9", "10:00"),)}}, "weekly.mon"),
        ({"weekly": {"mon": (("09:60", "10:00"),)}}, "weekly.mon"),
        ({"weekly": {"mon": (("09:00", "24:01"),)}}, "weekly.mon"),
        ({"weekly": {"mon": (("22:00", "06:00"),)}}, "weekly.mon"),
        ({"weekly": {"mon": (("09:00", "09:00"),)}}, "weekly.mon"),
        ({"holidays": ("2026-02-30",)}, "holidays"),
        ({"holidays": ("20261123",)}, "holidays"),
        ({"holidays": ("2026-W48-1",)}, "holidays"),
        ({"special": {"20261123": ()}}, "special"),
        ({"special": {"11/11": ()}}, "special"),
        ({"special": {"2026-11-11": (("a", "b"),)}}, "special.2026-11-11"),
    ],
)
def test_hours_that_cannot_be_are_refused_by_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(HoursInvalid, match=f"^{field}: "):
        demand_valid(replace(BERLIN, **change))


def test_hours_that_can_be_are_taken() -> None:
    for hours in (BERLIN, ALWAYS, NEVER):
        demand_valid(hours)


@pytest.mark.parametrize(
    ("since", "until", "opened_at"),
    [
        ("2026-11-09T07:00:00", "2026-11-09T10:00:00", "2026-11-09T08:00:00"),
        ("2026-11-09T07:00:00", "2026-11-09T12:30:00", "2026-11-09T12:00:00"),
        ("2026-11-09T08:00:00", "2026-11-09T11:00:00", None),
        ("2026-11-02T00:00:00", "2026-11-09T07:00:00", "2026-11-07T23:00:00"),
        ("2026-11-09T18:00:00", "2026-11-13T18:00:00", None),
    ],
)
def test_the_last_opening_of_a_time_is_found(since: str, until: str, opened_at: str | None) -> None:
    expected = at(opened_at) if opened_at else None

    assert BERLIN.opened_between(at(since), at(until)) == expected


def test_what_never_closes_opens_at_no_time() -> None:
    assert ALWAYS.opened_between(at("2025-01-01T00:00:00"), at("2026-11-09T07:00:00")) is None
    assert ALWAYS.opened_between(at("2026-11-09T07:00:00"), at("2026-11-08T07:00:00")) is None
