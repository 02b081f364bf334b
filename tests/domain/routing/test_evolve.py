"""What the router learns from the log, and what leaves no trace in it."""

from datetime import timedelta

import msgspec

from domain import queue
from domain.agent import AgentRegistered, Presence
from domain.conversation import ConversationClosed
from domain.event import Event, Recorded, Redacted
from domain.interaction import NoteWritten
from domain.policy import RoutingPolicy
from domain.routing.decide import decide
from domain.routing.decisions import Offer
from domain.routing.evolve import TOPICS, evolve
from domain.routing.facts import Facts
from domain.routing.state import RouterState
from tests.domain.routing.reference import said
from tests.domain.routing.shop import Shop, a_recorded, replayed
from tests.domain.situations import IN_A_MINUTE, MEI, NOON, OLA, QUEUE


def a_shop_with_mei(capacity: int = 6) -> Shop:
    shop = Shop()
    shop.open_queue(QUEUE, {})
    shop.hire(MEI, {}, capacity)
    shop.turn(MEI, Presence.AVAILABLE)
    shop.wait(60)
    return shop


def a_shop_where_mei_works() -> Shop:
    shop = a_shop_with_mei()
    shop.arrive("first", QUEUE)
    shop.route()
    shop.accept("first")
    shop.wait(60)
    return shop


def idle_seconds(shop: Shop) -> float:
    return (shop.now - shop.router.facts.desks[MEI].idle[-1]).total_seconds()


def test_an_agent_is_idle_since_they_became_available() -> None:
    shop = a_shop_with_mei()

    assert idle_seconds(shop) == 60


def test_an_agent_who_said_they_are_away_starts_anew_when_they_are_back() -> None:
    shop = a_shop_with_mei()
    shop.turn(MEI, Presence.AWAY)
    shop.wait(10)

    shop.turn(MEI, Presence.AVAILABLE)

    assert idle_seconds(shop) == 0


def test_an_agent_is_idle_since_they_were_given_work_they_still_hold() -> None:
    shop = a_shop_where_mei_works()

    assert idle_seconds(shop) == 60


def test_an_agent_is_idle_since_they_were_done_with_work() -> None:
    shop = a_shop_where_mei_works()

    shop.close("first")

    assert idle_seconds(shop) == 0


def test_work_put_on_hold_counts_as_done() -> None:
    shop = a_shop_where_mei_works()

    shop.hold("first")

    assert idle_seconds(shop) == 0


def test_closing_what_was_on_hold_changes_no_turn() -> None:
    shop = a_shop_where_mei_works()
    shop.hold("first")
    shop.wait(30)

    shop.close("first")

    assert idle_seconds(shop) == 30


def test_declining_neither_loses_the_turn_nor_wins_a_pause() -> None:
    shop = a_shop_with_mei()
    shop.arrive("first", QUEUE)
    shop.route()
    shop.wait(10)

    shop.decline("first")

    assert idle_seconds(shop) == 70


def test_an_event_that_does_not_concern_the_router_leaves_no_trace() -> None:
    shop = a_shop_with_mei()
    before = msgspec.msgpack.encode(shop.router.facts)

    note = NoteWritten(conversation_id="first", note_id="note-1", text="Called back.")
    evolve(shop.router, a_recorded(note, stream="customer-1", position=99))

    assert note.TOPIC not in TOPICS
    assert msgspec.msgpack.encode(shop.router.facts) == before


def test_an_event_that_comes_again_is_ignored() -> None:
    shop = a_shop_where_mei_works()
    before = msgspec.msgpack.encode(shop.router.facts)
    (enqueued,) = [recorded for recorded in shop.log if recorded.topic == "conversation.enqueued"]

    evolve(shop.router, enqueued)

    assert msgspec.msgpack.encode(shop.router.facts) == before


def test_an_event_of_an_erased_customer_moves_the_position_and_says_nothing() -> None:
    state = RouterState()
    redacted = a_recorded(Redacted(original_topic="conversation.enqueued"), stream="customer-1", position=7)

    evolve(state, msgspec.structs.replace(redacted, topic="conversation.enqueued"))

    assert state.facts == Facts(position=7, latest_at=NOON)


def test_what_is_set_aside_waits_nowhere_until_it_is_enqueued_again() -> None:
    shop = a_shop_with_mei()
    shop.arrive("first", QUEUE)
    aside = queue.set_aside("first", customer_id="customer-first", reason="its seal is broken")

    shop.record(QUEUE, aside)

    assert shop.router.facts.waiting == {}
    assert shop.decide() == []
    assert shop.router.facts.queues[QUEUE].set_aside == {"first": "customer-first"}
    shop.record(QUEUE, queue.put_back(shop.queues[QUEUE], "first"))
    assert (shop.router.facts.waiting, shop.router.facts.queues[QUEUE].set_aside) == ({}, {})


def test_what_waits_in_another_queue_by_now_stays_there() -> None:
    shop = a_shop_with_mei()
    shop.arrive("first", QUEUE)

    shop.record("queue-2", queue.set_aside("first", customer_id="customer-first", reason="too late"))

    assert list(shop.router.facts.waiting) == ["first"]


