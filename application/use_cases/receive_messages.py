"""Receive messages: whatever the channel, each is stored once, in its customer's stream, and answered with where."""

import asyncio
from asyncio import Future
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from application.commands import ATTEMPTS_MAX, Command, Commands, Contended
from application.directory import Directory
from application.ids import derived_id, new_id
from application.log import AlreadyClaimed, Appended, Claim, Conflict, Context, Fact, Outcome, Write
from application.states import fold
from application.turns import Turns
from domain.account import Account, AccountPaused, AccountUnknown
from domain.card_numbers import mask, mask_markup
from domain.event import Event
from domain.intake import WITHHELD, InboundMessage, contradict_message, receive_message
from domain.interaction import Content, MessageReceived

CUSTOMERS_KNOWN_MAX = 100_000
"""Addresses whose customer is remembered in the process."""
ADDRESSES_PER_ACCOUNT = frozenset({"webchat", "adapter"})
"""Channels whose addresses mean something only within one account. Elsewhere one is the same person everywhere."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a message stands in the log."""

    position: int
    customer_id: str
    conversation_id: str
    message_id: str
    is_repeat: bool = False
    """It had been stored before; this is the first answer again."""
    is_contradiction: bool = False
    """The id had been stored before with other content; both are kept and people are told."""


class _Arrival(msgspec.Struct, gc=False):
    """One message on its way in."""

    place: int
    message: InboundMessage
    claim: Claim

    @property
    def message_id(self) -> str:
        return derived_id("message", self.claim.key)


class _Group(msgspec.Struct):
    """The messages of one customer, appended together."""

    customer_id: str
    is_new: bool
    arrivals: list[_Arrival]
    state: Any = None
    version: int = 0
    facts: list[Fact] = []
    claims: list[Claim] = []


def _without_cards(content: Content) -> Content:
    """The content with card numbers masked. Markup is masked too, and not kept where the text beside it held one."""
    text, html = mask(content.text), mask_markup(content.html)
    if (text, html) == (content.text, content.html):
        return content
    return replace(content, text=text, html=html if text == content.text else "")


