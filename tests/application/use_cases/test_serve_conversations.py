"""What agents and supervisors do with a conversation changes the customer's and the agent's stream together."""

import pytest

from domain.agent import LoadReleased, Work
from domain.assignment import NotOnHold, OfferDeclined, OnHold
from domain.conversation import (
    ConversationIsClosed,
    Status,
)
from domain.interaction import ChannelTakesNoReplies, NoteWritten, NotTheHolder, ReplyWritten
from domain.offers import OfferGone, OfferNotYours
from domain.outbound.writing import NothingToSay
from domain.workload import AtCapacity
from tests.application.situations import (
    NOON,
    Shop,
    a_closed_conversation,
    a_conversation_on_hold,
    a_message,
    an_assigned_conversation,
    an_offered_conversation,
)

pytestmark = pytest.mark.anyio


async def test_an_accepted_offer_is_the_agents_and_keeps_its_load(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)

    await shop.accept(offered)

    assert (await shop.conversation(offered)).holder == offered.agent_id
    agent = await shop.agent(offered.agent_id)
    assert agent.work == {offered.conversation_id: Work(offered.customer_id, 2, "webchat", "chat")}


async def test_an_offer_is_accepted_by_its_agent_while_it_stands_only(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)
    somebody = await shop.hire("Ola")

    with pytest.raises(OfferNotYours):
        await shop.serve.accept_offer(shop.command(), *offered.ids, offered.offer_id, somebody)
    with pytest.raises(OfferGone):
        await shop.serve.accept_offer(shop.command(), *offered.ids, "offer-of-yesterday", offered.agent_id)


async def test_a_declined_offer_waits_again_with_its_age_and_frees_the_agent(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)
    shop.clock.wait(5)
    head = await shop.log.head()

    await shop.decline(offered, "lunch")

    assert await shop.since(head) == [
        OfferDeclined(
            conversation_id=offered.conversation_id,
            queue_id=shop.queue_id,
            offer_id=offered.offer_id,
            agent_id=offered.agent_id,
            reason="lunch",
        ),
        LoadReleased(conversation_id=offered.conversation_id, units=2, reason="declined"),
    ]
    now = await shop.conversation(offered)
    assert (now.status, now.waiting_since) == (Status.WAITING, NOON)


async def test_an_offer_is_declined_by_its_agent_while_it_stands_only(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)
    decline = shop.serve.decline_offer

    with pytest.raises(OfferNotYours):
        await decline(shop.command(), *offered.ids, offered.offer_id, await shop.hire("Ola"), "no")
    await shop.decline(offered)
    with pytest.raises(OfferGone):
        await decline(shop.command(), *offered.ids, offered.offer_id, offered.agent_id, "no")


async def test_a_reply_goes_where_the_customer_wrote_from(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop, "li")

    done, message_id = await shop.serve.reply(shop.command(), *assigned.ids, assigned.agent_id, "Here is your refund.")

    assert await shop.since(done.position - 1) == [
        ReplyWritten(
            conversation_id=assigned.conversation_id,
            message_id=message_id,
            channel="webchat",
            account_id=shop.account_id,
            handle="li",
            text="Here is your refund.",
            agent_id=assigned.agent_id,
            in_reply_to="first of li",
        )
    ]


