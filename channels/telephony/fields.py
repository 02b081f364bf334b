"""Fields of live call events: ids, durations and times, read without trusting them."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from channels.edge.payload import CLOCK_SKEW_MAX, UnreadablePayload, an_identifier, plausible
from domain.calls.intake import DURATION_SECONDS_MAX


def call_id_of(given: str, field: str) -> str:
    """Raises UnreadablePayload where there is none."""
    if not (call_id := an_identifier(given)):
        raise UnreadablePayload(field, "a call has an id")
    return call_id


def seconds_of(given: str) -> int:
    """0 for what is no number of seconds; at most a week."""
    whole = given.strip().partition(".")[0]
    is_number = whole.isascii() and whole.isdigit() and len(whole) < 10
    return min(int(whole), DURATION_SECONDS_MAX) if is_number else 0


def told_at(given: str, received_at: datetime) -> datetime:
    """Of `Wed, 11 Nov 2026 09:33:00 +0000`; `received_at` where that makes no sense."""
    try:
        at = parsedate_to_datetime(given)
    except (ValueError, OverflowError):
        return received_at
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return plausible(at, received_at=received_at) if at.year > 1970 else received_at


def written_at(given: str, received_at: datetime) -> datetime | None:
    """Of `2026-11-11T09:30:00+01:00`; None for what is no such time, or has no zone."""
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        return None
    if at.tzinfo is None or not 1970 < at.year < 9999 or at > received_at + CLOCK_SKEW_MAX:
        return None
    return at.astimezone(UTC)
