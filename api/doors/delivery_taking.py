"""What is in deliveries, given to the use cases: each item to its account, and a verdict on each delivery.

Safe to repeat: whatever is taken in is claimed by its provider's id, so that a delivery read twice changes nothing.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from api.doors.delivery_contents import DeliveryContents, NotReadable, NotYet, Read, told
from api.doors.take_mail import TakeMail
from api.metrics import Metrics
from application.commands import Command, Contended
from application.directory import Directory
from application.exchange.deliveries import DeliveryState, Kept, Settled
from application.exchange.media import Get, MediaNotStored
from application.log import LogBusy, LogUnreachable
from application.use_cases.receive_echoes import ReceiveEchoes
from application.use_cases.receive_messages import ReceiveMessages
from application.use_cases.receive_reports import ReceiveReports
from application.use_cases.set_up import SetUp
from application.use_cases.take_calls import TakeCalls
from channels.edge.payload import Portion, named
from domain.account import AccountPaused

AGAIN_FIRST_SECONDS, AGAIN_SECONDS_MAX = 1.0, 60.0
PAUSED = timedelta(hours=1)
"""An account that is resumed is taken up at once; this is for a wake-up that was lost."""
UNMATCHED_ATTEMPTS_MAX = 10
"""Some five minutes of pauses that double up to one minute."""
TRY_AGAIN = (LogBusy, LogUnreachable, Contended, MediaNotStored)

logger = logging.getLogger(__name__)


class DeliveryTaking:
    """Reads deliveries of the same accounts, in their order, and says what became of each."""

    def __init__(
        self,
        directory: Directory,
        receive: ReceiveMessages,
        calls: TakeCalls,
        echoes: ReceiveEchoes,
        reports: ReceiveReports,
        take_mail: TakeMail,
        set_up: SetUp,
        get: Get,
        metrics: Metrics,
    ) -> None:
        self._directory = directory
        self._receive = receive
        self._calls = calls
        self._echoes = echoes
        self._reports = reports
        self._take_mail = take_mail
        self._set_up = set_up
        self._contents = DeliveryContents(directory, get)
        self._metrics = metrics
        self._held: dict[str, datetime] = {}
        self._paused: set[str] = set()

    def releasable(self, now: datetime) -> list[str]:
        """The accounts that were held and need not be any more: their time is over, or they were resumed."""
        accounts = self._directory.accounts
        return [
            one
            for one, until in self._held.items()
            if until <= now or (one in self._paused and not accounts[one].is_paused)
        ]

    def release(self, account_ids: Iterable[str]) -> None:
        """They are taken up as if nothing had been."""
        for one in account_ids:
            self._held.pop(one, None)
            self._paused.discard(one)

    async def take(self, several: Sequence[tuple[Kept, bytes | None]], now: datetime) -> list[Settled]:
        """All together where nothing is in the way, else each by itself. Raises nothing for what is in them."""
        settled: list[Settled] = []
        read: list[Read] = []
        for kept, content in several:
            await asyncio.sleep(0)  # requests go first
            one = await self._read(kept, content, now)
            if isinstance(one, Read):
                await self._tell(one)
                read.append(one)
            else:
                settled.append(one)
        if len(read) > 1 and await self._took_together(read):
            return settled + [self._done(one, now) for one in read]
        return settled + [await self._take_one(one, now) for one in read]

    async def _read(self, kept: Kept, content: bytes | None, now: datetime) -> Read | Settled:
        try:
            return await self._contents.read(kept, content)
        except NotYet as error:
            return self._later(kept, now + _pause(kept.attempts), str(error), kept.attempts + 1)
        except NotReadable as error:
            return self._parked(kept, str(error), now)

    async def _tell(self, one: Read) -> None:
        """Says what is not stored, by its kind. News of an account stays with it. Raises what the log raises."""
        for kind in sorted(set(map(named, one.ignored))):
            extra = {"kind": kind, "channel": one.kept.channel, "delivery": one.kept.id}
            logger.info("news that is not stored", extra=extra)
        for account_id, kind in one.notices:
            await self._set_up.notice(Command(actor=account_id, at=one.kept.received_at), account_id, named(kind))

    async def _took_together(self, read: Sequence[Read]) -> bool:
        """Whether all of it is stored now; where it is not, a part may be, and will be recognised."""
        together: dict[str, Portion] = {}
        for one in read:
            for account_id, portion in one.portions.items():
                together.setdefault(account_id, Portion()).extend(portion)
        if self._held.keys() & together.keys() or any(one.strangers for one in read):
            return False
        try:
            for account_id, portion in together.items():
                if await self._store(account_id, portion, read[0].kept.received_at):
                    return False
        except Exception as error:  # noqa: BLE001  # which of them it was shows when each is taken by itself
            logger.debug("deliveries are taken one by one: %s", type(error).__name__)
            return False
        return True

    async def _take_one(self, one: Read, now: datetime) -> Settled:
        kept, unmatched = one.kept, 0
        later: Settled | None = None
        failures = [f"AccountUnknown: no account here has the address {address[:64]}" for address in one.strangers]
        for account_id, portion in one.portions.items():
            if (until := self._held.get(account_id)) is not None and until > now:
                later = self._later(
                    kept, until, kept.error or "An earlier delivery of its account waits", kept.attempts
                )
                continue
            try:
                unmatched += await self._store_good(account_id, portion, kept.received_at, failures)
            except AccountPaused as error:
                self._held[account_id] = until = now + PAUSED
                self._paused.add(account_id)
                later = self._later(kept, until, told(error), kept.attempts)
            except TRY_AGAIN as error:
                self._held[account_id] = until = now + _pause(kept.attempts)
                later = self._later(kept, until, told(error), kept.attempts + 1)
        if later is not None:
            return later
        if failures:
            return self._parked(kept, failures[0], now)
        if unmatched and kept.attempts < UNMATCHED_ATTEMPTS_MAX:
            why = f"{unmatched} reports match nothing that was sent"
            return self._later(kept, now + _pause(kept.attempts), why, kept.attempts + 1)
        return self._done(one, now)

    async def _store_good(self, account_id: str, portion: Portion, at: datetime, failures: list[str]) -> int:
        """All but what is refused, which adds to the failures: one customer's message keeps no other's away.

        Returns how many reports match nothing yet. Raises AccountPaused, and what may be tried again.
        """
        unmatched = 0
        try:
            return await self._store(account_id, portion, at)
        except (AccountPaused, *TRY_AGAIN):
            raise
        except Exception as error:  # noqa: BLE001  # it would fail again and again, and the others go on
            if len(apart := portion.apart()) == 1:
                failures.append(told(error))
                return 0
        for one in apart:
            unmatched += await self._store_good(account_id, one, at, failures)
        return unmatched

    async def _store(self, account_id: str, portion: Portion, at: datetime) -> int:
        """Returns how many reports match nothing yet. Raises AccountPaused, and what the use cases raise."""
        if self._directory.accounts[account_id].is_paused:
            raise AccountPaused
        command = Command(actor=account_id, at=at)
        if portion.messages:
            await self._receive.receive(account_id, portion.messages, command)
        for mail in portion.mails:
            await self._take_mail.take(mail.raw, command, recipient=mail.recipient, account_id=account_id)
        for call in portion.calls:
            await self._calls.take(command, call, account_id=account_id)
        if portion.echoes:
            await self._echoes.receive(account_id, portion.echoes, command)
        return len(await self._reports.receive(account_id, portion.reports, command)) if portion.reports else 0

    def _done(self, one: Read, now: datetime) -> Settled:
        items, channel = self._metrics.delivery_items, one.kept.channel
        for kind in Portion.__struct_fields__:
            items.labels(kind).inc(sum(len(getattr(portion, kind)) for portion in one.portions.values()))
        items.labels("ignored").inc(len(one.ignored))
        for kind in one.ignored:
            self._metrics.news_ignored.labels(channel, named(kind).partition(":")[0]).inc()
        self._metrics.received.labels(channel).inc(sum(len(one.messages) for one in one.portions.values()))
        self._metrics.deliveries_settled.labels(channel, "done").inc()
        return _settled(one.kept, DeliveryState.DONE, now, "", one.kept.attempts + 1)

    def _parked(self, kept: Kept, why: str, now: datetime) -> Settled:
        logger.warning("%s of %s is parked: %s", kept.id, kept.channel, why.partition(":")[0])
        self._metrics.deliveries_settled.labels(kept.channel, "parked").inc()
        return _settled(kept, DeliveryState.PARKED, now, why, kept.attempts + 1)

    def _later(self, kept: Kept, again_at: datetime, why: str, attempts: int) -> Settled:
        self._metrics.deliveries_settled.labels(kept.channel, "put off").inc()
        return _settled(kept, DeliveryState.WAITING, again_at, why, attempts)


def _pause(attempts: int) -> timedelta:
    return timedelta(seconds=min(AGAIN_FIRST_SECONDS * 2 ** min(attempts, 20), AGAIN_SECONDS_MAX))


def _settled(kept: Kept, state: DeliveryState, at: datetime, why: str, attempts: int) -> Settled:
    return Settled(number=kept.number, state=state, attempts=attempts, next_attempt_at=at, error=why)
