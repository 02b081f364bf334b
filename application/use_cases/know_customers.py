"""Know customers: the shop tells who somebody is, on which channels, and what was said to them on the phone."""

import msgspec

from application.commands import ATTEMPTS_MAX, ClaimTaken, Command, Commands, Contended, Done
from application.ids import derived_id, new_id
from application.use_cases.arrivals import scope_of
from domain import customer, intake
from domain.card_numbers import mask
from domain.customer import Customer
from domain.event import Event, RuleBroken
from domain.intake import Call


class CustomerUnknown(RuleBroken):
    """There is no such customer."""


class IdentityTaken(RuleBroken):
    """This address belongs to another customer."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """An address of somebody: `{"channel": "email", "handle": "li.na@example.com"}`."""

    channel: str
    handle: str
    account_id: str = ""
    """Needed only where addresses mean something within one account: web chat and the adapter door."""

    @property
    def scope(self) -> str:
        return scope_of(self.account_id, self.channel)


class KnowCustomers:
    """Each method carries out one command on one customer. Safe to repeat with the same claim."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    async def register(self, command: Command, name: str, identities: list[Identity]) -> tuple[Done, str]:
        """Somebody with all the addresses we know, so that whatever they write from is one timeline.

        Returns the new customer's id too. Raises IdentityTaken.
        """
        customer_id = derived_id("customer", command.claim.key) if command.claim else new_id("customer")
        return await self._link(command, customer_id, name, identities), customer_id

    async def link(self, command: Command, customer_id: str, name: str, identities: list[Identity]) -> Done:
        """Adds addresses to a customer. Those that are theirs already are not news.

        Raises CustomerUnknown, IdentityTaken.
        """
        if not (await self._commands.states.load(customer_id))[1]:
            raise CustomerUnknown
        return await self._link(command, customer_id, name, identities)

    async def _link(self, command: Command, customer_id: str, name: str, identities: list[Identity]) -> Done:
        keys = self._commands.claim_keys

        def decide(known: Customer) -> list[list[Event]]:
            events: list[Event] = []
            for one in identities:
                found = intake.meet(known, channel=one.channel, account_id=one.scope, handle=one.handle, name=name)
                for event in found:
                    known = customer.evolve(known, event)
                events += found
            return [events]

        for _ in range(ATTEMPTS_MAX):
            known, _version = await self._commands.states.load(customer_id)
            new = {(one.channel, one.scope, one.handle) for one in identities} - known.handles
            claims = [keys.identity(channel, scope, handle, customer_id) for channel, scope, handle in sorted(new)]
            try:
                return await self._commands.carry_out(command, [customer_id], decide, claims)
            except ClaimTaken as taken:
                if not taken.outcome.is_repeat:
                    raise IdentityTaken from taken
                self._commands.states.forget(customer_id)  # one was linked to this very customer a moment ago
        raise Contended

    async def log_call(
        self,
        command: Command,
        call: Call,
        *,
        account_id: str,
        agent_id: str | None = None,
        customer_id: str | None = None,
        conversation_id: str | None = None,
    ) -> tuple[Done, str]:
        """Writes a call down: with the named customer, else with whoever has this number, else with a new customer.

        It stands in the timeline at the time when it began, however late it is told.
        The same call id of one account is written once. A number that is another customer's stays theirs. Returns the
        customer's id too. Raises CustomerUnknown, ConversationUnknown, TooManyConversations, Contended.
        """
        if customer_id is not None and not (await self._commands.states.load(customer_id))[1]:
            raise CustomerUnknown
        call = msgspec.structs.replace(call, note=mask(call.note))
        call_claim = self._commands.claim_keys.once("call", account_id, call.call_id)
        timed = msgspec.structs.replace(command, at=call.occurred_at)
        for _ in range(ATTEMPTS_MAX):
            owner_id = await self._owner(call.handle)
            caller_id = customer_id or owner_id or derived_id("customer", call_claim.key)
            claims = [call_claim]
            if owner_id is None and call.handle != intake.WITHHELD:
                claims.append(self._commands.claim_keys.identity("phone", "", call.handle, caller_id))

            def decide(known: Customer, *, is_theirs: bool = owner_id in (None, caller_id)) -> list[list[Event]]:
                return [
                    intake.log_call(
                        known,
                        call,
                        is_theirs=is_theirs,
                        account_id=account_id,
                        new_conversation_id=derived_id("conversation", call_claim.key),
                        at=command.at,
                        agent_id=agent_id,
                        conversation_id=conversation_id,
                    )
                ]

            try:
                return await self._commands.carry_out(timed, [caller_id], decide, claims), caller_id
            except ClaimTaken as taken:
                if taken.outcome.claim.key == call_claim.key:
                    return await self._logged_before(taken)
                # Somebody got this number a moment ago: the next round finds them.
        raise Contended

    async def _owner(self, number: str) -> str | None:
        """The customer who has this phone number."""
        key = self._commands.claim_keys.identity("phone", "", number, f"customer-{'0' * 32}").key
        taken = (await self._commands.log.claimed([key])).get(key)
        return derived_id("customer", taken[1]) if taken else None

    async def _logged_before(self, taken: ClaimTaken) -> tuple[Done, str]:
        original = await self._commands.log.at(taken.outcome.position)
        assert original is not None  # a claim always names a stored event
        return Done(position=original.position, is_repeat=True), original.stream
