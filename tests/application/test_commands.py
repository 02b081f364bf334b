"""Commands are carried out once, on the state that the log has, or not at all."""

import asyncio
from typing import Any

import pytest
from typing_extensions import override

from application.commands import ATTEMPTS_MAX, Contended, Done, KeyReused, RevisionStale
from application.log import Context, Fact, Write
from application.states import States
from application.use_cases.know_customers import Identity
from domain.agent import CapacitySet, NotSignedIn, Presence
from domain.conversation import ConversationUnknown, Status
from domain.event import Event
from domain.interaction import NotTheHolder
from domain.offers import OfferGone
from tests.application.situations import (
    NOON,
    Shop,
    a_message,
    a_waiting_conversation,
    an_assigned_conversation,
    an_offered_conversation,
    another_process,
    kinds,
)

pytestmark = pytest.mark.anyio


async def test_a_repeated_command_gets_its_first_answer_and_stores_nothing(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    first, note_id = await shop.serve.note(shop.command(key="note-1"), *case.ids, "Asked for a refund.")

    shop.clock.wait(60)
    again, note_id_again = await shop.serve.note(shop.command(key="note-1"), *case.ids, "Asked for a refund.")

    assert again == Done(position=first.position, is_repeat=True)
    assert note_id_again == note_id
    assert await shop.since(first.position) == []


async def test_the_same_key_with_another_content_is_refused(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    first = await shop.steer.tag(shop.command(key="tag-1", content=b"vip"), *case.ids, "vip")

    with pytest.raises(KeyReused):
        await shop.steer.tag(shop.command(key="tag-1", content=b"spam"), *case.ids, "spam")

    assert await shop.since(first.position) == []


async def test_the_same_key_of_another_actor_is_another_command(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    await shop.serve.note(shop.command("mei", key="1"), *case.ids, "One.")

    done, _ = await shop.serve.note(shop.command("ola", key="1"), *case.ids, "Two.")

    assert not done.is_repeat


async def test_a_repeat_is_answered_although_its_own_first_time_broke_the_rule(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)
    accepting = (*offered.ids, offered.offer_id, offered.agent_id)
    first = await shop.serve.accept_offer(shop.command(key="accept"), *accepting)

    again = await shop.serve.accept_offer(shop.command(key="accept"), *accepting)

    assert again == Done(position=first.position, is_repeat=True)
    with pytest.raises(OfferGone):
        await shop.serve.accept_offer(shop.command(key="another"), *accepting)


async def test_a_reused_key_is_told_even_where_the_rule_is_broken(shop: Shop) -> None:
    offered = await an_offered_conversation(shop)
    accepting = (*offered.ids, offered.offer_id, offered.agent_id)
    await shop.serve.accept_offer(shop.command(key="accept", content=b"1"), *accepting)

    with pytest.raises(KeyReused):
        await shop.serve.accept_offer(shop.command(key="accept", content=b"2"), *accepting)


async def test_a_refused_command_may_be_tried_again_with_its_key(shop: Shop) -> None:
    _, agent_id = await shop.staff.register(shop.command(), "Mei", {}, 6)
    with pytest.raises(NotSignedIn):
        await shop.staff.change_presence(shop.command(key="available"), agent_id, Presence.AVAILABLE, "")
    await shop.staff.sign_in(shop.command(), agent_id)

    done = await shop.staff.change_presence(shop.command(key="available"), agent_id, Presence.AVAILABLE, "")

    assert not done.is_repeat
    assert (await shop.agent(agent_id)).presence is Presence.AVAILABLE


async def test_a_command_with_nothing_to_do_keeps_its_claim(shop: Shop) -> None:
    agent_id = await shop.hire(capacity=6)
    head = await shop.log.head()

    first = await shop.staff.set_capacity(shop.command(key="six"), agent_id, 6)
    await shop.staff.set_capacity(shop.command(), agent_id, 4)
    again = await shop.staff.set_capacity(shop.command(key="six"), agent_id, 6)

    assert (first, again) == (Done(position=head), Done(position=head, is_repeat=True))
    assert (await shop.agent(agent_id)).capacity == 4, "a repeat is not the command again"


async def test_a_command_with_nothing_to_do_and_no_key_is_answered_with_the_head(shop: Shop) -> None:
    agent_id = await shop.hire()
    head = await shop.log.head()

    done = await shop.staff.sign_in(shop.command(), agent_id)

    assert done == Done(position=head)
    assert await shop.since(head) == []


async def test_who_asked_when_and_why_stands_in_the_envelope(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    command = shop.command("mei", key="note-1")

    done, _ = await shop.serve.note(command, *case.ids, "Asked for a refund.")

    recorded = await shop.log.at(done.position)
    assert recorded is not None
    assert command.claim is not None
    command_id = command.claim.key.hex()
    assert (recorded.actor, recorded.occurred_at, recorded.command) == ("mei", NOON, command_id)
    assert (recorded.correlation, recorded.cause) == (command_id, None)


async def test_a_conflict_is_decided_anew_on_what_the_other_did(shop: Shop) -> None:
    agent_id = await shop.hire(capacity=6)
    async with another_process(shop) as other:
        await other.staff.set_capacity(other.command(), agent_id, 4)

        done = await shop.staff.assign_skills(shop.command(), agent_id, {"returns": 3})

    assert await shop.since(done.position) == []
    agent = await shop.agent(agent_id)
    assert (agent.capacity, agent.skills) == (4, {"returns": 3})


async def test_a_rule_is_judged_on_what_another_process_did(shop: Shop) -> None:
    """The offer was made elsewhere, so this process remembers a conversation that waits."""
    case = await a_waiting_conversation(shop)
    await shop.hire()
    async with another_process(shop) as other:
        await other.route()
        offered = await other.case(case)

    await shop.accept(offered)

    assert (await shop.conversation(case)).status is Status.ASSIGNED


async def test_that_there_is_nothing_to_do_is_judged_on_what_another_process_did(shop: Shop) -> None:
    agent_id = await shop.hire(capacity=6)
    async with another_process(shop) as other:
        await other.staff.set_capacity(other.command(), agent_id, 4)

        await shop.staff.set_capacity(shop.command(key="six"), agent_id, 6)

    assert (await shop.agent(agent_id)).capacity == 6


async def test_load_taken_by_another_process_is_released_here(shop: Shop) -> None:
    """Here the agent is remembered without work, and the conversation not at all."""
    agent_id = await shop.hire()
    async with another_process(shop) as other:
        assigned = await an_assigned_conversation(other)
        assert list((await other.agent(agent_id)).work) == [assigned.conversation_id]

        await shop.serve.close(shop.command(agent_id), *assigned.ids, "refunded")

    assert (await shop.agent(agent_id)).work == {}


async def test_a_conversation_opened_by_another_process_is_known_here(shop: Shop) -> None:
    first = await a_waiting_conversation(shop)
    async with another_process(shop) as other:
        email = await other.open_account("email")
        message_there = await an_e_mail_of(other, first.customer_id, email)
        await shop.steer.tag(shop.command(), first.customer_id, message_there, "vip")

    assert (await shop.customer(first.customer_id)).conversation(message_there).tags == {"vip"}


async def an_e_mail_of(shop: Shop, customer_id: str, account_id: str) -> str:
    """The id of a new conversation of the customer, by e-mail."""
    await shop.customers.link(shop.command(), customer_id, "", [Identity(channel="email", handle="li@example.com")])
    (receipt,) = await shop.receive(a_message("mail-1", "li@example.com"), account_id=account_id)
    return receipt.conversation_id


async def test_many_at_once_are_carried_out_one_after_the_other(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    words = [f"word-{number}" for number in range(ATTEMPTS_MAX)]

    await asyncio.gather(*(shop.steer.tag(shop.command(key=word), *case.ids, word) for word in words))

    assert (await shop.conversation(case)).tags == set(words)


async def test_a_stream_that_never_stands_still_is_contended_and_stores_nothing(shop: Shop) -> None:
    agent_id = await shop.hire()
    units = iter(range(1, 1_000))

    async def somebody_else_is_quicker() -> None:
        version = (await shop.log.read_stream(agent_id))[-1].version
        write = Write(agent_id, version, [Fact(CapacitySet(units=next(units)), NOON)])
        await shop.log.append([write], context=Context("somebody else"))

    class Overtaken(States):
        """Between loading and appending somebody else appends."""

        @override
        async def load(self, stream: str, at_least: int = 0) -> tuple[Any, int]:
            loaded = await super().load(stream, at_least)
            await somebody_else_is_quicker()
            return loaded

    shop.commands.states = Overtaken(shop.log, shop.log.snapshots)

    with pytest.raises(Contended):
        await shop.staff.assign_skills(shop.command(key="skills"), agent_id, {"returns": 3})

    agent = await shop.agent(agent_id)
    assert (agent.skills, agent.capacity) == ({}, ATTEMPTS_MAX)


async def test_a_command_on_an_outdated_revision_is_refused(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    read = (await shop.conversation(case)).revision
    await shop.steer.tag(shop.command(expected_revision=read), *case.ids, "vip")
    head = await shop.log.head()

    with pytest.raises(RevisionStale, match=f"stands at revision {read + 1}, you expected {read}"):
        await shop.steer.tag(shop.command(expected_revision=read), *case.ids, "spam")

    assert await shop.since(head) == []


async def test_a_repeat_is_answered_although_its_revision_is_outdated_by_itself(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    read = (await shop.conversation(case)).revision
    first = await shop.steer.tag(shop.command(key="tag", expected_revision=read), *case.ids, "vip")

    again = await shop.steer.tag(shop.command(key="tag", expected_revision=read), *case.ids, "vip")

    assert again == Done(position=first.position, is_repeat=True)


async def test_what_is_unknown_is_refused(shop: Shop) -> None:
    case = await a_waiting_conversation(shop)
    head = await shop.log.head()

    for customer_id, conversation_id in [
        (case.customer_id, "conversation-" + "0" * 32),
        ("customer-" + "0" * 32, case.conversation_id),
    ]:
        with pytest.raises(ConversationUnknown):
            await shop.serve.note(shop.command(key="note"), customer_id, conversation_id, "Who?")

    assert await shop.since(head) == []


async def test_a_refusal_leaves_the_state_as_it_was(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)
    head = await shop.log.head()

    with pytest.raises(NotTheHolder):
        await shop.serve.reply(shop.command(), *assigned.ids, "agent-somebody", "Hi!")

    events: list[Event] = await shop.since(head)
    assert kinds(events) == []
    assert shop.states.peek(assigned.customer_id) == await States(shop.log, shop.log.snapshots).load(
        assigned.customer_id
    )