class ReceiveMessages:
    """Takes messages of a channel account in."""

    def __init__(self, commands: Commands, directory: Directory) -> None:
        self._commands = commands
        self._log = commands.log
        self._states = commands.states
        self._keys = commands.claim_keys
        self._directory = directory
        self._turns = Turns()
        self._customers: OrderedDict[bytes, str] = OrderedDict()

    async def receive(self, account_id: str, messages: Sequence[InboundMessage], command: Command) -> list[Receipt]:
        """One receipt for each message, in order. Safe to repeat: a message that was stored gets its first receipt.

        Raises AccountUnknown, AccountPaused, TooManyConversations, Contended, LogBusy, LogUnreachable; then some of
        the messages may be stored already, and handing all in again stores the others. KeyReused before any is.
        """
        account = self._directory.account(account_id)
        if account is None or account.definition is None:
            raise AccountUnknown(f"there is no channel account {account_id}")
        if account.is_paused:
            raise AccountPaused
        arrivals = [self._arrival(place, account_id, message) for place, message in enumerate(messages)]
        receipts: list[Receipt | None] = [None] * len(arrivals)
        await self._commands.claim_only(command)
        context = command.context
        for _ in range(ATTEMPTS_MAX + len(arrivals)):
            # An id that comes twice in one call waits a round, and is then a repeat like any other.
            still_open: dict[bytes, _Arrival] = {}
            for arrival in arrivals:
                if receipts[arrival.place] is None:
                    still_open.setdefault(arrival.claim.key, arrival)
            if not still_open:
                return [receipt for receipt in receipts if receipt is not None]
            groups = self._grouped(account, list(still_open.values()))
            async with self._turns.of(group.customer_id for group in groups) as mine:
                groups = [group for group in groups if group.customer_id in mine]
                await self._warm(groups)
                under_way = [await self._submit(account, group, command.at, context) for group in groups]
                outcomes = [await future for future in under_way]
                for group, outcome in zip(groups, outcomes, strict=True):
                    self._settle(account, group, outcome, receipts)
            for group, outcome in zip(groups, outcomes, strict=True):
                if isinstance(outcome, AlreadyClaimed) and outcome.claim.key in still_open:
                    await self._recognise(group, receipts, command)
        raise Contended

    def _arrival(self, place: int, account_id: str, message: InboundMessage) -> _Arrival:
        claim = self._keys.message(account_id, message.kind, message.provider_id, message.content)
        if (content := _without_cards(message.content)) is not message.content:
            message = replace(message, content=content)
        if message.subject:
            message = replace(message, subject=mask(message.subject))
        return _Arrival(place, message, claim)

    def _grouped(self, account: Account, arrivals: Sequence[_Arrival]) -> list[_Group]:
        """The arrivals by customer. An address not met before gets a new one, unless its claim says whose it is."""
        groups: dict[bytes | str, _Group] = {}
        for arrival in arrivals:
            address = self._address(account, arrival)
            known = None if address is None else self._customers.get(address)
            together = known or address or arrival.claim.key
            group = groups.get(together)
            if group is None:
                group = groups[together] = _Group(known or new_id("customer"), known is None, [])
            group.arrivals.append(arrival)
        return list(groups.values())

    async def _warm(self, groups: Sequence[_Group]) -> None:
        """Reads the states that are not at hand together, instead of one after the other."""
        cold = [one for one in groups if not one.is_new and self._states.peek(one.customer_id) is None]
        if len(cold) > 1:
            await asyncio.gather(*(self._states.load(one.customer_id) for one in cold))

    async def _submit(self, account: Account, group: _Group, at: datetime, context: Context) -> "Future[Outcome]":
        """Decides on each message in turn and hands the whole in."""
        load = self._states.peek(group.customer_id)
        if load is None:
            load = self._states.begin("customer") if group.is_new else await self._states.load(group.customer_id)
        group.state, group.version = load
        group.facts, group.claims = [], []
        for arrival in group.arrivals:
            self._decide(account, group, arrival, at)
        write = Write(group.customer_id, group.version, group.facts)
        return await self._log.submit([write], group.claims, context=context)

    def _decide(self, account: Account, group: _Group, arrival: _Arrival, at: datetime) -> None:
        assert account.definition is not None  # seen to by `receive`
        message, (channel, scope) = arrival.message, _place(account)
        events = receive_message(
            group.state,
            message,
            channel=channel,
            account_id=account.id,
            scope=scope,
            intake=self._directory.intake(account.definition.queue_id),
            message_id=arrival.message_id,
            new_conversation_id=derived_id("conversation", arrival.claim.key),
            at=at,
        )
        for event in events:
            if isinstance(event, MessageReceived):
                group.claims.append(replace(arrival.claim, fact=len(group.facts)))
            group.facts.append(Fact(event, message.occurred_at))
        group.state = fold(group.customer_id, group.state, events)
        if group.is_new and len(group.claims) == 1 and message.handle != WITHHELD:
            group.claims.append(self._keys.identity(channel, scope, message.handle, group.customer_id))

    def _settle(self, account: Account, group: _Group, outcome: Outcome, receipts: list[Receipt | None]) -> None:
        """Writes receipts for what was stored; what was not stays open and goes through another round."""
        match outcome:
            case Appended(positions=positions):
                self._states.moved(group.customer_id, group.state, group.version + len(group.facts))
                if group.is_new and (address := self._address(account, group.arrivals[0])) is not None:
                    self._remember(address, group.customer_id)
                received = [
                    (position, fact.event)
                    for position, fact in zip(positions, group.facts, strict=True)
                    if isinstance(fact.event, MessageReceived)
                ]
                for arrival, (position, event) in zip(group.arrivals, received, strict=True):
                    receipts[arrival.place] = _receipt(group.customer_id, position, event)
            case Conflict():
                self._states.forget(group.customer_id)
            case AlreadyClaimed(claim=claim, fingerprint=fingerprint):
                if claim.key == self._address(account, group.arrivals[0]):
                    self._remember(claim.key, derived_id("customer", fingerprint))

    async def _recognise(self, group: _Group, receipts: list[Receipt | None], command: Command) -> None:
        """Gives those of the group that were stored before their receipts."""
        taken = await self._log.claimed([arrival.claim.key for arrival in group.arrivals])
        for arrival in group.arrivals:
            if (before := taken.get(arrival.claim.key)) is not None:
                receipts[arrival.place] = await self._seen_before(arrival, *before, command)

    async def _seen_before(self, arrival: _Arrival, at_position: int, fingerprint: bytes, command: Command) -> Receipt:
        original = await self._log.at(at_position)
        assert original is not None  # a claim always names a stored event
        if not isinstance(original.event, MessageReceived):  # its key was destroyed: only the fact remains
            return Receipt(
                position=original.position,
                customer_id=original.stream,
                conversation_id="",
                message_id=arrival.message_id,
                is_repeat=True,
            )
        receipt = _receipt(original.stream, original.position, original.event)
        if arrival.claim.fingerprint == fingerprint:
            return replace(receipt, is_repeat=True)
        event = original.event

        def decide(customer: Any) -> Sequence[Sequence[Event]]:
            position = original.position
            return [contradict_message(customer, arrival.message, original=event, original_position=position)]

        again = replace(command, claim=self._keys.contradiction(arrival.claim))
        done = await self._commands.carry_out(again, [original.stream], decide)
        return replace(receipt, position=done.position, is_repeat=done.is_repeat, is_contradiction=True)

    def _address(self, account: Account, arrival: _Arrival) -> bytes | None:
        """The claim key of the address it came from; None where the sender withheld it."""
        channel, scope = _place(account)
        handle = arrival.message.handle
        return None if handle == WITHHELD else self._keys.identity_key(channel, scope, handle)

    def _remember(self, key: bytes, customer_id: str) -> None:
        self._customers[key] = customer_id
        if len(self._customers) > CUSTOMERS_KNOWN_MAX:
            self._customers.popitem(last=False)


def _place(account: Account) -> tuple[str, str]:
    """The account's channel, and within what its addresses mean somebody: the account, or everywhere."""
    assert account.definition is not None  # seen to by `receive`
    channel = account.definition.channel
    return channel, account.id if channel in ADDRESSES_PER_ACCOUNT else ""


def _receipt(customer_id: str, position: int, event: MessageReceived) -> Receipt:
    return Receipt(
        position=position,
        customer_id=customer_id,
        conversation_id=event.conversation_id,
        message_id=event.message_id,
    )
