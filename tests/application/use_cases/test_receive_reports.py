"""Delivery reports: matched with what was sent, in any order, and kept where they are news."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from application.use_cases.receive_echoes import ReceiveEchoes
from application.use_cases.receive_reports import ReceiveReports
from domain.intake import DeliveryReport
from domain.interaction import ReplyWritten
from domain.outbound.delivery import DeliveryAccepted, DeliveryReported
from domain.outbound.receipts import OUTBOUND_KEPT, Fate
from tests.application.policies.scripted_channel import accepted, reply
from tests.application.situations import NOON, Case, Shop, an_assigned_conversation, another_process, kinds
from tests.application.use_cases.test_receive_echoes import an_attempted_reply, an_echo

pytestmark = pytest.mark.anyio


def a_report(status: str = "delivered", provider_id: str = "p-1", **fields: Any) -> DeliveryReport:
    given = {"status": status, "provider_id": provider_id, "occurred_at": NOON} | fields
    return msgspec.convert(given, DeliveryReport)


async def receive(shop: Shop, *reports: DeliveryReport) -> list[DeliveryReport]:
    """Those that could not be matched yet."""
    command = shop.command("adapter")
    return await ReceiveReports(shop.commands, shop.directory).receive(shop.account_id, reports, command)


async def take(shop: Shop, case: Case, message_id: str, provider_id: str = "p-1") -> None:
    """The sender records that the channel took it."""
    event, claim = accepted(case, message_id, provider_id), shop.keys.sent(shop.account_id, provider_id)
    command = shop.command("send_replies")
    await shop.commands.carry_out(command, [case.customer_id], lambda _: [[event]], [claim])


async def a_sent_reply(shop: Shop) -> tuple[Case, str]:
    case, message_id = await an_attempted_reply(shop)
    await take(shop, case, message_id)
    return case, message_id


def written(case: Case, message_id: str) -> ReplyWritten:
    return ReplyWritten(
        conversation_id=case.conversation_id,
        message_id=message_id,
        channel="webchat",
        account_id="account-1",
        handle="li",
        text="again",
        agent_id=case.agent_id,
    )


async def fate(shop: Shop, case: Case, message_id: str) -> Fate:
    return (await shop.customer(case.customer_id)).outbound[message_id].fate


async def test_a_report_is_recorded_when_the_channel_says_it_happened(shop: Shop) -> None:
    case, message_id = await a_sent_reply(shop)
    head, read_at = await shop.log.head(), NOON + timedelta(seconds=40)

    unmatched = await receive(shop, a_report("read", occurred_at=read_at))

    assert unmatched == []
    recorded = await shop.log.at(head + 1)
    assert recorded is not None
    assert (recorded.event, recorded.occurred_at) == (
        DeliveryReported(
            conversation_id=case.conversation_id,
            message_id=message_id,
            status=a_report("read").status,
            provider_id="p-1",
            agent_id=case.agent_id,
        ),
        read_at,
    )


@pytest.mark.parametrize("seed", range(3))
async def test_shuffled_and_repeated_reports_come_to_the_same(shop: Shop, seed: int) -> None:
    case, message_id = await a_sent_reply(shop)
    reports = [a_report(status) for status in ("sent", "delivered", "read")] * 2
    random.Random(seed).shuffle(reports)

    async with another_process(shop) as other:
        await asyncio.gather(receive(shop, *reports[:3]), receive(other, *reports[3:]))
    head = await shop.log.head()
    await receive(shop, *reports)

    assert await shop.log.head() == head
    assert await fate(shop, case, message_id) is Fate.READ


async def test_a_report_that_is_faster_than_the_senders_record_waits(shop: Shop) -> None:
    case, message_id = await an_attempted_reply(shop)
    head = await shop.log.head()

    early = await receive(shop, a_report())
    assert await shop.log.head() == head
    await take(shop, case, message_id)
    late = await receive(shop, *early)

    assert (early, late) == ([a_report()], [])
    assert await fate(shop, case, message_id) is Fate.DELIVERED


@pytest.mark.parametrize("handle", ["", "li"])
async def test_a_report_with_our_own_id_settles_what_the_sender_does_not_know(shop: Shop, handle: str) -> None:
    case, message_id = await an_attempted_reply(shop)
    head = await shop.log.head()

    unmatched = await receive(shop, a_report(callback=message_id, handle=handle), a_report("read"))

    assert unmatched == [a_report("read")]
    assert kinds(await shop.since(head)) == ["conversation.delivery_accepted", "conversation.delivery_reported"]
    assert await receive(shop, a_report("read")) == []
    key = shop.keys.sent(shop.account_id, "p-1").key
    assert (await shop.log.claimed([key]))[key][0] == head + 1
    assert await fate(shop, case, message_id) is Fate.READ


async def test_a_report_on_what_staff_wrote_elsewhere_is_kept(shop: Shop) -> None:
    case = await an_assigned_conversation(shop)
    echoes = ReceiveEchoes(shop.commands, shop.directory)
    (receipt,) = await echoes.receive(shop.account_id, [an_echo("p-9")], shop.command("adapter"))

    await receive(shop, a_report("read", "p-9"))

    assert await fate(shop, case, receipt.message_id) is Fate.READ


async def test_a_watermark_is_about_all_that_was_sent_until_then(shop: Shop) -> None:
    case, first = await a_sent_reply(shop)
    shop.clock.wait(60)
    second = await reply(shop, case)
    await take(shop, case, second, "p-2")
    watermark = a_report("read", "", handle="li", upto=NOON + timedelta(seconds=30))

    assert await receive(shop, watermark) == []

    assert (await fate(shop, case, first), await fate(shop, case, second)) == (Fate.READ, Fate.ACCEPTED)
    head = await shop.log.head()
    await receive(shop, watermark)
    assert await shop.log.head() == head
    await receive(shop, a_report("read", "", handle="li", upto=NOON + timedelta(seconds=90)))
    assert await fate(shop, case, second) is Fate.READ


async def test_a_watermark_waits_for_what_is_only_now_being_sent(shop: Shop) -> None:
    case, message_id = await an_attempted_reply(shop)
    watermark = a_report("read", "", handle="li", upto=NOON + timedelta(seconds=30))

    assert await receive(shop, watermark) == [watermark]
    await take(shop, case, message_id)

    assert await receive(shop, watermark) == []
    assert await fate(shop, case, message_id) is Fate.READ


async def test_a_watermark_of_somebody_unknown_is_about_nothing(shop: Shop) -> None:
    head = await shop.log.head()

    assert await receive(shop, a_report("read", "", handle="nobody", upto=NOON)) == []

    assert await shop.log.head() == head


async def test_what_nobody_follows_any_more_is_left_out(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    case, _ = await a_sent_reply(shop)
    later = [written(case, f"message-{number}") for number in range(OUTBOUND_KEPT)]
    await shop.commands.carry_out(shop.command(), [case.customer_id], lambda _: [later])
    head = await shop.log.head()

    assert await receive(shop, a_report("read")) == []

    assert await shop.log.head() == head
    assert "nobody follows" in caplog.text


async def test_what_leads_nowhere_is_given_back(shop: Shop) -> None:
    reports = [a_report(provider_id="never sent"), a_report(provider_id="", callback="message-1")]

    assert await receive(shop, *reports) == reports


async def test_a_record_after_the_report_changes_nothing(shop: Shop) -> None:
    case, message_id = await an_attempted_reply(shop)
    await receive(shop, a_report("read", callback=message_id))
    late = DeliveryAccepted(conversation_id=case.conversation_id, message_id=message_id, provider_id="p-1")

    await shop.commands.carry_out(shop.command(), [case.customer_id], lambda _: [[late]])

    assert await fate(shop, case, message_id) is Fate.READ
