"""Whenever something comes in or goes out, count it for its channel account, so that silence shows."""

from collections.abc import Sequence

from application.exchange.traffic import Traffic, TrafficCounts
from application.log import UnreadableEvent
from application.states import States
from domain.calls.stages import CallLogged
from domain.customer import Customer
from domain.event import Recorded
from domain.interaction import MessageReceived, ReplyWritten
from domain.outbound.delivery import DeliveryAccepted, DeliveryRejected, DeliveryUnknown

NAMED = (MessageReceived, ReplyWritten)
"""Events that say which account they are of."""


class CountTraffic:
    """Keeps numbers, times and positions only, so that there is nothing in it to erase."""

    name = "count_traffic"
    topics = frozenset(
        {
            "conversation.message_received",
            "conversation.call_logged",
            "conversation.reply_written",
            "conversation.promise_told",
            "conversation.delivery_accepted",
            "conversation.delivery_rejected",
            "conversation.delivery_unknown",
        }
    )

    def __init__(self, states: States, counts: TrafficCounts) -> None:
        self._states = states
        self._counts = counts
        self._counted = 0

    async def start(self) -> int:
        self._counted = await self._counts.position()
        return self._counted

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        found: dict[str, Traffic] = {}
        for recorded in batch:
            event = recorded.event
            account_id = event.account_id if isinstance(event, NAMED) else await self._account_of(recorded)
            if account_id:
                if (traffic := found.get(account_id)) is None:
                    traffic = found[account_id] = Traffic(account_id=account_id)
                _count(traffic, recorded)
        if batch:
            await self._counts.add(list(found.values()), after=self._counted, upto=upto)
            self._counted = upto

    async def _account_of(self, recorded: Recorded) -> str:
        """For events that do not name their account, the conversation does. Empty where there is none."""
        event = recorded.event
        if not isinstance(event, CallLogged | DeliveryAccepted | DeliveryRejected | DeliveryUnknown):
            return ""  # what it said has been erased
        customer: Customer
        try:
            customer, _ = await self._states.load(recorded.stream)
        except UnreadableEvent:  # nobody can tell which account it was
            return ""
        if (sent := customer.outbound.get(getattr(event, "message_id", ""))) is not None:
            return sent.account_id
        conversation = customer.conversations.get(event.conversation_id)
        return conversation.account_id if conversation is not None else ""


def _count(so_far: Traffic, recorded: Recorded) -> None:
    at = recorded.recorded_at
    match recorded.event:
        case MessageReceived() | CallLogged():
            so_far.last_in_at, so_far.came_in = at, so_far.came_in + 1
        case DeliveryAccepted() | ReplyWritten(channel="webchat"):  # whose replies go to the visitor's socket at once
            so_far.last_out_at, so_far.went_out = at, so_far.went_out + 1
        case DeliveryRejected(is_final=True) | DeliveryUnknown():
            so_far.last_failure_at, so_far.last_failure_position = at, recorded.position
            so_far.failed += 1
