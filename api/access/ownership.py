"""Whose a conversation or a customer is: agents reach only what they hold or are offered at this moment.

An adapter reaches the conversations of the accounts that its key names.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from msgspec.structs import replace

from api.access.permissions import Reach, own_agent, serves
from api.http.asked import Asked
from api.http.known import demand_known, fresh_state
from api.http.refusals import Unknown
from application.commands import Command, Contended, RevisionStale
from domain.assignment import ConversationOffered
from domain.customer import Customer
from domain.offers import OfferGone
from domain.person import Role

T = TypeVar("T")
ATTEMPTS_MAX = 4
OFFERS_LOOKED_THROUGH_MAX = 500
"""Events of a customer in which a lost offer is looked for."""


async def demand_customer(asked: Asked[Any], customer_id: str) -> Customer:
    """The customer, if there is one and the person may know of them at this moment. Raises Unknown."""
    customer: Customer
    if asked.reach is Reach.ALL:
        customer = await demand_known(asked.parts, customer_id)
        return customer
    customer, version = await fresh_state(asked.parts, customer_id)
    if not version or not serves(asked.person, customer):
        raise Unknown
    return customer


async def on_conversation(
    asked: Asked[Any], act: Callable[[Command], Awaitable[T]], *, is_enough_to_serve: bool = False
) -> T:
    """Carries a command out on the conversation of the path, if it is the person's to command.

    An agent's hold is checked and the command decided at one and the same revision: who loses the conversation in
    between loses the command too. `is_enough_to_serve`: another conversation of the same customer will do.
    Raises Unknown, and what `act` raises.
    """
    command = asked.command
    if asked.reach is Reach.ALL:
        return await act(command)
    person, conversation_id = asked.person, asked.ids["conversation_id"]
    agent_id = None if person.role is Role.ADAPTER else own_agent(person)

    def allows(customer: Customer) -> bool:
        one = customer.conversations.get(conversation_id)
        if one is None:
            return False
        if agent_id is None:
            return not person.account_ids or one.account_id in person.account_ids
        return one.agent_id == agent_id or (is_enough_to_serve and serves(person, customer))

    for _ in range(ATTEMPTS_MAX):
        customer = await _customer(asked, asked.ids["customer_id"], allows)
        if not allows(customer):
            if await _came_before(asked, command):
                return await act(command)  # a repeat gets its first answer, whoever has the conversation by now
            raise Unknown
        revision = customer.conversation(conversation_id).revision
        expected = revision if command.expected_revision is None else command.expected_revision
        try:
            return await act(replace(command, expected_revision=expected))
        except RevisionStale:
            if command.expected_revision is not None:
                raise
            asked.parts.commands.states.forget(asked.ids["customer_id"])
    raise Contended


async def on_offer(asked: Asked[Any], act: Callable[[Command], Awaitable[T]]) -> T:
    """As `on_conversation`, for the offer of the path. Raises OfferGone to who was made the offer and lost it."""
    try:
        return await on_conversation(asked, act)
    except Unknown:
        if await _was_offered(asked):
            raise OfferGone from None
        raise


async def _customer(asked: Asked[Any], customer_id: str, allows: Callable[[Customer], bool]) -> Customer:
    """What this process remembers may be old: before it refuses, it reads again. Raises Unknown."""
    states = asked.parts.commands.states
    customer: Customer
    customer, version = await states.load(customer_id)
    if version and not allows(customer):
        states.forget(customer_id)
        customer, version = await states.load(customer_id)
    if not version:
        raise Unknown
    return customer


async def _came_before(asked: Asked[Any], command: Command) -> bool:
    """Whether the log has this very command already, so that nothing can come of it but its first answer."""
    return command.claim is not None and bool(await asked.parts.log.claimed([command.claim.key]))


async def _was_offered(asked: Asked[Any]) -> bool:
    customer_id, offer_id = asked.ids["customer_id"], asked.ids["offer_id"]
    _, version = await asked.parts.commands.states.load(customer_id)
    recent = await asked.parts.log.read_stream(customer_id, max(0, version - OFFERS_LOOKED_THROUGH_MAX))
    return any(
        isinstance(one.event, ConversationOffered)
        and one.event.offer_id == offer_id
        and one.event.agent_id == asked.person.agent_id
        for one in recent
    )
