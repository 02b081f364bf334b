"""An agent who talks on the phone is as busy as with any other work, above capacity too, and free when it is over."""

import pytest
from msgspec.structs import replace

from application.proofs.audit import RoutingAudit
from domain.agent import LoadTaken, Presence
from domain.assignment import ConversationOffered
from domain.calls.stages import Direction
from domain.conversation import Status
from tests.application.calls.situations import LATER, Line, again, following, stages_of
from tests.application.situations import Case, Shop, a_message, everything

pytestmark = pytest.mark.anyio


@pytest.fixture
async def line(shop: Shop) -> Line:
    return Line(shop, await shop.open_account("phone"))


async def talking(line: Line, agent_id: str, *, direction: Direction = Direction.INBOUND) -> str:
    """Who talks with the agent, once the policy has seen it."""
    told = [replace(one, direction=direction, agent_ids=(agent_id,)) for one in again()[:2]]
    caller = await line.tell(*told)
    await following(line.shop).catch_up()
    return caller


async def over(line: Line) -> None:
    await line.tell(again()[2])
    await following(line.shop).catch_up()


async def case_of(line: Line, caller: str) -> Case:
    one = await line.only_conversation(caller)
    return await line.shop.case(Case(customer_id=caller, conversation_id=one.id))


async def test_who_answers_holds_the_conversation_and_its_load_until_the_call_is_over(line: Line, shop: Shop) -> None:
    mei = await shop.hire(capacity=100)

    caller = await talking(line, mei)
    during, held = await line.only_conversation(caller), await shop.agent(mei)
    await over(line)
    afterwards, free = await line.only_conversation(caller), await shop.agent(mei)

    assert (during.status, during.agent_id, during.by) == (Status.ASSIGNED, mei, "answered")
    assert (list(held.work), held.load) == ([during.id], during.units)
    assert held.load > 0
    assert (afterwards.status, free.work) == (Status.CLOSED, {})


async def test_an_agent_without_room_is_above_capacity_and_the_reason_is_recorded(line: Line, shop: Shop) -> None:
    mei = await shop.hire(capacity=1)

    await talking(line, mei)

    (taken,) = [one for one in await shop.since(0) if isinstance(one, LoadTaken)]
    assert taken.override == "answered the call"
    assert (await shop.agent(mei)).load > 1
    audit = RoutingAudit(LATER)
    for recorded in await everything(shop.log):
        audit.take(recorded)
    audit.finish(shop.clock())
    assert audit.holds, "the load of a call is no broken promise"


async def test_while_they_talk_nothing_else_is_offered_for_which_there_is_no_room(line: Line, shop: Shop) -> None:
    mei = await shop.hire(capacity=6)
    await talking(line, mei)
    (receipt,) = await shop.receive(a_message())

    await shop.route()
    during = (await shop.conversation(receipt)).status
    await over(line)
    await shop.route()

    assert (during, (await shop.conversation(receipt)).status) == (Status.WAITING, Status.OFFERED)


async def test_who_starts_to_wrap_up_is_busy_until_they_close_it(line: Line, shop: Shop) -> None:
    mei = await shop.hire(capacity=100)
    caller = await talking(line, mei)
    case = await case_of(line, caller)
    await shop.serve.wrap_up(shop.command(mei), *case.ids, mei)

    await over(line)
    wrapping = (await shop.agent(mei)).load
    await shop.serve.close(shop.command(mei), *case.ids, "refunded")

    assert (wrapping > 0, (await shop.agent(mei)).load) == (True, 0)


async def test_what_they_had_already_stays_theirs_after_the_call(line: Line, shop: Shop) -> None:
    caller = await line.missed()
    mei = await shop.hire(capacity=100)
    await shop.route()
    await shop.accept(await case_of(line, caller))

    await talking(line, mei, direction=Direction.OUTBOUND)
    await over(line)

    one = await line.only_conversation(caller)
    assert (one.status, one.agent_id) == (Status.ASSIGNED, mei)


async def test_a_missed_call_that_waited_is_over_with_the_call_that_was_answered(line: Line, shop: Shop) -> None:
    caller = await line.missed()
    mei = await shop.hire(capacity=100)

    await talking(line, mei)
    during = await line.only_conversation(caller)
    await over(line)

    assert (during.status, during.agent_id) == (Status.ASSIGNED, mei)
    assert (await line.only_conversation(caller)).status is Status.CLOSED


