"""A customer: the people we serve, the addresses we know them by, and all their conversations.

The root of the customer's stream: it sends each event to the part of the state that it changes.
"""

from collections.abc import Collection
from typing import get_args

import msgspec
from msgspec.structs import replace

from domain import conversation
from domain.calls import stages
from domain.calls.stages import KnownCall
from domain.classification import AgentPreferred, ConversationClassified
from domain.conversation import Conversation, ConversationOpened, ConversationUnknown
from domain.event import Event, RuleBroken
from domain.outbound import receipts
from domain.outbound.receipts import Outbound
from domain.parts import evolve_conversation
from domain.threads import mails
from domain.threads.mails import Mail

CLOSED_CONVERSATIONS_KEPT = 100
"""Closed conversations that decisions still remember, newest last, so that long histories stay light."""


OPEN_CONVERSATIONS_MAX = 1_000


class TooManyConversations(RuleBroken):
    """This customer has 1,000 conversations open at once; close some first."""


class CustomerRegistered(Event, topic="customer.registered"):
    """Somebody we had not met got in touch."""

    name: str = ""


class CustomerNamed(Event, topic="customer.named"):
    """We learnt what they are called."""

    name: str


class IdentityLinked(Event, topic="customer.identity_linked"):
    """An address on a channel turned out to be theirs."""

    channel: str
    account_id: str
    """Empty where the address is the same for every account of the channel, as a phone number is."""
    handle: str


class IdentityClaimed(Event, topic="customer.identity_claimed"):
    """A visitor says who they are. Nothing proves it and nothing follows from it: agents see what was said."""

    channel: str
    account_id: str
    handle: str
    """The address that said so."""
    user: str = ""
    """What the shop itself would call them."""
    name: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""
    """Of the page that they are on, as it says (BCP 47)."""


class IdentityProven(Event, topic="customer.identity_proven"):
    """The shop's own site vouches for who a visitor is: they are signed in there."""

    channel: str
    account_id: str
    handle: str
    """The proven address: `user:` and what the shop calls them."""
    visitor: str
    """The address that they had before."""
    method: str
    """`hmac`, which proves the identifier alone, or `jwt`, which proves all that stands here."""
    name: str = ""
    email: str = ""
    phone: str = ""
    earlier_customer_id: str = ""
    """Where they were known as a visitor: what was said there stays there."""
    language: str = ""
    """As of `IdentityClaimed`."""


class CustomerContinued(Event, topic="customer.continued"):
    """A visitor proved to be a customer whom we knew already: they go on there, what was said here stays here."""

    customer_id: str
    """Where they go on."""
    channel: str
    account_id: str
    handle: str
    """The visitor's address, which stays here too."""
    proven: str
    """The address that they proved to have there."""


class VisitorIsAnother(RuleBroken):
    """This visitor id belongs to somebody who proved to be another customer."""


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """Who a visitor is, or says to be."""

    user: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    method: str = ""
    """What proves it, as of `IdentityProven`; empty where nothing does."""
    language: str = ""

    @property
    def handle(self) -> str:
        """The address of whoever proved to be this user, on every device. No visitor id has a colon."""
        return f"{USER}{self.user}"


USER = "user:"
CustomerEvent = (
    CustomerRegistered | CustomerNamed | IdentityLinked | IdentityClaimed | IdentityProven | CustomerContinued
)


