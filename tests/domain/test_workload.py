"""How much an agent can hold."""

import pytest

from domain import agent, workload
from domain.agent import (
    LoadReleased,
    LoadTaken,
    NotAvailable,
    Work,
)
from domain.policy import RoutingPolicy
from domain.queue import QueueRetired
from domain.workload import AtCapacity, has_room, no_room
from tests.domain.situations import (
    CONVERSATION,
    JOAN,
    after_agent,
    an_agent_at_work,
    an_agent_away,
    an_ask,
    an_available_agent,
)


def test_an_offer_takes_load() -> None:
    mei = an_available_agent()

    events = workload.take_load(mei, conversation_id=CONVERSATION, customer_id=JOAN, ask=an_ask(6))

    assert events == [LoadTaken(conversation_id=CONVERSATION, customer_id=JOAN, units=6, channel="webchat")]
    assert after_agent(mei, events).work == {CONVERSATION: Work(JOAN, 6, "webchat")}


def test_an_agent_who_is_away_gets_no_offer() -> None:
    mei = an_agent_away()

    with pytest.raises(NotAvailable):
        workload.take_load(mei, conversation_id=CONVERSATION, customer_id=JOAN, ask=an_ask(1))


def test_nobody_is_given_more_than_they_have_room_for() -> None:
    mei = an_agent_at_work(units=5)

    with pytest.raises(AtCapacity):
        workload.take_load(mei, conversation_id="conversation-2", customer_id=JOAN, ask=an_ask(2))


def test_work_of_their_own_is_resumed_while_away() -> None:
    mei = an_agent_away()

    events = workload.resume_load(mei, conversation_id=CONVERSATION, customer_id=JOAN, ask=an_ask(2))

    assert after_agent(mei, events).load == 2


def test_resuming_needs_room_too() -> None:
    mei = an_agent_at_work(units=5)

    with pytest.raises(AtCapacity):
        workload.resume_load(mei, conversation_id="conversation-2", customer_id=JOAN, ask=an_ask(2))


def test_released_load_is_free_again() -> None:
    mei = an_agent_at_work()

    events = workload.release_load(mei, conversation_id=CONVERSATION, reason="closed")

    assert events == [LoadReleased(conversation_id=CONVERSATION, units=2, reason="closed")]
    assert after_agent(mei, events).load == 0
    assert after_agent(mei, events).on_hold == {}


def test_work_on_hold_stays_theirs_without_load() -> None:
    mei = an_agent_at_work()

    events = workload.release_load(mei, conversation_id=CONVERSATION, reason="held")

    assert (after_agent(mei, events).load, after_agent(mei, events).on_hold) == (0, {CONVERSATION: JOAN})


def test_letting_go_of_work_on_hold_frees_nothing() -> None:
    mei = an_agent_at_work()
    mei = after_agent(mei, workload.release_load(mei, conversation_id=CONVERSATION, reason="held"))

    events = workload.release_load(mei, conversation_id=CONVERSATION, reason="closed")

    assert events == [LoadReleased(conversation_id=CONVERSATION, units=0, reason="closed")]
    assert after_agent(mei, events).on_hold == {}


def test_resumed_work_is_no_longer_on_hold() -> None:
    mei = an_agent_at_work()
    mei = after_agent(mei, workload.release_load(mei, conversation_id=CONVERSATION, reason="held"))

    events = workload.resume_load(mei, conversation_id=CONVERSATION, customer_id=JOAN, ask=an_ask(2))

    assert (after_agent(mei, events).load, after_agent(mei, events).on_hold) == (2, {})


def test_releasing_what_is_not_theirs_is_ignored() -> None:
    mei = an_agent_at_work()

    events = workload.release_load(mei, conversation_id="conversation-2", reason="closed")

    assert events == []


def test_an_event_of_another_kind_changes_nothing() -> None:
    mei = an_agent_at_work()

    assert agent.evolve(mei, QueueRetired()) == mei


CALLS_FIRST = RoutingPolicy(
    units={"phone": 6, "email": 1},
    at_most={"email": 2},
    blocks={"call": ("chat", "mail")},
    yields={"mail": ("call", "chat")},
)


def an_agent_holding(*channels: str, capacity: int = 6) -> agent.Agent:
    mei = after_agent(an_available_agent(), agent.set_capacity(an_available_agent(), capacity))
    for number, channel in enumerate(channels):
        ask = CALLS_FIRST.ask(channel)
        mei = after_agent(mei, workload.take_load(mei, conversation_id=f"c-{number}", customer_id=JOAN, ask=ask))
    return mei


@pytest.mark.parametrize(
    ("held", "channel", "reason"),
    [
        ((), "phone", ""),
        (("email", "email"), "phone", ""),  # an e-mail yields to a call
        (("email",), "webchat", ""),
        (("webchat",), "phone", "no room: 2 of 6 units held, 6 needed"),
        (("phone",), "webchat", "blocked by call"),
        (("phone",), "email", "blocked by call"),
        (("email", "email"), "email", "no room: 2 of at most 2 of email"),
        (("webchat", "webchat", "webchat"), "webchat", "no room: 6 of 6 units held, 2 needed"),
    ],
)
def test_the_matrix_says_what_may_interrupt_what(held: tuple[str, ...], channel: str, reason: str) -> None:
    mei = an_agent_holding(*held)

    ask = CALLS_FIRST.ask(channel)

    assert (no_room(mei, ask), has_room(mei, ask)) == (reason, not reason)


def test_an_override_is_recorded_only_where_there_was_no_room() -> None:
    full, free = an_agent_holding("phone"), an_agent_holding()
    ask = CALLS_FIRST.ask("webchat")

    (forced,) = workload.take_load(full, conversation_id="c-9", customer_id=JOAN, ask=ask, override="the boss")
    (usual,) = workload.take_load(free, conversation_id="c-9", customer_id=JOAN, ask=ask, override="the boss")

    assert isinstance(forced, LoadTaken)
    assert isinstance(usual, LoadTaken)
    assert (forced.override, usual.override) == ("the boss", "")
