"""What a history says that is read out of a log: who came, how long things took, what was the routing's own doing."""

from datetime import timedelta

from application.whatif.recorded.history import ABANDONED, ACCEPTED, BACK, CLOSED, DECLINED
from domain.agent import AgentSignedOut, Presence, PresenceChanged
from domain.assignment import (
    ConversationHeld,
    ConversationOffered,
    ConversationResumed,
    ConversationTransferred,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferWithdrawn,
)
from domain.classification import ConversationOverflowed
from domain.conversation import ConversationPrioritized
from domain.event import Recorded, Redacted
from domain.queue import Limit, Promise
from tests.application.whatif.situations import AGENT, NOON, ONE, OTHER, QUEUE, SECOND, SECOND_WORK, WORK, Log, played


def test_a_contact_tells_its_wait_its_answer_and_its_handling() -> None:
    log = Log()
    log.come(0)
    log.offer(10)
    log.accept(13)
    log.close(313)

    history = log.read()

    assert [(one.at, one.enqueued.queue_id) for one in history.arrivals] == [(NOON, QUEUE)]
    assert history.answers == {WORK: [(3.0, ACCEPTED)]}
    assert history.handling == {WORK: [(300.0, CLOSED)]}
    assert history.patience == {WORK: [(13.0, None)]}, "who was answered may have waited longer"


def test_time_on_hold_is_no_handling() -> None:
    log = Log()
    log.come(0)
    log.offer(0)
    log.accept(0)
    log.at(60, ConversationHeld(conversation_id="conversation-1", agent_id=AGENT))
    log.at(500, ConversationResumed(conversation_id="conversation-1", agent_id=AGENT))
    log.close(530)

    assert log.read().handling == {WORK: [(90.0, CLOSED)]}


def test_who_leaves_the_line_has_lost_patience() -> None:
    log = Log()
    log.come(0)
    log.close(45)

    assert log.read().patience == {WORK: [(45.0, ABANDONED)]}


def test_a_decline_is_an_answer_and_a_lapse_is_none() -> None:
    log = Log()
    log.come(0)
    log.offer(0)
    log.at(4, OfferDeclined(**ONE, reason="lunch"))
    log.offer(10)
    log.at(30, OfferExpired(**ONE))
    log.offer(40)
    log.at(42, OfferWithdrawn(**ONE, reason="closed"))

    assert log.read().answers == {WORK: [(4.0, DECLINED), (20.0, None), (2.0, None)]}


def test_what_is_handed_on_is_work_in_both_queues_and_one_contact() -> None:
    log = Log()
    log.come(0)
    log.offer(0)
    log.accept(0)
    log.at(60, ConversationTransferred(conversation_id="conversation-1", from_agent_id=AGENT, to_queue_id=SECOND))
    log.come(60, SECOND)
    log.offer(70)
    log.accept(70)
    log.close(100)

    history = log.read()

    assert len(history.arrivals) == 1
    assert history.handling == {WORK: [(60.0, SECOND)], SECOND_WORK: [(30.0, CLOSED)]}


def test_an_agent_who_left_says_nothing_about_the_work() -> None:
    log = Log()
    log.come(0)
    log.offer(0)
    log.accept(0)
    transferred = ConversationTransferred(conversation_id="conversation-1", from_agent_id=AGENT, to_queue_id=QUEUE)
    log.at(60, transferred, actor="return_work")

    assert log.read().handling == {WORK: [(60.0, None)]}


def test_a_conversation_opened_again_is_another_contact() -> None:
    log = Log()
    log.come(0)
    log.close(10)
    log.come(20)

    log.offer(30)
    log.accept(31)

    history = log.read()

    assert [one.at for one in history.arrivals] == [NOON, NOON + timedelta(seconds=20)]
    offered = [one.event for one in played(history)[1] if isinstance(one.event, ConversationOffered)]
    assert len({event.conversation_id for event in offered}) == 2, "on the floor the first may still be there"


