"""The reader of deliveries: everything once, in order, nobody waits for another, and nothing is dropped."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from api.composition import composed
from api.doors.delivery_reader import DUE_MAX
from application.exchange.deliveries import DeliveryState, Wanted
from channels.table import CHANNELS
from domain import customer
from infrastructure.log.writer import WriterLimits
from tests.api.deliveries.desk import NOON, RETENTION, Desk
from tests.api.deliveries.situations import delivery, entry

pytestmark = pytest.mark.anyio
DONE, PARKED, WAITING = DeliveryState.DONE, DeliveryState.PARKED, DeliveryState.WAITING


def a_receipt(number: str) -> bytes:
    status = {"id": "wamid.sent", "status": "read", "timestamp": "1797043223", "recipient_id": "972987654321"}
    value = {"metadata": {"phone_number_id": number}, "statuses": [status]}
    return delivery({"id": "1", "changes": [{"field": "messages", "value": value}]})


async def test_deliveries_are_taken_in_in_their_order_whatever_came_together(desk: Desk) -> None:
    account_id = await desk.open_account("1")
    for number in range(250):
        await desk.writes("1", str(number), account_id)

    await desk.read()

    assert await desk.received() == [str(number) for number in range(250)]
    assert (await desk.kept(await desk.writes("1", "0", account_id))).attempts == 0


async def test_a_reader_that_dies_before_it_has_settled_changes_nothing(desk: Desk) -> None:
    account_id = await desk.open_account("1")
    delivery_id = await desk.writes("1", "once", account_id)
    kept = await desk.kept(delivery_id)

    contents = await desk.parts.deliveries.contents([kept.number])
    await desk.taking.take([(kept, contents[kept.number])], desk.now)  # and is killed
    desk.new_reader()
    await desk.read()

    assert await desk.received() == ["once"]
    assert (await desk.kept(delivery_id)).state is DONE


async def test_a_paused_account_holds_up_itself_alone_until_it_is_resumed(desk: Desk) -> None:
    first, second = await desk.open_account("1"), await desk.open_account("2")
    await desk.pause(first)
    for text in ("a", "b"):
        await desk.writes("1", f"first {text}", first, second)
        await desk.writes("2", f"second {text}", first, second)
        await desk.read()
    before = await desk.received()
    waiting = await desk.states()

    await desk.resume(first)
    await desk.read()

    assert (before, waiting) == (["second a", "second b"], {WAITING: 2, DONE: 2})
    assert await desk.received() == ["second a", "second b", "first a", "first b"]


async def test_a_message_that_is_refused_keeps_no_other_of_its_delivery_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id, body = (
        await desk.open_account("1"),
        json.loads(delivery(entry("1", ("wamid.a", "a"), ("wamid.b", "b")))),
    )
    refused, good = body["entry"][0]["changes"][0]["value"]["messages"]
    refused["group_id"], good["from"] = "one too many", "15550001111"
    await desk.writes("1", "before", account_id)
    await desk.read()
    with monkeypatch.context() as full:
        full.setattr(customer, "OPEN_CONVERSATIONS_MAX", 1)
        delivery_id = await desk.comes_in(json.dumps(body).encode(), account_id)
        await desk.read()
    parked, stored = await desk.kept(delivery_id), await desk.received()

    assert await desk.parts.deliveries.take_one_up_again(desk.now, delivery_id)
    await desk.read()

    assert (parked.state, parked.error.partition(":")[0]) == (PARKED, "TooManyConversations")
    assert stored == ["before", "b"]
    assert await desk.received() == ["before", "b", "a"]
    assert (await desk.kept(delivery_id)).state is DONE


async def test_a_busy_log_is_waited_for_and_nobody_overtakes(desk: Desk) -> None:
    account_id, writer = await desk.open_account("1"), desk.parts.log._writer
    usual, writer._limits = writer._limits, WriterLimits(backlog_requests_max=0)
    early = await desk.writes("1", "early", account_id)
    await desk.read()
    writer._limits = usual
    late = await desk.writes("1", "late", account_id)
    await desk.read()

    put_off = [await desk.kept(one) for one in (early, late)]
    await desk.read(later=timedelta(seconds=1))

    assert [(one.state, one.attempts) for one in put_off] == [(WAITING, 1), (WAITING, 0)]
    assert put_off[0].error.startswith("LogBusy: ")
    assert await desk.received() == ["early", "late"]


async def test_what_a_parser_trips_over_is_parked_and_read_by_a_better_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id, channel = await desk.open_account("1"), CHANNELS["whatsapp"]
    assert channel.webhook is not None

    def broken(*_: Any) -> Any:
        raise KeyError("what a customer wrote")

    delivery_id = await desk.writes("1", "hello", account_id)
    with monkeypatch.context() as worse:
        worse.setitem(CHANNELS, "whatsapp", replace(channel, webhook=replace(channel.webhook, parse=broken)))
        await desk.read()
    parked = await desk.kept(delivery_id)
    taken_up = await desk.parts.deliveries.take_up_again(desk.now, Wanted(account_id=account_id))
    await desk.read()

    assert (parked.state, parked.attempts) == (PARKED, 1)
    assert parked.error.startswith("KeyError in deliveries/test_reader.py:")
    assert taken_up == 1
    assert (await desk.kept(delivery_id)).state is DONE
    assert await desk.received() == ["hello"]


async def test_what_is_for_an_account_set_up_later_is_read_then_and_the_rest_at_once(desk: Desk) -> None:
    first = await desk.open_account("1")
    body = delivery(entry("1", ("wamid.1", "for the first")), entry("2", ("wamid.2", "for the second")))
    delivery_id = await desk.comes_in(body, first)
    await desk.read()
    before, parked = await desk.received(), await desk.kept(delivery_id)

    await desk.open_account("2")
    assert await desk.parts.deliveries.take_one_up_again(desk.now, delivery_id)
    await desk.read()

    assert before == ["for the first"]
    assert (parked.state, parked.error) == (PARKED, "AccountUnknown: no account here has the address 2")
    assert await desk.received() == ["for the first", "for the second"]


async def test_an_account_of_another_secret_gets_nothing_however_often_it_is_tried(desk: Desk) -> None:
    first = await desk.open_account("1")
    await desk.open_account("2", "of another app")
    delivery_id = await desk.writes("2", "stolen", first)

    await desk.read()
    await desk.parts.deliveries.take_one_up_again(desk.now, delivery_id)
    await desk.read()

    assert (await desk.kept(delivery_id)).state is PARKED
    assert await desk.received() == []


async def test_reports_that_match_nothing_are_tried_for_five_minutes_and_hold_up_nobody(desk: Desk) -> None:
    account_id = await desk.open_account("1")
    delivery_id = await desk.comes_in(a_receipt("1"), account_id)
    await desk.read()
    await desk.writes("1", "hello", account_id)
    await desk.read()
    first = await desk.kept(delivery_id)

    while (await desk.kept(delivery_id)).state is WAITING:
        await desk.read(later=timedelta(seconds=5))

    assert (first.state, first.error) == (WAITING, "1 reports match nothing that was sent")
    assert await desk.received() == ["hello"]
    assert timedelta(minutes=4) < desk.now - NOON < timedelta(minutes=7)


async def test_a_slow_account_holds_up_no_other(desk: Desk) -> None:
    slow, quick = await desk.open_account("1", "another"), await desk.open_account("2")
    await desk.comes_in(a_receipt("1"), slow)
    is_reached, goes_on = desk.halt_reports()
    reading = asyncio.create_task(desk.read())
    await is_reached.wait()
    delivery_id = await desk.writes("2", "quick", quick)
    await desk.reader._begin()
    await desk.reader._lanes[quick,]

    assert (await desk.kept(delivery_id)).state is DONE
    goes_on.set()
    await reading


async def test_what_was_altered_in_the_database_is_parked(desk: Desk) -> None:
    account_id, other = await desk.open_account("1"), await desk.open_account("2")
    delivery_id = await desk.writes("1", "hello", account_id)
    statement = "UPDATE onethread_deliveries SET account_ids = ARRAY[%s] WHERE id = %s"
    await desk.parts.log.pool.execute(statement, (other, delivery_id))

    await desk.read()

    assert (await desk.kept(delivery_id)).error.startswith("Unreadable: it was altered")
    assert await desk.received() == []


async def test_after_the_retention_all_are_removed_read_or_parked(desk: Desk) -> None:
    account_id = await desk.open_account("1")
    await desk.writes("1", "hello", account_id)
    await desk.comes_in(b"no JSON", account_id)
    await desk.read(later=timedelta(days=1))
    await desk.writes("1", "later", account_id)
    await desk.read()
    before = await desk.states()

    desk.now = NOON + RETENTION + timedelta(seconds=1)
    removed = await desk.reader.expire()

    assert before == {DONE: 2, PARKED: 1}
    assert removed == 2
    assert await desk.states() == {DONE: 1}
    counted = desk.parts.metrics.deliveries_expired
    assert [counted.labels(state)._value.get() for state in ("done", "parked")] == [1, 1]


async def test_what_waits_to_be_read_outlives_the_retention_however_long_its_account_is_paused(desk: Desk) -> None:
    account_id = await desk.open_account("1")
    await desk.pause(account_id)
    await desk.writes("1", "while it was paused", account_id)
    await desk.read()

    desk.now = NOON + 2 * RETENTION
    removed = await desk.reader.expire()
    await desk.resume(account_id)
    await desk.read()

    assert removed == 0
    assert await desk.received() == ["while it was paused"]


async def test_another_process_hears_of_what_is_stored(desk: Desk) -> None:
    account_id = await desk.open_account("1")
    async with composed(desk.parts.settings, readers=False) as other:
        moved = other.delivery_reader._moved

        async with asyncio.timeout(30):
            while not moved.is_set():  # what is announced before it listens, it does not hear
                await desk.writes("1", "hello", account_id)

    assert moved.is_set()


async def test_hundreds_of_deliveries_for_one_account_hold_up_no_other(desk: Desk) -> None:
    many, few = await desk.open_account("1", "another"), await desk.open_account("2")
    is_reached, goes_on = desk.halt_reports()
    await asyncio.gather(*(desk.comes_in(a_receipt("1"), many) for _ in range(DUE_MAX)))
    delivery_id = await desk.writes("2", "quick", few)
    running = asyncio.create_task(desk.reader.run())
    await is_reached.wait()

    async with asyncio.timeout(30):
        while (await desk.kept(delivery_id)).state is not DONE:  # noqa: ASYNC110  # the table tells it no other way
            await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    goes_on.set()
    await desk.read()
    assert await desk.states() == {DONE: 200}, "as many as a page holds: nothing is stuck after a reader was stopped"


async def test_a_running_reader_hears_of_what_is_stored_and_of_what_is_resumed(desk: Desk) -> None:
    account_id = await desk.open_account("1")
    await desk.pause(account_id)
    delivery_id = await desk.writes("1", "hello", account_id)
    desk.parts.deliveries.on_moved.append(desk.reader.nudge)
    running = asyncio.create_task(desk.reader.run())

    async def until(state: DeliveryState, *, is_tried: bool = True) -> None:
        async def stands() -> bool:
            one = await desk.kept(delivery_id)
            return one.state is state and bool(one.error) is is_tried

        async with asyncio.timeout(30):
            while not await stands():  # noqa: ASYNC110  # the table tells it no other way
                await asyncio.sleep(0)

    await until(WAITING)
    await desk.resume(account_id)
    await until(DONE, is_tried=False)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert await desk.received() == ["hello"]
