"""Prove visitors: somebody signed in at the shop's site is one customer on every device; who only says so is nobody."""

import msgspec
from msgspec.structs import replace

from application.claims import ClaimKeys
from application.commands import ATTEMPTS_MAX, ClaimTaken, Command, Commands, Contended
from application.ids import derived_id
from application.log import Claim
from domain import customer as customers
from domain.customer import Customer, CustomerContinued, IdentityClaimed, IdentityProven, Visitor
from domain.event import Event

CHANNEL = "webchat"
NOBODY = f"customer-{'0' * 32}"


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """Where a visitor's words are kept."""

    customer_id: str = ""
    """Empty where they have said nothing yet and nobody knows them."""
    earlier_customer_id: str = ""
    """Where they were known before they proved to be another customer; empty where that is the same, or nobody."""


class ProveVisitors:
    """Finds out whose a visitor's words are. Safe to repeat."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self._keys: ClaimKeys = commands.claim_keys

    async def find(self, account_id: str, visitor_id: str) -> Home:
        """Of a visitor who proves nothing. Raises LogUnreachable."""
        (owner,) = await self._owners(account_id, visitor_id)
        return Home(customer_id=owner)

    async def prove(self, command: Command, account_id: str, visitor_id: str, who: Visitor) -> Home:
        """Of a visitor with a proof, who is linked to the proven customer where neither address is another's yet.

        Where both addresses are customers' already, nothing is merged: the visitor goes on as the proven one, and both
        timelines say so. Somebody of whom nothing is stored stays so until they say something.
        Raises VisitorIsAnother, Contended, LogBusy, LogUnreachable.
        """
        once = replace(command, claim=self._keys.once("proven", account_id, visitor_id, who.handle))
        for _ in range(ATTEMPTS_MAX):
            proven, visitor = await self._owners(account_id, who.handle, visitor_id)
            home = Home(
                customer_id=proven or visitor, earlier_customer_id=visitor if proven and visitor != proven else ""
            )
            if not home.customer_id:
                return home
            links = [handle for handle, owner in ((who.handle, proven), (visitor_id, visitor)) if not owner]
            claims = [self._identity(account_id, handle, home.customer_id) for handle in links]
            try:
                await self._record(once, home, account_id, visitor_id, who, links, claims)
            except ClaimTaken:
                continue  # somebody got one of the addresses a moment ago: the next round finds them
            return home
        raise Contended

    async def claim(self, command: Command, customer_id: str, account_id: str, visitor_id: str, who: Visitor) -> None:
        """Writes down who a visitor says to be, once; nothing else comes of it.

        Raises Contended, LogBusy, LogUnreachable.
        """
        said = IdentityClaimed(
            channel=CHANNEL,
            account_id=account_id,
            handle=visitor_id,
            user=who.user,
            name=who.name,
            email=who.email,
            phone=who.phone,
            language=who.language,
        )
        key = self._keys.once("claimed", customer_id, msgspec.json.encode(said).decode())
        await self._commands.carry_out(replace(command, claim=key), [customer_id], lambda _: [[said]])

    async def _record(
        self,
        command: Command,
        home: Home,
        account_id: str,
        visitor_id: str,
        who: Visitor,
        links: list[str],
        claims: list[Claim],
    ) -> None:
        earlier_id = home.earlier_customer_id

        def decide(known: Customer, earlier: Customer | None = None) -> list[list[Event]]:
            if visitor_id not in links:
                owner = known if earlier is None else earlier
                customers.demand_nobody_else(owner, channel=CHANNEL, account_id=account_id, handle=who.handle)
            events = customers.prove(
                known, who, channel=CHANNEL, account_id=account_id, visitor_id=visitor_id, links=links
            )
            if earlier is None:
                return [events]
            *before, proven = events
            assert isinstance(proven, IdentityProven)  # the last of what proving comes to
            continued = CustomerContinued(
                customer_id=home.customer_id,
                channel=CHANNEL,
                account_id=account_id,
                handle=visitor_id,
                proven=who.handle,
            )
            return [[*before, replace(proven, earlier_customer_id=earlier_id)], [continued]]

        streams = [home.customer_id, *([earlier_id] if earlier_id else [])]
        await self._commands.carry_out(command, streams, decide, claims)

    def _identity(self, account_id: str, handle: str, customer_id: str) -> Claim:
        return self._keys.identity(CHANNEL, account_id, handle, customer_id)

    async def _owners(self, account_id: str, *handles: str) -> list[str]:
        """Whose each address is; empty where nobody's."""
        keys = [self._identity(account_id, handle, NOBODY).key for handle in handles]
        taken = await self._commands.log.claimed(keys)
        return [derived_id("customer", taken[key][1]) if key in taken else "" for key in keys]
