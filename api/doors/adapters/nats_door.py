"""The adapter door over NATS JetStream: messages of adapters that live elsewhere, acknowledged once they are durable.

An adapter publishes what it would post to the HTTP door on `inbound.<account id>`. What cannot be taken is kept with
the deliveries of providers, where people see it and can have it read again; and the adapter is told on
`inbound_problems.<account id>`, with the payload, which stays there for a week.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

import msgspec
import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StreamConfig
from nats.js.errors import APIError, NotFoundError

from api.doors.adapters.reading import read_message
from api.doors.delivery_contents import ADAPTER
from api.doors.trust import packed
from api.http.problems import Problem, problem_of
from api.http.refusals import Invalid
from api.parts import Parts
from application.commands import Command, Contended
from application.exchange.deliveries import Arrived
from application.ids import derived_id
from application.log import LogBusy, LogUnreachable
from channels.edge.payload import Posted, UnreadablePayload
from domain.account import AccountPaused, AccountUnknown
from domain.event import RuleBroken
from domain.intake import InboundMessage

STREAM, SUBJECT = "ONETHREAD_INBOUND", "inbound"
PROBLEMS_STREAM, PROBLEMS_SUBJECT = "ONETHREAD_INBOUND_PROBLEMS", "inbound_problems"
CONSUMER = "onethread"
ACTOR = "nats-door"

INBOUND_BYTES_MAX = 1_073_741_824
"""Of messages that wait; beyond, publishers are refused, so that nothing is dropped."""
PROBLEMS_BYTES_MAX = 268_435_456
PROBLEMS_KEPT = timedelta(days=7)
FETCHED_MAX = 200
"""Messages appended together."""
FETCH_SECONDS_MAX = 5.0
ACKNOWLEDGE_SECONDS_MAX = 60.0
"""Who has not been acknowledged by then is delivered again; the claim of its id makes that harmless."""
AGAIN_SECONDS = 1.0
AGAIN_PAUSED_SECONDS = 30.0
UNKNOWN_ACCOUNT_DELIVERIES_MAX = 5
"""An account may have been set up a moment ago, so an unknown one is tried again before it is a problem."""
RETRY_SECONDS_MAX = 5.0
PAYLOAD_SHOWN_BYTES_MAX = 65_536

logger = logging.getLogger(__name__)


class Undelivered(msgspec.Struct):
    """What is told about a message that was not taken: `{"problem": {"type": …}, "payload": "{…"}`."""

    problem: Problem
    payload: str
    """As text, cut at 64 KiB."""


class NatsDoor:
    """Takes messages from JetStream until it is cancelled. NATS may come and go."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._stream = parts.nats.client.jetstream()

    async def run(self) -> None:
        """Whatever happens to NATS, the door opens again, and messages resume where they were."""
        await self._parts.nats.is_up.wait()
        pause = 0.2
        while True:
            try:
                subscription = await self._open()
                pause = 0.2
                while True:
                    await self._take_some(subscription)
            except (nats.errors.Error, TimeoutError, OSError) as error:
                logger.warning("the NATS door waits: %s", type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY_SECONDS_MAX)

    async def _open(self) -> JetStreamContext.PullSubscription:
        """Makes the streams where they are missing: NATS may have been lost and set up anew."""
        await self._ensure(
            StreamConfig(
                name=STREAM,
                subjects=[f"{SUBJECT}.*"],
                retention=RetentionPolicy.WORK_QUEUE,
                discard=DiscardPolicy.NEW,
                max_bytes=INBOUND_BYTES_MAX,
            )
        )
        await self._ensure(
            StreamConfig(
                name=PROBLEMS_STREAM,
                subjects=[f"{PROBLEMS_SUBJECT}.*"],
                discard=DiscardPolicy.OLD,
                max_bytes=PROBLEMS_BYTES_MAX,
                max_age=PROBLEMS_KEPT.total_seconds(),
            )
        )
        consumer = ConsumerConfig(
            durable_name=CONSUMER,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACKNOWLEDGE_SECONDS_MAX,
            max_deliver=-1,
            max_ack_pending=10 * FETCHED_MAX,
        )
        return await self._stream.pull_subscribe(f"{SUBJECT}.*", durable=CONSUMER, stream=STREAM, config=consumer)

    async def _ensure(self, wanted: StreamConfig) -> None:
        assert wanted.name is not None  # ours have one
        replicas = wanted.num_replicas = self._parts.settings.nats_replicas
        try:
            found = await self._stream.stream_info(wanted.name)
            if found.config.num_replicas != replicas:
                await self._stream.update_stream(found.config, num_replicas=replicas)
        except NotFoundError:
            try:
                await self._stream.add_stream(wanted)
            except APIError:  # another process was faster
                await self._stream.stream_info(wanted.name)

    async def _take_some(self, subscription: JetStreamContext.PullSubscription) -> None:
        try:
            messages = await subscription.fetch(FETCHED_MAX, timeout=FETCH_SECONDS_MAX)
        except TimeoutError:
            await subscription.consumer_info()  # raises if NATS has forgotten us
            return
        by_account: dict[str, list[Msg]] = {}
        for message in messages:
            by_account.setdefault(message.subject.partition(".")[2], []).append(message)
        await asyncio.gather(*(self._take(account_id, several) for account_id, several in by_account.items()))

    async def _take(self, account_id: str, messages: Sequence[Msg]) -> None:
        """Appends all that can be read together; where one of them is refused, each by itself."""
        read: list[tuple[Msg, InboundMessage]] = []
        for message in messages:
            try:
                read.append((message, self._read(account_id, message.data)))
            except (Invalid, UnreadablePayload) as error:
                await self._refuse(account_id, message, error)
        if read:
            await self._take_read(account_id, read)

    async def _take_read(self, account_id: str, read: Sequence[tuple[Msg, InboundMessage]]) -> None:
        try:
            await self._append(account_id, read)
        except (LogBusy, LogUnreachable, Contended) as error:
            logger.warning("the NATS door hands %d messages back: %s", len(read), type(error).__name__)
            for message, _ in read:
                await message.nak(delay=AGAIN_SECONDS)
        except nats.errors.Error:
            raise
        except Exception as error:  # noqa: BLE001  # the edge: what one message meets must not shut the door on others
            if len(read) == 1:
                await self._refused(account_id, read[0][0], error)
                return
            for one in read:
                await self._take_read(account_id, [one])

    def _read(self, account_id: str, payload: bytes) -> InboundMessage:
        """Raises Invalid, UnreadablePayload."""
        if len(payload) > self._parts.settings.body_bytes_max:
            raise Invalid("$", "the payload is too large", self._parts.settings.body_bytes_max)
        return read_message(payload, account_id, received_at=self._parts.clock())

    async def _append(self, account_id: str, read: Sequence[tuple[Msg, InboundMessage]]) -> None:
        command = Command(actor=ACTOR, at=self._parts.clock())
        await self._parts.receive.receive(account_id, [message for _, message in read], command)
        self._parts.metrics.received.labels("nats").inc(len(read))
        for delivered, _ in read:
            await delivered.ack()

    async def _refused(self, account_id: str, message: Msg, error: Exception) -> None:
        if not isinstance(error, RuleBroken):
            logger.error("the NATS door cannot take a message, which is tried again", exc_info=error)
            await message.nak(delay=AGAIN_PAUSED_SECONDS)
        elif isinstance(error, AccountPaused):
            await message.nak(delay=AGAIN_PAUSED_SECONDS)
        elif isinstance(error, AccountUnknown) and message.metadata.num_delivered < UNKNOWN_ACCOUNT_DELIVERIES_MAX:
            await message.nak(delay=AGAIN_SECONDS)
        else:
            await self._refuse(account_id, message, error)

    async def _refuse(self, account_id: str, message: Msg, error: Exception) -> None:
        """Kept and told first, then taken off the stream: a crash in between tells it twice rather than never."""
        try:
            await self._keep(account_id, message)
        except (LogBusy, LogUnreachable) as trouble:
            logger.warning("the NATS door hands a refused message back: %s", type(trouble).__name__)
            await message.nak(delay=AGAIN_SECONDS)
            return
        problem, kind = problem_of(error, message.subject)
        shown = message.data[:PAYLOAD_SHOWN_BYTES_MAX].decode("utf-8", "replace")
        undelivered = msgspec.json.encode(Undelivered(problem, shown))
        await self._stream.publish(f"{PROBLEMS_SUBJECT}.{account_id}", undelivered)
        self._parts.metrics.refused.labels(kind.slug).inc()
        await message.term()

    async def _keep(self, account_id: str, message: Msg) -> None:
        """Where deliveries wait to be read: whoever reads it there finds the same wrong, and parks it.

        The same message again is the same delivery. Raises LogBusy, LogUnreachable.
        """
        came = message.metadata
        whole = f"{came.sequence.stream} {came.timestamp} {message.subject} ".encode() + message.data
        posted = Posted(raw=message.data, received_at=self._parts.clock())
        arrived = Arrived(
            id=derived_id("delivery", self._parts.claim_keys.fingerprint(whole)),
            channel=ADAPTER,
            account_ids=(account_id,),
            received_at=posted.received_at,
            content=packed(posted),
        )
        await self._parts.deliveries.store(arrived)
        self._parts.metrics.deliveries_stored.labels(ADAPTER).inc()
