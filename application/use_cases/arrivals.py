"""Messages on their way in: whose they are, what they change, and what is claimed for them."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from application.claims import ClaimKeys
from application.ids import derived_id, new_id
from application.log import Claim, Fact
from domain.card_numbers import mask, without_cards
from domain.customer import Customer, IdentityLinked, evolve
from domain.event import Event
from domain.intake import NOBODYS, InboundMessage, Intake, receive_message
from domain.interaction import MessageReceived
from domain.languages import nearest
from domain.threads.placing import receive_mail

CUSTOMERS_KNOWN_MAX = 100_000
"""Addresses whose customer is remembered in the process."""
ADDRESSES_PER_ACCOUNT = frozenset({"webchat", "adapter", "messenger", "instagram", "line", "wechat", "wecom"})
"""Channels whose addresses mean something only within one account. Elsewhere one is the same person everywhere."""


def scope_of(account_id: str, channel: str) -> str:
    """Within what an address of the channel means somebody: the account, or everywhere (empty)."""
    return account_id if channel in ADDRESSES_PER_ACCOUNT else ""


class Arrival(msgspec.Struct, gc=False):
    """One message on its way in."""

    place: int
    """Among those that came together."""
    message: InboundMessage
    claim: Claim
    addresses: Sequence[bytes]
    """Claim keys of the sender's addresses, the one that answers go to first; empty for one who has none."""
    other: Claim | None = None
    """Of a mail: what it claims instead where its id has been taken by another one."""
    content_fingerprint: bytes = b""
    """Of a mail: with what its id was claimed before claims told what the sender wrote."""

    @property
    def message_id(self) -> str:
        return derived_id("message", self.claim.key)

    def is_same(self, fingerprint: bytes, stored: Event) -> bool:
        """Whether what was stored under the mail's id, claimed with this fingerprint, is this mail."""
        if fingerprint != self.content_fingerprint or not isinstance(stored, MessageReceived):
            return fingerprint in (self.claim.fingerprint, self.content_fingerprint)
        message = self.message  # claimed by its content alone, which says neither who wrote it nor when
        return stored.said_at == message.occurred_at or stored.handle.lower() == message.handle.lower()


class Group(msgspec.Struct):
    """The messages of one customer, and what they come to."""

    customer_id: str
    is_new: bool
    arrivals: list[Arrival]
    state: Any = None
    version: int = 0
    """Of the state before the facts."""
    facts: list[Fact] = []
    received: list[int] = []
    """Which of the facts are the arrivals themselves."""
    linked: list[Claim] = []
    """The claims of new addresses, each leading to its fact among the group's."""


class Desk:
    """Where the messages of one account are taken in."""

    def __init__(
        self, account_id: str, channel: str, keys: ClaimKeys, intake: Intake, languages: Collection[str] | None = None
    ) -> None:
        self.account_id = account_id
        self._channel = channel
        self._scope = scope_of(account_id, channel)
        self._keys = keys
        self._intake = intake
        self._languages = languages

    def arrival(self, place: int, message: InboundMessage) -> Arrival:
        """The message without card numbers, its claim made before they were masked; its language is one that counts."""
        one, written = (self.account_id, message.kind, message.provider_id), message.written
        by_content = self._keys.message(*one, message.content)
        claim = self._keys.message(*one, message.content, written=written) if written else by_content
        if (content := without_cards(message.content)) is not message.content:
            message = replace(message, content=content)
        if message.subject:
            message = replace(message, subject=mask(message.subject))
        if message.language and self._languages is not None:
            message = replace(message, language=nearest(message.language, self._languages))
        handles = () if message.handle in NOBODYS else (message.handle, *message.other_handles)
        addresses = [self._keys.identity_key(self._channel, self._scope, handle) for handle in handles]
        other = self._keys.another(*one, written) if written else None
        return Arrival(place, message, claim, addresses, other, by_content.fingerprint)

    def decide(self, group: Group, known: "KnownAddresses", at: datetime) -> None:
        """What the group's messages come to, behind its state. Raises TooManyConversations."""
        for arrival in group.arrivals:
            message = arrival.message
            if message.other_handles:
                message = known.without_others(arrival, group.customer_id)
            for event in self._received(group.state, message, arrival, at):
                if isinstance(event, MessageReceived):
                    group.received.append(len(group.facts))
                elif isinstance(event, IdentityLinked):
                    group.linked.append(self._identity(event, group.customer_id, len(group.facts)))
                group.facts.append(Fact(event, message.occurred_at))
                group.state = evolve(group.state, event)

    def _received(self, state: Customer, message: InboundMessage, arrival: Arrival, at: datetime) -> list[Event]:
        """What one message comes to. Raises TooManyConversations."""
        message_id, new_id = arrival.message_id, derived_id("conversation", arrival.claim.key)
        if self._channel == "email":
            return receive_mail(
                state,
                message,
                account_id=self.account_id,
                intake=self._intake,
                message_id=message_id,
                new_conversation_id=new_id,
                at=at,
            )
        return receive_message(
            state,
            message,
            channel=self._channel,
            account_id=self.account_id,
            scope=self._scope,
            intake=self._intake,
            message_id=message_id,
            new_conversation_id=new_id,
            at=at,
        )

    def _identity(self, event: IdentityLinked, customer_id: str, fact: int) -> Claim:
        claim = self._keys.identity(event.channel, event.account_id, event.handle, customer_id)
        return Claim(claim.key, claim.fingerprint, fact)


class KnownAddresses:
    """Which customer an address belongs to, as far as this process has met it."""

    def __init__(self) -> None:
        self._customers: OrderedDict[bytes, str] = OrderedDict()

    def learn(self, claim: bytes, customer_id: str) -> None:
        """The address with this claim key is the customer's."""
        self._customers[claim] = customer_id
        if len(self._customers) > CUSTOMERS_KNOWN_MAX:
            self._customers.popitem(last=False)

    def grouped(self, arrivals: Iterable[Arrival]) -> list[Group]:
        """The arrivals by customer. Addresses not met before get a new one, unless their claims say whose they are."""
        groups: dict[bytes | str, Group] = {}
        for arrival in arrivals:
            known = self._customer_at(arrival.addresses)
            together = known or (arrival.addresses[0] if arrival.addresses else arrival.claim.key)
            group = groups.get(together)
            if group is None:
                group = groups[together] = Group(known or new_id("customer"), known is None, [])
            group.arrivals.append(arrival)
        return list(groups.values())

    def _customer_at(self, addresses: Sequence[bytes]) -> str | None:
        for address in addresses:
            if (customer_id := self._customers.get(address)) is not None:
                return customer_id
        return None

    def without_others(self, arrival: Arrival, customer_id: str) -> InboundMessage:
        """The message without those of its sender's addresses that are known to be somebody else's."""
        message = arrival.message
        theirs = (customer_id, None)
        others = zip(message.other_handles, arrival.addresses[1:], strict=True)
        return replace(message, other_handles=tuple(one for one, key in others if self._customers.get(key) in theirs))
