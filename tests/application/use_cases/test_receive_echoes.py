"""Echoes: what staff wrote elsewhere is kept once, what we sent ourselves is not kept again."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from application.exchange.sending import Outcome, Unknown
from application.use_cases.receive_echoes import EchoReceipt, ReceiveEchoes
from domain.account import AccountPaused, AccountUnknown
from domain.conversation import Status
from domain.intake import Echo
from domain.interaction import MessageContradicted, ReplyEchoed
from domain.outbound.delivery import DeliveryAccepted
from domain.outbound.receipts import Fate
from tests.application.policies.scripted_channel import Channel, Sender, attempted, reply, sending
from tests.application.situations import (
    NOON,
    Case,
    Shop,
    a_message,
    an_assigned_conversation,
    another_process,
    everything,
    kinds,
)

pytestmark = pytest.mark.anyio


def an_echo(provider_id: str = "p-9", **fields: Any) -> Echo:
    given = {"provider_id": provider_id, "handle": "li", "content": {"text": "From the phone"}, "occurred_at": NOON}
    return msgspec.convert(given | fields, Echo)


async def receive(shop: Shop, *echoes: Echo) -> list[EchoReceipt]:
    return await ReceiveEchoes(shop.commands, shop.directory).receive(shop.account_id, echoes, shop.command("adapter"))


async def an_attempted_reply(shop: Shop) -> tuple[Case, str]:
    """Handed over to the channel, which has not answered."""
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    claim = shop.keys.once("attempt", message_id, "1")
    events = [[attempted(case, message_id, 1)]]
    await shop.commands.carry_out(shop.command("send_replies"), [case.customer_id], lambda _: events, [claim])
    return case, message_id


async def test_what_staff_wrote_elsewhere_joins_the_conversation_of_its_customer(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    head = await shop.log.head()
    told_at = NOON - timedelta(minutes=3)

    (receipt,) = await receive(shop, an_echo(occurred_at=told_at))

    (recorded,) = await everything(shop.log, head)
    assert isinstance(recorded.event, ReplyEchoed)
    assert (recorded.stream, recorded.event.conversation_id) == case.ids
    assert (recorded.event.provider_id, recorded.event.content.text) == ("p-9", "From the phone")
    assert recorded.occurred_at == told_at
    assert receipt == EchoReceipt(
        position=recorded.position,
        customer_id=case.customer_id,
        conversation_id=case.conversation_id,
        message_id=recorded.event.message_id,
    )


async def test_somebody_we_never_met_gets_a_conversation_that_nobody_is_called_to(shop: Shop) -> None:
    head = await shop.log.head()

    (receipt,) = await receive(shop, an_echo(handle="ana"))

    assert kinds(await shop.since(head)) == [
        "customer.registered",
        "customer.identity_linked",
        "conversation.opened",
        "conversation.reply_echoed",
    ]
    (answered,) = await shop.receive(a_message("m-1", "ana"))
    assert (answered.customer_id, answered.conversation_id) == (receipt.customer_id, receipt.conversation_id)
    assert (await shop.conversation(answered)).status is Status.WAITING


async def test_an_echo_is_kept_once_however_often_it_comes(shop: Shop) -> None:
    await an_assigned_conversation(shop)
    first = await receive(shop, an_echo())
    head = await shop.log.head()

    async with another_process(shop) as other:
        again = await asyncio.gather(receive(shop, an_echo(), an_echo()), receive(other, an_echo()))

    assert await shop.log.head() == head
    assert {one.position for receipts in again for one in receipts} == {first[0].position}
    assert all(one.is_repeat for receipts in again for one in receipts)


async def test_two_processes_that_hear_of_somebody_new_at_once_keep_one_echo(shop: Shop) -> None:
    async with another_process(shop) as other:
        (one,), (two,) = await asyncio.gather(
            receive(shop, an_echo(handle="ana")), receive(other, an_echo(handle="ana"))
        )

    assert (one.position, one.customer_id) == (two.position, two.customer_id)
    assert [one.is_repeat, two.is_repeat].count(True) == 1


async def test_the_same_id_with_other_words_is_kept_and_flagged_once(shop: Shop) -> None:
    await an_assigned_conversation(shop)
    await receive(shop, an_echo())
    head = await shop.log.head()
    other = an_echo(content={"text": "Something else"})

    (receipt,), (again,) = await receive(shop, other), await receive(shop, other)

    (event,) = await shop.since(head)
    assert isinstance(event, MessageContradicted)
    assert receipt.is_contradiction
    assert again.is_repeat


async def test_card_numbers_are_masked(shop: Shop) -> None:
    (receipt,) = await receive(shop, an_echo(content={"text": "Your card 4111 1111 1111 1111"}))

    recorded = await shop.log.at(receipt.position)
    assert recorded is not None
    assert isinstance(recorded.event, ReplyEchoed)
    assert "1111 1111 1111" not in recorded.event.content.text


async def test_the_echo_of_a_reply_that_the_channel_took_is_no_news(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    await sending(shop, Channel(Unknown(reason="time-out"))).catch_up()
    (first,) = await receive(shop, an_echo(callback=message_id))
    head = await shop.log.head()

    (again,) = await receive(shop, an_echo(callback=message_id))
    (bare,) = await receive(shop, an_echo())

    assert await shop.log.head() == head
    assert (first.is_repeat, again.is_repeat, bare.is_repeat) == (False, True, True)
    assert {one.message_id for one in (first, again, bare)} == {message_id}
    assert all(one.is_ours for one in (first, again, bare))


async def test_an_echo_settles_a_reply_whose_outcome_is_unknown(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    await sending(shop, Channel(Unknown(reason="time-out"))).catch_up()
    head = await shop.log.head()

    await receive(shop, an_echo(callback=message_id))

    (event,) = await shop.since(head)
    assert isinstance(event, DeliveryAccepted)
    assert (event.message_id, event.provider_id, event.agent_id) == (message_id, "p-9", case.agent_id)
    key = shop.keys.sent(shop.account_id, "p-9").key
    assert (await shop.log.claimed([key]))[key][0] == head + 1


async def test_an_echo_of_the_same_words_counts_a_reply_of_unknown_outcome_once(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    await sending(shop, Channel(Unknown(reason="time-out"))).catch_up()
    head = await shop.log.head()
    told = an_echo(content={"text": "Here is your refund."})

    (receipt,), (again,) = await receive(shop, told), await receive(shop, told)

    (event,) = await shop.since(head)
    assert isinstance(event, DeliveryAccepted)
    assert (receipt.message_id, receipt.is_ours, again.is_ours, again.is_repeat) == (message_id, True, True, True)
    assert (await shop.conversation(case)).replies == {}


async def test_a_time_out_after_the_echo_of_the_same_words_changes_nothing(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)

    async def send(*_: object) -> Outcome:
        await receive(shop, an_echo(content={"text": "Here is your refund."}))
        return Unknown(reason="time-out")

    await Sender(shop, {"webchat": send}).catch_up()

    assert (await shop.customer(case.customer_id)).outbound[message_id].fate is Fate.ACCEPTED
    assert (await shop.conversation(case)).replies == {}


async def test_an_echo_that_is_faster_than_the_senders_record_is_recognised_by_our_id(shop: Shop) -> None:
    case, message_id = await an_attempted_reply(shop)

    (receipt,) = await receive(shop, an_echo(callback=message_id))

    assert receipt.is_ours
    sent = (await shop.customer(case.customer_id)).outbound[message_id]
    assert (sent.fate, sent.provider_id) == (Fate.ACCEPTED, "p-9")


async def test_an_echo_without_our_id_is_kept_until_the_senders_record_names_it(shop: Shop) -> None:
    """The claim of the name is left to that record, which takes it with the event that timelines join the two by."""
    case, message_id = await an_attempted_reply(shop)

    (receipt,) = await receive(shop, an_echo())

    accepted = DeliveryAccepted(conversation_id=case.conversation_id, message_id=message_id, provider_id="p-9")
    claim = shop.keys.sent(shop.account_id, "p-9")
    await shop.commands.carry_out(shop.command(), [case.customer_id], lambda _: [[accepted]], [claim])
    assert not receipt.is_ours
    (again,) = await receive(shop, an_echo())
    assert again.is_repeat


async def test_a_paused_or_unknown_account_takes_no_echoes(shop: Shop) -> None:
    await shop.set_up.pause_account(shop.command(), shop.account_id, "holidays")
    await shop.directory_follower.catch_up()

    with pytest.raises(AccountPaused):
        await receive(shop, an_echo())
    shop.account_id = "account-unknown"
    with pytest.raises(AccountUnknown):
        await receive(shop, an_echo())


async def test_replies_after_that_go_where_the_echo_went(shop: Shop) -> None:
    (receipt,) = await receive(shop, an_echo(handle="ana"))

    assert (await shop.customer(receipt.customer_id)).conversation(receipt.conversation_id).handle == "ana"
