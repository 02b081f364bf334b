"""Each account has a lane of its own: order in a conversation, several at once, and none waits for another."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from typing_extensions import override

from application.exchange.limits import Limits, Rate
from application.exchange.sending import Accepted, Outcome, Outgoing, Refusal, Rejected, Unknown
from domain.account import AccountDefinition
from tests.application.policies.scripted_channel import (
    NOT_NOW,
    QUICK,
    Channel,
    accepted,
    attempted,
    deliveries,
    rejected,
    reply,
    sending,
    unknown,
)
from tests.application.situations import NOON, Case, Shop, a_message, an_assigned_conversation

pytestmark = pytest.mark.anyio

TOKEN_EXPIRED = Rejected(reason="190 token expired", refusal=Refusal.OUR_FAULT, concerns_account=True)


class Stuck(Channel):
    """One account never gets an answer."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.reached = asyncio.Event()

    @override
    async def send(self, account: AccountDefinition, reply: Outgoing, client: httpx.AsyncClient) -> Outcome:
        if account.name == self.name:
            self.reached.set()
            await asyncio.Event().wait()
        return await super().send(account, reply, client)


async def an_assigned_conversation_on(shop: Shop, account_id: str, handle: str) -> Case:
    (receipt,) = await shop.receive(a_message(f"first of {handle}", handle), account_id=account_id)
    await shop.route()
    case = await shop.case(receipt)
    await shop.accept(case)
    return await shop.case(case)


async def define(shop: Shop, name: str, **settings: str) -> None:
    definition = AccountDefinition(channel="webchat", name=name, queue_id=shop.queue_id, settings=settings)
    await shop.set_up.define_account(shop.command(), shop.account_id, definition)
    await shop.directory_follower.catch_up()


def texts_to(channel: Channel, handle: str) -> list[str]:
    return [sent.text for sent in channel.sent if sent.handle == handle]


async def test_replies_of_a_conversation_leave_in_their_order(shop: Shop) -> None:
    one, other = await an_assigned_conversation(shop, "li"), await an_assigned_conversation(shop, "ola")
    for number in range(3):
        await reply(shop, one, f"one {number}")
        await reply(shop, other, f"other {number}")
    channel = Channel(NOT_NOW, NOT_NOW)
    sender = sending(shop, channel)

    await sender.catch_up()
    first = len(channel.sent)
    shop.clock.wait(2)
    await sender.catch_up()

    assert first == 2, "the later ones wait for the first of each"
    assert texts_to(channel, "li") == ["one 0", "one 0", "one 1", "one 2"]
    assert texts_to(channel, "ola") == ["other 0", "other 0", "other 1", "other 2"]


async def test_a_reply_behind_one_of_unknown_fate_waits_a_little_and_no_longer(shop: Shop) -> None:
    case = await an_assigned_conversation(shop, "li")
    await reply(shop, case, "one")
    await reply(shop, case, "two")
    channel = Channel(Unknown(reason="silence"))
    sender = sending(shop, channel)

    await sender.catch_up()
    shop.clock.wait(29)
    await sender.catch_up()
    assert texts_to(channel, "li") == ["one"]
    shop.clock.wait(1)
    await sender.catch_up()

    assert texts_to(channel, "li") == ["one", "two"]


async def test_a_sign_of_the_unknown_one_lets_the_next_go_at_once(shop: Shop) -> None:
    case = await an_assigned_conversation(shop, "li")
    message_id = await reply(shop, case, "one")
    await reply(shop, case, "two")
    channel = Channel(Unknown(reason="silence"))
    sender = sending(shop, channel)
    await sender.catch_up()

    echo = accepted(case, message_id, "p-1")
    await shop.commands.carry_out(shop.command("receipts"), [case.customer_id], lambda _: [[echo]])
    await sender.catch_up()

    assert texts_to(channel, "li") == ["one", "two"]


async def test_a_stuck_account_holds_up_no_other(shop: Shop) -> None:
    other_account = await shop.open_account()
    await define(shop, "stuck")
    stuck, fine = (
        await an_assigned_conversation(shop, "li"),
        await an_assigned_conversation_on(shop, other_account, "ola"),
    )
    await reply(shop, stuck)
    message_id = await reply(shop, fine)
    head = await shop.log.head()
    channel = Stuck("stuck")
    sender = sending(shop, channel)

    async with sender.running():
        await channel.reached.wait()
        while not texts_to(channel, "ola"):
            assert await shop.log.wait_past(head, 10)
            head = await shop.log.head()
        later = await reply(shop, fine, "later")
        while texts_to(channel, "ola")[-1] != "later":
            await shop.log.wait_past(await shop.log.head(), 0.02)

    assert message_id != later
    assert texts_to(channel, "li") == []


async def test_a_slow_conversation_holds_up_no_other_of_its_account(shop: Shop) -> None:
    one, other = await an_assigned_conversation(shop, "li"), await an_assigned_conversation(shop, "ola")
    await reply(shop, one)
    await reply(shop, other)
    channel = Channel(NOT_NOW)
    sender = sending(shop, channel)

    await sender.catch_up()

    assert sorted(sent.handle for sent in channel.sent) == ["li", "ola"]
    assert sender.policy.health()[shop.account_id].sent == 1


