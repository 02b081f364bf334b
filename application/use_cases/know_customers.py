"""Know customers: the shop tells who somebody is, and on which channels."""

import msgspec

from application.commands import ATTEMPTS_MAX, ClaimTaken, Command, Commands, Contended, Done
from application.ids import derived_id, new_id
from application.use_cases.arrivals import scope_of
from domain import customer, intake
from domain.customer import Customer
from domain.event import Event, RuleBroken


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
