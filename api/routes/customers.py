"""Customers: who they are, where they write from, and everything that happened with them."""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from api.access.ownership import demand_customer
from api.access.permissions import Action
from api.http.answer import Answer, Stands, done_answer
from api.http.asked import Asked
from api.http.fields import AccountId, Handle, OptionalName
from api.http.operation import command, read
from api.http.pages import PageQuery, demand_position, page_answer, page_of
from api.http.refusals import Invalid
from api.routes.conversations import VIEW, ConversationPage
from application.projections.timeline import Entry
from application.use_cases.arrivals import ADDRESSES_PER_ACCOUNT
from application.use_cases.know_customers import Identity
from application.views import Clock, ConversationFilter
from channels.phone import normalised
from channels.table import CHANNELS

IDENTITY_EXAMPLE = {"channel": "email", "handle": "li.na@example.com"}


class IdentityWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address of somebody."""

    SCHEMA: ClassVar = {
        "if": {"properties": {"channel": {"enum": sorted(ADDRESSES_PER_ACCOUNT)}}},
        "then": {"required": ["account_id"], "properties": {"account_id": {"type": "string"}}},
    }

    channel: Annotated[str, Meta(max_length=64, extra_json_schema={"enum": sorted(CHANNELS)})]
    handle: Handle
    """What the channel calls them: a phone number with its country, an e-mail address, a visitor's id."""
    account_id: AccountId | None = None
    """Needed where addresses mean something within one account only: web chat and the adapter door."""


Identities = Annotated[list[IdentityWanted], Meta(min_length=1, max_length=50)]


class CustomerWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody, with the addresses that are known to be theirs."""

    identities: Identities
    name: OptionalName = ""


class IdentitiesWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Further addresses that are theirs."""

    identities: Identities
    name: OptionalName = ""
    """Taken only where none is known yet."""


class CustomerStands(Stands, kw_only=True):
    """The customer, and where the command led."""

    customer_id: str


class TimelineQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to read a timeline."""

    clock: Clock = Clock.OCCURRED
    """By when it happened, or by when we learnt of it."""


def _identities(given: list[IdentityWanted]) -> list[Identity]:
    """Raises Invalid for an identity of an unknown channel, or one that needs an account and has none."""
    found = []
    for place, one in enumerate(given):
        where = f"$.identities[{place}]"
        if one.channel not in CHANNELS:
            raise Invalid(f"{where}.channel", f"none of {', '.join(CHANNELS)}")
        if one.channel in ADDRESSES_PER_ACCOUNT and one.account_id is None:
            raise Invalid(f"{where}.account_id", f"addresses on {one.channel} mean something within one account only")
        handle = normalised(one.handle, "") if one.channel in ("phone", "whatsapp") else one.handle.strip()
        handle = handle.lower() if one.channel == "email" else handle  # as mail is taken in
        if not handle:
            raise Invalid(f"{where}.handle", "it has no visible character")
        found.append(Identity(channel=one.channel, handle=handle, account_id=one.account_id or ""))
    return found


@command(
    "/v1/customers",
    Action.KNOW_CUSTOMERS,
    takes=CustomerWanted,
    gives=CustomerStands,
    status=201,
    example={"name": "Li Na", "identities": [IDENTITY_EXAMPLE, {"channel": "whatsapp", "handle": "+8613800138000"}]},
)
async def register_customer(asked: Asked[CustomerWanted]) -> Answer:
    """Register somebody with all the addresses that are known to be theirs.

    Whatever they write from is one timeline from then on. 409 `identity-taken` where an address is another customer's.
    """
    identities = _identities(asked.given.identities)
    done, customer_id = await asked.parts.customers.register(asked.command, asked.given.name, identities)
    return done_answer(done, CustomerStands(position=done.position, customer_id=customer_id), status=201)


@command(
    "/v1/customers/{customer_id}/identities",
    Action.KNOW_CUSTOMERS,
    takes=IdentitiesWanted,
    gives=CustomerStands,
    status=201,
    example={"identities": [IDENTITY_EXAMPLE]},
)
async def link_identities(asked: Asked[IdentitiesWanted]) -> Answer:
    """Add addresses to a customer.

    Those that are theirs already are not news. 409 `identity-taken` where one is another customer's.
    """
    customer_id = asked.ids["customer_id"]
    await demand_customer(asked, customer_id)
    identities = _identities(asked.given.identities)
    done = await asked.parts.customers.link(asked.command, customer_id, asked.given.name, identities)
    return done_answer(done, CustomerStands(position=done.position, customer_id=customer_id), status=201)


@read(
    "/v1/customers/{customer_id}/timeline",
    Action.READ_CUSTOMERS,
    takes=TimelineQuery,
    gives=page_of(Entry, "TimelinePage"),
)
async def read_timeline(asked: Asked[TimelineQuery]) -> Answer:
    """Everything that happened with a customer.

    Every channel in one, newest first. Agents read it while they hold, or are offered, a conversation of the customer.
    """
    customer_id, given = asked.ids["customer_id"], asked.given
    await demand_customer(asked, customer_id)
    await demand_position(asked.parts, "timeline", given.min_position)
    page = await asked.parts.views.timeline(customer_id, clock=given.clock, cursor=given.cursor, limit=given.limit)
    return page_answer(page)


@read("/v1/customers/{customer_id}/conversations", Action.READ_CUSTOMERS, takes=PageQuery, gives=ConversationPage)
async def list_conversations_of_customer(asked: Asked[PageQuery]) -> Answer:
    """A customer's conversations, last changed first."""
    customer_id, given = asked.ids["customer_id"], asked.given
    await demand_customer(asked, customer_id)
    await demand_position(asked.parts, VIEW, given.min_position)
    which = ConversationFilter(customer_id=customer_id)
    return page_answer(await asked.parts.views.conversations(which, cursor=given.cursor, limit=given.limit))


OPERATIONS = (register_customer, link_identities, read_timeline, list_conversations_of_customer)
