"""Receive reports: what became of what we sent, as the channel tells, in whatever order and however often."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from application.claims import ClaimKeys
from application.commands import ATTEMPTS_MAX, ClaimTaken, Command, Commands, Contended
from application.directory import Directory
from application.ids import derived_id
from application.use_cases.arrivals import scope_of
from application.use_cases.receive_echoes import Otherwise
from domain.customer import Customer
from domain.event import Event
from domain.intake import DeliveryReport
from domain.interaction import Content
from domain.outbound import receipts
from domain.outbound.delivery import DeliveryAccepted, DeliveryStatus
from domain.outbound.receipts import Fate, NoLongerFollowed, Outbound, is_further

CLOCKS_APART_SECONDS = 2.0
"""What the channel took just before a moment of its own clock, we learnt of up to so long after it."""

logger = logging.getLogger(__name__)

Taken = Mapping[bytes, tuple[int, bytes]]


class _Told(msgspec.Struct, frozen=True):
    """A report with the message that it is about."""

    stream: str
    message_id: str
    report: DeliveryReport


class ReceiveReports:
    """Takes delivery reports of a channel account in."""

    def __init__(self, commands: Commands, directory: Directory) -> None:
        self._directory = directory
        self._commands = commands
        self._log = commands.log
        self._states = commands.states
        self._keys: ClaimKeys = commands.claim_keys

    async def receive(
        self, account_id: str, reports: Sequence[DeliveryReport], command: Command
    ) -> list[DeliveryReport]:
        """Those that could not be matched yet, because what they are about is only now being recorded: try them again.

        A message only moves up, so a repeat, and what comes late, changes nothing. Safe to repeat.
        Raises AccountUnknown, Contended, LogBusy, LogUnreachable; then handing all in again takes the others.
        """
        channel = self._directory.defined_account(account_id)[1].channel
        scope = scope_of(account_id, channel)
        taken = await self._log.claimed(list(self._keys_of(account_id, channel, scope, reports)))
        unmatched: list[DeliveryReport] = []
        by_stream: dict[str, list[_Told]] = {}
        for report in reports:
            found, is_all = await self._matched(account_id, channel, scope, report, taken)
            for told in found:
                by_stream.setdefault(told.stream, []).append(told)
            if not is_all:
                unmatched.append(report)
        await asyncio.gather(*(self._settle(account_id, told, command) for told in by_stream.values()))
        return unmatched

    def _keys_of(
        self, account_id: str, channel: str, scope: str, reports: Sequence[DeliveryReport]
    ) -> Collection[bytes]:
        """Every claim that may lead to what the reports are about."""
        keys: set[bytes] = set()
        for report in reports:
            if report.provider_id:
                keys |= set(self._named(account_id, report.provider_id))
            if report.callback:
                keys.add(self._attempted(report.callback))
            if report.handle:
                keys.add(self._keys.identity_key(channel, scope, report.handle))
        return keys

    async def _matched(
        self, account_id: str, channel: str, scope: str, report: DeliveryReport, taken: Taken
    ) -> tuple[list[_Told], bool]:
        """The messages that the report is about, and whether those are all."""
        for key in self._named(account_id, report.provider_id) if report.provider_id else ():
            if key in taken:
                recorded = await self._log.at(taken[key][0])
                assert recorded is not None  # a claim always names a stored event
                message_id = getattr(recorded.event, "message_id", "")  # none where its key was destroyed
                return [_Told(recorded.stream, message_id, report)] if message_id else [], True
        by_address = taken.get(self._keys.identity_key(channel, scope, report.handle)) if report.handle else None
        customer_id = derived_id("customer", by_address[1]) if by_address else ""
        if report.callback:
            if (attempt := taken.get(self._attempted(report.callback))) is not None:
                recorded = await self._log.at(attempt[0])
                assert recorded is not None  # a claim always names a stored event
                customer_id = recorded.stream
            is_known = customer_id and report.callback in (await self._customer(customer_id)).outbound
            return ([_Told(customer_id, report.callback, report)], True) if is_known else ([], False)
        if report.upto is not None and report.status is not DeliveryStatus.FAILED:
            return await self._until(account_id, customer_id, report) if customer_id else ([], True)
        return [], False

    async def _until(self, account_id: str, customer_id: str, report: DeliveryReport) -> tuple[list[_Told], bool]:
        """All that the address was sent until the moment. Not all while the outcome of something is still to come."""
        assert report.upto is not None  # the caller has looked
        sent = (await self._customer(customer_id)).outbound.values()
        to_them = [one for one in sent if one.account_id == account_id and one.handle == report.handle]
        is_all = all(one.fate is not Fate.ATTEMPTED for one in to_them)
        behind = [one for one in to_them if one.is_taken and is_further(Fate(report.status), one.fate)]
        keys = [key for one in behind for key in self._named(account_id, one.provider_id)]
        taken = await self._log.claimed(keys) if keys else {}
        while behind and not await self._is_before(behind[-1], report.upto.timestamp(), taken):
            behind.pop()
        return [_Told(customer_id, one.message_id, report) for one in behind], is_all

    async def _is_before(self, one: Outbound, upto_seconds: float, taken: Taken) -> bool:
        for key in self._named(one.account_id, one.provider_id):
            if key in taken:
                recorded = await self._log.at(taken[key][0])
                assert recorded is not None  # a claim always names a stored event
                return recorded.occurred_at.timestamp() - CLOCKS_APART_SECONDS <= upto_seconds
        return False

    async def _settle(self, account_id: str, told: Sequence[_Told], command: Command) -> None:
        """One after the other, because each has a time of its own."""
        for one in told:
            try:
                await self._settle_one(account_id, one, command)
            except NoLongerFollowed as refusal:
                logger.info("a report is not kept: %s", refusal)

    async def _settle_one(self, account_id: str, told: _Told, command: Command) -> None:
        """Raises NoLongerFollowed, Contended."""

        def decide(customer: Customer) -> list[Event]:
            return receipts.report(
                customer.outbound,
                message_id=told.message_id,
                status=told.report.status,
                provider_id=told.report.provider_id,
                participant=told.report.participant,
                reason=told.report.reason,
                reach=told.report.reach,
            )

        for _ in range(ATTEMPTS_MAX):
            events = decide(await self._customer(told.stream))
            claims = []
            if told.report.provider_id and events and isinstance(events[0], DeliveryAccepted):
                sent = replace(self._keys.sent(account_id, told.report.provider_id), fact=0)
                claims = [] if await self._log.claimed([sent.key]) else [sent]

            def decide_again(now: Customer, expected: list[Event] = events) -> list[list[Event]]:
                if (again := decide(now)) != expected:
                    raise Otherwise
                return [again]

            at = replace(command, at=told.report.occurred_at, claim=None)
            try:
                await self._commands.carry_out(at, [told.stream], decide_again, claims)
            except (ClaimTaken, Otherwise):
                self._states.forget(told.stream)
            else:
                return
        raise Contended

    async def _customer(self, customer_id: str) -> Customer:
        customer: Customer = (await self._states.load(customer_id))[0]
        return customer

    def _named(self, account_id: str, provider_id: str) -> tuple[bytes, bytes]:
        """The claims of what the channel calls so: something we sent, or wrote elsewhere."""
        sent = self._keys.sent(account_id, provider_id)
        return sent.key, self._keys.echo(account_id, "message", provider_id, Content()).key

    def _attempted(self, message_id: str) -> bytes:
        """The claim of the first attempt to send the message, as `SendReplies` takes it."""
        return self._keys.once("attempt", message_id, "1").key
