"""One attempt to send one reply: recorded before it is made, made, and recorded again with how it ended."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from mimetypes import guess_extension

import httpx
import msgspec

from application.commands import ClaimTaken, Command, Commands, Contended
from application.directory import Directory
from application.exchange.lanes import Result, Waiting
from application.exchange.limits import PAUSE_MAX, Limits, backoff_seconds
from application.exchange.media import Link, MediaBroken, MediaNotStored, MediaStore
from application.exchange.sending import Accepted, Outcome, Outgoing, OutgoingFile, Refusal, Rejected, Send, Unknown
from application.log import Claim, LogBusy, LogUnreachable
from domain import account
from domain.account import AccountDefinition, AccountUnknown
from domain.classification import PromiseTold
from domain.conversation import Conversation, Reply, Standing
from domain.customer import Customer
from domain.event import Event
from domain.media import digest_of
from domain.outbound import delivery
from domain.outbound.delivery import (
    AttemptOutdated,
    DeliveryAccepted,
    DeliveryAttempted,
    DeliveryRejected,
    DeliveryUnknown,
)
from domain.outbound.files import kind_of
from domain.outbound.reach import Reach
from domain.threads.mails import key_of

SETTLE_SECONDS = 600.0
"""So long an echo or a receipt is awaited for a reply whose arrival is unknown; then a person may decide."""
SEND_SECONDS_MAX = 660.0
"""Longer than any step of any channel may take by its settings: a channel that forgot its time-out holds no lane."""
WITH_FILES_AT_ONCE_MAX = 2
"""Of one account: their files are in memory whole."""
LOG_AGAIN_SECONDS = 2.0
LOOKS_MAX = 4
"""At a reply that others move at the same time."""
PAUSE_TOLD_SECONDS = 5.0
"""A shorter pause of a whole account is over before another sender could begin."""
LOST = Unknown(reason="the sender stopped before it learnt the outcome")
LOG_TROUBLE = (LogUnreachable, LogBusy, Contended)

logger = logging.getLogger(__name__)


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel is sent to."""

    send: Send
    limits: Limits


