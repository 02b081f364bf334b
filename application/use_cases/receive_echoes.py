"""Receive echoes: what the shop's side wrote, as the channel tells. Our own proves that it left, others are kept."""

from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace

from application.commands import ATTEMPTS_MAX, ClaimTaken, Command, Commands, Contended
from application.directory import Directory
from application.ids import derived_id
from application.log import Claim
from application.use_cases.arrivals import scope_of
from domain.account import Account
from domain.card_numbers import without_cards
from domain.customer import Customer
from domain.event import Event, Recorded
from domain.intake import NOBODYS, Echo
from domain.interaction import ReplyEchoed
from domain.outbound.delivery import DeliveryAccepted
from domain.outbound.echoes import contradict_echo, own, receive_echo


class EchoReceipt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where an echo stands in the log."""

    position: int
    customer_id: str
    conversation_id: str
    message_id: str
    is_ours: bool = False
    """We sent it: no new message."""
    is_repeat: bool = False
    """It was known before; nothing was stored."""
    is_contradiction: bool = False
    """The id was stored before with other content; both are kept and people are told."""


class Otherwise(Exception):
    """The customer has moved on, so that something else is to be stored than was thought."""


class ReceiveEchoes:
    """Takes echoes of a channel account in."""

    def __init__(self, commands: Commands, directory: Directory) -> None:
        self._commands = commands
        self._log = commands.log
        self._states = commands.states
        self._keys = commands.claim_keys
        self._directory = directory

    async def receive(self, account_id: str, echoes: Sequence[Echo], command: Command) -> list[EchoReceipt]:
        """One receipt for each echo, in order. Safe to repeat.

        An echo of our own may come before the sender has recorded that the channel took it. Where the channel returns
        our message id, or the words are those of an attempt without an outcome, the echo records that itself; else it
        is kept as a message until the sender's `DeliveryAccepted` names it, whereupon timelines show the two as one.
        Raises AccountUnknown, AccountPaused, TooManyConversations, Contended, LogBusy, LogUnreachable; then some may
        be stored already, and handing all in again stores the others.
        """
        account, definition = self._directory.working_account(account_id)
        return [await self._receive(account, definition.channel, echo, command) for echo in echoes]

    async def _receive(self, account: Account, channel: str, echo: Echo, command: Command) -> EchoReceipt:
        scope = scope_of(account.id, channel)
        claim = self._keys.echo(account.id, echo.kind, echo.provider_id, echo.content)
        sent = self._keys.sent(account.id, echo.provider_id)
        handles = () if echo.handle in NOBODYS else (echo.handle, *echo.other_handles)
        addresses = {one: self._keys.identity_key(channel, scope, one) for one in handles}
        echo = replace(echo, content=without_cards(echo.content))

        def decide(known: Customer) -> list[Event]:
            return receive_echo(
                known,
                echo,
                channel=channel,
                account_id=account.id,
                scope=scope,
                message_id=derived_id("message", claim.key),
                new_conversation_id=derived_id("conversation", claim.key),
                at=command.at,
            )

        for _ in range(ATTEMPTS_MAX):
            taken = await self._log.claimed([claim.key, sent.key, *addresses.values()])
            if claim.key in taken:
                return await self._seen_before(echo, claim, *taken[claim.key], command)
            if sent.key in taken and not echo.content.is_amending:
                return replace(_receipt(await self._at(taken[sent.key][0])), is_ours=True, is_repeat=True)
            owners = {one: taken[key][1] for one, key in addresses.items() if key in taken}
            owner = next(iter(owners.values()), claim.key)
            customer_id = derived_id("customer", owner)
            others = tuple(one for one in echo.other_handles if owners.get(one, owner) == owner)
            echo = replace(echo, other_handles=others)
            new = [one for one in (*handles[:1], *others) if one not in owners]
            claims = [claim, *(self._keys.identity(channel, scope, one, customer_id) for one in new)]
            try:
                return await self._store(account.id, customer_id, echo, decide, claims, command)
            except (ClaimTaken, Otherwise):
                self._states.forget(customer_id)
        raise Contended

    async def _store(
        self,
        account_id: str,
        customer_id: str,
        echo: Echo,
        decide: Callable[[Customer], list[Event]],
        claims: Sequence[Claim],
        command: Command,
    ) -> EchoReceipt:
        """Raises Otherwise, ClaimTaken where somebody was faster."""
        known: Customer = (await self._states.load(customer_id))[0]
        events, ours = decide(known), own(known, echo, account_id=account_id, at=command.at)
        if ours is not None:
            claims = [self._keys.sent(account_id, echo.provider_id)] if events else []

        def decide_again(now: Customer) -> list[list[Event]]:
            if (again := decide(now)) != events:
                raise Otherwise
            return [again]

        at = replace(command, at=echo.occurred_at, claim=None)
        done = await self._commands.carry_out(at, [customer_id], decide_again, claims)
        if ours is None:
            return _receipt(await self._at(done.position))
        return EchoReceipt(
            position=done.position,
            customer_id=customer_id,
            conversation_id=ours.conversation_id,
            message_id=ours.message_id,
            is_ours=True,
            is_repeat=not events,
        )

    async def _seen_before(
        self, echo: Echo, claim: Claim, position: int, fingerprint: bytes, command: Command
    ) -> EchoReceipt:
        original = await self._at(position)
        receipt = replace(_receipt(original), is_repeat=True)
        if claim.fingerprint == fingerprint or not isinstance(original.event, ReplyEchoed):
            return receipt
        contradicted = contradict_echo(echo, original=original.event, original_position=position)
        again = replace(command, claim=self._keys.contradiction(claim))
        done = await self._commands.carry_out(again, [original.stream], lambda _: [contradicted])
        return replace(receipt, position=done.position, is_repeat=done.is_repeat, is_contradiction=True)

    async def _at(self, position: int) -> Recorded:
        found = await self._log.at(position)
        assert found is not None  # a claim always names a stored event
        return found


def _receipt(recorded: Recorded) -> EchoReceipt:
    """Of an event whose key was destroyed only the fact remains."""
    event = recorded.event
    receipt = EchoReceipt(position=recorded.position, customer_id=recorded.stream, conversation_id="", message_id="")
    if isinstance(event, ReplyEchoed | DeliveryAccepted):
        return replace(receipt, conversation_id=event.conversation_id, message_id=event.message_id)
    return receipt