class Customer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What decisions about a customer need to know."""

    name: str = ""
    handles: frozenset[tuple[str, str, str]] = frozenset()
    """Channel, account and handle of each known identity."""
    conversations: dict[str, Conversation] = {}
    continued_as: frozenset[tuple[str, str, str]] = frozenset()
    """Addresses, as in `handles`, of customers as whom visitors known here went on."""
    outbound: dict[str, Outbound] = {}
    """What we sent them lately, by message id, oldest first."""
    tier: str = ""
    """As last classified; a new conversation begins with it, and with the language."""
    language: str = ""
    preferred_agent_id: str | None = None
    """Their own agent, as somebody said; a new conversation begins with it too."""
    mail_addresses: dict[str, str] = {}
    """What visitors of a chat said or proved is theirs, by account and handle."""
    page_languages: dict[str, str] = {}
    """What the pages were in that they were on, by account and handle."""
    mails: dict[str, Mail] = {}
    """Their mails, as of `mails.key_of`, oldest arrival first."""
    calls: dict[str, KnownCall] = {}
    """Their phone calls, as of `calls.key_of`, the one told of last at the end."""

    def conversation(self, conversation_id: str) -> Conversation:
        """Raises ConversationUnknown."""
        if (found := self.conversations.get(conversation_id)) is None:
            raise ConversationUnknown
        return found

    def thread(self, account_id: str, thread: str) -> Conversation | None:
        """The newest conversation of that account and thread."""
        for candidate in reversed(self.conversations.values()):
            if candidate.account_id == account_id and candidate.thread == thread:
                return candidate
        return None


NEW = Customer()


_OWN = frozenset((*get_args(CustomerEvent), ConversationOpened))


def evolve(customer: Customer, event: Event) -> Customer:
    """Only assigns. History is not up for debate, so nothing is checked here."""
    if type(event) in _OWN:
        return _evolve_own(customer, event)
    if type(event) is ConversationClassified:
        customer = _classified(customer, event)
    elif type(event) is AgentPreferred and event.later_too:
        customer = replace(customer, preferred_agent_id=event.agent_id)
    return _evolve_conversation(_evolve_memory(customer, event), event)


def _classified(customer: Customer, event: ConversationClassified) -> Customer:
    if event.is_told:
        return customer
    one, marks = customer.conversations.get(event.conversation_id), event.marks
    is_told = one is not None and one.is_language_told and one.language == marks.language
    language = customer.language if is_told else marks.language  # the channel will tell again
    return replace(customer, tier=marks.tier, language=language)


def _evolve_own(customer: Customer, event: Event) -> Customer:
    """What is not about one of their conversations."""
    match event:
        case CustomerRegistered(name=name) | CustomerNamed(name=name):
            return replace(customer, name=name)
        case IdentityLinked():
            known = customer.handles | {(event.channel, event.account_id, event.handle)}
            return replace(customer, handles=known)
        case IdentityClaimed():
            return _reachable(customer, event, event.handle)
        case IdentityProven():
            return _reachable(customer, event, event.handle, event.visitor)
        case CustomerContinued():
            proven = (event.channel, event.account_id, event.proven)
            return replace(customer, continued_as=customer.continued_as | {proven})
        case ConversationOpened():
            kept = _without_oldest_closed(customer.conversations)
            return replace(customer, conversations=kept | {event.conversation_id: opened(customer, event)})
        case _:
            return customer


def _reachable(customer: Customer, said: IdentityClaimed | IdentityProven, *handles: str) -> Customer:
    """Where the visitor of a chat may be written to, and in which language."""
    places = [f"{said.account_id} {handle}" for handle in handles]
    addresses = dict.fromkeys(places, said.email) if said.email else {}
    languages = dict.fromkeys(places, said.language) if said.language else {}
    return replace(
        customer,
        mail_addresses=customer.mail_addresses | addresses,
        page_languages=customer.page_languages | languages,
    )


def _evolve_memory(customer: Customer, event: Event) -> Customer:
    """What is remembered of single messages and calls."""
    if (outbound := receipts.evolve(customer.outbound, event)) is not customer.outbound:
        customer = replace(customer, outbound=outbound)
    if (remembered := mails.evolve(customer.mails, event)) is not customer.mails:
        customer = replace(customer, mails=remembered)
    if (followed := stages.evolve(customer.calls, event)) is not customer.calls:
        customer = replace(customer, calls=followed)
    return customer


def demand_room(customer: Customer) -> None:
    """Raises TooManyConversations."""
    if sum(not one.is_closed for one in customer.conversations.values()) >= OPEN_CONVERSATIONS_MAX:
        raise TooManyConversations


def opened(customer: Customer, event: ConversationOpened) -> Conversation:
    """A conversation at its first event, with what is known of its customer."""
    served_by = next((one.served_by for one in reversed(customer.conversations.values()) if one.served_by), None)
    before = customer.thread(event.account_id, event.thread)
    stopped = before.stopped if before else {}
    known = {"tier": customer.tier, "language": customer.language, "served_by": served_by, "stopped": stopped}
    return replace(conversation.opened(event), preferred_agent_id=customer.preferred_agent_id, **known)


def _evolve_conversation(customer: Customer, event: Event) -> Customer:
    before = customer.conversations.get(getattr(event, "conversation_id", ""))
    if before is None:
        return customer
    after = evolve_conversation(before, event)
    return replace(customer, conversations=customer.conversations | {after.id: after})


def demand_nobody_else(customer: Customer, *, channel: str, account_id: str, handle: str) -> None:
    """Raises VisitorIsAnother where the customer proved to be another user of this account, on a shared browser say."""
    mine = (channel, account_id, handle)
    for other in customer.handles | customer.continued_as:
        if other[:2] == mine[:2] and other[2].startswith(USER) and other != mine:
            raise VisitorIsAnother


def prove(
    customer: Customer, who: Visitor, *, channel: str, account_id: str, visitor_id: str, links: Collection[str]
) -> list[Event]:
    """The customer is who they say; `links` are those of their addresses that were nobody's so far."""
    new = [one for one in links if (channel, account_id, one) not in customer.handles]
    named = [CustomerNamed(name=who.name)] if who.name and not customer.name else []
    proven = IdentityProven(
        channel=channel,
        account_id=account_id,
        handle=who.handle,
        visitor=visitor_id,
        method=who.method,
        name=who.name,
        email=who.email,
        phone=who.phone,
        language=who.language,
    )
    linked = [IdentityLinked(channel=channel, account_id=account_id, handle=one) for one in new]
    return [*named, *linked, proven]


def _without_oldest_closed(conversations: dict[str, Conversation]) -> dict[str, Conversation]:
    closed = [one.id for one in conversations.values() if one.is_closed]
    if len(closed) < CLOSED_CONVERSATIONS_KEPT:
        return conversations
    return {key: one for key, one in conversations.items() if key != closed[0]}
