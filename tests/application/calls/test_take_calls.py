"""Calls are taken once, whoever tells of them; with whoever has the number."""

import asyncio
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from application.use_cases.know_customers import CustomerUnknown
from domain.calls.stages import CallLogged
from domain.conversation import ConversationUnknown
from domain.customer import CustomerRegistered, IdentityLinked
from domain.intake import WITHHELD
from tests.application.calls.situations import NOBODY, NUMBER, a_call, log
from tests.application.situations import Shop, a_waiting_conversation, kinds

pytestmark = pytest.mark.anyio


async def test_a_call_from_an_unknown_number_meets_a_new_customer(shop: Shop) -> None:
    head = await shop.log.head()

    customer_id = await log(shop, a_call(author="Li Na", note="Wants 4111 1111 1111 1111 charged"))

    registered, linked, opened, logged = await shop.since(head)
    assert registered == CustomerRegistered(name="Li Na")
    assert linked == IdentityLinked(channel="phone", account_id="", handle=NUMBER)
    assert kinds([opened]) == ["conversation.opened"]
    assert isinstance(logged, CallLogged)
    assert (logged.call_id, logged.outcome, logged.duration_seconds) == ("c-1", "answered", 95)
    assert "1111 1111" not in logged.note
    assert list((await shop.customer(customer_id)).conversations) == [logged.conversation_id]


async def test_the_next_call_from_a_number_is_the_same_customers(shop: Shop) -> None:
    first = await log(shop, a_call("c-1"))
    head = await shop.log.head()

    assert await log(shop, a_call("c-2")) == first

    assert kinds(await shop.since(head)) == ["conversation.call_logged"]


async def test_the_same_call_is_written_once(shop: Shop) -> None:
    first = await log(shop, a_call())
    head = await shop.log.head()

    done, again = await shop.calls.take(shop.command(), a_call(), account_id="account-phone")

    assert (done.position, done.is_repeat, again) == (head, True, first)
    assert await shop.since(head) == []


async def test_a_call_stands_where_it_began_however_late_it_is_told(shop: Shop) -> None:
    began_at = datetime(2026, 10, 1, 9, 30, tzinfo=UTC)

    done, _ = await shop.calls.take(shop.command(), replace(a_call(), occurred_at=began_at), account_id="account-phone")

    logged = await shop.log.at(done.position)
    assert logged is not None
    assert logged.occurred_at == began_at


async def test_a_withheld_number_is_nobodys_address(shop: Shop) -> None:
    first = await log(shop, a_call("c-1", WITHHELD))
    second = await log(shop, a_call("c-2", WITHHELD))

    assert first != second
    assert (await shop.customer(first)).handles == frozenset()


async def test_a_repeated_command_names_the_same_withheld_caller(shop: Shop) -> None:
    first = await log(shop, a_call("c-1", WITHHELD), key="call-1")

    assert await log(shop, a_call("c-1", WITHHELD), key="call-1") == first


async def test_a_call_with_a_named_customer_makes_the_number_theirs(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)

    await log(shop, a_call("c-1"), customer_id=case.customer_id)

    assert ("phone", "", NUMBER) in (await shop.customer(case.customer_id)).handles
    assert await log(shop, a_call("c-2")) == case.customer_id


async def test_a_call_with_somebody_elses_phone_leaves_the_number_theirs(shop: Shop) -> None:
    owner = await log(shop, a_call("c-1"))
    case = await a_waiting_conversation(shop)

    assert await log(shop, a_call("c-2"), customer_id=case.customer_id) == case.customer_id

    assert (await shop.customer(case.customer_id)).handles == {("webchat", shop.account_id, "li")}
    assert await log(shop, a_call("c-3")) == owner


async def test_a_call_may_belong_to_a_named_conversation(shop: Shop) -> None:
    case = await a_waiting_conversation(shop, "li")
    head = await shop.log.head()

    await log(shop, a_call(), customer_id=case.customer_id, conversation_id=case.conversation_id)

    logged = (await shop.since(head))[-1]
    assert isinstance(logged, CallLogged)
    assert logged.conversation_id == case.conversation_id
    assert (await shop.conversation(case)).handle == "li", "replies still go to the chat"


async def test_a_call_with_an_unknown_customer_or_conversation_is_refused(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    head = await shop.log.head()

    with pytest.raises(CustomerUnknown):
        await log(shop, a_call(), customer_id=NOBODY)
    with pytest.raises(ConversationUnknown):
        await log(shop, a_call(), customer_id=case.customer_id, conversation_id="conversation-" + "0" * 32)

    assert await shop.since(head) == []


async def test_many_first_calls_of_a_number_at_once_are_one_customers(shop: Shop) -> None:
    callers = await asyncio.gather(*(log(shop, a_call(f"c-{number}")) for number in range(5)))

    assert len(set(callers)) == 1
