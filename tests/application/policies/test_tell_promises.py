"""A promise is told to the customer on their own channel, once, while it stands, and only where that takes words."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from application.exchange.limits import DEFAULT
from application.follower import Follower
from application.policies.tell_promises import TellPromises
from application.use_cases.answer_by_mail import AnswerByMail
from channels.table import CHANNELS
from domain.classification import PromiseTold
from domain.queue import QueueDefinition
from tests.application.policies.scripted_channel import Channel, Sender
from tests.application.situations import (
    NOON,
    Case,
    Shop,
    a_message,
    another_process,
    everything,
)

pytestmark = pytest.mark.anyio

REPLY_CHANNELS = {name: channel.limits for name, channel in CHANNELS.items() if channel.takes_replies}
WORDS = {"zh": "一小时内回电。", "otherwise": "We call you back."}


async def overflowing(shop: Shop, promise: str = "callback", words: dict[str, str] = WORDS) -> None:
    """From now on what has waited for a minute goes to another queue, to be called back within the hour."""
    later = await shop.open_queue("Later")
    rule = {"when": "waited", "limit": 60, "to_queue_id": later, "promise": promise, "words": words}
    definition = msgspec.convert({"name": "Returns", "overflow": [rule]}, QueueDefinition)
    await shop.set_up.define_queue(shop.command(), shop.queue_id, definition)
    await shop.directory_follower.catch_up()


async def an_overflown_conversation(shop: Shop, account_id: str = "", **message: Any) -> Case:
    (receipt,) = await shop.receive(a_message(**{"occurred_at": shop.clock(), **message}), account_id=account_id)
    shop.clock.wait(61)
    await shop.route()
    return await shop.case(receipt)


def telling(shop: Shop) -> Follower:
    """As a process runs it that starts now."""
    return Follower(shop.log, TellPromises(shop.commands, REPLY_CHANNELS, shop.positions, shop.clock))


async def told(shop: Shop) -> list[PromiseTold]:
    return [one.event for one in await everything(shop.log) if isinstance(one.event, PromiseTold)]


async def test_the_customer_hears_on_their_channel_what_they_are_promised(shop: Shop) -> None:
    await overflowing(shop)
    case = await an_overflown_conversation(shop)
    overflowed_at = next(one.position for one in await everything(shop.log) if one.topic == "conversation.overflowed")

    await telling(shop).catch_up()

    recorded = (await everything(shop.log))[-1]
    assert isinstance(recorded.event, PromiseTold)
    assert (recorded.actor, recorded.cause) == ("tell_promises", overflowed_at)
    assert (recorded.event.text, recorded.event.handle, recorded.event.channel) == (WORDS["otherwise"], "li", "webchat")
    assert recorded.event.promised_at == (await shop.conversation(case)).due_at


async def test_it_is_told_in_the_language_they_speak(shop: Shop) -> None:
    await overflowing(shop)
    (receipt,) = await shop.receive(a_message())
    await shop.steer.classify(shop.command(), receipt.customer_id, receipt.conversation_id, language="zh-CN")
    shop.clock.wait(61)
    await shop.route()

    await telling(shop).catch_up()

    assert [one.text for one in await told(shop)] == [WORDS["zh"]]


async def test_it_is_sent_like_any_reply_and_marked_as_no_persons(shop: Shop) -> None:
    await overflowing(shop)
    mailbox = await shop.open_account("email")
    await an_overflown_conversation(shop, mailbox, handle="li@example.org", subject="My parcel")
    await telling(shop).catch_up()
    channel = Channel()

    await Sender(shop, {"email": channel.send}, {"email": DEFAULT}).catch_up()

    (sent,) = channel.sent
    assert (sent.handle, sent.text, sent.subject) == ("li@example.org", WORDS["otherwise"], "My parcel")
    assert sent.is_automatic
    assert (await everything(shop.log))[-1].topic == "conversation.delivery_accepted"


async def test_a_process_that_was_killed_before_it_noted_so_tells_nothing_twice(shop: Shop) -> None:
    await overflowing(shop)
    await an_overflown_conversation(shop)
    await telling(shop).catch_up()
    await shop.positions.save("tell_promises", 0)

    async with another_process(shop) as other:
        await telling(other).catch_up()
        await telling(shop).catch_up()

    assert len(await told(shop)) == 1


async def test_of_two_processes_that_tell_at_once_one_does(shop: Shop) -> None:
    await overflowing(shop)
    await an_overflown_conversation(shop)

    async with another_process(shop) as other:
        await asyncio.gather(telling(shop).catch_up(), telling(other).catch_up())

    assert len(await told(shop)) == 1


@pytest.mark.parametrize("nature", ["auto_reply", "list", "bounce"])
async def test_a_machine_is_told_nothing_since_it_might_answer(shop: Shop, nature: str) -> None:
    await overflowing(shop)
    mailbox = await shop.open_account("email")
    await an_overflown_conversation(shop, mailbox, handle="robot@example.org", nature=nature)

    await telling(shop).catch_up()

    assert await told(shop) == []


async def test_nothing_is_told_after_a_machine_joined_which_might_answer_through_the_customer(shop: Shop) -> None:
    await overflowing(shop)
    mailbox = await shop.open_account("email")
    (receipt,) = await shop.receive(a_message(handle="ana@example.org"), account_id=mailbox)
    proof = {"conversation_id": receipt.conversation_id, "joined_by": "reply_address", "nature": "auto_reply"}

    joined = await AnswerByMail(shop.commands, shop.directory).receive(
        mailbox, a_message("m-2", "robot@example.org", **proof), shop.command()
    )
    shop.clock.wait(61)
    await shop.route()
    await telling(shop).catch_up()

    assert joined is not None
    assert "conversation.overflowed" in [one.topic for one in await everything(shop.log)]
    assert await told(shop) == []


async def test_a_channel_that_cannot_send_is_told_nothing(shop: Shop) -> None:
    await overflowing(shop)
    await an_overflown_conversation(shop, await shop.open_account("adapter"))

    await telling(shop).catch_up()

    assert await told(shop) == []


async def test_a_channel_that_no_longer_takes_replies_is_told_nothing(shop: Shop) -> None:
    await overflowing(shop)
    account_id = await shop.open_account("whatsapp")
    long_ago = NOON - timedelta(hours=25)
    await an_overflown_conversation(shop, account_id, handle="+8613800138000", occurred_at=long_ago)

    await telling(shop).catch_up()

    assert await told(shop) == []


@pytest.mark.parametrize("promise", ["", "callback"])
async def test_where_the_rule_has_no_words_nothing_is_told(shop: Shop, promise: str) -> None:
    await overflowing(shop, promise, words={})
    await an_overflown_conversation(shop)

    await telling(shop).catch_up()

    assert await told(shop) == []


async def test_what_was_taken_meanwhile_is_told_nothing(shop: Shop) -> None:
    await overflowing(shop)
    case = await an_overflown_conversation(shop)
    await shop.hire()
    await shop.route()
    await shop.accept(await shop.case(case))

    await telling(shop).catch_up()

    assert await told(shop) == []


async def test_many_at_once_are_each_told_once(shop: Shop) -> None:
    await overflowing(shop)
    visitors = [f"visitor {number}" for number in range(20)]
    await shop.receive(*(a_message(f"m-{handle}", handle) for handle in visitors))
    shop.clock.wait(61)
    await shop.route()

    await telling(shop).catch_up()

    assert sorted(one.handle for one in await told(shop)) == sorted(visitors)
