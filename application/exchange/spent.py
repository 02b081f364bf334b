"""What was sent before a sender began, read from the log, so that a restart is no way around an account's rates."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from application.exchange.budget import Budget
from application.exchange.limits import Limits
from application.log import Log, UnreadableEvent
from application.states import States
from domain.customer import Customer
from domain.event import Recorded
from domain.interaction import ReplyHandedOver, ReplyWritten
from domain.outbound.delivery import DeliveryAttempted

PAGE_EVENTS = 2_000
CLOCKS_APART_MAX = timedelta(minutes=1)
"""Between processes: events of neighbouring positions may tell times so far apart."""
TOPICS = frozenset({DeliveryAttempted.TOPIC, ReplyWritten.TOPIC, ReplyHandedOver.TOPIC})


class Spent:
    """Reads as far back as the longest span of an account's limits goes: a second for most, a day for X."""

    def __init__(self, log: Log, states: States) -> None:
        self._log = log
        self._states = states

    async def budget(self, account_id: str, limits: Limits, now: datetime, alone_since: datetime) -> Budget:
        """The account's, with every attempt that the log tells of. One whose customer was erased counts no longer.

        `alone_since`: from then on nobody but the caller can have sent, and the caller has not: what was before counts.
        Raises LogUnreachable.
        """
        budget = Budget(limits)
        span = max([limits.gap_seconds, *(rate.seconds for rate in limits.rates)])
        counts_from = now - timedelta(seconds=span) - CLOCKS_APART_MAX
        if counts_from > alone_since:
            return budget
        handles: dict[str, tuple[str, str]] = {}
        async for recorded in self._since(counts_from):
            event = recorded.event
            if isinstance(event, ReplyWritten):
                handles[event.message_id] = (event.account_id, event.handle)
            elif isinstance(event, DeliveryAttempted):
                sent_by, handle = handles.get(event.message_id) or await self._written_earlier(recorded, event)
                if sent_by == account_id:
                    budget.spend(handle, recorded.recorded_at)
        return budget

    async def _since(self, at: datetime) -> AsyncIterator[Recorded]:
        head = await self._log.head()
        position = await self._position_before(at, head)
        while position < head:
            try:
                batch, position = await self._log.read(position, min(PAGE_EVENTS, head - position), TOPICS)
            except UnreadableEvent as error:
                batch, position = [], error.position
            for recorded in batch:
                yield recorded

    async def _position_before(self, at: datetime, head: int) -> int:
        """Whatever was recorded since then comes after it. Where the log does not tell a time, it is further back."""
        before, after = 0, head
        while after - before > 1:
            middle = (before + after) // 2
            try:
                recorded = await self._log.at(middle)
            except UnreadableEvent:
                recorded = None
            if recorded is not None and recorded.recorded_at < at:
                before = middle
            else:
                after = middle
        return before

    async def _written_earlier(self, recorded: Recorded, event: DeliveryAttempted) -> tuple[str, str]:
        """Account and address of a reply that is tried again; nothing where it is long settled, or cannot be read."""
        customer: Customer
        try:
            customer, _ = await self._states.load(recorded.stream)
        except UnreadableEvent:  # an attempt too many is better than a sender that cannot begin
            return "", ""
        sent = customer.outbound.get(event.message_id)
        return (sent.account_id, sent.handle) if sent else ("", "")
