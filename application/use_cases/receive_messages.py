"""Receive messages: whatever the channel, each is stored once, in its customer's stream, and answered with where."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from application.commands import ATTEMPTS_MAX, Command, Commands, Contended
from application.directory import Directory
from application.ids import derived_id
from application.log import AlreadyClaimed, Appended, Claim, Conflict, Outcome, Write
from application.turns import Turns
from application.use_cases.arrivals import Arrival, Desk, Group, KnownAddresses
from domain.event import Event
from domain.intake import InboundMessage, contradict_message
from domain.interaction import MessageReceived


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


Receipts = list[Receipt | None]
"""One place for each message; None while it is not stored."""


class ReceiveMessages:
    """Takes messages of a channel account in."""

    def __init__(self, commands: Commands, directory: Directory) -> None:
        self._commands = commands
        self._log = commands.log
        self._states = commands.states
        self._keys = commands.claim_keys
        self._directory = directory
        self._turns = Turns()
        self._known = KnownAddresses()

    async def receive(self, account_id: str, messages: Sequence[InboundMessage], command: Command) -> list[Receipt]:
        """One receipt for each message, in order. Safe to repeat: a message that was stored gets its first receipt.

        Raises AccountUnknown, AccountPaused, TooManyConversations, Contended, LogBusy, LogUnreachable; then some of
        the messages may be stored already, and handing all in again stores the others. KeyReused before any is.
        """
        desk = self._desk(account_id)
        arrivals = [desk.arrival(place, message) for place, message in enumerate(messages)]
        receipts: Receipts = [None] * len(arrivals)
        if command.claim is not None:
            await self._commands.claim_only(command)
        is_together = True
        for _ in range(ATTEMPTS_MAX + sum(2 + len(arrival.addresses) for arrival in arrivals)):
            # An id that comes twice in one call waits a round, and is then a repeat like any other.
            open_arrivals: dict[bytes, Arrival] = {}
            for arrival in arrivals:
                if receipts[arrival.place] is None:
                    open_arrivals.setdefault(arrival.claim.key, arrival)
            if not open_arrivals:
                return [receipt for receipt in receipts if receipt is not None]
            groups = self._known.grouped(open_arrivals.values())
            # Most calls are stored as a whole; where anything of one was refused, each customer goes alone.
            is_together = await self._take(desk, groups, receipts, command, is_together=is_together)
        raise Contended

    def _desk(self, account_id: str) -> Desk:
        account, definition = self._directory.working_account(account_id)
        intake, languages = self._directory.intake(definition.queue_id), self._directory.languages
        return Desk(account.id, definition.channel, self._keys, intake, languages)

    async def _take(
        self, desk: Desk, groups: list[Group], receipts: Receipts, command: Command, *, is_together: bool
    ) -> bool:
        """Stores what it can of the groups whose turn it is. True if all of that was stored."""
        mine = await self._turns.take(group.customer_id for group in groups)
        try:
            groups = [group for group in groups if group.customer_id in mine]
            await self._load(groups)
            for group in groups:
                desk.decide(group, self._known, command.at)
            parts = [groups] if is_together and _are_apart(groups) else [[group] for group in groups]
            under_way = [
                await self._log.submit(_writes(part), _claims(part), context=command.context) for part in parts
            ]
            outcomes = [await outcome for outcome in under_way]
            for part, outcome in zip(parts, outcomes, strict=True):
                self._settle(part, outcome, receipts)
        finally:
            self._turns.give_back(mine)
        for part, outcome in zip(parts, outcomes, strict=True):
            if isinstance(outcome, AlreadyClaimed):
                await self._recognise(part, outcome.claim, receipts, command)
        return all(isinstance(outcome, Appended) for outcome in outcomes)

    async def _load(self, groups: Sequence[Group]) -> None:
        """Gives each group the state it starts from. States that are not at hand are read together."""
        cold: list[Group] = []
        for group in groups:
            load = self._states.peek(group.customer_id)
            if load is None and group.is_new:
                load = self._states.begin("customer")
            if load is None:
                cold.append(group)
            else:
                group.state, group.version = load
        if cold:
            loads = await asyncio.gather(*(self._states.load(group.customer_id) for group in cold))
            for group, load in zip(cold, loads, strict=True):
                group.state, group.version = load

    def _settle(self, part: Sequence[Group], outcome: Outcome, receipts: Receipts) -> None:
        """Writes receipts for what was stored; what was not stays open and goes through another round."""
        match outcome:
            case Appended(positions=positions):
                first = 0
                for group in part:
                    self._settle_one(group, positions, first, receipts)
                    first += len(group.facts)
            case Conflict(stream=stream):
                self._states.forget(stream)
            case AlreadyClaimed(claim=claim, fingerprint=fingerprint):
                for group in part:
                    if any(claim.key in arrival.addresses for arrival in group.arrivals):
                        self._known.learn(claim.key, owner := derived_id("customer", fingerprint))
                        if group.customer_id == owner:  # another process linked it, so there is more that we missed
                            self._states.forget(owner)

    def _settle_one(self, group: Group, positions: Sequence[int], first: int, receipts: Receipts) -> None:
        self._states.moved(group.customer_id, group.state, group.version + len(group.facts))
        for claim in group.linked:
            self._known.learn(claim.key, group.customer_id)
        for arrival, nth in zip(group.arrivals, group.received, strict=True):
            event = group.facts[nth].event
            assert isinstance(event, MessageReceived)  # that is what an arrival becomes
            receipts[arrival.place] = _receipt(group.customer_id, positions[first + nth], event)

    async def _recognise(self, part: Sequence[Group], claim: Claim, receipts: Receipts, command: Command) -> None:
        """Gives those of the part that were stored before their receipts."""
        arrivals = [arrival for group in part for arrival in group.arrivals]
        if all(arrival.claim.key != claim.key for arrival in arrivals):
            return  # it was an address
        taken = await self._log.claimed([arrival.claim.key for arrival in arrivals])
        for arrival in arrivals:
            if (before := taken.get(arrival.claim.key)) is not None:
                receipts[arrival.place] = await self._seen_before(arrival, *before, command)

    async def _seen_before(
        self, arrival: Arrival, at_position: int, fingerprint: bytes, command: Command
    ) -> Receipt | None:
        """The receipt for what was stored under its claim. None: that is another mail, which claims otherwise."""
        original = await self._log.at(at_position)
        assert original is not None  # a claim always names a stored event
        if arrival.other is not None:
            if not arrival.is_same(fingerprint, original.event):
                arrival.claim, arrival.other = arrival.other, None
                return None
            fingerprint = arrival.claim.fingerprint
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


def _are_apart(groups: Sequence[Group]) -> bool:
    """Whether no two of them claim the same, as senders with an address in common do when they are first met."""
    keys = [claim.key for group in groups for claim in group.linked]
    return len(set(keys)) == len(keys)


def _writes(part: Sequence[Group]) -> list[Write]:
    return [Write(group.customer_id, group.version, group.facts) for group in part]


def _claims(part: Sequence[Group]) -> list[Claim]:
    """The claims of all, each leading to its fact as counted over the whole."""
    claims: list[Claim] = []
    first = 0
    for group in part:
        for arrival, nth in zip(group.arrivals, group.received, strict=True):
            claims.append(Claim(arrival.claim.key, arrival.claim.fingerprint, first + nth))
        # Behind the messages: what was stored before must hear of itself.
        claims += [Claim(claim.key, claim.fingerprint, first + claim.fact) for claim in group.linked]
        first += len(group.facts)
    return claims


def _receipt(customer_id: str, position: int, event: MessageReceived) -> Receipt:
    return Receipt(
        position=position,
        customer_id=customer_id,
        conversation_id=event.conversation_id,
        message_id=event.message_id,
    )
