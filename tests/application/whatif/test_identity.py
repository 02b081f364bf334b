"""Every recorded decision comes out the same again, and the first that does not is named."""

import pytest
from msgspec.structs import replace

from application.whatif.recorded.identity import Identity, NotIdentical
from domain.assignment import ConversationOffered
from domain.event import Recorded
from domain.routing.evolve import evolve
from domain.routing.state import RouterState
from tests.application.whatif.situations import a_history, opening_log, played

QUEUES, AGENTS = {"queue-1": {"returns": 3}, "queue-2": {}}, [{"returns": 5}, {"returns": 3}, {}]


def a_log() -> list[Recorded]:
    """Of a simulated hour, with its decisions as the router records them."""
    history = a_history(queues=QUEUES, agents=AGENTS, per_second=1 / 60, contacts=60, handling_seconds=150.0)
    return [*opening_log(QUEUES, AGENTS), *played(history)[1]]


def prove(log: list[Recorded], identity: Identity) -> None:
    identity.note(log)
    state = RouterState()
    for recorded in log:
        evolve(state, recorded)
        identity.check(state)
    identity.demand_done()


def offer_at(log: list[Recorded], nth: int) -> int:
    return [place for place, one in enumerate(log) if isinstance(one.event, ConversationOffered)][nth]


def altered(log: list[Recorded], nth: int, **fields: object) -> list[Recorded]:
    """The same log, but for the nth offer."""
    place = offer_at(log, nth)
    other = replace(log[place], event=replace(log[place].event, **fields))
    return [*log[:place], other, *log[place + 1 :]]


def test_a_log_of_the_same_engine_is_identical() -> None:
    identity = Identity()

    prove(a_log(), identity)

    assert identity.identical == identity.due > 50


def test_an_offer_to_another_agent_is_named_with_its_position() -> None:
    log = a_log()
    event = log[offer_at(log, 5)].event
    assert isinstance(event, ConversationOffered)
    other = "agent-002" if event.agent_id != "agent-002" else "agent-000"
    identity = Identity()

    with pytest.raises(NotIdentical, match="after 5 of ") as refused:
        prove(altered(log, 5, agent_id=other), identity)

    assert refused.value.position == log[offer_at(log, 5)].position
    assert (refused.value.identical, identity.identical) == (5, 5)


def test_even_the_smallest_difference_of_a_score_is_found() -> None:
    log = a_log()
    event = log[offer_at(log, 0)].event
    assert isinstance(event, ConversationOffered)
    assert event.choice is not None
    choice = replace(event.choice, score=event.choice.score + 1e-6)

    with pytest.raises(NotIdentical):
        prove(altered(log, 0, choice=choice), Identity())


def test_what_a_person_chose_is_not_counted() -> None:
    log = a_log()
    identity = Identity()

    prove(altered(log, 0, choice=None), identity)

    assert identity.identical == identity.due == len([one for one in log if one.topic == "conversation.offered"]) - 1


def test_a_decision_at_a_position_that_never_was_is_not_identical() -> None:
    log = a_log()
    event = log[offer_at(log, 0)].event
    assert isinstance(event, ConversationOffered)
    assert event.choice is not None

    with pytest.raises(NotIdentical, match="nothing to offer"):
        prove(altered(log, 0, choice=replace(event.choice, position=10**9)), Identity())
