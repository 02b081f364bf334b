"""A proof joins a visitor to a customer; it never merges two, and a claim joins nobody."""

import asyncio

import pytest

from application.use_cases.know_customers import Identity
from application.use_cases.prove_visitors import Home, ProveVisitors
from domain.customer import (
    CustomerContinued,
    IdentityClaimed,
    IdentityLinked,
    IdentityProven,
    Visitor,
    VisitorIsAnother,
)
from tests.application.situations import Shop, a_waiting_conversation, another_process

pytestmark = pytest.mark.anyio

ANA = Visitor(user="42", name="Ana", method="hmac")
BEN = Visitor(user="43", method="hmac")


def proof(shop: Shop, who: Visitor, visitor: str, earlier: str = "") -> IdentityProven:
    """As it is recorded."""
    return IdentityProven(
        channel="webchat",
        account_id=shop.account_id,
        handle=who.handle,
        visitor=visitor,
        method=who.method,
        name=who.name,
        earlier_customer_id=earlier,
    )


def link(shop: Shop, handle: str) -> IdentityLinked:
    return IdentityLinked(channel="webchat", account_id=shop.account_id, handle=handle)


async def prove(shop: Shop, visitor: str, who: Visitor = ANA) -> Home:
    return await ProveVisitors(shop.commands).prove(shop.command(), shop.account_id, visitor, who)


async def registered(shop: Shop, who: Visitor = ANA) -> str:
    """A customer whom the shop's books know as this user."""
    address = Identity(channel="webchat", handle=who.handle, account_id=shop.account_id)
    _, customer_id = await shop.customers.register(shop.command(), who.name or "Ben", [address])
    return customer_id


async def test_of_who_said_nothing_yet_nothing_is_stored(shop: Shop) -> None:
    head = await shop.log.head()

    home = await prove(shop, "v-1")

    assert home == Home()
    assert await shop.log.head() == head


async def test_a_new_browser_is_linked_to_the_known_customer_once(shop: Shop) -> None:
    known, head = await registered(shop), await shop.log.head()

    homes = [await prove(shop, "v-1") for _ in range(3)]

    assert homes == [Home(customer_id=known)] * 3
    assert await shop.since(head) == [link(shop, "v-1"), proof(shop, ANA, "v-1")]


async def test_a_visitor_who_proves_to_be_somebody_new_keeps_what_they_said(shop: Shop) -> None:
    case = await a_waiting_conversation(shop, "v-1")
    head = await shop.log.head()

    home = await prove(shop, "v-1", BEN)

    assert home == Home(customer_id=case.customer_id)
    assert await shop.since(head) == [link(shop, BEN.handle), proof(shop, BEN, "v-1")]


async def test_two_histories_stay_two_and_both_say_where_it_goes_on(shop: Shop) -> None:
    known, case = await registered(shop), await a_waiting_conversation(shop, "v-1")
    head = await shop.log.head()

    homes = [await prove(shop, "v-1") for _ in range(2)]

    assert homes == [Home(customer_id=known, earlier_customer_id=case.customer_id)] * 2
    assert await shop.since(head) == [
        proof(shop, ANA, "v-1", case.customer_id),
        CustomerContinued(
            customer_id=known, channel="webchat", account_id=shop.account_id, handle="v-1", proven=ANA.handle
        ),
    ]


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_browser_of_another_user_is_not_taken_over(shop: Shop, *, is_known: bool) -> None:
    await a_waiting_conversation(shop, "v-1")
    if is_known:  # then the visitor's own words stay where they are, but nobody else gets them either
        await registered(shop)
    await prove(shop, "v-1", ANA)
    head = await shop.log.head()

    for _ in range(2):
        with pytest.raises(VisitorIsAnother):
            await prove(shop, "v-1", BEN)

    assert await shop.log.head() == head


async def test_browsers_that_prove_it_at_once_in_two_processes_are_one_customer(shop: Shop) -> None:
    cases = [await a_waiting_conversation(shop, f"v-{number}") for number in (1, 2)]
    async with another_process(shop) as other:
        homes = await asyncio.gather(prove(shop, "v-1"), prove(other, "v-2"))

    assert len({home.customer_id for home in homes}) == 1
    assert {home.customer_id for home in homes} < {case.customer_id for case in cases}
    assert sum(bool(home.earlier_customer_id) for home in homes) == 1


async def test_a_claim_is_written_down_once_and_links_nothing(shop: Shop) -> None:
    await registered(shop)
    case = await a_waiting_conversation(shop, "v-1")
    head, visitors = await shop.log.head(), ProveVisitors(shop.commands)
    said = Visitor(user="42", email="ana@x.example")

    for _ in range(2):
        await visitors.claim(shop.command(), case.customer_id, shop.account_id, "v-1", said)

    assert await visitors.find(shop.account_id, "v-1") == Home(customer_id=case.customer_id)
    assert await shop.since(head) == [
        IdentityClaimed(channel="webchat", account_id=shop.account_id, handle="v-1", user="42", email="ana@x.example")
    ]
