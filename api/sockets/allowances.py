"""How much each visitor may still send, over all of their sockets in this process."""

from collections import OrderedDict

import msgspec

MESSAGES_AT_ONCE_MAX = 20
MESSAGES_PER_SECOND_MAX = 2.0
"""What a visitor may go on sending after `MESSAGES_AT_ONCE_MAX`; `typing` counts too."""
VISITORS_MAX = 20_000
"""Visitors remembered; one who was silent for longest is forgotten first, and had a full allowance by then."""


class Allowance(msgspec.Struct, frozen=True):
    """How much one visitor may still send: a bucket that refills with time."""

    left: float = MESSAGES_AT_ONCE_MAX
    counted_at: float = 0.0
    """Seconds on a monotonic clock."""

    def take(self, now_seconds: float) -> "tuple[Allowance, float]":
        """What is left after one more frame, and 0; or the seconds to wait, and nothing taken."""
        passed = max(0.0, now_seconds - self.counted_at)
        left = min(float(MESSAGES_AT_ONCE_MAX), self.left + passed * MESSAGES_PER_SECOND_MAX)
        if left < 1:
            return Allowance(left, now_seconds), (1 - left) / MESSAGES_PER_SECOND_MAX
        return Allowance(left - 1, now_seconds), 0.0


class Allowances:
    """By web chat and visitor."""

    def __init__(self) -> None:
        self._left: OrderedDict[tuple[str, str], Allowance] = OrderedDict()

    def take(self, account_id: str, visitor_id: str, now_seconds: float) -> float:
        """Seconds to wait; 0 where the frame may go through, which is then counted."""
        key = (account_id, visitor_id)
        before = self._left.pop(key, None) or Allowance(counted_at=now_seconds)
        self._left[key], wait_seconds = before.take(now_seconds)
        if len(self._left) > VISITORS_MAX:
            self._left.popitem(last=False)
        return wait_seconds
