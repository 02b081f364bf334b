"""A message that comes again is answered with where it stands; one that comes altered is never dropped."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from application.commands import KeyReused
from application.use_cases.receive_messages import Receipt
from domain.interaction import MessageContradicted
from tests.application.situations import NOON, Shop, a_message, another_process, saying, stored_ids

pytestmark = pytest.mark.anyio


def as_repeat(receipt: Receipt) -> Receipt:
    return Receipt(
        position=receipt.position,
        customer_id=receipt.customer_id,
        conversation_id=receipt.conversation_id,
        message_id=receipt.message_id,
        is_repeat=True,
    )


async def test_a_redelivered_message_is_recorded_once(shop: Shop) -> None:
    (first,) = await shop.receive(a_message())
    head = await shop.log.head()
    shop.clock.wait(3_600)

    (again,) = await shop.receive(a_message())

    assert again == as_repeat(first)
    assert await shop.since(head) == []


async def test_a_message_redelivered_to_another_process_is_recorded_once(shop: Shop) -> None:
    (first,) = await shop.receive(a_message())
    async with another_process(shop) as other:
        head = await shop.log.head()

        (again,) = await other.receive(a_message())

        assert again == as_repeat(first)
        assert await shop.since(head) == []


async def test_a_message_that_comes_twice_in_one_call_is_recorded_once(shop: Shop) -> None:
    first, other, again = await shop.receive(a_message("m-1"), a_message("m-2"), a_message("m-1"))

    assert again == as_repeat(first)
    assert other.position != first.position
    assert await stored_ids(shop) == ["m-1", "m-2"]


async def test_a_message_delivered_many_times_at_once_is_recorded_once(shop: Shop) -> None:
    receipts = await asyncio.gather(*(shop.receive(a_message()) for _ in range(6)))

    assert await stored_ids(shop) == ["m-1"]
    assert len({receipt.position for (receipt,) in receipts}) == 1
    assert [receipt.is_repeat for (receipt,) in receipts].count(False) == 1


async def test_the_same_id_with_other_content_is_kept_and_flagged(shop: Shop) -> None:
    (first,) = await shop.receive(a_message("m-1", text="Send it to Oslo"))

    (altered,) = await shop.receive(a_message("m-1", text="Send it to Rome"))

    (contradicted,) = await shop.since(altered.position - 1)
    assert contradicted == MessageContradicted(
        conversation_id=first.conversation_id,
        message_id=first.message_id,
        provider_id="m-1",
        content=saying("Send it to Rome"),
        original_position=first.position,
    )
    assert (altered.is_contradiction, altered.is_repeat, altered.message_id) == (True, False, first.message_id)


async def test_a_mail_of_a_known_id_that_somebody_else_wrote_is_a_mail_of_its_own(shop: Shop) -> None:
    (anas,) = await shop.receive(a_message("m-1", "ana", written="by Ana"))

    bobs, again = await shop.receive(
        a_message("m-1", "bob", written="by Bob"), a_message("m-1", "ana", written="by Ana")
    )
    (later,) = await shop.receive(a_message("m-1", "bob", written="by Bob"))

    assert (again, later) == (as_repeat(anas), as_repeat(bobs))
    assert (bobs.is_repeat, bobs.is_contradiction) == (False, False)
    assert len({bobs.customer_id, anas.customer_id}) == len({bobs.message_id, anas.message_id}) == 2
    assert await stored_ids(shop) == ["m-1", "m-1"]


async def test_a_mail_that_was_claimed_by_its_content_alone_is_still_known(shop: Shop) -> None:
    (first,) = await shop.receive(a_message("m-1", "Ana@example.org"))

    (again,) = await shop.receive(a_message("m-1", "ana@example.org", written="by Ana"))
    bobs = replace(a_message("m-1", "bob@example.org", written="by Bob"), occurred_at=NOON + timedelta(hours=1))
    (other,) = await shop.receive(bobs)

    assert again == as_repeat(first)
    assert (other.is_repeat, other.is_contradiction) == (False, False)


async def test_each_other_content_is_recorded_once(shop: Shop) -> None:
    await shop.receive(a_message("m-1", text="Oslo"))
    (rome,) = await shop.receive(a_message("m-1", text="Rome"))
    (bonn,) = await shop.receive(a_message("m-1", text="Bonn"))
    head = await shop.log.head()

    (again,) = await shop.receive(a_message("m-1", text="Rome"))

    assert (again.position, again.is_repeat, again.is_contradiction) == (rome.position, True, True)
    assert bonn.position == head
    assert await shop.since(head) == []


async def test_an_id_counts_once_for_each_kind_of_event(shop: Shop) -> None:
    await shop.receive(a_message("m-1"))

    (edited,) = await shop.receive(a_message("m-1", text="Hello!", kind="edit"))

    assert (edited.is_repeat, edited.is_contradiction) == (False, False)


async def test_an_id_counts_for_its_own_account_only(shop: Shop) -> None:
    other_account = await shop.open_account()
    await shop.receive(a_message("m-1", "li"))

    (other,) = await shop.receive(a_message("m-1", "li"), account_id=other_account)

    assert not other.is_repeat


async def test_a_batch_handed_in_again_stores_only_what_is_missing(shop: Shop) -> None:
    first, second = await shop.receive(a_message("m-1"), a_message("m-2"))

    receipts = await shop.receive(a_message("m-1"), a_message("m-2"), a_message("m-3"), a_message("m-4", "ola"))

    assert receipts[:2] == [as_repeat(first), as_repeat(second)]
    assert [receipt.is_repeat for receipt in receipts[2:]] == [False, False]
    assert sorted(await stored_ids(shop)) == ["m-1", "m-2", "m-3", "m-4"]


async def test_card_numbers_are_not_stored_but_a_repeat_is_still_a_repeat(shop: Shop) -> None:
    message = a_message("m-1", text="My card: 4111 1111 1111 1111", subject="4111111111111111")
    (receipt,) = await shop.receive(message)

    (again,) = await shop.receive(message)

    recorded = await shop.log.at(receipt.position)
    assert recorded is not None
    assert "4111 1111 1111" not in str(recorded.event)
    assert "411111111111" not in str(recorded.event)
    assert again == as_repeat(receipt)


async def test_a_reused_key_is_refused_before_anything_is_stored(shop: Shop) -> None:
    first = shop.command("adapter", key="call-1", content=b"m-1")
    await shop.reception.receive(shop.account_id, [a_message("m-1")], first)

    other = shop.command("adapter", key="call-1", content=b"m-2")
    with pytest.raises(KeyReused):
        await shop.reception.receive(shop.account_id, [a_message("m-2")], other)

    assert await stored_ids(shop) == ["m-1"]


async def test_a_repeated_call_goes_on_where_the_first_broke_off(shop: Shop) -> None:
    """The first took the key and stored one of two messages before the process died."""
    command = shop.command("adapter", key="call-1")
    (first,) = await shop.reception.receive(shop.account_id, [a_message("m-1")], command)

    receipts = await shop.reception.receive(shop.account_id, [a_message("m-1"), a_message("m-2")], command)

    assert receipts[0] == as_repeat(first)
    assert await stored_ids(shop) == ["m-1", "m-2"]
