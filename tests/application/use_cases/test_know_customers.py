"""Customers are told apart by their addresses; each address is one customer's."""

import asyncio
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from application.use_cases.know_customers import CustomerUnknown, Identity, IdentityTaken
from domain.call_intake import Call
from domain.calls import CallLogged, Direction
from domain.conversation import ConversationUnknown
from domain.customer import CustomerNamed, CustomerRegistered, IdentityLinked
from domain.intake import WITHHELD
from tests.application.situations import NOON, Shop, a_message, a_waiting_conversation, another_process, kinds

pytestmark = pytest.mark.anyio

MAIL = Identity(channel="email", handle="li@example.com")
PHONE = Identity(channel="phone", handle="+8613800138000")
NOBODY = "customer-" + "0" * 32


def a_call(call_id: str = "c-1", handle: str = PHONE.handle, note: str = "", author: str = "") -> Call:
    return Call(
        call_id=call_id,
        direction=Direction.INBOUND,
        handle=handle,
        outcome="answered",
        occurred_at=NOON,
        duration_seconds=95,
        note=note,
        author=author,
    )


async def log(
    shop: Shop, call: Call, *, customer_id: str | None = None, conversation_id: str | None = None, key: str = ""
) -> str:
    """Whose call it was."""
    command = shop.command(key=key)
    _, found = await shop.calls.take(
        command, call, account_id="account-phone", customer_id=customer_id, conversation_id=conversation_id
    )
    return found


async def test_somebody_is_registered_with_all_their_addresses(shop: Shop) -> None:
    head = await shop.log.head()

    done, customer_id = await shop.customers.register(shop.command(), "Li Na", [MAIL, PHONE])

    assert done.position == await shop.log.head()
    assert await shop.since(head) == [
        CustomerRegistered(name="Li Na"),
        IdentityLinked(channel="email", account_id="", handle=MAIL.handle),
        IdentityLinked(channel="phone", account_id="", handle=PHONE.handle),
    ]
    assert (await shop.customer(customer_id)).name == "Li Na"


async def test_a_repeated_registration_names_the_same_customer(shop: Shop) -> None:
    first, customer_id = await shop.customers.register(shop.command(key="li"), "Li Na", [MAIL])

    again, same_id = await shop.customers.register(shop.command(key="li"), "Li Na", [MAIL])

    assert (again.position, again.is_repeat, same_id) == (first.position, True, customer_id)


async def test_an_address_given_twice_is_linked_once(shop: Shop) -> None:
    _, customer_id = await shop.customers.register(shop.command(), "", [MAIL, MAIL])

    assert (await shop.customer(customer_id)).handles == {("email", "", MAIL.handle)}


async def test_an_address_of_another_customer_is_refused_and_nothing_of_it_stored(shop: Shop) -> None:
    await shop.customers.register(shop.command(), "Li Na", [MAIL])
    head = await shop.log.head()

    with pytest.raises(IdentityTaken):
        await shop.customers.register(shop.command(key="ben"), "Ben", [PHONE, MAIL])

    assert await shop.since(head) == []
    await shop.customers.register(shop.command(key="ben"), "Ben", [PHONE])


async def test_the_address_of_somebody_who_wrote_is_theirs(shop: Shop) -> None:
    mailbox = await shop.open_account("email")
    await shop.receive(a_message("m-1", MAIL.handle), account_id=mailbox)

    with pytest.raises(IdentityTaken):
        await shop.customers.register(shop.command(), "Li Na", [MAIL])


async def test_an_address_of_a_web_chat_is_taken_within_it_only(shop: Shop) -> None:
    case = await a_waiting_conversation(shop, "visitor-1")
    here = Identity(channel="webchat", handle="visitor-1", account_id=shop.account_id)
    elsewhere = Identity(channel="webchat", handle="visitor-1", account_id="account-elsewhere")

    await shop.customers.register(shop.command(), "Li Na", [elsewhere])
    with pytest.raises(IdentityTaken):
        await shop.customers.register(shop.command(), "Li Na", [here])

    assert ("webchat", shop.account_id, "visitor-1") in (await shop.customer(case.customer_id)).handles


async def test_further_addresses_are_linked_once(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    head = await shop.log.head()

    for _ in range(2):
        await shop.customers.link(shop.command(), case.customer_id, "Li Na", [MAIL])

    assert await shop.since(head) == [
        CustomerNamed(name="Li Na"),
        IdentityLinked(channel="email", account_id="", handle=MAIL.handle),
    ]


async def test_a_known_name_is_kept(shop: Shop) -> None:
    _, customer_id = await shop.customers.register(shop.command(), "Li Na", [MAIL])

    await shop.customers.link(shop.command(), customer_id, "Somebody", [PHONE])

    assert (await shop.customer(customer_id)).name == "Li Na"


async def test_nothing_is_linked_to_a_customer_who_does_not_exist(shop: Shop) -> None:
    with pytest.raises(CustomerUnknown):
        await shop.customers.link(shop.command(), NOBODY, "Li Na", [MAIL])

    await shop.customers.register(shop.command(), "Li Na", [MAIL])


async def test_all_is_linked_although_another_process_linked_a_part(shop: Shop) -> None:
    _, customer_id = await shop.customers.register(shop.command(), "Li Na", [MAIL])
    async with another_process(shop) as other:
        await other.customers.link(other.command(), customer_id, "", [PHONE])

        whatsapp = Identity(channel="whatsapp", handle=PHONE.handle)
        await shop.customers.link(shop.command(), customer_id, "", [PHONE, whatsapp])

    handles = (await shop.customer(customer_id)).handles
    assert handles == {("email", "", MAIL.handle), ("phone", "", PHONE.handle), ("whatsapp", "", PHONE.handle)}


async def test_two_who_want_one_address_at_once_get_it_once(shop: Shop) -> None:
    registrations = [shop.customers.register(shop.command(), name, [MAIL]) for name in ("Li Na", "Ben")]

    outcomes = await asyncio.gather(*registrations, return_exceptions=True)

    assert [type(one) for one in outcomes] in ([tuple, IdentityTaken], [IdentityTaken, tuple])


async def test_a_call_from_an_unknown_number_meets_a_new_customer(shop: Shop) -> None:
    head = await shop.log.head()

    customer_id = await log(shop, a_call(author="Li Na", note="Wants 4111 1111 1111 1111 charged"))

    registered, linked, opened, logged = await shop.since(head)
    assert registered == CustomerRegistered(name="Li Na")
    assert linked == IdentityLinked(channel="phone", account_id="", handle=PHONE.handle)
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

    assert ("phone", "", PHONE.handle) in (await shop.customer(case.customer_id)).handles
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
