"""The one way to wait in a test: for a condition, with a deadline, never for a time."""

import time
from collections.abc import Callable

POLL_SECONDS = 0.01


def wait_until(condition: Callable[[], bool], *, what: str, seconds_max: float = 30.0) -> None:
    """Returns as soon as the condition holds; fails with `what` when it does not hold in time."""
    deadline = time.monotonic() + seconds_max
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds_max:.0f} s: {what}"
        time.sleep(POLL_SECONDS)
