"""Who got through by phone need not be called back, whatever came when; whoever is missed later waits again."""

import pytest
from msgspec.structs import replace

from domain.agent import LoadReleased
from domain.assignment import OfferWithdrawn
from domain.calls.stages import VOICEMAIL, Direction
from domain.conversation import ConversationClosed, Status
from tests.application.calls.situations import LATER, Line, again, following, stages_of
from tests.application.situations import Case, Shop, another_process

pytestmark = pytest.mark.anyio


@pytest.fixture
async def line(shop: Shop) -> Line:
    return Line(shop, await shop.open_account("phone"))


async def test_a_call_made_again_and_answered_takes_the_missed_one_out_of_the_queue(line: Line, shop: Shop) -> None:
    caller = await line.missed()
    assert (await line.only_conversation(caller)).status is Status.WAITING
    rings, answered, _ = again()

    await line.tell(rings)
    await following(shop).catch_up()
    assert (await line.only_conversation(caller)).status is Status.WAITING, "nobody has answered yet"
    await line.tell(answered)
    await following(shop).catch_up()

    assert (await line.only_conversation(caller)).status is Status.CLOSED
    (closed,) = [one for one in await shop.since(0) if isinstance(one, ConversationClosed)]
    assert (closed.disposition, closed.queue_id) == ("reached", shop.queue_id)


async def test_a_record_that_says_answered_does_the_same(line: Line, shop: Shop) -> None:
    caller = await line.missed()

    await line.tell(again()[2])
    await following(shop).catch_up()

    assert (await line.only_conversation(caller)).status is Status.CLOSED


async def test_what_was_offered_to_somebody_is_taken_back_and_frees_their_capacity(line: Line, shop: Shop) -> None:
    caller = await line.missed()
    agent_id = await shop.hire(capacity=100)
    await shop.route()
    assert (await line.only_conversation(caller)).status is Status.OFFERED

    await line.tell(*again())
    await following(shop).catch_up()

    events = await shop.since(0)
    assert [one.reason for one in events if isinstance(one, OfferWithdrawn)] == ["closed"]
    assert [one.reason for one in events if isinstance(one, LoadReleased)] == ["withdrawn"]
    assert (await shop.agent(agent_id)).work == {}


async def test_a_call_missed_after_that_waits_again(line: Line, shop: Shop) -> None:
    caller = await line.missed()
    await line.tell(*again())
    await following(shop).catch_up()

    rings, _, over = again("c-3", 2 * LATER)
    await line.tell(rings, replace(over, outcome="missed"))
    await following(shop).catch_up()

    one = await line.only_conversation(caller)
    assert (one.status, one.waiting_since) == (Status.WAITING, shop.clock())


async def test_in_whatever_order_they_are_told_who_got_through_last_waits_for_nobody(line: Line, shop: Shop) -> None:
    rings, _, over = stages_of("c-1")
    caller = await line.tell(*again(), rings, replace(over, outcome="missed"))

    await following(shop).catch_up()

    assert (await line.only_conversation(caller)).status is Status.OPEN


async def test_a_call_missed_after_the_one_that_was_answered_keeps_waiting(line: Line, shop: Shop) -> None:
    caller = await line.missed()
    rings, _, over = again("c-3", 2 * LATER)
    await line.tell(*again(), rings, replace(over, outcome="missed"))

    await following(shop).catch_up()

    assert (await line.only_conversation(caller)).status is Status.WAITING


@pytest.mark.parametrize(
    "change",
    [{"direction": Direction.OUTBOUND}, {"answered_by": VOICEMAIL}, {"answered_by": ""}],
    ids=["of ours", "by a machine", "perhaps by the menu"],
)
async def test_other_answers_reach_nobody(line: Line, shop: Shop, change: dict[str, object]) -> None:
    caller = await line.missed()

    await line.tell(*(replace(one, **change) for one in again()[:2]))
    await following(shop).catch_up()

    assert (await line.only_conversation(caller)).status is Status.WAITING


async def test_a_call_on_another_account_says_nothing_about_this_one(line: Line, shop: Shop) -> None:
    caller = await line.missed()

    await Line(shop, await shop.open_account("phone")).tell(*again())
    await following(shop).catch_up()

    statuses = [one.status for one in (await shop.customer(caller)).conversations.values()]
    assert statuses == [Status.WAITING, Status.OPEN]


async def test_what_an_agent_took_up_and_lets_wait_again_is_more_than_a_call_back(line: Line, shop: Shop) -> None:
    caller = await line.missed()
    agent_id = await shop.hire(capacity=100)
    await shop.route()
    one = await line.only_conversation(caller)
    case = await shop.case(Case(customer_id=caller, conversation_id=one.id))
    await shop.accept(case)
    await shop.steer.transfer_to_queue(shop.command(agent_id), *case.ids, None, "refund on Tuesday")

    await line.tell(*again())
    await following(shop).catch_up()

    assert (await line.only_conversation(caller)).status is Status.WAITING


async def test_missed_again_in_another_process_meanwhile_it_keeps_waiting(line: Line, shop: Shop) -> None:
    caller = await line.missed()
    await line.tell(*again())
    async with another_process(shop) as other:
        rings, _, over = again("c-3", 2 * LATER)
        await Line(other, line.account_id).tell(rings, replace(over, outcome="missed"))

        await following(shop).catch_up()

    assert (await line.only_conversation(caller)).status is Status.WAITING


async def test_followed_twice_it_changes_nothing_more(line: Line, shop: Shop) -> None:
    await line.missed()
    await line.tell(*again())
    await following(shop).catch_up()
    head = await shop.log.head()

    again_from_start = following(shop)
    again_from_start.position = 0
    await again_from_start.catch_up()

    assert await shop.since(head) == []
