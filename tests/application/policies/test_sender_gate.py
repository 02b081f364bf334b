"""Whatever a provider does: no customer gets a reply twice, their order is kept, and other accounts are not held up.

Real channels, real HTTP and SMTP on loopback, the real log. Who takes a request without answering has delivered it.
"""

import asyncio

import pytest

from domain.account import AccountDefinition
from domain.outbound.delivery import DeliveryAccepted
from tests.application.policies.scripted_channel import Sender, deliveries, reply
from tests.application.policies.scripted_servers import a_mail_server, a_provider, a_sender
from tests.application.situations import Case, Shop, a_message, kinds
from tests.channels.scripted_provider import (
    DROPPED,
    SILENCE,
    Scripted,
    an_address_nobody_listens_at,
    graph_error,
    server_error,
    too_many,
)

pytestmark = pytest.mark.anyio

BOTH = ["one", "two"]
OLD_TOKEN, NEW_TOKEN = "token-1", "token-2"
ATTEMPTED = "conversation.delivery_attempted"
REJECTED = "conversation.delivery_rejected"


async def an_account(shop: Shop, channel: str, address: str, settings: dict[str, str], known: str | None = None) -> str:
    definition = AccountDefinition(
        channel=channel, name=address, queue_id=shop.queue_id, address=address, settings=settings
    )
    _, account_id = await shop.set_up.define_account(shop.command(), known, definition)
    await shop.directory_follower.catch_up()
    return account_id


def whatsapp(url: str, token: str = OLD_TOKEN) -> dict[str, str]:
    return {"app_secret": "s", "verify_token": "v", "access_token": token, "api_url": url}


async def a_conversation(shop: Shop, account_id: str, handle: str) -> Case:
    (receipt,) = await shop.receive(a_message(f"first of {handle}", handle), account_id=account_id)
    await shop.route()
    case = await shop.case(receipt)
    await shop.accept(case)
    return await shop.case(case)


async def two_replies(shop: Shop, account_id: str, handle: str) -> list[str]:
    case = await a_conversation(shop, account_id, handle)
    return [await reply(shop, case, text) for text in BOTH]


async def go_on(shop: Shop, sender: Sender, minutes: int = 6) -> None:
    for _ in range(minutes):
        await sender.catch_up()
        shop.clock.wait(60)
    await sender.catch_up()


@pytest.mark.parametrize(
    ("script", "delivered"),
    [
        ([too_many(30)], BOTH),
        ([graph_error(130_429, status=429), too_many()], BOTH),
        ([graph_error(131_056)], BOTH),
        ([server_error(), server_error()], BOTH),
        ([SILENCE], BOTH),
        ([DROPPED, DROPPED], BOTH),
        ([graph_error(131_047)], ["two"]),
        ([graph_error(131_026)], ["two"]),
        ([graph_error(987_654)], ["two"]),
    ],
)
async def test_whatever_whatsapp_answers_nothing_is_doubled_turned_round_or_held_up(
    shop: Shop, script: list[Scripted], delivered: list[str]
) -> None:
    await shop.hire()
    async with a_provider(*script) as troubled, a_provider() as fine, a_sender(shop, *script) as sender:
        one = await an_account(shop, "whatsapp", "11", whatsapp(troubled.url))
        other = await an_account(shop, "whatsapp", "22", whatsapp(fine.url))
        await two_replies(shop, one, "+4930111111")
        await reply(shop, await a_conversation(shop, other, "+4930222222"), "other")

        await sender.catch_up()
        at_once = list(fine.delivered)
        await go_on(shop, sender)

        assert at_once == ["other"]
        assert troubled.delivered == delivered
        assert (await sender.outbox.load())[1] == {}


