"""What a channel allows of sending: how long after the customer's words, how much, how often, how long it is tried."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from domain.account import AccountInvalid
from domain.outbound.files import Files

SENDS_AT_ONCE_MAX = 100
SENDS_PER_SECOND_MAX = 10_000
PAUSE_MAX = timedelta(days=1)
"""No provider is given longer: a moment further away was told by a clock that was wrong."""


class Rate(msgspec.Struct, frozen=True):
    """At most so many sends within any so many seconds."""

    sends: int
    seconds: float


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Of one channel account: its channel's own, unless its settings say otherwise."""

    window: timedelta | None = None
    """So long after the customer's last message a reply is taken; None: always."""
    text_length_max: int | None = None
    """Characters of a reply; None: as many as the API takes from an agent."""
    files: Files | None = None
    """What files a reply may carry; None: none."""
    takes_templates: bool = False
    """Whether a reply may be a text that the provider approved, which it takes when the window is closed too."""
    rates: tuple[Rate, ...] = (Rate(20, 1.0),)
    """All hold at once: a provider may count by the second and by the day."""
    gap_seconds: float = 0.0
    """Between two sends to the same person."""
    at_once_max: int = 10
    """Sends under way at the same time, each in a conversation of its own."""
    retry_for: timedelta = timedelta(days=1)
    """A reply that the channel has no time for is given up when it has waited so long."""
    backoff_seconds_max: float = 900.0
    """Between two tries, but for what the channel itself asks for."""


DEFAULT = Limits()
Takes = Callable[[str, Mapping[str, str]], Limits | None]
"""By channel and settings of an account: what it takes of replies; None where none can be sent."""


def limits_of(limits: Limits, settings: Mapping[str, str]) -> Limits:
    """With what an account's settings say instead: `sends_per_second` (0.2 is one in 5 s; in place of the shortest of
    the rates), `recipient_gap_seconds`, `sends_at_once`, `retry_for_seconds`. Raises AccountInvalid.

    Example: `{"sends_per_second": "1000", "recipient_gap_seconds": "0"}`
    """
    changes: dict[str, object] = {}
    if "sends_per_second" in settings:
        per_second = _number(settings, "sends_per_second", above=0.0, up_to=SENDS_PER_SECOND_MAX)
        rate = Rate(int(per_second), 1.0) if per_second >= 1 else Rate(1, 1 / per_second)
        changes["rates"] = (rate, *sorted(limits.rates, key=lambda one: one.seconds)[1:])
    if "recipient_gap_seconds" in settings:
        changes["gap_seconds"] = _number(settings, "recipient_gap_seconds", above=-1.0, up_to=3_600)
    if "sends_at_once" in settings:
        changes["at_once_max"] = int(_number(settings, "sends_at_once", above=0.9, up_to=SENDS_AT_ONCE_MAX))
    if "retry_for_seconds" in settings:
        seconds = _number(settings, "retry_for_seconds", above=0.0, up_to=30 * 86_400)
        changes["retry_for"] = timedelta(seconds=seconds)
    return replace(limits, **changes) if changes else limits


def _number(settings: Mapping[str, str], name: str, *, above: float, up_to: float) -> float:
    try:
        number = float(settings[name])
    except ValueError:
        number = above
    if not above < number <= up_to or number < 0:
        raise AccountInvalid(
            f"settings.{name}: {settings[name]!r} is no number above {max(above, 0):g} up to {up_to:g}"
        )
    return number


def backoff_seconds(attempt: int, limits: Limits, jitter: float) -> float:
    """How long to wait after that attempt: 2, 4, 8, … s up to the limit, of which chance (0 to 1) takes up to half,
    so that all that failed together is not tried again together.
    """
    whole = min(limits.backoff_seconds_max, 2.0 ** min(attempt, 30))
    return whole * (0.5 + jitter / 2)