class Attempts:
    """Makes attempts for any account. Each is claimed before it is made, so that nobody else makes it too."""

    def __init__(
        self,
        commands: Commands,
        directory: Directory,
        providers: Mapping[str, Provider],
        client: httpx.AsyncClient,
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
        store: MediaStore,
        link: Link | None = None,
        *,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self._commands = commands
        self._directory = directory
        self._providers = providers
        self._client = client
        self._clock = clock
        self._jitter = jitter
        self._store = store
        self._link = link
        self._with_files: dict[str, asyncio.Semaphore] = {}
        self._settle = timedelta(seconds=settle_seconds)

    async def make(self, one: Waiting, limits: Limits, waited_until: datetime | None = None) -> Result:
        """Tries once, if the log still wants it tried; whatever happens is recorded.

        `waited_until`: so long, as the log says it, its caller has waited, whatever the time of day is now.
        """
        for _ in range(LOOKS_MAX):
            reply = _reply_in(await self._conversation(one), one)
            if reply is not None and (known := self._known(reply, waited_until)) is not None:
                return known
            try:
                if reply is not None and reply.standing is Standing.ATTEMPTED:
                    return await self._conclude(one, LOST, reply.attempts, limits)
                number = delivery.next_attempt(reply)
                await self._begin(one, number)
                begun = await self._conversation(one)
                outcome = await self._hand_over(one)
                return await self._conclude(one, outcome, number, limits, begun.latest_provider_id if begun else "")
            except AttemptOutdated:
                self._commands.states.forget(one.written.stream)
            except ClaimTaken:
                self._commands.states.forget(one.written.stream)
                if _reply_in(await self._conversation(one), one) is None:
                    return Result()  # it arrived or was given up: only that leaves no trace in the state
            except LOG_TROUBLE as error:
                logger.warning("a reply waits for the log: %s", type(error).__name__)
                break
        return Result(is_over=False, again_at=self._clock() + timedelta(seconds=LOG_AGAIN_SECONDS))

    def _known(self, reply: Reply, waited_until: datetime | None) -> Result | None:
        """What needs no attempt: settled, or not due yet. None: there is something to do."""
        match reply:
            case Reply(standing=Standing.UNKNOWN | Standing.REJECTED):
                return Result()
            case Reply(standing=Standing.WAITING, until=until) if until is not None and until != waited_until:
                is_ahead = timedelta() < until - self._clock() <= PAUSE_MAX
                return Result(is_over=False, again_at=until) if is_ahead else None
            case _:
                return None

    async def _begin(self, one: Waiting, number: int) -> None:
        """Raises AttemptOutdated, ClaimTaken, and what the log raises: then nothing may be sent."""
        attempted = DeliveryAttempted(
            conversation_id=one.reply.conversation_id,
            message_id=one.reply.message_id,
            attempt=number,
            agent_id=one.reply.agent_id,
        )
        claim = self._commands.claim_keys.once("attempt", one.reply.message_id, str(number))
        await self._record(one, lambda now: delivery.attempt(_reply_in(now, one), attempted), [claim])

    async def _hand_over(self, one: Waiting) -> Outcome:
        known = self._directory.account(one.reply.account_id)
        if known is None or known.definition is None:
            reason = f"channel account {one.reply.account_id} is not known here"
            return Rejected(reason=reason, refusal=Refusal.RETRY_LATER, concerns_account=True)
        if one.reply.attachments:
            async with self._with_files.setdefault(one.reply.account_id, asyncio.Semaphore(WITH_FILES_AT_ONCE_MAX)):
                files = await self._files(one)
                return files if isinstance(files, Rejected) else await self._send(one, known.definition, files)
        return await self._send(one, known.definition)

    async def _files(self, one: Waiting) -> tuple[OutgoingFile, ...] | Rejected:
        """Their bytes, or why they cannot be had: nothing has left then."""
        reply, files = one.reply, list[OutgoingFile]()
        for nth, attachment in enumerate(reply.attachments):
            kind = kind_of(self._providers[reply.channel].limits.files, attachment)
            if kind is None:
                return Rejected(reason=f"attachment {nth}: the channel does not take it", refusal=Refusal.OUR_FAULT)
            try:
                found = await self._store.get(digest_of(attachment))
            except MediaNotStored as error:
                return Rejected(reason=f"the media store: {error.reason}", refusal=Refusal.RETRY_LATER)
            except MediaBroken:
                found = None
            if found is None:
                return Rejected(reason=f"attachment {nth}: it is not there any more", refusal=Refusal.OUR_FAULT)
            file = OutgoingFile(
                sent_as=kind.sent_as,
                name=attachment.name or f"file{guess_extension(attachment.content_type) or ''}",
                content_type=attachment.content_type,
                body=found[1],
                link=self._link(one.written.stream, found[0].digest, one.written.recorded_at) if self._link else "",
            )
            files.append(file)
        return tuple(files)

    async def _send(self, one: Waiting, definition: AccountDefinition, files: tuple[OutgoingFile, ...] = ()) -> Outcome:
        outgoing = _outgoing(one, await self._customer(one), files)
        try:
            async with asyncio.timeout(SEND_SECONDS_MAX):
                return await self._providers[one.reply.channel].send(definition, outgoing, self._client)
        except TimeoutError:
            return Unknown(reason=f"the channel did not answer within {SEND_SECONDS_MAX:.0f} s")
        except Exception as error:
            logger.exception("channel %s failed to send", one.reply.channel)
            return Unknown(reason=f"the channel failed: {type(error).__name__}")

    async def _conclude(self, one: Waiting, outcome: Outcome, attempt: int, limits: Limits, heard: str = "") -> Result:
        """Keeps trying while the log is in trouble: only this process knows the outcome. Raises AttemptOutdated."""
        pause_until = await self._throttled(one, outcome)
        told = self._told(one, outcome, attempt, limits)
        claims: list[Claim] = []

        def conclude(now: Conversation | None) -> list[Event]:
            ended = delivery.unless_back(told, now, heard=heard)
            return delivery.conclude(_reply_in(now, one), ended, attempt=attempt)

        if isinstance(outcome, Accepted) and outcome.provider_id:
            claims = [self._commands.claim_keys.sent(one.reply.account_id, outcome.provider_id)]
        while True:
            try:
                await self._record(one, conclude, claims)
                break
            except ClaimTaken:  # an echo came first, and receipts find that; the outcome stands all the same
                claims = []
            except LOG_TROUBLE as error:
                logger.warning("an outcome waits for the log: %s", type(error).__name__)
                await asyncio.sleep(LOG_AGAIN_SECONDS)
        if isinstance(told, DeliveryRejected) and not told.is_final:
            return Result(outcome=outcome, is_over=False, again_at=told.retry_at, pause_until=pause_until)
        return Result(outcome=outcome, pause_until=pause_until)

    async def _throttled(self, one: Waiting, outcome: Outcome) -> datetime | None:
        """Until when the provider wants nothing from the account; recorded with the account, so that a restart knows.

        Where the log is in trouble only this process knows: the pause must not wait for it.
        """
        if not isinstance(outcome, Rejected) or not outcome.concerns_account or outcome.retry_after_seconds is None:
            return None
        until, account_id = self._clock() + timedelta(seconds=outcome.retry_after_seconds), one.reply.account_id
        if outcome.retry_after_seconds < PAUSE_TOLD_SECONDS:
            return until
        command = Command(
            actor="send_replies", at=self._clock(), cause=one.position, correlation=one.written.correlation
        )
        try:
            await self._commands.carry_out(
                command, [account_id], lambda known: [account.throttle(known, until, outcome.reason)]
            )
        except (*LOG_TROUBLE, AccountUnknown) as error:
            logger.warning("a pause of %s is not recorded: %s", account_id, type(error).__name__)
        return until

    def _told(self, one: Waiting, outcome: Outcome, attempt: int, limits: Limits) -> Event:
        """The event that says how it ended."""
        reply, now = one.reply, self._clock()
        about = {"conversation_id": reply.conversation_id, "message_id": reply.message_id, "agent_id": reply.agent_id}
        if isinstance(outcome, Accepted):
            return DeliveryAccepted(**about, provider_id=outcome.provider_id, answer=outcome.answer)
        if isinstance(outcome, Unknown):
            return DeliveryUnknown(**about, reason=outcome.reason, settle_at=now + self._settle)
        retry_at = None
        is_final = not (outcome.refusal is Refusal.OUR_FAULT and outcome.concerns_account)
        if outcome.refusal is Refusal.RETRY_LATER:
            pause_seconds = backoff_seconds(attempt, limits, self._jitter())
            retry_at = now + timedelta(seconds=max(pause_seconds, outcome.retry_after_seconds or 0.0))
            is_final = retry_at - one.asked_at > limits.retry_for
        return DeliveryRejected(
            **about,
            reason=outcome.reason,
            is_final=is_final,
            refusal=outcome.refusal,
            retry_at=None if is_final else retry_at,
            unsubscribed=reply.handle if outcome.reach is Reach.UNSUBSCRIBED else "",
            blocked=reply.handle if outcome.reach is Reach.BLOCKED else "",
        )

    async def _customer(self, one: Waiting) -> Customer:
        customer: Customer
        customer, _ = await self._commands.states.load(one.written.stream)
        return customer

    async def _conversation(self, one: Waiting) -> Conversation | None:
        return (await self._customer(one)).conversations.get(one.reply.conversation_id)

    async def _record(
        self, one: Waiting, decide: Callable[[Conversation | None], Sequence[Event]], claims: Sequence[Claim]
    ) -> None:
        command = Command(
            actor="send_replies", at=self._clock(), cause=one.position, correlation=one.written.correlation
        )

        def decided(customer: Customer) -> list[Sequence[Event]]:
            return [decide(customer.conversations.get(one.reply.conversation_id))]

        await self._commands.carry_out(command, [one.written.stream], decided, claims)


def _reply_in(conversation: Conversation | None, one: Waiting) -> Reply | None:
    return None if conversation is None else conversation.replies.get(one.reply.message_id)


def _outgoing(one: Waiting, customer: Customer, files: tuple[OutgoingFile, ...]) -> Outgoing:
    conversation = customer.conversations.get(one.reply.conversation_id)
    answered = customer.mails.get(key_of(one.reply.account_id, one.reply.in_reply_to))
    return Outgoing(
        conversation_id=one.reply.conversation_id,
        message_id=one.reply.message_id,
        handle=one.reply.handle,
        text=one.reply.text,
        written_at=one.written.recorded_at,
        subject=one.reply.subject,
        in_reply_to=one.reply.in_reply_to,
        thread=conversation.thread if conversation else "",
        heard_at=conversation.heard_at if conversation else None,
        references=tuple(reversed(answered.answers)) if answered else (),
        is_automatic=isinstance(one.reply, PromiseTold),
        files=files,
        template=one.reply.template,
    )
