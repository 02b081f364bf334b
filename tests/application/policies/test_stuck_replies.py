"""A reply of a customer whose events cannot be read waits and is seen, holds up no other, and leaves in its order."""

from datetime import timedelta

import pytest

from domain.event import Recorded
from domain.interaction import ReplyWritten
from domain.outbound.delivery import DeliveryAttempted
from tests.application.broken_streams import forget, mend, spoil
from tests.application.policies.scripted_channel import Channel, Sender, reply, sending
from tests.application.situations import NOON, Case, Shop, an_assigned_conversation, another_process, everything

pytestmark = pytest.mark.anyio


def texts(channel: Channel) -> list[str]:
    return [sent.text for sent in channel.sent]


async def looked_at_for(sender: Sender, shop: Shop, seconds: int) -> None:
    """So long, every second."""
    for _ in range(seconds):
        shop.clock.wait(1)
        await sender.catch_up()


async def two_replies_of_one_who_cannot_be_read(shop: Shop) -> tuple[Case, Case]:
    """And the case of somebody who can."""
    broken, sound = await an_assigned_conversation(shop, "broken"), await an_assigned_conversation(shop, "sound")
    for text in ("first", "second"):
        await reply(shop, broken, text)
    spoil(shop, broken.customer_id)
    return broken, sound


async def test_what_cannot_be_read_holds_up_nobody_else_and_is_seen(shop: Shop) -> None:
    broken, sound = await two_replies_of_one_who_cannot_be_read(shop)
    await reply(shop, sound, "other")
    channel = Channel()

    async with another_process(shop) as other:
        sender = sending(other, channel)
        await sender.catch_up()
        (stuck,) = await sender.stuck.load()

    assert texts(channel) == ["other"]
    assert (stuck.account_id, stuck.since) == (shop.account_id, NOON)
    assert broken.customer_id in stuck.because
    assert sender.policy.health()[shop.account_id].stuck == 1


async def test_once_it_can_be_read_again_all_leaves_in_order_and_is_no_longer_told_of(shop: Shop) -> None:
    broken, _ = await two_replies_of_one_who_cannot_be_read(shop)
    channel = Channel()

    async with another_process(shop) as other:
        sender = sending(other, channel)
        await sender.catch_up()
        await looked_at_for(sender, shop, 10)
        mend(shop, broken.customer_id)
        await looked_at_for(sender, shop, 8)

        assert texts(channel) == ["first", "second"]
        assert await sender.stuck.load() == []
        assert sender.policy.health()[shop.account_id].stuck == 0


async def test_a_sender_that_begins_anew_goes_on_with_it(shop: Shop) -> None:
    broken, _ = await two_replies_of_one_who_cannot_be_read(shop)
    async with another_process(shop) as first:
        await sending(first, Channel()).catch_up()
    mend(shop, broken.customer_id)
    channel = Channel()

    async with another_process(shop) as second:
        sender = sending(second, channel)
        await sender.catch_up()

        assert (texts(channel), await sender.stuck.load()) == (["first", "second"], [])


async def written(shop: Shop, text: str) -> Recorded:
    (one,) = [
        one for one in await everything(shop.log) if isinstance(one.event, ReplyWritten) and one.event.text == text
    ]
    return one


async def test_a_reply_that_is_itself_unreadable_leaves_before_what_came_after_it(shop: Shop) -> None:
    case, sound = await an_assigned_conversation(shop, "broken"), await an_assigned_conversation(shop, "sound")
    for one, text in ((case, "first"), (case, "second"), (sound, "other")):
        await reply(shop, one, text)
    event = await written(shop, "first")
    spoil(shop, event.stream, event.version)
    channel = Channel()

    async with another_process(shop) as other:
        sender = sending(other, channel)
        await sender.catch_up()
        await looked_at_for(sender, shop, 20)
        before = texts(channel)
        noted = {one.position: one.account_id for one in await sender.stuck.load()}
        mend(shop, event.stream, event.version)
        await looked_at_for(sender, shop, 80)

        assert before == ["other"]
        assert noted == {event.position: "", (await written(shop, "second")).position: shop.account_id}
        assert texts(channel) == ["other", "first", "second"]
        assert (await sender.stuck.load(), (await sender.outbox.load())[1]) == ([], {})


async def test_a_sender_that_begins_where_a_reply_is_unreadable_sends_the_others(shop: Shop) -> None:
    """The reply was in the outbox before."""
    case, sound = await an_assigned_conversation(shop, "broken"), await an_assigned_conversation(shop, "sound")
    await reply(shop, case, "first")
    event = await written(shop, "first")
    async with another_process(shop) as first:
        await sending(first, Channel()).follower.catch_up()
    spoil(shop, event.stream, event.version)
    await reply(shop, sound, "other")
    channel = Channel()

    async with another_process(shop) as second:
        sender = sending(second, channel)
        await sender.catch_up()
        before = texts(channel)
        mend(shop, event.stream, event.version)
        await looked_at_for(sender, shop, 2)

        assert (before, texts(channel)) == (["other"], ["other", "first"])
        assert await sender.stuck.load() == []


async def test_an_unreadable_reply_of_a_channel_that_nothing_is_handed_to_is_nobodys_concern_once_it_can_be_read(
    shop: Shop,
) -> None:
    await reply(shop, await an_assigned_conversation(shop, "broken"), "pushed to a page")
    event = await written(shop, "pushed to a page")
    spoil(shop, event.stream, event.version)
    channel = Channel()

    async with another_process(shop) as other:
        sender = Sender(other, {"sms": channel.send})
        await sender.catch_up()
        before = len(await sender.stuck.load())
        mend(shop, event.stream, event.version)
        await looked_at_for(sender, shop, 2)

        assert (before, await sender.stuck.load(), channel.sent) == (1, [], [])


async def test_a_stuck_reply_of_somebody_who_was_erased_is_told_of_no_more(shop: Shop) -> None:
    broken, _ = await two_replies_of_one_who_cannot_be_read(shop)
    async with another_process(shop) as first:
        await sending(first, Channel()).catch_up()
    forget(shop, broken.customer_id)

    async with another_process(shop) as second:
        sender = sending(second, Channel())
        await sender.catch_up()

        assert (await sender.stuck.load(), (await sender.outbox.load())[1]) == ([], {})


async def test_an_attempt_of_one_who_cannot_be_read_is_counted_for_nobody(shop: Shop) -> None:
    """What an account has spent is read from the log, and must not keep its sender from beginning."""
    case = await an_assigned_conversation(shop, "broken")
    message_id = await reply(shop, case, "first")
    await sending(shop, Channel()).catch_up()
    shop.clock.wait(30)
    sound = await an_assigned_conversation(shop, "sound")
    await reply(shop, sound, "other")
    spoil(shop, case.customer_id)
    channel = Channel()

    async with another_process(shop) as other:
        await sending(other, channel).catch_up()

    attempts = [one.event for one in await everything(shop.log) if isinstance(one.event, DeliveryAttempted)]
    assert message_id in [one.message_id for one in attempts]
    assert texts(channel) == ["other"]
    assert shop.clock() == NOON + timedelta(seconds=30)