def test_who_was_promised_a_call_has_no_patience_to_lose() -> None:
    log = Log()
    log.come(0)
    overflowed = ConversationOverflowed(
        conversation_id="conversation-1",
        queue_id=QUEUE,
        to_queue_id=SECOND,
        cause=Limit.WAITED,
        promise=Promise.CALLBACK,
        promised_at=NOON + timedelta(hours=1),
    )
    log.at(30, overflowed)
    log.come(30, SECOND)
    log.offer(900)
    log.accept(900)

    assert log.read().patience == {WORK: [(30.0, None)]}


def test_away_for_a_missed_offer_is_the_routings_doing_and_not_the_rosters() -> None:
    log = Log()
    log.come(0)
    log.at(0, PresenceChanged(presence=Presence.AWAY, reason="missed an offer"), stream=AGENT, actor="router")
    log.at(120, PresenceChanged(presence=Presence.AVAILABLE), stream=AGENT)
    log.at(200, PresenceChanged(presence=Presence.AWAY, reason="lunch"), stream=AGENT)
    log.at(300, PresenceChanged(presence=Presence.AWAY, reason="missed an offer"), stream=OTHER, actor="router")
    log.at(330, AgentSignedOut(), stream=OTHER)

    history = log.read()

    assert history.absences == [(120.0, BACK), (30.0, None)]
    reasons = [(one.stream, getattr(one.event, "reason", "")) for one in history.changes]
    assert reasons == [(AGENT, "lunch"), (OTHER, "")]


def test_work_whose_end_the_record_does_not_tell_is_told_as_a_part_of_all() -> None:
    log = Log()
    log.come(0)
    log.offer(10)
    log.accept(13)
    unended = log.read()
    log.close(313)

    assert (unended.work_without_end, log.read().work_without_end) == (1.0, 0.0)


def test_who_is_away_for_a_missed_offer_when_the_time_begins_comes_back_when_they_did() -> None:
    log = Log()
    log.come(0)
    log.at(20, PresenceChanged(presence=Presence.AWAY, reason="missed an offer"), stream=AGENT, actor="router")
    log.at(140, PresenceChanged(presence=Presence.AVAILABLE), stream=AGENT)

    history = log.read(since=NOON + timedelta(seconds=60))

    assert history.facts().desks[AGENT].agent.presence is Presence.AWAY
    assert [(one.at, one.stream) for one in history.changes] == [(NOON + timedelta(seconds=140), AGENT)]


def test_what_people_learn_of_a_conversation_is_kept_with_its_time() -> None:
    log = Log()
    log.come(0)
    log.at(5, ConversationPrioritized(conversation_id="conversation-1", priority=7))

    (change,) = log.read().changes

    assert (change.at, change.stream) == (NOON + timedelta(seconds=5), "customer-1")


def test_nothing_after_the_end_is_read_and_what_goes_on_is_censored() -> None:
    log = Log()
    log.come(0)
    log.offer(0)
    log.accept(0)
    log.close(300)

    history = log.read(until_seconds=100)

    assert history.handling == {WORK: [(100.0, None)]}
    assert history.until == NOON + timedelta(seconds=100)


def test_events_of_erased_people_say_nothing() -> None:
    log = Log()
    log.come(0)
    erased = Redacted(original_topic=OfferAccepted.TOPIC)
    log.recorded.append(
        Recorded(
            event=erased,
            topic=OfferAccepted.TOPIC,
            stream="customer-2",
            version=1,
            position=len(log.recorded) + 1,
            occurred_at=NOON,
            recorded_at=NOON + timedelta(seconds=1),
            actor="somebody",
        )
    )

    assert len(log.read().arrivals) == 1


def test_a_history_begins_with_the_first_contact_where_nobody_came_before() -> None:
    log = Log()
    log.come(90)
    log.close(100)

    history = log.read(since=NOON - timedelta(days=7))

    assert history.since == NOON + timedelta(seconds=90)
    assert list(history.facts().queues) == [QUEUE, SECOND], "what was set up before is there"
