"""Whenever a reply was written on a channel that is sent to, send it once, and record how it fared."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import httpx

from application.claims import ClaimKeys
from application.commands import ClaimTaken, Command, Commands
from application.directory import Directory
from application.exchange.sending import Accepted, Outcome, Outgoing, Refusal, Rejected, Send, Unknown
from application.positions import Positions
from domain.event import Event, Recorded
from domain.interaction import (
    DeliveryAccepted,
    DeliveryAttempted,
    DeliveryRejected,
    DeliveryUnknown,
    ReplyWritten,
)

PAUSES_SECONDS = (2.0, 10.0)
"""Between the attempts, where the channel said that it may be tried again; there is one attempt more than pauses."""
SENT_AT_ONCE_MAX = 10


class SendReplies:
    """Each attempt is claimed before it is made, so that neither a restart nor a second worker sends twice.

    An attempt whose outcome was lost, because the process died meanwhile, is recorded as unknown and not repeated.
    Replies of one conversation leave in order.
    """

    name = "send_replies"
    topics = frozenset({"conversation.reply_written"})

    def __init__(
        self,
        commands: Commands,
        directory: Directory,
        senders: Mapping[str, Send],
        client: httpx.AsyncClient,
        positions: Positions,
        clock: Callable[[], datetime],
        pauses_seconds: Sequence[float] = PAUSES_SECONDS,
    ) -> None:
        self._commands = commands
        self._keys: ClaimKeys = commands.claim_keys
        self._directory = directory
        self._senders = senders
        self._client = client
        self._positions = positions
        self._clock = clock
        self._pauses_seconds = pauses_seconds

    async def start(self) -> int:
        return await self._positions.load(self.name)

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        conversations: dict[str, list[Recorded]] = {}
        for recorded in batch:
            if isinstance(recorded.event, ReplyWritten) and recorded.event.channel in self._senders:
                conversations.setdefault(recorded.event.conversation_id, []).append(recorded)
        places = asyncio.Semaphore(SENT_AT_ONCE_MAX)

        async def in_order(replies: Sequence[Recorded]) -> None:
            async with places:
                for recorded in replies:
                    await self._send(recorded)

        await asyncio.gather(*(in_order(replies) for replies in conversations.values()))
        if batch:
            await self._positions.save(self.name, upto)

    async def _send(self, recorded: Recorded) -> None:
        reply = recorded.event
        assert isinstance(reply, ReplyWritten)  # `take` picked it
        for attempt, pause_seconds in enumerate((*self._pauses_seconds, None), start=1):
            if not await self._attempt(recorded, reply, attempt, is_last=pause_seconds is None):
                return
            await asyncio.sleep(pause_seconds or 0)

    async def _attempt(self, recorded: Recorded, reply: ReplyWritten, attempt: int, *, is_last: bool) -> bool:
        """True if it should be tried again."""
        attempted = DeliveryAttempted(
            conversation_id=reply.conversation_id, message_id=reply.message_id, attempt=attempt, agent_id=reply.agent_id
        )
        if await self._record(recorded, attempted, "attempt", attempt) is attempted:
            outcome = await self._hand_over(recorded, reply)
        else:
            outcome = Unknown(reason="the sender stopped before it learnt the outcome")
        told = await self._record(recorded, _told(reply, outcome, is_last=is_last), "outcome", attempt)
        return isinstance(told, DeliveryRejected) and not told.is_final

    async def _hand_over(self, recorded: Recorded, reply: ReplyWritten) -> Outcome:
        account = self._directory.account(reply.account_id)
        if account is None or account.definition is None:
            return Rejected(reason=f"channel account {reply.account_id} is gone", refusal=Refusal.OUR_FAULT)
        if account.is_paused:
            return Rejected(reason=f"channel account {reply.account_id} is paused", refusal=Refusal.OUR_FAULT)
        return await self._senders[reply.channel](account.definition, _outgoing(recorded, reply), self._client)

    async def _record(self, recorded: Recorded, event: Event, what: str, attempt: int) -> Event:
        """Appends it once for all runs. The event that stands: this one, or the one of an earlier run."""
        reply = recorded.event
        assert isinstance(reply, ReplyWritten)
        claim = self._keys.once(what, reply.message_id, str(attempt))
        command = Command(actor=self.name, at=self._clock(), cause=recorded.position, correlation=recorded.correlation)
        try:
            await self._commands.carry_out(command, [recorded.stream], lambda _: [[event]], [claim])
        except ClaimTaken as taken:
            earlier = await self._commands.log.at(taken.outcome.position)
            assert earlier is not None  # a claim always names a stored event
            return earlier.event
        return event


def _outgoing(recorded: Recorded, reply: ReplyWritten) -> Outgoing:
    return Outgoing(
        conversation_id=reply.conversation_id,
        message_id=reply.message_id,
        handle=reply.handle,
        text=reply.text,
        written_at=recorded.recorded_at,
        subject=reply.subject,
        in_reply_to=reply.in_reply_to,
    )


def _told(reply: ReplyWritten, outcome: Outcome, *, is_last: bool) -> Event:
    """The event that says how it fared."""
    match outcome:
        case Accepted(provider_id=provider_id, answer=answer):
            return DeliveryAccepted(
                conversation_id=reply.conversation_id,
                message_id=reply.message_id,
                provider_id=provider_id,
                answer=answer,
                agent_id=reply.agent_id,
            )
        case Rejected(reason=reason, is_final=is_final):
            return DeliveryRejected(
                conversation_id=reply.conversation_id,
                message_id=reply.message_id,
                reason=reason,
                is_final=is_final or is_last,
                agent_id=reply.agent_id,
            )
        case Unknown(reason=reason):
            return DeliveryUnknown(
                conversation_id=reply.conversation_id,
                message_id=reply.message_id,
                reason=reason,
                agent_id=reply.agent_id,
            )
