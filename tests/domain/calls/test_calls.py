"""Phone calls: they only come further, whatever is told when, and one that was missed waits for somebody."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from msgspec.structs import replace

from domain import customer
from domain.assignment import ConversationEnqueued
from domain.calls.intake import CALL_BACK_WITHIN, Call, take_call
from domain.calls.stages import CALLS_KEPT, CallAnswered, CallLogged, CallRang, Direction, Stage, is_served_by
from domain.conversation import Status
from domain.customer import Customer
from domain.event import Event
from domain.intake import WITHHELD, Intake
from tests.domain.situations import IN_A_MINUTE, IN_TWO_MINUTES, KAI, MEI, NOON, OLA, QUEUE, after_customer

LATER = IN_TWO_MINUTES + timedelta(minutes=3)


def a_call(stage: Stage = Stage.ENDED, **told: Any) -> Call:
    """One that rings at noon, is answered a minute later and over after another."""
    at = {Stage.RINGING: NOON, Stage.ANSWERED: IN_A_MINUTE, Stage.ENDED: IN_TWO_MINUTES}[stage]
    call = Call(
        call_id="call-1",
        direction=Direction.INBOUND,
        handle="+4930123456",
        outcome="answered" if stage is Stage.ENDED else "",
        occurred_at=at,
        stage=stage,
    )
    return replace(call, **told)


RINGS, ANSWERED, OVER = a_call(Stage.RINGING), a_call(Stage.ANSWERED), a_call()
MISSED = replace(OVER, outcome="missed")


def told(before: Customer, call: Call, **more: Any) -> list[Event]:
    where: dict[str, Any] = {
        "account_id": "account-phone",
        "intake": Intake(queue_id=QUEUE),
        "new_conversation_id": "conversation-1",
    }
    return take_call(before, call, **(where | {"at": IN_TWO_MINUTES} | more))


def after_calls(*calls: Call) -> tuple[Customer, list[Event]]:
    """What somebody new comes to, and what was recorded of these calls."""
    state, events = customer.NEW, list[Event]()
    for call in calls:
        new = told(state, call)
        state, events = after_customer(state, *new), events + new
    return state, events


def of(events: list[Event], kind: type[Event]) -> list[Event]:
    return [one for one in events if isinstance(one, kind)]


def test_a_call_that_rings_makes_its_caller_known() -> None:
    _, events = after_calls(replace(RINGS, agent_ids=(MEI,), author="Joan"))

    assert [one.TOPIC for one in events] == [
        "customer.registered",
        "customer.identity_linked",
        "conversation.opened",
        "conversation.call_rang",
    ]
    assert events[-1] == CallRang(
        conversation_id="conversation-1",
        call_id="call-1",
        account_id="account-phone",
        direction=Direction.INBOUND,
        handle="+4930123456",
        queue_id=QUEUE,
        rang_at=NOON,
        agent_ids=(MEI,),
        customer_name="Joan",
    )


def test_who_answers_is_recorded_and_stands_in_the_record_of_the_call() -> None:
    answered = replace(ANSWERED, agent_ids=(MEI,), answered_by="Mei")

    state, events = after_calls(replace(RINGS, agent_ids=(MEI, OLA)), answered, OVER)

    (taken,), (logged,) = of(events, CallAnswered), of(events, CallLogged)
    assert isinstance(taken, CallAnswered)
    assert (taken.agent_id, taken.answered_by, taken.answered_at, taken.is_over) == (MEI, "Mei", IN_A_MINUTE, False)
    assert isinstance(logged, CallLogged)
    assert (logged.outcome, logged.agent_id, logged.duration_seconds) == ("answered", MEI, 60)
    assert state.conversations["conversation-1"].status is Status.OPEN


def test_in_any_order_and_however_often_a_call_is_over_once() -> None:
    for order in permutations([RINGS, ANSWERED, OVER] * 2):
        state, events = after_calls(*order)

        assert len(of(events, CallLogged)) == len(of(events, CallAnswered)) == 1
        assert len(of(events, CallRang)) == (order[0] is RINGS)
        assert len(state.conversations) == 1
        (known,) = state.calls.values()
        assert (known.stage, known.answered_at) == (Stage.ENDED, IN_A_MINUTE)


def test_who_answered_is_news_even_when_the_call_is_over() -> None:
    state, _ = after_calls(OVER)

    (taken,) = told(state, replace(ANSWERED, answered_by="Mei"), is_late=True)

    assert isinstance(taken, CallAnswered)
    assert taken.is_over
    assert after_customer(state, taken).calls["account-phone call-1"].stage is Stage.ENDED


def test_of_a_call_that_is_over_and_forgotten_nothing_is_news() -> None:
    assert told(customer.NEW, ANSWERED, is_late=True) == []
    assert told(customer.NEW, RINGS, is_late=True) == []


def test_a_call_that_rings_at_more_agents_is_told_again() -> None:
    state, _ = after_calls(replace(RINGS, agent_ids=(MEI,)))

    (more,) = told(state, replace(RINGS, agent_ids=(OLA,)))

    assert isinstance(more, CallRang)
    assert more.agent_ids == (MEI, OLA)
    assert told(after_customer(state, more), replace(RINGS, agent_ids=(MEI,))) == []


def test_what_is_told_later_goes_where_the_call_began() -> None:
    _, events = after_calls(replace(RINGS, direction=Direction.OUTBOUND), replace(OVER, handle="+49301"))

    (logged,) = of(events, CallLogged)
    assert isinstance(logged, CallLogged)
    assert (logged.direction, logged.handle) == (Direction.OUTBOUND, "+4930123456")


@pytest.mark.parametrize("outcome", ["missed", "busy", "voicemail", "failed"])
def test_a_missed_call_waits_so_that_somebody_calls_back(outcome: str) -> None:
    state, events = after_calls(RINGS, replace(OVER, outcome=outcome))

    (waits,) = of(events, ConversationEnqueued)
    assert isinstance(waits, ConversationEnqueued)
    assert (waits.queue_id, waits.waiting_since) == (QUEUE, IN_TWO_MINUTES)
    assert state.conversations["conversation-1"].status is Status.WAITING
    assert isinstance(events[-1], CallLogged), "what is claimed for a call leads to its record"


@pytest.mark.parametrize(
    "call",
    [
        OVER,
        replace(MISSED, direction=Direction.OUTBOUND),
        replace(MISSED, handle=WITHHELD),
        replace(MISSED, is_settled=True),
        replace(MISSED, occurred_at=IN_TWO_MINUTES - CALL_BACK_WITHIN - timedelta(seconds=1)),
    ],
)
def test_other_calls_wait_for_nobody(call: Call) -> None:
    assert of(told(customer.NEW, call), ConversationEnqueued) == []


def test_a_message_on_the_voicemail_of_who_withheld_their_number_is_heard() -> None:
    assert of(told(customer.NEW, replace(OVER, outcome="voicemail", handle=WITHHELD)), ConversationEnqueued)


def test_a_missed_call_that_an_agent_writes_down_is_theirs() -> None:
    assert of(told(customer.NEW, MISSED, agent_id=MEI), ConversationEnqueued) == []


def test_a_call_missed_again_waits_once() -> None:
    state, _ = after_calls(RINGS, MISSED)

    assert of(told(state, replace(MISSED, call_id="call-2")), ConversationEnqueued) == []


@pytest.mark.parametrize(
    ("before", "end", "outcome"),
    [
        ([RINGS], replace(OVER, outcome=""), "missed"),
        ([RINGS, ANSWERED], replace(OVER, outcome=""), "answered"),
        ([], replace(OVER, outcome="", duration_seconds=5), "answered"),
        ([RINGS, replace(ANSWERED, answered_by="Voicemail")], OVER, "voicemail"),
        ([replace(RINGS, agent_ids=(MEI,))], replace(OVER, may_be_menu=True), "missed"),
        ([replace(RINGS, agent_ids=(MEI,)), ANSWERED], replace(OVER, may_be_menu=True), "answered"),
        ([RINGS], replace(OVER, may_be_menu=True), "answered"),
    ],
)
def test_how_a_call_ended_shows_from_how_it_went(before: list[Call], end: Call, outcome: str) -> None:
    _, events = after_calls(*before, end)

    (logged,) = of(events, CallLogged)
    assert isinstance(logged, CallLogged)
    assert logged.outcome == outcome


def test_a_duration_that_is_told_counts() -> None:
    _, events = after_calls(ANSWERED, replace(OVER, duration_seconds=42))

    assert [one.duration_seconds for one in events if isinstance(one, CallLogged)] == [42]


def test_an_outbound_call_that_is_answered_is_of_the_agent_who_calls() -> None:
    out = {"direction": Direction.OUTBOUND}

    _, events = after_calls(replace(RINGS, agent_ids=(MEI,), **out), replace(ANSWERED, **out))

    assert [one.agent_id for one in events if isinstance(one, CallAnswered)] == [MEI]


def test_a_call_is_with_whom_it_rings_at_then_with_who_talks() -> None:
    ringing, _ = after_calls(replace(RINGS, agent_ids=(MEI, OLA)))
    talking = after_customer(ringing, *told(ringing, replace(ANSWERED, agent_ids=(OLA,))))
    over = after_customer(talking, *told(talking, OVER))
    next_one = after_customer(over, *told(over, replace(ANSWERED, call_id="call-2", agent_ids=(KAI,))))

    assert [is_served_by(ringing.calls, one) for one in (MEI, OLA, KAI)] == [True, True, False]
    assert [is_served_by(talking.calls, one) for one in (MEI, OLA, KAI)] == [False, True, False]
    assert [is_served_by(over.calls, one) for one in (MEI, OLA, KAI)] == [False, True, False]
    assert [is_served_by(next_one.calls, one) for one in (MEI, OLA, KAI)] == [False, False, True]


def test_who_writes_a_call_down_did_not_thereby_talk() -> None:
    state = after_customer(customer.NEW, *told(customer.NEW, OVER, agent_id=MEI))

    assert not is_served_by(state.calls, MEI)


def test_of_many_calls_those_that_are_over_are_forgotten_first() -> None:
    state, _ = after_calls(RINGS, *(replace(OVER, call_id=f"call-{number}") for number in range(2, CALLS_KEPT + 20)))

    assert len(state.calls) == CALLS_KEPT
    assert next(iter(state.calls)) == "account-phone call-1"
