"""Whatever comes in is stored once, in its customer's stream, and answered with where."""

import asyncio

import pytest

from application.use_cases.know_customers import Identity
from domain.account import AccountPaused, AccountUnknown
from domain.agent import Presence
from domain.assignment import ConversationEnqueued
from domain.conversation import ConversationOpened, ConversationReopened, Status
from domain.customer import CustomerRegistered, IdentityLinked
from domain.interaction import MessageReceived
from domain.policy import RoutingPolicy
from tests.application.situations import (
    NOON,
    Shop,
    a_message,
    a_waiting_conversation,
    an_assigned_conversation,
    kinds,
    saying,
    stored_ids,
)

pytestmark = pytest.mark.anyio


async def test_a_first_message_opens_a_conversation_that_waits(shop: Shop) -> None:
    before = await shop.log.head()

    (receipt,) = await shop.receive(a_message("m-1", "li", "你好", author="Li Na", subject="Coat"))

    registered, linked, opened, received, enqueued = await shop.since(before)
    assert registered == CustomerRegistered(name="Li Na")
    assert linked == IdentityLinked(channel="webchat", account_id=shop.account_id, handle="li")
    assert isinstance(opened, ConversationOpened)
    assert (opened.conversation_id, opened.subject, opened.customer_name) == (
        receipt.conversation_id, "Coat", "Li Na",
    )  # fmt: skip
    assert received == MessageReceived(
        conversation_id=receipt.conversation_id,
        message_id=receipt.message_id,
        provider_id="m-1",
        channel="webchat",
        account_id=shop.account_id,
        handle="li",
        content=saying("你好"),
        author="Li Na",
        subject="Coat",
        said_at=NOON,
    )
    assert isinstance(enqueued, ConversationEnqueued)
    assert (enqueued.queue_id, enqueued.waiting_since) == (shop.queue_id, NOON)
    assert receipt.position == before + 4, "of the message itself"
    assert (receipt.is_repeat, receipt.is_contradiction) == (False, False)


async def test_the_next_message_joins_the_open_conversation(shop: Shop) -> None:
    (first,) = await shop.receive(a_message("m-1"))

    (second,) = await shop.receive(a_message("m-2", text="Anybody?"))

    assert (second.customer_id, second.conversation_id) == (first.customer_id, first.conversation_id)
    assert kinds(await shop.since(second.position - 1)) == ["conversation.message_received"]


async def test_an_address_of_a_web_chat_means_somebody_in_that_chat_only(shop: Shop) -> None:
    other_account = await shop.open_account()
    (here,) = await shop.receive(a_message("m-1", "visitor-1"))

    (there,) = await shop.receive(a_message("m-2", "visitor-1"), account_id=other_account)

    assert there.customer_id != here.customer_id


async def test_an_e_mail_address_means_the_same_person_in_every_mailbox(shop: Shop) -> None:
    sales, support = await shop.open_account("email"), await shop.open_account("email")
    (first,) = await shop.receive(a_message("m-1", "li@example.com"), account_id=sales)

    (second,) = await shop.receive(a_message("m-2", "li@example.com"), account_id=support)

    assert second.customer_id == first.customer_id
    assert second.conversation_id != first.conversation_id


async def test_a_known_address_is_the_customer_who_was_registered_with_it(shop: Shop) -> None:
    mailbox = await shop.open_account("email")
    address = Identity(channel="email", handle="li@example.com")
    _, customer_id = await shop.customers.register(shop.command(), "Li Na", [address])

    (receipt,) = await shop.receive(a_message("m-1", "li@example.com"), account_id=mailbox)

    assert receipt.customer_id == customer_id
    assert kinds(await shop.since(receipt.position - 2))[0] == "conversation.opened"


async def test_a_new_customer_who_writes_many_times_at_once_is_one_customer(shop: Shop) -> None:
    receipts = await asyncio.gather(*(shop.receive(a_message(f"m-{number}")) for number in range(6)))

    assert len({(one.customer_id, one.conversation_id) for (one,) in receipts}) == 1
    assert sorted(await stored_ids(shop)) == [f"m-{number}" for number in range(6)]


