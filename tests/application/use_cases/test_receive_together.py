"""Messages that come one by one at the same moment: one append, an answer for each, and nobody pays for another."""

import asyncio

import pytest

from application.use_cases.receive_messages import ReceiveMessages
from application.use_cases.receive_together import ReceiveTogether
from domain.account import AccountUnknown
from domain.intake import InboundMessage
from domain.interaction import Content, MessageReceived
from tests.application.situations import NOON, Shop

pytestmark = pytest.mark.anyio


def said(number: int, handle: str = "") -> InboundMessage:
    return InboundMessage(
        provider_id=f"m-{number}",
        handle=handle or f"visitor-{number}",
        content=Content(text=f"message {number}"),
        occurred_at=NOON,
    )


async def test_each_gets_its_own_answer_and_all_share_one_append(shop: Shop) -> None:
    together = ReceiveTogether(ReceiveMessages(shop.commands, shop.directory))
    head = await shop.log.head()

    receipts = await asyncio.gather(
        *(together.receive(shop.account_id, said(number), shop.command()) for number in range(20))
    )

    stored = [await shop.log.at(receipt.position) for receipt in receipts]
    texts = [one.event.content.text for one in stored if one and isinstance(one.event, MessageReceived)]
    assert texts == [f"message {number}" for number in range(20)]
    assert sum(isinstance(event, MessageReceived) for event in await shop.since(head)) == 20
    assert len({one.recorded_at for one in stored if one}) == 1


async def test_what_comes_twice_at_once_is_stored_once_and_both_hear_so(shop: Shop) -> None:
    together = ReceiveTogether(ReceiveMessages(shop.commands, shop.directory))

    first, second = await asyncio.gather(
        *(together.receive(shop.account_id, said(1), shop.command()) for _ in range(2))
    )

    assert first.position == second.position
    assert sorted([first.is_repeat, second.is_repeat]) == [False, True]


async def test_who_asks_for_what_there_is_not_fails_alone(shop: Shop) -> None:
    together = ReceiveTogether(ReceiveMessages(shop.commands, shop.directory))

    good, bad = await asyncio.gather(
        together.receive(shop.account_id, said(1), shop.command()),
        together.receive("account-" + "0" * 32, said(2), shop.command()),
        return_exceptions=True,
    )

    assert isinstance(bad, AccountUnknown)
    assert not isinstance(good, BaseException)


async def test_one_who_goes_away_meanwhile_disturbs_nobody(shop: Shop) -> None:
    together = ReceiveTogether(ReceiveMessages(shop.commands, shop.directory))
    staying = asyncio.create_task(together.receive(shop.account_id, said(1), shop.command()))
    leaving = asyncio.create_task(together.receive(shop.account_id, said(2), shop.command()))
    await asyncio.sleep(0)

    leaving.cancel()

    assert (await staying).position > 0