async def test_a_pause_that_the_provider_asks_the_account_for_is_kept_by_all(shop: Shop) -> None:
    one, other = await an_assigned_conversation(shop, "li"), await an_assigned_conversation(shop, "ola")
    await reply(shop, one)
    flood = Rejected(reason="429", refusal=Refusal.RETRY_LATER, retry_after_seconds=60, concerns_account=True)
    channel = Channel(flood)
    sender = sending(shop, channel)
    await sender.catch_up()
    await reply(shop, other)

    await sender.catch_up()
    before = len(channel.sent)
    health = sender.policy.health()[shop.account_id]
    shop.clock.wait(60)
    await sender.catch_up()

    assert before == 1
    assert (health.waiting, health.paused_until) == (2, NOON + timedelta(seconds=60))
    assert sorted(sent.handle for sent in channel.sent) == ["li", "li", "ola"]


async def test_a_spent_budget_is_waited_out_and_seen(shop: Shop) -> None:
    for handle in ("li", "ola", "mei"):
        await reply(shop, await an_assigned_conversation(shop, handle))
    channel = Channel()
    sender = sending(shop, channel, Limits(rates=(Rate(2, 60.0),)))

    await sender.catch_up()
    health = sender.policy.health()[shop.account_id]
    sent = len(channel.sent)
    shop.clock.wait(60)
    await sender.catch_up()

    assert (sent, health.sent, health.waiting) == (2, 2, 1)
    assert (health.last_out_at, health.paused_until) == (NOON, NOON + timedelta(seconds=60))
    assert len(channel.sent) == 3


async def test_a_person_is_not_written_to_faster_than_the_channel_allows(shop: Shop) -> None:
    case, other = await an_assigned_conversation(shop, "li"), await an_assigned_conversation(shop, "ola")
    for text in ("one", "two"):
        await reply(shop, case, text)
    await reply(shop, other, "other")
    channel = Channel()
    sender = sending(shop, channel, Limits(gap_seconds=6.0))

    await sender.catch_up()
    assert (texts_to(channel, "li"), texts_to(channel, "ola")) == (["one"], ["other"])
    shop.clock.wait(6)
    await sender.catch_up()

    assert texts_to(channel, "li") == ["one", "two"]


async def test_the_settings_of_an_account_say_how_fast_it_may_send(shop: Shop) -> None:
    for handle in ("li", "ola"):
        await reply(shop, await an_assigned_conversation(shop, handle))
    await define(shop, "slow", sends_per_second="0.1")
    channel = Channel()
    sender = sending(shop, channel)

    await sender.catch_up()
    sent = len(channel.sent)
    await define(shop, "quick", sends_per_second="100")
    await sender.catch_up()

    assert sent == 1
    assert len(channel.sent) == 2


async def test_replies_of_a_paused_account_wait_until_it_is_resumed(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    await shop.set_up.pause_account(shop.command(), shop.account_id, "holidays")
    await shop.directory_follower.catch_up()
    channel = Channel()
    sender = sending(shop, channel)
    head = await shop.log.head()

    await sender.catch_up()
    untried = await deliveries(shop, head)
    await shop.set_up.resume_account(shop.command(), shop.account_id)
    await shop.directory_follower.catch_up()
    await sender.catch_up()

    assert untried == []
    assert await deliveries(shop, head) == [attempted(case, message_id, 1), accepted(case, message_id, "p-1")]


@pytest.mark.parametrize("how", ["defined anew", "paused and resumed"])
async def test_an_expired_token_stops_the_lane_until_the_account_is_mended(shop: Shop, how: str) -> None:
    one, other = await an_assigned_conversation(shop, "li"), await an_assigned_conversation(shop, "ola")
    message_id = await reply(shop, one)
    channel = Channel(TOKEN_EXPIRED)
    sender = sending(shop, channel, Limits(at_once_max=1))
    head = await shop.log.head()
    await sender.catch_up()
    await reply(shop, other)
    shop.clock.wait(86_400)
    await sender.catch_up()
    tried, health = len(channel.sent), sender.policy.health()[shop.account_id]

    if how == "defined anew":
        await define(shop, "with another token")
    else:
        await shop.set_up.pause_account(shop.command(), shop.account_id, "")
        await shop.set_up.resume_account(shop.command(), shop.account_id)
        await shop.directory_follower.catch_up()
    await sender.catch_up()

    assert (tried, health.waiting, health.stopped_because) == (1, 2, "190 token expired")
    assert (await deliveries(shop, head))[1] == rejected(one, message_id, TOKEN_EXPIRED, is_final=False)
    assert sorted(sent.handle for sent in channel.sent) == ["li", "li", "ola"]
    assert sender.policy.health()[shop.account_id].stopped_because == ""


async def test_the_next_in_line_goes_when_the_one_before_is_refused_for_good(shop: Shop) -> None:
    case = await an_assigned_conversation(shop, "li")
    await reply(shop, case, "one")
    await reply(shop, case, "two")
    channel = Channel(Rejected(reason="too long", refusal=Refusal.OUR_FAULT), Accepted(provider_id="p"))

    await sending(shop, channel, QUICK).catch_up()

    assert texts_to(channel, "li") == ["one", "two"]


async def test_an_unknown_one_tells_until_when_a_sign_is_awaited(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    message_id = await reply(shop, case)
    shop.clock.wait(5)

    await sending(shop, Channel(Unknown(reason="silence"))).catch_up()

    told = (await shop.since(0))[-1]
    assert told == unknown(case, message_id, "silence", at=NOON + timedelta(seconds=5))
