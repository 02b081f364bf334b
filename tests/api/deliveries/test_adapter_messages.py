"""Adapters' messages among the deliveries: what the NATS door could not take, read again when it has been mended."""

from datetime import timedelta

import msgspec
import pytest

from api.doors.delivery_contents import ADAPTER, UNKNOWN_ATTEMPTS_MAX
from api.doors.trust import packed
from application.exchange.deliveries import Arrived, DeliveryState
from application.ids import new_id
from channels.edge.payload import Posted
from tests.api.deliveries.desk import Desk

pytestmark = pytest.mark.anyio
TO_COME = "account-0193a7c2d4e57f0aa1b2c3d4e5f60718"


async def comes_in(desk: Desk, account_id: str, *, text: str = "Hello", account: str = "") -> str:
    """The id of what is kept of a message for the account."""
    said = {"account": account or account_id, "message_id": f"m-{text}", "handle": "ana", "text": text}
    one = Arrived(
        id=new_id("delivery"),
        channel=ADAPTER,
        account_ids=(account_id,),
        received_at=desk.now,
        content=packed(Posted(raw=msgspec.json.encode(said), received_at=desk.now)),
    )
    await desk.parts.deliveries.store(one)
    return one.id


async def test_a_kept_message_is_taken_in_once_however_often_it_is_kept(desk: Desk) -> None:
    account_id = await desk.open_account("1")
    for _ in range(2):
        await comes_in(desk, account_id)

    await desk.read()

    assert await desk.received() == ["Hello"]
    assert await desk.states() == {DeliveryState.DONE: 2}


async def test_a_message_that_cannot_be_read_is_parked_with_what_is_wrong(desk: Desk) -> None:
    account_id = await desk.open_account("1")
    wrong = [await comes_in(desk, account_id, text=" "), await comes_in(desk, account_id, account="another")]
    await comes_in(desk, account_id, text="good")

    await desk.read()

    empty, for_another = [await desk.kept(one) for one in wrong]
    assert (empty.state, for_another.state) == (DeliveryState.PARKED, DeliveryState.PARKED)
    assert empty.error == "UnreadablePayload: text: a message needs a text or a content"
    assert for_another.error.startswith("UnreadablePayload: account: ")
    assert await desk.received() == ["good"]


async def test_a_message_for_an_account_that_nobody_sets_up_is_parked_after_a_while(desk: Desk) -> None:
    delivery_id = await comes_in(desk, TO_COME)

    for _ in range(UNKNOWN_ATTEMPTS_MAX):
        await desk.read(later=timedelta(minutes=2))
    waiting = await desk.kept(delivery_id)
    await desk.read(later=timedelta(minutes=2))
    parked = await desk.kept(delivery_id)

    assert (waiting.state, parked.state) == (DeliveryState.WAITING, DeliveryState.PARKED)
    assert parked.error == "AccountUnknown: there is no such account"
