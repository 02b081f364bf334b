"""Whenever a reply was written on a channel that is sent to, send it once, and record how it fared."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from application.directory import Directory
from application.exchange.attempts import Attempts, Provider
from application.exchange.lanes import Lane, LaneHealth, Result, Waiting
from application.exchange.limits import Limits, limits_of
from application.exchange.outbox import Outbox
from application.exchange.spent import Spent
from application.exchange.stuck import PASSED, StuckReplies, Trouble
from application.log import Log, UnreadableEvent
from application.policies.steady_clock import SteadyClock
from domain.account import Account, AccountInvalid
from domain.classification import PromiseTold
from domain.event import Recorded
from domain.interaction import ReplyHandedOver, ReplyWritten
from domain.outbound.delivery import DeliveryAccepted, DeliveryRejected, DeliveryUnknown, ReplyGivenUp, ReplyResent

LOOK_SECONDS = 1.0
"""How often a lane that waits looks whether its account was mended, paused or resumed."""
DRAIN_SECONDS = 0.8
"""What is under way may still end when the sender stops; its outcome would be unknown otherwise. Less than the second
after which a stopping task is cancelled again."""
ASKING = frozenset({ReplyWritten.TOPIC, ReplyHandedOver.TOPIC, PromiseTold.TOPIC, ReplyResent.TOPIC})
"""What asks for a reply to be sent."""

logger = logging.getLogger(__name__)


class SendReplies:
    """Follows the log to know what is to be sent, and sends it beside: no send holds up the following.

    What is open stands in the outbox, so the position moves on however long a reply waits, and a restart finds it.
    """

    name = "send_replies"
    topics = frozenset(
        one.TOPIC
        for one in (
            ReplyWritten,
            ReplyHandedOver,
            PromiseTold,
            ReplyResent,
            ReplyGivenUp,
            DeliveryAccepted,
            DeliveryRejected,
            DeliveryUnknown,
        )
    )

    def __init__(
        self,
        log: Log,
        directory: Directory,
        attempts: Attempts,
        providers: Mapping[str, Provider],
        outbox: Outbox,
        spent: Spent,
        stuck: StuckReplies,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._log = log
        self._directory = directory
        self._attempts = attempts
        self._providers = providers
        self._outbox = outbox
        self._spent = spent
        self._trouble = Trouble(stuck, clock)
        self._clock = clock
        self._steady = SteadyClock(clock, monotonic)
        """What all lanes go by."""
        self._waited: dict[str, datetime] = {}
        """Until when replies wait for their next try, as the log says, where their lane counts that by itself."""
        self._look_seconds = look_seconds
        self._lanes: dict[str, Lane] = {}
        self._limits: dict[str, tuple[Account, Limits]] = {}
        self._waiting: dict[str, Waiting] = {}
        self._alone_since: datetime | None = None
        """Since when no other process sends; None while this one does not either."""
        self._sends: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()

    def health(self) -> dict[str, LaneHealth]:
        """By account, those that this process has sent for or is to send for; nothing where another one sends."""
        now = self._steady.now()
        return {account_id: lane.health(now) for account_id, lane in self._lanes.items()}

    async def start(self) -> int:
        """What is known here already stays as it is: it may be under way."""
        self._alone_since = self._alone_since or self._clock()
        position, asked = await self._outbox.load()
        asked |= await self._trouble.begin(asked)
        for message_id, at in sorted(asked.items(), key=lambda item: item[1]):
            if message_id not in self._waiting and not self._trouble.knows(message_id):
                await self._look(message_id, at)
        return position

    async def park_unreadable(self, error: UnreadableEvent) -> None:
        """A reply that is passed over here leaves once it can be read."""
        if error.topic in ASKING:
            await self._trouble.unreadable(f"{PASSED}{error.position}", error.position, error)
        await self._outbox.save({}, (), error.position)

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        asked: dict[str, Recorded] = {}
        settled: dict[str, Recorded] = {}
        for recorded in batch:
            event = recorded.event
            if isinstance(event, ReplyResent) or (isinstance(event, ReplyWritten) and event.channel in self._providers):
                asked[event.message_id] = recorded
                settled.pop(event.message_id, None)
            elif _settles(recorded):
                message_id: str = getattr(event, "message_id", "")
                settled[message_id] = recorded
                asked.pop(message_id, None)
        if batch:
            positions = {message_id: recorded.position for message_id, recorded in asked.items()}
            await self._outbox.save(positions, settled.keys(), upto)
        for message_id, recorded in settled.items():
            self._settle(message_id, recorded)
            await self._trouble.goes_on(message_id)
        for message_id, recorded in asked.items():
            try:
                await self._ask(recorded)
            except UnreadableEvent as error:  # what was written, of one that is sent again
                await self._trouble.unreadable(message_id, recorded.position, error)
        self._woken.set()

    async def work(self) -> None:
        """Sends what is due, until it is cancelled; then ends what is under way."""
        try:
            while True:
                self._woken.clear()
                try:
                    await self._look_again()
                    self._start_due()
                except Exception:
                    logger.exception("what is due could not be started; it is looked at again")
                try:
                    async with asyncio.timeout(self._pause_seconds()):
                        await self._woken.wait()
                except TimeoutError:
                    pass
        finally:
            if self._sends:
                await asyncio.wait(self._sends, timeout=DRAIN_SECONDS)
            late = list(self._sends)
            for send in late:
                send.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            self._lanes.clear()
            self._waiting.clear()
            self._waited.clear()
            self._alone_since = None

    async def settle(self) -> None:
        """Everything that is due at this moment has been tried."""
        await self._look_again()
        self._start_due()
        while self._sends:
            await asyncio.gather(*self._sends)
            self._start_due()

    async def _look_again(self) -> None:
        for message_id, at in self._trouble.due():
            await self._look(message_id, at)

    async def _look(self, message_id: str, at: int) -> None:
        """Asks for what the log tells at that position; later, where it cannot be read."""
        try:
            recorded = await self._log.at(at)
            is_asked = recorded is not None and await self._ask(recorded)
        except UnreadableEvent as error:
            await self._trouble.unreadable(message_id, at, error)
            return
        if not is_asked:
            await self._outbox.drop(message_id, at)  # its customer was erased meanwhile
        elif message_id.startswith(PASSED) and recorded is not None:
            await self._outbox.add(getattr(recorded.event, "message_id", ""), at)
        await self._trouble.goes_on(message_id)

    async def _ask(self, recorded: Recorded) -> bool:
        """It waits in its lane from now on. False for what the log no longer tells."""
        written, event = recorded, recorded.event
        if isinstance(event, ReplyResent):
            found = await self._log.at(event.reply_position)
            written, event = found or recorded, found.event if found else event
        if not isinstance(event, ReplyWritten) or event.channel not in self._providers:
            return False
        known = self._waiting.get(event.message_id)
        if known is None or known.position < recorded.position:
            one = Waiting(
                written=written,
                reply=event,
                position=recorded.position,
                asked_at=recorded.recorded_at,
            )
            self._waiting[event.message_id] = one
            (await self._lane(event)).add(one, self._steady.now())
        return True

    def _settle(self, message_id: str, recorded: Recorded) -> None:
        """As the log tells, be it what this sender told itself or what a receipt, an echo or a person did."""
        known = self._waiting.get(message_id)
        is_older = known is not None and known.position < recorded.position
        if known is not None and is_older and self._lanes[known.reply.account_id].drop(known, self._steady.now()):
            del self._waiting[message_id]
            self._waited.pop(message_id, None)
        event = recorded.event
        if isinstance(event, DeliveryAccepted | ReplyGivenUp):
            for lane in self._lanes.values():
                lane.release(event.conversation_id, self._steady.now())

    async def _lane(self, reply: ReplyWritten) -> Lane:
        account_id = reply.account_id
        if (lane := self._lanes.get(account_id)) is None:
            limits = self._limits_of(account_id, self._directory.account(account_id))
            limits = limits or self._providers[reply.channel].limits
            now = self._clock()
            budget = await self._spent.budget(account_id, limits, now, self._alone_since or now)
            lane = self._lanes[account_id] = Lane(account_id, budget, self._steady.of)
        return lane

    def _start_due(self) -> None:
        now = self._steady.now()
        for lane in self._lanes.values():
            if lane.is_empty:
                continue
            account = self._directory.account(lane.account_id)
            self._adjust(lane, account)
            for one in lane.due(account, now):
                send = asyncio.create_task(self._send(lane, one, account))
                self._sends.add(send)
                send.add_done_callback(self._sends.discard)

    def _adjust(self, lane: Lane, account: Account | None) -> None:
        """To the limits of the account as it is defined now."""
        limits = self._limits_of(lane.account_id, account)
        if limits is not None and limits is not lane.budget.limits:
            lane.budget.change(limits)

    def _limits_of(self, account_id: str, account: Account | None) -> Limits | None:
        """None where the account is not known here."""
        if account is None or account.definition is None:
            return None
        known = self._limits.get(account_id)
        if known is not None and known[0] is account:
            return known[1]
        limits = self._providers[account.definition.channel].limits
        try:
            limits = limits_of(limits, account.definition.settings)
        except AccountInvalid as error:  # defined by a release that did not know the setting
            logger.warning("account %s keeps its channel's limits: %s", account_id, error)
        self._limits[account_id] = (account, limits)
        return limits

    async def _send(self, lane: Lane, one: Waiting, account: Account | None) -> None:
        result = await self._try(lane, one)
        if result.again_at is not None:
            self._waited[one.reply.message_id] = result.again_at
        lane.ended(one, result, account, self._steady.now())
        if result.is_over and self._waiting.get(one.reply.message_id) is one:
            del self._waiting[one.reply.message_id]
        if result.is_over and result.outcome is None:
            await self._outbox.drop(one.reply.message_id, one.position)
        self._woken.set()

    async def _try(self, lane: Lane, one: Waiting) -> Result:
        reply, because = one.reply, self._trouble.before(one.written.stream, one.position)
        try:
            if not because:
                waited = self._waited.pop(reply.message_id, None)
                result = await self._attempts.make(one, lane.budget.limits, waited)
                await self._trouble.goes_on(reply.message_id)
                return result
        except UnreadableEvent as error:
            because = str(error)
        except Exception as error:
            logger.exception("a reply could not be tried; it is looked at again")
            because = type(error).__name__
        await self._trouble.stuck(reply.message_id, reply.account_id, one.position, because)
        return Result(is_over=False, stuck_because=because)

    def _pause_seconds(self) -> float:
        now = self._steady.now()
        due = [lane.next_at for lane in self._lanes.values() if lane.next_at is not None and not lane.is_empty]
        return max(0.0, min([self._look_seconds, *((at - now).total_seconds() for at in due)]))


def _settles(recorded: Recorded) -> bool:
    """Whether nothing is to be sent any more, unless a person says so."""
    event = recorded.event
    is_refused = isinstance(event, DeliveryRejected) and event.is_final
    return is_refused or isinstance(event, DeliveryAccepted | DeliveryUnknown | ReplyGivenUp)
