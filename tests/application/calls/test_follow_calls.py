"""A call that is told of while it is on: in any order, again, by several processes, and by the agent who has it."""

import asyncio
from itertools import permutations

import pytest
from msgspec.structs import replace

from domain.calls.intake import Call
from domain.calls.stages import CallAnswered, CallLogged, CallRang, Direction, Stage
from domain.conversation import Status
from domain.intake import WITHHELD
from domain.interaction import NoteWritten
from tests.application.calls.situations import a_call, log, stages_of
from tests.application.situations import NOON, Shop, another_process, kinds

pytestmark = pytest.mark.anyio


async def test_a_call_told_in_any_order_and_again_is_one_call_of_one_customer(shop: Shop) -> None:
    for number, order in enumerate(permutations(stages_of("c-1"))):
        stages = [replace(one, call_id=f"c-{number}", handle=f"+86138001380{number:02}") for one in order]
        head = await shop.log.head()

        callers = [await log(shop, one) for one in (*stages, *stages)]

        assert len(set(callers)) == 1
        told = [one for one in await shop.since(head) if isinstance(one, CallRang | CallAnswered | CallLogged)]
        assert [type(one) for one in told].count(CallLogged) == 1
        assert [type(one) for one in told].count(CallAnswered) == 1
        assert {one.conversation_id for one in told} == {*(await shop.customer(callers[0])).conversations}


async def test_stages_told_at_the_same_moment_by_two_processes_are_one_call(shop: Shop) -> None:
    async with another_process(shop) as other:
        for number in range(5):
            told = [(one, two) for one in stages_of(f"c-{number}", WITHHELD) for two in (shop, other)]

            callers = await asyncio.gather(*(log(process, one) for one, process in told))

            assert len(set(callers)) == 1
            (call,) = (await shop.customer(callers[0])).calls.values()
            assert call.stage is Stage.ENDED


async def test_a_call_that_rings_late_changes_nothing(shop: Shop) -> None:
    rings, _, over = stages_of("c-1")
    caller = await log(shop, over)
    head = await shop.log.head()

    done, again = await shop.calls.take(shop.command(), rings, account_id="account-phone")

    assert (await shop.since(head), again, done.is_repeat) == ([], caller, True)


async def test_who_answered_is_learnt_though_the_call_is_over(shop: Shop) -> None:
    _, answered, over = stages_of("c-1")
    caller = await log(shop, over)
    head = await shop.log.head()

    told = [await log(shop, replace(answered, answered_by="Mei")) for _ in range(2)]

    (taken,) = await shop.since(head)
    assert told == [caller, caller]
    assert isinstance(taken, CallAnswered)
    assert (taken.answered_by, taken.is_over) == ("Mei", True)


async def test_a_record_that_is_imported_later_is_the_call_that_was_followed(shop: Shop) -> None:
    rings, answered, over = stages_of("c-1")
    callers = [await log(shop, one) for one in (rings, answered, over)]
    head = await shop.log.head()

    done, caller = await shop.calls.take(
        shop.command(), replace(over, duration_seconds=9, note="billed"), account_id="account-phone"
    )

    assert (done.is_repeat, {caller}, await shop.since(head)) == (True, {*callers}, [])


async def test_a_record_ends_a_call_whose_end_was_never_told(shop: Shop) -> None:
    rings, _, _ = stages_of("c-1")
    caller = await log(shop, rings)

    assert await log(shop, a_call("c-1")) == caller

    (call,) = (await shop.customer(caller)).calls.values()
    assert call.stage is Stage.ENDED


async def test_what_is_told_of_a_call_goes_to_whom_it_began_with(shop: Shop) -> None:
    rings, answered, _ = stages_of("c-1")
    caller = await log(shop, replace(rings, direction=Direction.OUTBOUND))

    assert await log(shop, replace(answered, handle="+4930123456")) == caller

    assert await log(shop, a_call("c-2", "+4930123456")) != caller


async def write_down(shop: Shop, call: Call, key: str) -> str:
    _, found = await shop.calls.write_down(
        shop.command(key=key),
        call,
        account_id="account-phone",
        agent_id=None,
        customer_id=None,
        conversation_id=None,
    )
    return found


async def test_what_an_agent_writes_of_a_call_that_is_on_is_a_note_and_ends_nothing(shop: Shop) -> None:
    rings, answered, over = stages_of("c-1")
    caller = await log(shop, rings)
    head = await shop.log.head()

    noted = [await write_down(shop, replace(over, note="Card 4111 1111 1111 1111"), "key-1") for _ in range(2)]
    nothing = await write_down(shop, over, "key-2")
    for one in (answered, over):
        await log(shop, one)

    note, taken, logged = await shop.since(head)
    assert {*noted, nothing} == {caller}
    assert isinstance(note, NoteWritten)
    assert note.text == "Card 4111 11** **** 1111"
    assert kinds([taken, logged]) == ["conversation.call_answered", "conversation.call_logged"]


async def test_what_an_agent_writes_of_any_other_call_is_its_record(shop: Shop) -> None:
    _, _, over = stages_of("c-1")
    head = await shop.log.head()

    callers = [await write_down(shop, replace(over, note="Wants a refund"), key) for key in ("key-1", "key-2")]

    (logged,) = [one for one in await shop.since(head) if isinstance(one, CallLogged)]
    assert logged.note == "Wants a refund"
    assert len({*callers}) == 1


async def test_a_missed_call_waits_in_the_queue_of_its_account(shop: Shop) -> None:
    account_id = await shop.open_account("phone")
    rings, _, over = stages_of("c-1")

    await shop.calls.take(shop.command(), rings, account_id=account_id)
    _, caller = await shop.calls.take(shop.command(), replace(over, outcome="missed"), account_id=account_id)

    (waiting,) = (await shop.customer(caller)).conversations.values()
    assert (waiting.status, waiting.queue_id, waiting.waiting_since) == (Status.WAITING, shop.queue_id, NOON)


async def test_a_missed_call_takes_a_closed_conversation_up_again(shop: Shop) -> None:
    account_id = await shop.open_account("phone")
    rings, _, over = stages_of("c-1")
    _, caller = await shop.calls.take(shop.command(), rings, account_id=account_id)
    (rang_in,) = (await shop.customer(caller)).conversations
    await shop.serve.close(shop.command(), caller, rang_in, "")

    await shop.calls.take(shop.command(), replace(over, outcome="missed"), account_id=account_id)

    (waiting,) = (await shop.customer(caller)).conversations.values()
    assert waiting.status is Status.WAITING