async def test_a_batch_of_many_customers_is_answered_in_its_order(shop: Shop) -> None:
    messages = [a_message(f"m-{number}", f"visitor-{number % 3}") for number in range(9)]

    receipts = await shop.receive(*messages)

    stored = [await shop.log.at(receipt.position) for receipt in receipts]
    provider_ids = [one.event.provider_id for one in stored if one and isinstance(one.event, MessageReceived)]
    assert provider_ids == [message.provider_id for message in messages]
    assert len({receipt.customer_id for receipt in receipts}) == 3


async def test_no_messages_are_no_receipts(shop: Shop) -> None:
    assert await shop.receive() == []


async def test_the_message_names_who_holds_the_conversation(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)

    (receipt,) = await shop.receive(a_message("m-2"))

    recorded = await shop.log.at(receipt.position)
    assert recorded is not None
    assert isinstance(recorded.event, MessageReceived)
    assert recorded.event.agent_id == assigned.agent_id


async def test_a_message_during_wrap_up_takes_the_conversation_up_again(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    await shop.serve.wrap_up(shop.command(), *assigned.ids, assigned.agent_id)

    await shop.receive(a_message("m-2"))

    assert (await shop.conversation(assigned)).status is Status.ASSIGNED


async def test_a_message_soon_after_closing_reopens_the_conversation(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    await shop.turn(assigned.agent_id, Presence.AWAY)
    await shop.serve.close(shop.command(), *assigned.ids, "refunded")
    shop.clock.wait(60)

    (receipt,) = await shop.receive(a_message("m-2"))

    assert receipt.conversation_id == assigned.conversation_id
    assert ConversationReopened(conversation_id=assigned.conversation_id) in await shop.since(receipt.position - 2)
    reopened = await shop.conversation(assigned)
    assert (reopened.status, reopened.waiting_since) == (Status.WAITING, shop.clock())


async def test_a_message_long_after_closing_opens_another_conversation(shop: Shop) -> None:
    await shop.set_up.define_policy(shop.command(), RoutingPolicy(reopen_within_seconds=60))
    await shop.directory_follower.catch_up()
    case = await a_waiting_conversation(shop)
    await shop.serve.close(shop.command(), *case.ids, "refunded")
    shop.clock.wait(61)

    (receipt,) = await shop.receive(a_message("m-2"))

    assert receipt.customer_id == case.customer_id
    assert receipt.conversation_id != case.conversation_id


async def test_a_message_to_a_retired_queue_is_taken(shop: Shop) -> None:
    await shop.set_up.retire_queue(shop.command(), shop.queue_id)
    await shop.directory_follower.catch_up()

    case = await a_waiting_conversation(shop)

    assert (await shop.conversation(case)).queue_id == shop.queue_id


async def test_a_message_for_an_unknown_account_is_refused(shop: Shop) -> None:
    with pytest.raises(AccountUnknown, match="account-unknown"):
        await shop.receive(a_message(), account_id="account-unknown")


async def test_a_message_for_a_paused_account_is_refused_until_it_is_resumed(shop: Shop) -> None:
    await shop.set_up.pause_account(shop.command(), shop.account_id, "holidays")
    await shop.directory_follower.catch_up()
    head = await shop.log.head()
    with pytest.raises(AccountPaused):
        await shop.receive(a_message())
    assert await shop.since(head) == []

    await shop.set_up.resume_account(shop.command(), shop.account_id)
    await shop.directory_follower.catch_up()

    await shop.receive(a_message())
    assert await stored_ids(shop) == ["m-1"]


@pytest.mark.parametrize(("told", "known"), [("zh-Hant", "zh"), ("fi", ""), ("", "")])
async def test_a_language_that_a_channel_tells_counts_where_somebody_speaks_it(
    shop: Shop, told: str, known: str
) -> None:
    speaker = await shop.hire("Mei", {"lang:zh": 5})
    await shop.set_up.define_policy(shop.command(), RoutingPolicy(language_prefix="lang:"))
    await shop.directory_follower.catch_up()

    (receipt,) = await shop.receive(a_message(language=told))
    await shop.route()

    now = await shop.conversation(receipt)
    assert (now.language, now.agent_id) == (known, speaker)


async def test_senders_whom_the_channel_does_not_name_share_no_customer(shop: Shop) -> None:
    first, second = await shop.receive(a_message("m-1", "unknown"), a_message("m-2", "unknown"))

    assert first.customer_id != second.customer_id
    assert (await shop.customer(first.customer_id)).handles == frozenset()
