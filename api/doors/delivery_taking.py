"""What is in deliveries, given to the use cases: each item to its account, and a verdict on each delivery.

Safe to repeat: whatever is taken in is claimed by its provider's id, so that a delivery read twice changes nothing.
"""

import asyncio
import logging
import traceback
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec

from api.doors.take_mail import TakeMail
from api.doors.trust import trusted, unpacked
from api.metrics import Metrics
from application.commands import Command, Contended
from application.directory import Directory
from application.exchange.deliveries import DeliveryState, Kept, Settled
from application.exchange.media import Get, MediaNotStored, MediaRefused
from application.log import LogBusy, LogUnreachable
from application.use_cases.receive_echoes import ReceiveEchoes
from application.use_cases.receive_messages import ReceiveMessages
from application.use_cases.receive_reports import ReceiveReports
from application.use_cases.set_up import SetUp
from application.use_cases.take_calls import TakeCalls
from channels.edge.payload import Delivery, Portion, Posted, SignatureWrong, UnreadablePayload, named
from channels.table import CHANNELS, Webhook
from domain.account import Account, AccountPaused
from domain.event import RuleBroken

AGAIN_FIRST_SECONDS, AGAIN_SECONDS_MAX = 1.0, 60.0
PAUSED = timedelta(hours=1)
"""An account that is resumed is taken up at once; this is for a wake-up that was lost."""
UNMATCHED_ATTEMPTS_MAX = 10
"""Some five minutes of pauses that double up to one minute."""
OFF_THE_LOOP_BYTES = 131_072
"""Reading more than this takes so long that requests should not wait for it."""
ERROR_CHARACTERS_MAX = 300
TRY_AGAIN = (LogBusy, LogUnreachable, Contended, MediaNotStored)

logger = logging.getLogger(__name__)


class Read(msgspec.Struct):
    """A delivery that could be read."""

    kept: Kept
    portions: dict[str, Portion]
    """By account."""
    strangers: list[str]
    """Addresses in it that no account here has."""
    ignored: list[str]
    """Kinds of news that are not stored."""
    notices: list[tuple[str, str]]
    """Those of them that are about an account itself, by account."""


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
        self._get = get
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
        account = self._directory.account(kept.account_ids[0])
        if account is None or account.definition is None:  # this process has not heard of it yet
            return self._later(kept, now + _pause(kept.attempts), "AccountUnknown: not known yet", kept.attempts + 1)
        channel = CHANNELS.get(kept.channel)
        if channel is None or channel.webhook is None:
            return self._parked(kept, "Unreadable: there is no such channel", now)
        if content is None:
            return self._parked(kept, "Unreadable: it was altered, or its master key is not at hand", now)
        try:
            posted = whole = unpacked(content)
            if channel.webhook.complete is not None:
                whole = await channel.webhook.complete(account.definition, posted, self._get)
            if kept.size_bytes > OFF_THE_LOOP_BYTES:
                delivery = await asyncio.to_thread(channel.webhook.parse, account.definition, whole)
            else:
                delivery = channel.webhook.parse(account.definition, whole)
        except MediaRefused as error:
            if error.is_final:
                return self._parked(kept, told(error), now)
            return self._later(kept, now + _pause(kept.attempts), told(error), kept.attempts + 1)
        except Exception as error:  # noqa: BLE001  # of a parser, whatever it is: somebody will mend it
            return self._parked(kept, told(error), now)
        return self._sorted(kept, posted, delivery, channel.webhook)

    def _sorted(self, kept: Kept, posted: Posted, delivery: Delivery, webhook: Webhook) -> Read:
        """Each item to the account that the provider calls by its address."""
        by_address = self._by_address(kept.account_ids)
        addresses = {address for field in Portion.__struct_fields__ for address, _ in getattr(delivery, field)}
        if not addresses <= by_address.keys():  # an account may have been set up since it came
            of_channel = [one for one in self._directory.accounts.values() if _is_of(one, kept.channel)]
            with suppress(SignatureWrong):  # the secrets may have been rolled
                by_address = self._by_address([one.id for one in trusted(posted, webhook, of_channel)]) | by_address
        portions: dict[str, Portion] = {}
        for field in Portion.__struct_fields__:
            for address, item in getattr(delivery, field):
                if (account_id := by_address.get(address)) is not None:
                    getattr(portions.setdefault(account_id, Portion()), field).append(item)
        notices = [
            (account_id, kind)
            for address, kind in delivery.notices
            for account_id in ([by_address[address]] if address in by_address else kept.account_ids)
        ]
        return Read(kept, portions, sorted(addresses - by_address.keys()), delivery.ignored, notices)

    def _by_address(self, account_ids: Sequence[str]) -> dict[str, str]:
        # Of several that share an address and a secret the first gets it, since it is read with that one's settings.
        known = [(one, self._directory.account(one)) for one in reversed(account_ids)]
        return {account.definition.address: one for one, account in known if account and account.definition}

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


def _is_of(account: Account, channel: str) -> bool:
    return account.definition is not None and account.definition.channel == channel


def _pause(attempts: int) -> timedelta:
    return timedelta(seconds=min(AGAIN_FIRST_SECONDS * 2 ** min(attempts, 20), AGAIN_SECONDS_MAX))


def _settled(kept: Kept, state: DeliveryState, at: datetime, why: str, attempts: int) -> Settled:
    return Settled(number=kept.number, state=state, attempts=attempts, next_attempt_at=at, error=why)


def told(error: Exception) -> str:
    """Class and sentence; of what nobody foresaw the place instead, since its message may hold what somebody wrote.

    Example: `"UnreadablePayload: entry: a WhatsApp delivery has a list here"`, `"KeyError in channels/line.py:71"`
    """
    name = type(error).__name__
    if isinstance(error, UnreadablePayload):
        return f"{name}: {error}"[:ERROR_CHARACTERS_MAX].replace("\0", "")
    if isinstance(error, RuleBroken | LogBusy | LogUnreachable | Contended):
        return f"{name}: {(type(error).__doc__ or '').strip().partition(chr(10))[0]}"
    frames = traceback.extract_tb(error.__traceback__)
    place = "/".join(frames[-1].filename.rsplit("/", 2)[-2:]) if frames else "an unknown place"
    return f"{name} in {place}:{frames[-1].lineno if frames else 0}"