async def test_a_reply_needs_a_text_the_holder_and_an_open_conversation(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    reply = shop.serve.reply

    with pytest.raises(NothingToSay):
        await reply(shop.command(), *assigned.ids, assigned.agent_id, " \n")
    with pytest.raises(NotTheHolder):
        await reply(shop.command(), *assigned.ids, await shop.hire("Ola"), "Hi!")
    await shop.serve.close(shop.command(), *assigned.ids, "refunded")
    with pytest.raises(ConversationIsClosed):
        await reply(shop.command(), *assigned.ids, assigned.agent_id, "One more thing")


async def test_an_offer_is_not_answered_before_it_is_accepted(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)

    with pytest.raises(NotTheHolder):
        await shop.serve.reply(shop.command(), *offered.ids, offered.agent_id, "Hi!")


async def test_a_channel_that_cannot_send_takes_no_replies(shop: Shop) -> None:
    account_id = await shop.open_account("adapter")
    await shop.hire()
    (receipt,) = await shop.receive(a_message("m-1", "+8613800138000"), account_id=account_id)
    await shop.route()
    offered = await shop.case(receipt)
    await shop.accept(offered)

    with pytest.raises(ChannelTakesNoReplies, match="adapter"):
        await shop.serve.reply(shop.command(), *offered.ids, offered.agent_id, "Hi!")


async def test_card_numbers_are_stored_neither_in_replies_nor_in_notes(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    head = await shop.log.head()

    await shop.serve.reply(shop.command(), *assigned.ids, assigned.agent_id, "Yours is 4111 1111 1111 1111")
    await shop.serve.note(shop.command(), *assigned.ids, "Pays with 4111111111111111")

    assert "1111 1111" not in str(await shop.since(head))
    assert "411111111111" not in str(await shop.since(head))


async def test_a_note_may_be_written_on_any_conversation_and_needs_a_text(shop: Shop) -> None:
    closed = await a_closed_conversation(shop)

    done, note_id = await shop.serve.note(shop.command(), *closed.ids, "Called back.")

    expected = NoteWritten(conversation_id=closed.conversation_id, note_id=note_id, text="Called back.")
    assert await shop.since(done.position - 1) == [expected]
    with pytest.raises(NothingToSay):
        await shop.serve.note(shop.command(), *closed.ids, "")


async def test_a_held_conversation_takes_no_load_and_stays_with_its_agent(shop: Shop) -> None:
    held = await a_conversation_on_hold(shop)

    agent = await shop.agent(held.agent_id)
    assert (agent.load, agent.on_hold) == (0, {held.conversation_id: held.customer_id})
    assert (await shop.conversation(held)).holder == held.agent_id


async def test_holding_twice_is_not_news(shop: Shop) -> None:
    held = await a_conversation_on_hold(shop)
    head = await shop.log.head()

    await shop.serve.hold(shop.command(), *held.ids, held.agent_id, "asks again")

    assert await shop.since(head) == []
    assert (await shop.agent(held.agent_id)).on_hold == {held.conversation_id: held.customer_id}


async def test_a_resumed_conversation_takes_its_load_again(shop: Shop) -> None:
    held = await a_conversation_on_hold(shop)

    await shop.serve.resume(shop.command(), *held.ids, held.agent_id)

    agent = await shop.agent(held.agent_id)
    assert (agent.work, agent.on_hold) == ({held.conversation_id: Work(held.customer_id, 2, "webchat", "chat")}, {})
    assert (await shop.conversation(held)).status is Status.ASSIGNED


async def test_resuming_needs_room_the_holder_and_a_hold(shop: Shop) -> None:
    held = await a_conversation_on_hold(shop)
    resume = shop.serve.resume

    with pytest.raises(NotTheHolder):
        await resume(shop.command(), *held.ids, "agent-somebody")
    await shop.staff.set_capacity(shop.command(), held.agent_id, 1)
    with pytest.raises(AtCapacity):
        await resume(shop.command(), *held.ids, held.agent_id)
    await shop.staff.set_capacity(shop.command(), held.agent_id, 2)
    await resume(shop.command(), *held.ids, held.agent_id)
    with pytest.raises(NotOnHold):
        await resume(shop.command(), *held.ids, held.agent_id)


async def test_wrapping_up_keeps_the_load_and_is_done_once(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    await shop.serve.wrap_up(shop.command(), *assigned.ids, assigned.agent_id)
    head = await shop.log.head()

    await shop.serve.wrap_up(shop.command(), *assigned.ids, assigned.agent_id)

    assert await shop.since(head) == []
    assert (await shop.conversation(assigned)).status is Status.WRAPPING
    assert (await shop.agent(assigned.agent_id)).load == 2


async def test_wrapping_up_needs_the_holder_and_no_hold(shop: Shop) -> None:
    held = await a_conversation_on_hold(shop)

    with pytest.raises(OnHold):
        await shop.serve.wrap_up(shop.command(), *held.ids, held.agent_id)
    with pytest.raises(NotTheHolder):
        await shop.serve.wrap_up(shop.command(), *held.ids, "agent-somebody")
    with pytest.raises(NotTheHolder):
        await shop.serve.hold(shop.command(), *held.ids, "agent-somebody", "")
