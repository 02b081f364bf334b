"""How much each visitor may still send, over all of their sockets in this process."""

from collections import OrderedDict

from channels.webchat import Allowance

VISITORS_MAX = 20_000
"""Visitors remembered; one who was silent for longest is forgotten first, and had a full allowance by then."""


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
