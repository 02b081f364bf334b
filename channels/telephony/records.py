"""Call detail records as rows of any telephone system, and the calls that they make.

A call that rang several people or was passed on has several rows with one key; together they are one call. So a file
that is sent again, or overlaps another, holds calls that are known by their keys. Where an export cuts a call in two,
what came first stands.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime

import msgspec

from channels import phone
from channels.edge.payload import CLOCK_SKEW_MAX, IDENTIFIER_LENGTH_MAX
from channels.edge.text import one_line, without_controls
from domain.calls.intake import DURATION_SECONDS_MAX, Call
from domain.calls.stages import Direction

BEST_FIRST: tuple[phone.Outcome, ...] = ("answered", "voicemail", "busy", "missed", "failed")
"""What counts of a call whose rows ended differently."""


class RowUnreadable(Exception):
    """A row that is no call record."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row: a part of a call, from somebody to somebody.

    Example: `Row(place="Master.csv:7", key="1763717400.42", caller="030901820", called="204", started_at=…,
    outcome="answered", talk_seconds=95)`
    """

    place: str
    """File and line, for whoever has to look."""
    key: str
    """The telephone system's own id, the same for all parts of a call; a hash of the row where it has none."""
    caller: str
    called: str
    started_at: datetime
    outcome: phone.Outcome
    answered_at: datetime | None = None
    """Where it is not told, somebody answered as it began."""
    talk_seconds: int = 0
    name: str = ""
    """The caller's, as the telephone system knows it."""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """What is left out, where it stands and why."""

    place: str
    reason: str


class Read(msgspec.Struct, kw_only=True):
    """Everything that some files hold."""

    rows: list[Row] = msgspec.field(default_factory=list)
    refused: list[Refused] = msgspec.field(default_factory=list)

    def refuse(self, place: str, reason: object) -> None:
        """Reports a row and goes on."""
        self.refused.append(Refused(place=place, reason=one_line(str(reason))))


def key_of(*ids: str, row: Iterable[str]) -> str:
    """The first id that there is, else a hash of the row without its white space.

    Example: `("", "1763717400.42")` → `"1763717400.42"`; `("", "")` → `"row:9f86d081884c7d65…"`
    """
    for one in ids:
        if found := without_controls(one).strip()[:IDENTIFIER_LENGTH_MAX]:
            return found
    normal = "\x1f".join(cell.strip() for cell in row)
    return f"row:{hashlib.sha256(normal.encode('utf-8', 'replace')).hexdigest()[:32]}"


def whole_seconds(given: str, field: str) -> int:
    """Seconds of a duration, at most a week. Raises RowUnreadable for what is none."""
    whole, _, fraction = given.strip().partition(".")
    if not whole:
        return 0
    if not (whole.isascii() and whole.isdigit() and len(whole) < 12 and fraction.isalnum() == bool(fraction)):
        raise RowUnreadable(f"{field}: {one_line(given)[:40]!r} is no number of seconds")
    return min(int(whole), DURATION_SECONDS_MAX)


def calls_in(read: Read, settings: phone.Settings, *, now: datetime) -> list[tuple[str, Call]]:
    """The calls with customers, each with the place of its first row, in the order in which they began.

    Calls among ourselves, and rows of a time that cannot be, are added to `read.refused`.
    """
    by_key: dict[str, dict[Row, None]] = {}
    for row in read.rows:
        if row.started_at.year < 1971 or row.started_at > now + CLOCK_SKEW_MAX:
            read.refuse(row.place, "a call begins between 1971 and tomorrow")
            continue
        unplaced = msgspec.structs.replace(row, place="")
        by_key.setdefault(row.key, {}).setdefault(unplaced, None)
    places = {row.key: row.place for row in reversed(read.rows)}
    calls: list[tuple[str, Call]] = []
    for key, parts in by_key.items():
        call = _call(key, sorted(parts, key=lambda part: part.started_at), settings)
        if call is None:
            read.refuse(places[key], "a call among ourselves")
        else:
            calls.append((places[key], call))
    return sorted(calls, key=lambda placed: placed[1].occurred_at)


def _call(key: str, parts: list[Row], settings: phone.Settings) -> Call | None:
    """The customer is the other end of its first part that leads outside; parts among ourselves tell nothing of them.

    Telephone systems do not say which way a call went: it is outbound if an extension or a number of ours called.
    """
    outside = [(part, direction) for part in parts if (direction := _direction(part, settings)) is not None]
    if not outside:
        return None
    first, direction = outside[0]
    outcome = min((part.outcome for part, _ in outside), key=BEST_FIRST.index)
    talked = _talk_seconds([part for part, _ in outside if part.outcome == outcome])
    is_inbound = direction is Direction.INBOUND
    return Call(
        call_id=key,
        direction=direction,
        handle=phone.normalised(first.caller if is_inbound else first.called, settings.region),
        outcome=outcome,
        occurred_at=first.started_at,
        duration_seconds=min(talked, DURATION_SECONDS_MAX) if outcome in ("answered", "voicemail") else 0,
        author=first.name if is_inbound else "",
    )


def _talk_seconds(parts: list[Row]) -> int:
    """Seconds in which anybody talked: of two legs of one call only once."""
    seconds, upto = 0.0, 0.0
    spans = ((part.answered_at or part.started_at).timestamp() for part in parts)
    for begin, talked in sorted(zip(spans, (part.talk_seconds for part in parts), strict=True)):
        seconds += max(0.0, begin + talked - max(begin, upto))
        upto = max(upto, begin + talked)
    return round(seconds)


def _direction(row: Row, settings: phone.Settings) -> Direction | None:
    """None among ourselves."""
    caller = phone.normalised(row.caller, settings.region)
    if not _is_ours(caller, settings):
        return Direction.INBOUND
    called = phone.normalised(row.called, settings.region)
    return None if called == phone.WITHHELD or _is_ours(called, settings) else Direction.OUTBOUND


def _is_ours(number: str, settings: phone.Settings) -> bool:
    """An extension, a feature code, a step of the dial plan such as `s`, or a number that the account calls its own."""
    if number == phone.WITHHELD:
        return False
    digits = sum(sign.isdecimal() for sign in number)
    return number in settings.own_numbers or ("@" not in number and digits < phone.SUBSCRIBER_DIGITS_MIN)