def test_what_the_router_never_saw_waiting_is_ignored() -> None:
    state = RouterState()
    closed = ConversationClosed(conversation_id="first")

    evolve(state, a_recorded(closed, stream="customer-1", position=7))

    assert state.facts == Facts(position=7, latest_at=NOON)


def test_what_is_with_an_agent_no_longer_waits() -> None:
    shop = a_shop_where_mei_works()

    assert shop.router.facts.waiting == {}


def test_what_waits_is_ordered_by_a_new_policy_at_once() -> None:
    shop = a_shop_with_mei(capacity=2)
    shop.arrive("ordinary", QUEUE)
    shop.wait(200)
    shop.arrive("urgent", QUEUE, priority=1)

    shop.adopt(RoutingPolicy(priority_boost_seconds=100))

    assert [said(decision) for decision in shop.decide()] == [("Offer", "ordinary", MEI)]


def test_what_waits_takes_the_units_of_a_new_policy() -> None:
    shop = a_shop_with_mei()
    shop.turn(MEI, Presence.AWAY)
    shop.arrive("first", QUEUE)
    shop.turn(MEI, Presence.AVAILABLE)

    shop.adopt(RoutingPolicy(units={"webchat": 5}))

    (offer,) = shop.decide()
    assert isinstance(offer, Offer)
    assert offer.units == 5


def test_what_waits_asks_for_the_new_skills_of_its_queue() -> None:
    shop = a_shop_with_mei()
    shop.hire(OLA, {"returns": 5}, 6)
    shop.turn(OLA, Presence.AVAILABLE)
    shop.arrive("first", QUEUE)

    shop.open_queue(QUEUE, {"returns": 5})

    assert [said(decision) for decision in shop.decide()] == [("Offer", "first", OLA)]


def test_a_line_that_nobody_waits_in_is_forgotten_with_its_rules() -> None:
    shop = a_shop_with_mei()
    shop.arrive("first", QUEUE)

    shop.open_queue(QUEUE, {"returns": 5})

    assert [terms.skills for terms in shop.router.lines._numbers] == [(("returns", 5),)]


def test_a_queue_that_was_never_defined_asks_for_nothing() -> None:
    shop = a_shop_with_mei()

    shop.arrive("first", "queue-unknown")

    assert [said(decision) for decision in shop.decide()] == [("Offer", "first", MEI)]


def test_skills_learnt_while_something_waits_count_at_once() -> None:
    shop = a_shop_with_mei()
    shop.open_queue(QUEUE, {"returns": 5})
    shop.arrive("first", QUEUE)

    shop.train(MEI, {"returns": 5})

    assert [said(decision) for decision in shop.decide()] == [("Offer", "first", MEI)]


def test_a_new_rest_follows_the_policy_of_its_hour() -> None:
    shop = a_shop_with_mei()
    shop.adopt(RoutingPolicy(decline_rest_seconds=5))
    shop.arrive("first", QUEUE)
    shop.route()

    shop.decline("first")

    assert shop.router.facts.waiting["first"].declined == {MEI: shop.now + timedelta(seconds=5)}


def test_a_transfer_ends_every_rest() -> None:
    shop = a_shop_with_mei()
    shop.arrive("first", QUEUE)
    shop.route()
    shop.decline("first")

    shop.transfer("first", QUEUE)

    assert [said(decision) for decision in shop.decide()] == [("Offer", "first", MEI)]


def test_a_router_that_reads_only_its_topics_decides_the_same() -> None:
    shop = a_shop_where_mei_works()
    shop.arrive("second", QUEUE)

    cold = replayed([recorded for recorded in shop.log if recorded.topic in TOPICS])

    assert decide(cold, shop.now) == shop.decide() != []


def test_a_stored_snapshot_decides_the_same() -> None:
    shop = a_shop_where_mei_works()
    shop.arrive("second", QUEUE)
    stored = msgspec.msgpack.encode(shop.router.facts)

    restored = RouterState(msgspec.msgpack.decode(stored, type=Facts))

    assert decide(restored, shop.now) == shop.decide() != []


def test_times_before_1970_and_in_9999_are_ordered_like_others() -> None:
    shop = a_shop_with_mei(capacity=2)
    ancient, distant = (NOON.replace(year=year) for year in (1, 9999))
    shop.arrive("ordinary", QUEUE)
    for conversation_id, waiting_since in (("ancient", ancient), ("distant", distant)):
        shop.arrive(conversation_id, QUEUE, priority=10)
        shop.router.facts.waiting[conversation_id].waiting_since = waiting_since
        shop.router.place_conversation(conversation_id)

    assert [said(decision) for decision in shop.decide()] == [("Offer", "ancient", MEI)]


def test_an_agent_is_known_from_their_first_event() -> None:
    state = RouterState()
    registered: Event = AgentRegistered(name="Mei")
    recorded: Recorded = a_recorded(registered, stream=MEI, position=1, at=IN_A_MINUTE)

    evolve(state, recorded)

    assert state.facts.desks[MEI].agent.name == "Mei"
