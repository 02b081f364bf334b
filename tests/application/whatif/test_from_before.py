"""What was under way when a history begins: it takes room until it ended, and is in no figure."""

from datetime import timedelta

from application.whatif.figures.ledger import EVERY_QUEUE
from application.whatif.recorded.history import CLOSED
from application.whatif.scenario import scenario_of
from domain.agent import LoadReleased, LoadTaken
from domain.assignment import (
    ConversationOffered,
    ConversationTransferred,
    OfferAccepted,
)
from domain.conversation import ConversationPrioritized
from tests.application.whatif.situations import AGENT, NOON, ONE, OTHER, QUEUE, WORK, Log, played


def test_what_waited_at_the_beginning_comes_in_again_as_it_stood() -> None:
    log = Log()
    log.come(0)
    log.at(5, ConversationPrioritized(conversation_id="conversation-1", priority=7))
    log.offer(10)
    begin = NOON + timedelta(seconds=12)

    history = log.read(since=begin)

    assert [(one.at, one.enqueued.priority) for one in history.waiting] == [(begin, 7)]
    facts = history.facts()
    assert (facts.waiting, facts.desks[AGENT].agent.work, facts.desks[AGENT].given) == ({}, {}, {})
    assert history.left_out == {"conversation-1"}


def test_work_held_at_the_beginning_ends_when_it_did() -> None:
    log = Log()
    log.come(0)
    log.offer(0)
    log.accept(0)
    log.close(300)
    log.at(300, LoadReleased(conversation_id="conversation-1", units=6, reason="closed"), stream=AGENT)

    history = log.read(since=NOON + timedelta(seconds=100))

    assert list(history.facts().desks[AGENT].agent.work) == ["conversation-1"]
    assert history.ends == {"conversation-1": NOON + timedelta(seconds=300)}


def test_work_held_at_the_beginning_ends_with_its_load_where_nothing_of_its_customer_can_be_read() -> None:
    log = Log()
    log.come(0)
    log.close(1)
    log.at(2, LoadTaken(conversation_id="conversation-2", customer_id="customer-2", units=6), stream=AGENT)
    log.at(200, LoadReleased(conversation_id="conversation-2", units=6, reason="held"), stream=AGENT)
    log.at(250, LoadTaken(conversation_id="conversation-2", customer_id="customer-2", units=6), stream=AGENT)
    log.at(300, LoadReleased(conversation_id="conversation-2", units=6, reason="closed"), stream=AGENT)
    begin = NOON + timedelta(seconds=100)

    history = log.read(since=begin)

    assert history.ends == {"conversation-2": NOON + timedelta(seconds=300)}
    released = [one.recorded_at for one in played(history)[1] if isinstance(one.event, LoadReleased)]
    assert released == [NOON + timedelta(seconds=300)], "on the floor the agent has room from then on"


def hand_to_colleague(log: Log, seconds: float) -> None:
    """As the use case appends it."""
    transferred = ConversationTransferred(
        conversation_id="conversation-1", from_agent_id=AGENT, to_queue_id=QUEUE, to_agent_id=OTHER, from_queue_id=QUEUE
    )
    log.at(seconds, transferred)
    log.come(seconds)
    expires_at = NOON + timedelta(seconds=seconds + 20)
    log.at(seconds, ConversationOffered(**ONE | {"agent_id": OTHER}, units=6, expires_at=expires_at, by="transferred"))
    log.at(seconds, LoadReleased(conversation_id="conversation-1", units=6, reason="transferred"), stream=AGENT)
    log.at(seconds, LoadTaken(conversation_id="conversation-1", customer_id="customer-1", units=6), stream=OTHER)
    log.at(seconds + 3, OfferAccepted(**ONE | {"agent_id": OTHER}))


def test_work_that_a_colleague_takes_over_has_an_end_for_both() -> None:
    log = Log()
    log.come(0)
    log.offer(0)
    log.accept(0)
    hand_to_colleague(log, 60)
    log.close(163)

    history = log.read()

    assert history.handling == {WORK: [(60.0, QUEUE), (100.0, CLOSED)]}
    assert (history.work_without_end, len(history.arrivals)) == (0.0, 1)


def test_work_from_before_that_is_handed_on_comes_in_then_and_is_no_contact() -> None:
    log = Log()
    log.come(0)
    log.offer(0)
    log.accept(0)
    hand_to_colleague(log, 200)
    hand_to_colleague(log, 300)
    log.close(400)

    history = log.read(since=NOON + timedelta(seconds=100))

    handed_on = NOON + timedelta(seconds=200)
    assert (history.ends, history.left_out) == ({"conversation-1": handed_on}, {"conversation-1"})
    assert [(one.at, one.enqueued.conversation_id) for one in history.arrivals] == [(handed_on, "conversation-1")]
    ledger, simulated = played(history)
    assert [one.recorded_at for one in simulated if isinstance(one.event, ConversationOffered)][:1] == [handed_on]
    assert ledger.finish(scenario_of(history).yardstick).measures[EVERY_QUEUE]["contacts"] == 0