async def test_what_was_offered_to_a_colleague_goes_to_who_answered(line: Line, shop: Shop) -> None:
    ola = await shop.hire("Ola", capacity=100)
    caller = await line.missed()
    await shop.route()
    assert (await line.only_conversation(caller)).agent_id == ola
    mei = await shop.hire(capacity=100)

    await talking(line, mei)

    one = await line.only_conversation(caller)
    assert (one.status, one.agent_id) == (Status.ASSIGNED, mei)
    assert ((await shop.agent(ola)).work, list((await shop.agent(mei)).work)) == ({}, [one.id])


async def test_what_was_offered_to_them_is_accepted_by_answering(line: Line, shop: Shop) -> None:
    mei = await shop.hire(capacity=100)
    caller = await line.missed()
    await shop.route()

    await talking(line, mei)

    one = await line.only_conversation(caller)
    assert (one.status, one.agent_id) == (Status.ASSIGNED, mei)
    assert len([event for event in await shop.since(0) if isinstance(event, ConversationOffered)]) == 1


async def test_what_waits_for_more_than_a_call_stays_with_who_answered(line: Line, shop: Shop) -> None:
    caller = await line.tell(*stages_of("c-1"))
    case = await case_of(line, caller)
    await shop.steer.enqueue(shop.command(), *case.ids, None)
    mei = await shop.hire(capacity=100)

    await talking(line, mei)
    await over(line)

    one = await line.only_conversation(caller)
    assert (one.status, one.agent_id, one.by) == (Status.ASSIGNED, mei, "picked")


async def test_what_a_colleague_has_stays_theirs(line: Line, shop: Shop) -> None:
    ola = await shop.hire("Ola", capacity=100)
    caller = await line.missed()
    await shop.route()
    await shop.accept(await case_of(line, caller))
    mei = await shop.hire(capacity=100)

    await talking(line, mei)

    assert ((await line.only_conversation(caller)).agent_id, (await shop.agent(mei)).work) == (ola, {})


async def test_what_they_put_on_hold_is_taken_up_by_answering(line: Line, shop: Shop) -> None:
    mei = await shop.hire(capacity=100)
    caller = await line.missed()
    await shop.route()
    case = await case_of(line, caller)
    await shop.accept(case)
    await shop.serve.hold(shop.command(mei), *case.ids, mei, "calls again")

    await talking(line, mei)

    assert (await line.only_conversation(caller)).status is Status.ASSIGNED
    assert list((await shop.agent(mei)).work) == [case.conversation_id]


async def test_what_they_hand_on_while_they_talk_is_not_given_to_them_again(line: Line, shop: Shop) -> None:
    mei = await shop.hire(capacity=100)
    caller = await talking(line, mei)
    case = await case_of(line, caller)
    await shop.steer.transfer_to_queue(shop.command(mei), *case.ids, None, "refund on Tuesday")

    await line.tell(replace(again("c-9")[2], outcome="busy", direction=Direction.OUTBOUND))
    await following(shop).catch_up()
    during = await line.only_conversation(caller)
    await over(line)

    assert (during.status, (await line.only_conversation(caller)).status) == (Status.WAITING, Status.WAITING)


async def test_who_is_not_signed_in_takes_no_load(line: Line, shop: Shop) -> None:
    mei = await shop.hire(capacity=100)
    await shop.turn(mei, Presence.OFFLINE)

    caller = await talking(line, mei)

    assert ((await line.only_conversation(caller)).status, (await shop.agent(mei)).work) == (Status.OPEN, {})


async def test_a_call_that_was_over_before_anybody_looked_takes_no_load(line: Line, shop: Shop) -> None:
    mei = await shop.hire(capacity=100)
    await line.tell(*(replace(one, agent_ids=(mei,)) for one in again()))
    head = await shop.log.head()

    await following(shop).catch_up()

    assert await shop.since(head) == []


async def test_followed_again_from_the_start_nothing_changes(line: Line, shop: Shop) -> None:
    mei = await shop.hire(capacity=100)
    await talking(line, mei)
    head = await shop.log.head()

    anew = following(shop)
    anew.position = 0
    await anew.catch_up()

    assert await shop.since(head) == []
