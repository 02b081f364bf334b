"""Customers are told apart by their addresses; each address is one customer's."""

import asyncio

import pytest

from application.use_cases.know_customers import CustomerUnknown, Identity, IdentityTaken
from domain.customer import CustomerNamed, CustomerRegistered, IdentityLinked
from tests.application.situations import Shop, a_message, a_waiting_conversation, another_process

pytestmark = pytest.mark.anyio

MAIL = Identity(channel="email", handle="li@example.com")
PHONE = Identity(channel="phone", handle="+8613800138000")
NOBODY = "customer-" + "0" * 32


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


@pytest.mark.parametrize("is_restarted", ["the same process", "another process"])
@pytest.mark.parametrize(("first", "last"), [("+49301", "US.1"), ("US.1", "+49301")])
async def test_an_address_that_comes_with_a_known_one_is_linked_to_that_customer(
    shop: Shop, first: str, last: str, is_restarted: str
) -> None:
    """As on WhatsApp, where a number may come first, then a user id with it, then that alone; or the other way."""
    whatsapp = await shop.open_account("whatsapp")
    (known,) = await shop.receive(a_message("m-1", first), account_id=whatsapp)
    both = a_message("m-2", "US.1", other_handles=("+49301",))

    async with another_process(shop) as elsewhere:
        process = elsewhere if is_restarted == "another process" else shop
        (together,) = await process.receive(both, account_id=whatsapp)
    (alone,) = await shop.receive(a_message("m-3", last), account_id=whatsapp)

    assert [together.customer_id, alone.customer_id] == [known.customer_id] * 2
    assert together.conversation_id == known.conversation_id
    assert (await shop.customer(known.customer_id)).handles == {("whatsapp", "", one) for one in ("US.1", "+49301")}


async def test_two_addresses_that_are_known_as_two_customers_stay_so_and_the_first_named_gets_the_message(
    shop: Shop,
) -> None:
    whatsapp = await shop.open_account("whatsapp")
    (by_number,) = await shop.receive(a_message("m-1", "+49301"), account_id=whatsapp)
    (by_id,) = await shop.receive(a_message("m-2", "US.1"), account_id=whatsapp)

    async with another_process(shop) as elsewhere:
        both = a_message("m-3", "US.1", other_handles=("+49301", "US.ENT.7"))
        (together,) = await elsewhere.receive(both, account_id=whatsapp)

    assert by_number.customer_id != by_id.customer_id == together.customer_id
    assert (await shop.customer(by_number.customer_id)).handles == {("whatsapp", "", "+49301")}
    handles = (await shop.customer(by_id.customer_id)).handles
    assert handles == {("whatsapp", "", "US.1"), ("whatsapp", "", "US.ENT.7")}
