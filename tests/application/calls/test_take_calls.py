"""Calls are taken once, whoever tells of them, in whatever order; with the customer with whom they began."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from msgspec.structs import replace

from application.use_cases.know_customers import CustomerUnknown
from domain.call_intake import Call
from domain.calls import CallAnswered, CallLogged, CallRang, Direction, Stage
from domain.conversation import ConversationUnknown, Status
from domain.customer import CustomerRegistered, IdentityLinked
from domain.intake import WITHHELD
from tests.application.situations import NOON, Shop, a_waiting_conversation, another_process, kinds

pytestmark = pytest.mark.anyio

NUMBER = "+8613800138000"
NOBODY = "customer-" + "0" * 32


def a_call(call_id: str = "c-1", handle: str = NUMBER, note: str = "", author: str = "") -> Call:
    return Call(
        call_id=call_id,
        direction=Direction.INBOUND,
        handle=handle,
        outcome="answered",
        occurred_at=NOON,
        duration_seconds=95,
        note=note,
        author=author,
    )


async def log(
    shop: Shop, call: Call, *, customer_id: str | None = None, conversation_id: str | None = None, key: str = ""
) -> str:
    """Whose call it was."""
    command = shop.command(key=key)
    _, found = await shop.calls.take(
        command, call, account_id="account-phone", customer_id=customer_id, conversation_id=conversation_id
    )
    return found


async def test_a_call_from_an_unknown_number_meets_a_new_customer(shop: Shop) -> None:
    head = await shop.log.head()

    customer_id = await log(shop, a_call(author="Li Na", note="Wants 4111 1111 1111 1111 charged"))

    registered, linked, opened, logged = await shop.since(head)
    assert registered == CustomerRegistered(name="Li Na")
    assert linked == IdentityLinked(channel="phone", account_id="", handle=NUMBER)
    assert kinds([opened]) == ["conversation.opened"]
    assert isinstance(logged, CallLogged)
    assert (logged.call_id, logged.outcome, logged.duration_seconds) == ("c-1", "answered", 95)
    assert "1111 1111" not in logged.note
    assert list((await shop.customer(customer_id)).conversations) == [logged.conversation_id]


async def test_the_next_call_from_a_number_is_the_same_customers(shop: Shop) -> None:
    first = await log(shop, a_call("c-1"))
    head = await shop.log.head()

    assert await log(shop, a_call("c-2")) == first

    assert kinds(await shop.since(head)) == ["conversation.call_logged"]


async def test_the_same_call_is_written_once(shop: Shop) -> None:
    first = await log(shop, a_call())
    head = await shop.log.head()

    done, again = await shop.calls.take(shop.command(), a_call(), account_id="account-phone")

    assert (done.position, done.is_repeat, again) == (head, True, first)
    assert await shop.since(head) == []


async def test_a_call_stands_where_it_began_however_late_it_is_told(shop: Shop) -> None:
    began_at = datetime(2026, 10, 1, 9, 30, tzinfo=UTC)

    done, _ = await shop.calls.take(shop.command(), replace(a_call(), occurred_at=began_at), account_id="account-phone")

    logged = await shop.log.at(done.position)
    assert logged is not None
    assert logged.occurred_at == began_at


async def test_a_withheld_number_is_nobodys_address(shop: Shop) -> None:
    first = await log(shop, a_call("c-1", WITHHELD))
    second = await log(shop, a_call("c-2", WITHHELD))

    assert first != second
    assert (await shop.customer(first)).handles == frozenset()


async def test_a_repeated_command_names_the_same_withheld_caller(shop: Shop) -> None:
    first = await log(shop, a_call("c-1", WITHHELD), key="call-1")

    assert await log(shop, a_call("c-1", WITHHELD), key="call-1") == first


async def test_a_call_with_a_named_customer_makes_the_number_theirs(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)

    await log(shop, a_call("c-1"), customer_id=case.customer_id)

    assert ("phone", "", NUMBER) in (await shop.customer(case.customer_id)).handles
    assert await log(shop, a_call("c-2")) == case.customer_id


async def test_a_call_with_somebody_elses_phone_leaves_the_number_theirs(shop: Shop) -> None:
    owner = await log(shop, a_call("c-1"))
    case = await a_waiting_conversation(shop)

    assert await log(shop, a_call("c-2"), customer_id=case.customer_id) == case.customer_id

    assert (await shop.customer(case.customer_id)).handles == {("webchat", shop.account_id, "li")}
    assert await log(shop, a_call("c-3")) == owner


async def test_a_call_may_belong_to_a_named_conversation(shop: Shop) -> None:
    case = await a_waiting_conversation(shop, "li")
    head = await shop.log.head()

    await log(shop, a_call(), customer_id=case.customer_id, conversation_id=case.conversation_id)

    logged = (await shop.since(head))[-1]
    assert isinstance(logged, CallLogged)
    assert logged.conversation_id == case.conversation_id
    assert (await shop.conversation(case)).handle == "li", "replies still go to the chat"


async def test_a_call_with_an_unknown_customer_or_conversation_is_refused(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    head = await shop.log.head()

    with pytest.raises(CustomerUnknown):
        await log(shop, a_call(), customer_id=NOBODY)
    with pytest.raises(ConversationUnknown):
        await log(shop, a_call(), customer_id=case.customer_id, conversation_id="conversation-" + "0" * 32)

    assert await shop.since(head) == []


async def test_many_first_calls_of_a_number_at_once_are_one_customers(shop: Shop) -> None:
    callers = await asyncio.gather(*(log(shop, a_call(f"c-{number}")) for number in range(5)))

    assert len(set(callers)) == 1


def stages_of(call_id: str, handle: str = NUMBER) -> tuple[Call, Call, Call]:
    """One that rings, is answered ten seconds later, and over after another ten."""
    over = replace(a_call(call_id, handle), duration_seconds=0, occurred_at=NOON + timedelta(seconds=20))
    answered = replace(over, outcome="", stage=Stage.ANSWERED, occurred_at=NOON + timedelta(seconds=10))
    return replace(answered, stage=Stage.RINGING, occurred_at=NOON), answered, over


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
