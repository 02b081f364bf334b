"""Gaps: what nobody can read of the log any more, beside which a decision cannot be taken again as it was."""

from collections import Counter

from application.log import UnreadableEvent
from domain.assignment import ConversationEnqueued, ConversationTransferred, OfferAccepted
from domain.classification import ConversationOverflowed
from domain.conversation import ConversationClosed
from domain.event import Recorded, Redacted
from domain.queue import WorkSetAside

CAME = ConversationEnqueued.TOPIC
WENT = frozenset(
    event.TOPIC for event in (OfferAccepted, ConversationTransferred, ConversationOverflowed, ConversationClosed)
)


class Gaps:
    """Moves on with the events of routing, in order."""

    def __init__(self) -> None:
        self._erased: Counter[str] = Counter()
        self._unreadable: set[str] = set()

    def note(self, recorded: Recorded) -> None:
        """Work of somebody who has been erased since counts while it waited."""
        if isinstance(recorded.event, Redacted):
            if recorded.topic == CAME:
                self._erased[recorded.stream] += 1
            elif recorded.topic in WENT and self._erased[recorded.stream]:
                self._erased[recorded.stream] -= 1
        elif isinstance(recorded.event, WorkSetAside):
            self._erased.pop(recorded.event.customer_id, None)
            self._unreadable.discard(recorded.event.customer_id)

    def pass_over(self, error: UnreadableEvent) -> None:
        """From here on nobody knows how this stream stands, until its work is set aside."""
        self._unreadable.add(error.stream)

    @property
    def told(self) -> str:
        """Which there are at this moment, in words; empty for none."""
        if self._unreadable:
            return "an event before it cannot be read"
        return "work of people who have been erased since waited beside it" if any(self._erased.values()) else ""
