"""A clock for waiting: within a process it goes on as time does, whatever happens to the time of day."""

from collections.abc import Callable
from datetime import datetime, timedelta

from application.exchange.limits import PAUSE_MAX


class SteadyClock:
    """Tells the time of day at which it began, plus the time that has passed since. Only for waiting: what is written
    down bears the time of day.
    """

    def __init__(self, time_of_day: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        """`monotonic`: seconds since any moment."""
        self._time_of_day = time_of_day
        self._monotonic = monotonic
        self._began_at, self._began_seconds = time_of_day(), monotonic()

    def now(self) -> datetime:
        """Never goes back."""
        return self._began_at + timedelta(seconds=self._monotonic() - self._began_seconds)

    def of(self, at: datetime) -> datetime:
        """The time of day as this clock will tell it: as far from now, but no further than a day."""
        return self.now() + min(at - self._time_of_day(), PAUSE_MAX)
