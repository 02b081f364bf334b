"""Opening hours: when a queue is served, in its own time zone, with holidays and special days."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOK_AHEAD_DAYS = 400
"""Beyond that nothing is known to change: hours that repeat weekly change within a week, holidays within a year."""
MICROSECOND = timedelta(microseconds=1)
DAY, QUARTER, NO_TIME = timedelta(days=1), timedelta(minutes=15), timedelta()
"""Clocks are changed at a full quarter of an hour."""
Spans = tuple[tuple[str, str], ...]
"""From and until, wall clock: `(("09:00", "12:30"), ("13:00", "24:00"))`."""


class HoursInvalid(ValueError):
    """These opening hours cannot be."""


class OpeningHours(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Spans of each weekday; a day that is not named is closed.

    Example: `{"time_zone": "Asia/Shanghai", "weekly": {"mon": [["09:00", "18:00"]]}, "holidays": ["2027-02-06"],
    "special": {"2026-11-11": [["00:00", "24:00"]]}}`
    """

    time_zone: str
    """As the IANA names it."""
    weekly: dict[str, Spans]
    holidays: tuple[str, ...] = ()
    """Days on which it is closed, ISO."""
    special: dict[str, Spans] = {}
    """Days that have hours of their own; they go before holidays and the week."""

    def is_open(self, at: datetime) -> bool:
        """By the wall clock there: in the hour that a change of clocks repeats it is open twice."""
        local = at.astimezone(_zone(self.time_zone))
        now = local.hour * 60 + local.minute
        return any(_minutes(start) <= now < _minutes(end) for start, end in self._spans(local.date()))

    def next_change(self, at: datetime) -> datetime | None:
        """The first moment after `at` at which it opens or closes; None if it never does."""
        is_open = self.is_open(at)
        for moment in self._boundaries(at):
            if moment > at and self.is_open(moment) != is_open:
                return moment
        return None

    def opened_between(self, since: datetime, until: datetime) -> datetime | None:
        """The last moment after the one and up to the other at which it opened; None if there is none."""
        first, last = (moment.astimezone(_zone(self.time_zone)).date() for moment in (since, until))
        for days in range(min((last - first).days, LOOK_AHEAD_DAYS) + 1):
            for moment in sorted(self._moments(last - timedelta(days=days)), reverse=True):
                is_within = since < moment <= until
                if is_within and self.is_open(moment) and not self.is_open(moment - MICROSECOND):
                    return moment
        return None

    def next_look(self, at: datetime) -> datetime:
        """When to ask again: at the next change, or as far ahead as changes are looked for."""
        return self.next_change(at) or at + LOOK_AHEAD_DAYS * DAY

    def _boundaries(self, at: datetime) -> Iterator[datetime]:
        first = at.astimezone(_zone(self.time_zone)).date()
        for day in (first + timedelta(days=days) for days in range(LOOK_AHEAD_DAYS)):
            yield from sorted(self._moments(day))

    def _moments(self, day: date) -> set[datetime]:
        """When it may open or close on a day; where the clocks change, that may be at the change itself, or twice."""
        begins, ends = (datetime.combine(midnight, time(), _zone(self.time_zone)) for midnight in (day, day + DAY))
        moments: set[datetime] = set()
        for minutes in {_minutes(word) for span in self._spans(day) for word in span}:
            midnight = begins if minutes < 1_440 else ends
            moments.add(midnight.replace(hour=minutes // 60 % 24, minute=minutes % 60).astimezone(UTC))
        if shift := (begins.utcoffset() or NO_TIME) - (ends.utcoffset() or NO_TIME):
            quarters = (ends.astimezone(UTC) - begins.astimezone(UTC)) // QUARTER
            moments |= {moment + shift for moment in moments} | {moment - shift for moment in moments}
            moments |= {begins.astimezone(UTC) + QUARTER * number for number in range(quarters)}
        return moments

    def _spans(self, day: date) -> Spans:
        name = day.isoformat()
        if name in self.special:
            return self.special[name]
        return () if name in self.holidays else self.weekly.get(WEEKDAYS[day.weekday()], ())


def demand_valid(hours: OpeningHours) -> None:
    """Raises HoursInvalid, which names the field."""
    try:
        _zone(hours.time_zone)
    except (KeyError, ValueError, OSError) as unknown:
        raise HoursInvalid(f"time_zone: {hours.time_zone!r} is not an IANA time zone") from unknown
    for day in hours.weekly:
        if day not in WEEKDAYS:
            raise HoursInvalid(f"weekly.{day}: a weekday is one of {', '.join(WEEKDAYS)}")
    for name, days in (("holidays", hours.holidays), ("special", tuple(hours.special))):
        for day in days:
            _demand_date(name, day)
    for name, weekly in (("weekly", hours.weekly), ("special", hours.special)):
        for day, spans in weekly.items():
            for start, end in spans:
                _demand_span(f"{name}.{day}", start, end)


def _demand_date(name: str, day: str) -> None:
    try:
        is_day = date.fromisoformat(day).isoformat() == day  # it takes 20261225 and 2026-W52-5 too; we compare texts
    except ValueError:
        is_day = False
    if not is_day:
        raise HoursInvalid(f"{name}: {day!r} is not a day like 2026-12-25")


def _demand_span(name: str, start: str, end: str) -> None:
    for word in (start, end):
        hours, _, minutes = word.partition(":")
        if not (hours.isdecimal() and minutes.isdecimal() and len(minutes) == 2 and int(minutes) < 60):
            raise HoursInvalid(f"{name}: {word!r} is not a time like 09:30")
        if _minutes(word) > 1_440:
            raise HoursInvalid(f"{name}: {word!r} is past 24:00")
    if _minutes(start) >= _minutes(end):
        raise HoursInvalid(
            f"{name}: {start} to {end} ends before it begins; a night is two spans, until 24:00 and from 00:00"
        )


@lru_cache(maxsize=1_000)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=1_500)
def _minutes(word: str) -> int:
    """Of the day: `09:30` is 570."""
    hours, _, minutes = word.partition(":")
    return int(hours) * 60 + int(minutes)