@pytest.mark.parametrize(
    ("script", "delivered"),
    [
        (["rcpt 451 4.7.1 greylisted"], BOTH),
        (["452 4.3.1 disk full", "421 4.7.0 slow down"], BOTH),
        (["drop"], BOTH),
        (["silence"], BOTH),
        (["rcpt 550 5.1.1 no such user"], ["two"]),
        (["554 5.7.1 spam"], ["two"]),
    ],
)
async def test_whatever_a_mail_server_answers_nothing_is_doubled_turned_round_or_held_up(
    shop: Shop, script: list[str], delivered: list[str]
) -> None:
    await shop.hire()
    async with (
        a_mail_server(*script) as (troubled, settings),
        a_mail_server() as (fine, other_settings),
        a_sender(shop) as sender,
    ):
        one = await an_account(shop, "email", "help@shop.example", settings)
        other = await an_account(shop, "email", "info@shop.example", other_settings)
        await two_replies(shop, one, "ana@example.org")
        await reply(shop, await a_conversation(shop, other, "bo@example.org"), "other")

        await sender.catch_up()
        at_once = list(fine.delivered)
        await go_on(shop, sender)

        assert at_once == ["other"]
        assert troubled.delivered == delivered


async def test_an_expired_token_keeps_the_replies_until_there_is_another(shop: Shop) -> None:
    await shop.hire()
    async with a_provider(graph_error(190, status=401)) as provider, a_sender(shop) as sender:
        account_id = await an_account(shop, "whatsapp", "11", whatsapp(provider.url))
        await two_replies(shop, account_id, "+4930111111")
        await go_on(shop, sender)
        before, tried = list(provider.delivered), len(provider.taken)

        await an_account(shop, "whatsapp", "11", whatsapp(provider.url, NEW_TOKEN), account_id)
        await go_on(shop, sender)

        assert (before, tried) == ([], 1)
        assert provider.delivered == BOTH
        assert {one.headers["authorization"] for one in provider.taken[1:]} == {f"Bearer {NEW_TOKEN}"}


async def test_a_wrong_mail_password_keeps_the_replies_until_there_is_another(shop: Shop) -> None:
    await shop.hire()
    async with a_mail_server(password="changed") as (server, settings), a_sender(shop) as sender:
        account_id = await an_account(shop, "email", "help@shop.example", settings)
        await two_replies(shop, account_id, "ana@example.org")
        await go_on(shop, sender)
        before, health = list(server.delivered), sender.policy.health()[account_id]

        await an_account(shop, "email", "help@shop.example", settings | {"smtp_password": "changed"}, account_id)
        await go_on(shop, sender)

        assert (before, health.waiting, health.stopped_because[:41]) == (
            [], 2, "the mail server does not let us in: 535 5",
        )  # fmt: skip
        assert server.delivered == BOTH


async def test_a_provider_that_is_down_gets_the_replies_when_it_is_back(shop: Shop) -> None:
    await shop.hire()
    gone = await an_address_nobody_listens_at()
    async with a_provider() as provider, a_sender(shop) as sender:
        account_id = await an_account(shop, "whatsapp", "11", whatsapp(gone))
        await two_replies(shop, account_id, "+4930111111")
        await go_on(shop, sender)
        before = kinds(await deliveries(shop, 0))

        await an_account(shop, "whatsapp", "11", whatsapp(provider.url), account_id)
        await go_on(shop, sender)

        assert set(before) == {ATTEMPTED, REJECTED}
        assert provider.delivered == BOTH


@pytest.mark.parametrize("channel", ["whatsapp", "email"])
async def test_a_sender_killed_between_attempt_and_outcome_doubles_nothing(shop: Shop, channel: str) -> None:
    await shop.hire()
    async with a_provider(SILENCE) as provider, a_mail_server("silence") as (server, settings):
        if channel == "whatsapp":
            account_id = await an_account(shop, channel, "11", whatsapp(provider.url))
            await two_replies(shop, account_id, "+4930111111")
        else:
            account_id = await an_account(shop, channel, "help@shop.example", settings | {"smtp_timeout_seconds": "60"})
            await two_replies(shop, account_id, "ana@example.org")
        async with a_sender(shop) as killed:
            killed.client.timeout = 60
            running = asyncio.create_task(killed.catch_up())
            await (provider.reached if channel == "whatsapp" else server.reached).wait()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

        async with a_sender(shop) as next_one:
            await go_on(shop, next_one)

        told = await deliveries(shop, 0)
        assert (provider.delivered or server.delivered) == BOTH
        assert kinds(told)[:2] == [ATTEMPTED, "conversation.delivery_unknown"]
        assert isinstance(told[-1], DeliveryAccepted)
