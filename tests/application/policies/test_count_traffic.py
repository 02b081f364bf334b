"""What goes through an account is counted once, and nothing of what was said is kept with it."""

import pytest
from msgspec.structs import replace

from application.exchange.traffic import TrafficMoved
from application.follower import Follower
from application.log import Context, Fact, Write
from application.policies.count_traffic import CountTraffic
from domain.outbound.delivery import DeliveryAccepted, DeliveryRejected, DeliveryUnknown
from infrastructure.deliveries.traffic import PostgresTraffic
from tests.application.broken_streams import spoil
from tests.application.situations import NOON, Shop, a_message, another_process

pytestmark = pytest.mark.anyio


async def counting(shop: Shop) -> tuple[Follower, PostgresTraffic]:
    """As after a start."""
    counts = PostgresTraffic(shop.url, shop.log.pool)
    await counts.open()
    return Follower(shop.log, CountTraffic(shop.states, counts)), counts


async def test_messages_in_and_replies_out_are_counted_once_across_a_restart(shop: Shop) -> None:
    account_id = await shop.open_account("email")
    await shop.receive(a_message("m-1"), a_message("m-2"), account_id=account_id)
    follower, _ = await counting(shop)
    await follower.catch_up()
    await shop.receive(a_message("m-3"), account_id=account_id)

    follower, counts = await counting(shop)
    await follower.catch_up()

    found = (await counts.of_all())[account_id]
    assert (found.came_in, found.went_out, found.failed) == (3, 0, 0)
    assert found.last_in_at == shop.clock()


FATES = {
    "accepted": DeliveryAccepted(conversation_id="", message_id="message-1", provider_id="p-1"),
    "rejected": DeliveryRejected(conversation_id="", message_id="message-1", reason="no such person", is_final=True),
    "tried again": DeliveryRejected(conversation_id="", message_id="message-1", reason="not now", is_final=False),
    "unknown": DeliveryUnknown(conversation_id="", message_id="message-1", reason="timed out"),
}


@pytest.mark.parametrize(
    ("fate", "counts_as"), [("accepted", (1, 0)), ("rejected", (0, 1)), ("tried again", (0, 0)), ("unknown", (0, 1))]
)
async def test_what_is_sent_counts_by_how_it_fared(shop: Shop, fate: str, counts_as: tuple[int, int]) -> None:
    account_id = await shop.open_account("email")
    (receipt,) = await shop.receive(a_message("m-1"), account_id=account_id)
    _, version = await shop.states.load(receipt.customer_id)
    event = replace(FATES[fate], conversation_id=receipt.conversation_id)
    write = Write(receipt.customer_id, version, [Fact(event, shop.clock())])
    await shop.log.append([write], context=Context(actor="test"))

    follower, counts = await counting(shop)
    await follower.catch_up()

    found = (await counts.of_all())[account_id]
    assert (found.went_out, found.failed) == counts_as
    assert found.last_failure_position == (await shop.log.head() if found.failed else None)
    assert (found.last_out_at is not None) == bool(found.went_out)


async def test_two_that_count_at_once_count_once(shop: Shop) -> None:
    await shop.receive(a_message("m-1"))
    (first, counts), (second, _) = await counting(shop), await counting(shop)
    second.position = await second.reaction.start()

    await first.catch_up()
    with pytest.raises(TrafficMoved):
        await second.catch_up()

    assert (await counts.of_all())[shop.account_id].came_in == 1


async def test_what_cannot_be_read_is_counted_for_nobody_and_holds_up_no_other(shop: Shop) -> None:
    broken, _ = await shop.receive(a_message("m-1", "broken"), a_message("m-2", "sound"))
    _, version = await shop.states.load(broken.customer_id)
    sent = replace(FATES["accepted"], conversation_id=broken.conversation_id)
    await shop.log.append([Write(broken.customer_id, version, [Fact(sent, NOON)])], context=Context(actor="test"))
    spoil(shop, broken.customer_id)

    async with another_process(shop) as other:
        follower, counts = await counting(other)
        await follower.catch_up()

        assert (await counts.of_all())[shop.account_id].went_out == 0
