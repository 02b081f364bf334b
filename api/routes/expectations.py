"""Expected waits: where a conversation stands, how long it has still to wait, and how well that came true."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from api.access.ownership import demand_customer
from api.access.permissions import Action
from api.http.answer import Answer, json_answer
from api.http.asked import Asked
from api.http.known import demand_known
from api.http.operation import Nothing, read
from api.http.refusals import Unknown
from application.expectations.expectation import BUCKETS_SECONDS, Shown, Tally, UnknownBecause
from application.expectations.pace import BAND
from application.projections.queue_board import Waiting
from application.views import Page

DAYS = 28


class ExpectationShown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a conversation stands, and how long it has still to wait, from `checked_at` on."""

    place: int
    """From 1: how many that ask exactly the same of agents go first, those being offered among them, and it."""
    as_of: datetime
    """When that was worked out; it is told anew when it changes noticeably."""
    checked_at: datetime
    """When it was last held against the lines; while the router runs, a few seconds ago."""
    age_seconds: float
    """How long ago that is."""
    expected_seconds: int | None = None
    """The mean; nothing while it is not known."""
    low_seconds: int | None = None
    """One of ten waits is shorter."""
    high_seconds: int | None = None
    """One of ten is longer."""
    unknown_because: UnknownBecause | None = None
    """Nobody who could take it is signed in, or too few have been taken from its line to say."""


class WaitingShown(Waiting, frozen=True, kw_only=True, omit_defaults=True):
    """A conversation that waits in a queue, and for how long still."""

    expectation: ExpectationShown | None = None
    """Nothing for one that is offered at once, or whose queue is closed."""


class DaysQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far back."""

    days: Annotated[int, Meta(ge=1, le=400)] = DAYS
    """Today is the first."""


class Calibrated(msgspec.Struct, frozen=True, kw_only=True):
    """Waits of which about the same was expected, as they ended."""

    count: int
    """Of those that an agent took on."""
    within_band: float | None
    """The part that ended within the band that was first said, of them and of `waiting_longer`."""
    shorter: int
    """Those that ended before it began."""
    longer: int
    waiting_longer: int
    """Those that still wait, and longer than the band already."""
    mean_error_seconds: float | None
    """More than 0: on the whole they took longer than was said."""
    mean_absolute_error_seconds: float | None
    given_up: int
    """Not counted otherwise: nobody knows how long they would have taken."""


class CalibratedBucket(Calibrated, frozen=True, kw_only=True):
    """Those of which so long a wait was expected."""

    from_seconds: int
    to_seconds: int | None


class CalibrationShown(Calibrated, frozen=True, kw_only=True):
    """How well expected waits of a queue came true.

    Each conversation that stood in a line counts once, when it is taken on, or while it waits longer than its band.
    What is held against the time is the first expectation in that queue that said a time. Who is offered at once, is
    moved elsewhere, or came while nothing was known, is not in it; the day is that on which the wait ended, in UTC.
    """

    band: float
    """The part of waits that should end within the band."""
    days: int
    buckets: list[CalibratedBucket]
    """By the wait that was expected; those with any."""


async def with_expectations(asked: Asked[Any], page: Page) -> Page:
    """The rows of a queue's board, each with its expectation.

    Example: `{"id": "conversation-…", …, "expectation": {"place": 3, "expected_seconds": 240, …}}`
    """
    ids = [msgspec.json.decode(row, type=_Row).id for row in page.rows]
    shown = await asked.parts.expectations.shown(ids) if ids else Shown(expectations={}, checked_at=None)
    rows = []
    for one, row in zip(ids, page.rows, strict=True):
        found = _found(shown, one, asked.at)
        rows.append(row if found is None else b'%b,"expectation":%b}' % (row[:-1], msgspec.json.encode(found)))
    return replace(page, rows=rows)


@read("/v1/conversations/{conversation_id}/expectation", Action.READ_CONVERSATIONS, gives=ExpectationShown)
async def read_expectation(asked: Asked[Nothing]) -> Answer:
    """Where a conversation stands.

    And how long it has still to wait. 404 for one that stands in no line: it is with an agent or offered at once, its
    queue is closed, or it is over.
    """
    conversation_id = asked.ids["conversation_id"]
    shown = await asked.parts.expectations.shown([conversation_id])
    found = _found(shown, conversation_id, asked.at)
    if found is None:
        raise Unknown(f"{conversation_id} stands in no line")
    await demand_customer(asked, shown.expectations[conversation_id].customer_id)
    return json_answer(found)


@read("/v1/queues/{queue_id}/calibration", Action.READ_BOARDS, takes=DaysQuery, gives=CalibrationShown)
async def read_calibration(asked: Asked[DaysQuery]) -> Answer:
    """How well expected waits came true.

    What was first expected of each conversation, held against when an agent took it on: in all, and by how long a wait
    was expected. `band` of the waits should end within the band.
    """
    queue_id, days = asked.ids["queue_id"], asked.given.days
    await demand_known(asked.parts, queue_id)
    since = (asked.at - timedelta(days=days - 1)).date()
    tallies = await asked.parts.expectations.tallies(queue_id, since)
    overdue = await asked.parts.expectations.overdue(queue_id)
    by_bucket: dict[int, list[Tally]] = defaultdict(list, {bucket: [] for bucket in overdue})
    for one in tallies:
        by_bucket[one.bucket].append(one)
    buckets = [
        CalibratedBucket(from_seconds=bucket, to_seconds=_ends[bucket], **_summed(several, overdue.get(bucket, 0)))
        for bucket, several in sorted(by_bucket.items())
    ]
    in_all = _summed(tallies, sum(overdue.values()))
    return json_answer(CalibrationShown(band=BAND, days=days, buckets=buckets, **in_all))


class _Row(msgspec.Struct):
    id: str


_ends: dict[int, int | None] = dict(zip(BUCKETS_SECONDS, (*BUCKETS_SECONDS[1:], None), strict=True))


def _found(shown: Shown, conversation_id: str, at: datetime) -> ExpectationShown | None:
    one = shown.expectations.get(conversation_id)
    if one is None or shown.checked_at is None:
        return None
    return ExpectationShown(
        place=one.place,
        as_of=one.as_of,
        checked_at=shown.checked_at,
        age_seconds=round(max(0.0, (at - shown.checked_at).total_seconds()), 1),
        expected_seconds=one.expected_seconds,
        low_seconds=one.low_seconds,
        high_seconds=one.high_seconds,
        unknown_because=one.unknown_because,
    )


def _summed(tallies: Sequence[Tally], waiting_longer: int) -> dict[str, Any]:
    count = sum(one.taken for one in tallies)

    def mean(total: float, more: int = 0) -> float | None:
        return round(total / (count + more), 3) if count + more else None

    return {
        "count": count,
        "within_band": mean(sum(one.within for one in tallies), waiting_longer),
        "shorter": sum(one.shorter for one in tallies),
        "longer": sum(one.longer for one in tallies),
        "waiting_longer": waiting_longer,
        "mean_error_seconds": mean(sum(one.error_seconds for one in tallies)),
        "mean_absolute_error_seconds": mean(sum(one.absolute_error_seconds for one in tallies)),
        "given_up": sum(one.given_up for one in tallies),
    }


OPERATIONS = (read_expectation, read_calibration)
