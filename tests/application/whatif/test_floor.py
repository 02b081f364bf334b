"""The simulated floor behaves as the log would tell: the same events, nobody overloaded, nobody dropped."""

from collections import Counter
from datetime import timedelta
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from application.whatif.recorded.history import ABANDONED, ACCEPTED, BACK, CLOSED, DECLINED, Change, History
from application.whatif.recorded.times import Observation
from application.whatif.scenario import scenario_of
from domain.agent import AgentSignedOut, LoadReleased, LoadTaken, Presence, PresenceChanged
from domain.assignment import ConversationEnqueued, ConversationOffered, OfferAccepted
from domain.classification import ConversationOverflowed, ConversationRelaxed
from domain.conversation import ConversationClosed
from domain.event import Event, Recorded
from domain.queue import Promise, Queue, QueueDefined, QueueDefinition
from domain.routing.evolve import evolve
from domain.routing.state import RouterState
from tests.application.whatif.situations import CHANNEL, NOON, UNITS, a_history, arrivals, opening, played

QUEUE = "queue-1"
AGENT = "agent-000"
WORK = (QUEUE, CHANNEL)


def a_quiet_hour(
    *,
    agents: int = 1,
    contacts: int = 1,
    handling: Observation = (60.0, CLOSED),
    answer: Observation | None = (5.0, ACCEPTED),
    patience: Observation | None = None,
) -> History:
    """Contacts who come ten seconds apart; everything always takes the same time."""
    came = arrivals([QUEUE], 1.0, contacts, "quiet")
    at = [NOON + timedelta(seconds=10 * nth) for nth in range(contacts)]
    return History(
        since=NOON,
        until=NOON + timedelta(hours=1),
        opening=opening({QUEUE: {}, "queue-2": {}}, [{}] * agents),
        arrivals=[replace(one, at=when) for one, when in zip(came, at, strict=True)],
        handling={WORK: [handling]},
        answers={WORK: [answer]} if answer else {},
        patience={WORK: [patience]} if patience else {},
        absences=[(120.0, BACK)],
    )


def told(log: list[Recorded], stream: str = "") -> list[tuple[float, str]]:
    """Seconds after noon, and what happened."""
    return [((one.recorded_at - NOON).total_seconds(), one.topic) for one in log if not stream or one.stream == stream]


Kind = TypeVar("Kind", bound=Event)


def events(log: list[Recorded], kind: type[Kind]) -> list[tuple[float, Kind]]:
    return [((one.recorded_at - NOON).total_seconds(), one.event) for one in log if isinstance(one.event, kind)]


def defined(history: History, **definition: object) -> History:
    """With another definition of the queue from the beginning."""
    facts = history.facts()
    facts.queues[QUEUE] = Queue(definition=msgspec.convert({"name": "Returns", **definition}, QueueDefinition))
    return replace(history, opening=msgspec.msgpack.encode(facts))


def test_a_contact_leads_to_the_events_that_the_log_would_hold() -> None:
    _, log = played(a_quiet_hour())

    assert told(log) == [
        (0.0, "conversation.enqueued"),
        (0.0, "conversation.offered"),
        (0.0, "agent.load_taken"),
        (5.0, "conversation.offer_accepted"),
        (65.0, "conversation.closed"),
        (65.0, "agent.load_released"),
    ]
    assert [one.position for one in log] == list(range(log[0].position, log[0].position + len(log)))


def test_the_same_seed_gives_the_same_log_to_the_last_bit() -> None:
    history = a_history(queues={QUEUE: {}}, agents=[{}] * 3, per_second=1 / 40, contacts=50, handling_seconds=100.0)

    assert played(history, "7")[1] == played(history, "7")[1]
    assert played(history, "7")[1] != played(history, "8")[1]


def test_nobody_holds_more_than_their_capacity() -> None:
    history = a_history(queues={QUEUE: {}}, agents=[{}] * 3, per_second=1 / 20, contacts=100, handling_seconds=100.0)
    load: Counter[str] = Counter()

    for one in played(history)[1]:
        if isinstance(one.event, LoadTaken | LoadReleased):
            load[one.stream] += one.event.units if isinstance(one.event, LoadTaken) else -one.event.units
            assert 0 <= load[one.stream] <= UNITS


def test_a_declined_offer_goes_to_the_next() -> None:
    history = a_quiet_hour(agents=2, answer=(5.0, DECLINED))

    asked = [event.agent_id for _, event in events(played(history)[1], ConversationOffered)[:2]]

    assert asked == ["agent-000", "agent-001"]


def test_who_never_answers_is_away_for_as_long_as_people_were() -> None:
    _, log = played(a_quiet_hour(answer=None))

    presence = [(one, event.presence) for one, event in events(log, PresenceChanged)[:2]]
    assert presence == [(20.0, Presence.AWAY), (140.0, Presence.AVAILABLE)]
    assert [at for at, _ in events(log, ConversationOffered)[:2]] == [0.0, 140.0]


def test_who_waits_too_long_gives_up_even_while_offered() -> None:
    history = a_quiet_hour(answer=(15.0, ACCEPTED), patience=(8.0, ABANDONED))

    _, log = played(history)

    assert told(log)[3:] == [
        (8.0, "conversation.offer_withdrawn"),
        (8.0, "agent.load_released"),
        (8.0, "conversation.closed"),
    ]


def test_work_handed_on_waits_in_the_other_queue_with_its_age() -> None:
    _, log = played(a_quiet_hour(handling=(60.0, "queue-2")))

    (_, first), (at, again), *_ = events(log, ConversationEnqueued)
    assert (at, again.queue_id, again.waiting_since) == (65.0, "queue-2", first.waiting_since)


def test_an_agent_finishes_what_they_hold_before_they_leave() -> None:
    leaves = Change(NOON + timedelta(seconds=30), AGENT, AgentSignedOut())
    history = replace(a_quiet_hour(contacts=2), changes=[leaves])

    _, log = played(history)

    assert told(log, AGENT) == [
        (0.0, "agent.load_taken"),
        (30.0, "agent.presence_changed"),
        (65.0, "agent.load_released"),
        (65.0, "agent.signed_out"),
    ]
    assert len(events(log, OfferAccepted)) == 1, "the second contact found nobody"


def test_what_changes_nothing_on_this_floor_is_not_said() -> None:
    """The agent was away in the record, and never left here."""
    back = Change(NOON + timedelta(seconds=30), AGENT, PresenceChanged(presence=Presence.AVAILABLE))

    _, log = played(replace(a_quiet_hour(), changes=[back]))

    assert events(log, PresenceChanged) == []


def test_the_timetable_of_a_queue_is_followed() -> None:
    relaxation = [{"after_seconds": 40, "drop": ["returns"]}]
    history = defined(a_quiet_hour(), required_skills={"returns": 3}, relaxation=relaxation)

    _, log = played(history)

    assert [at for at, _ in events(log, ConversationRelaxed)] == [40.0]
    assert [at for at, _ in events(log, ConversationOffered)] == [40.0]


def test_who_has_a_promise_waits_elsewhere_and_gives_up_no_more() -> None:
    rule = {"when": "waited", "limit": 30, "to_queue_id": "queue-2", "promise": "callback", "within_seconds": 600}
    history = defined(a_quiet_hour(patience=(31.0, ABANDONED)), required_skills={"returns": 3}, overflow=[rule])

    ledger, log = played(history)

    ((at, overflowed),) = events(log, ConversationOverflowed)
    assert (at, overflowed.promise, overflowed.promised_at) == (30.0, Promise.CALLBACK, NOON + timedelta(seconds=630))
    assert [at for at, _ in events(log, OfferAccepted)] == [35.0]
    assert [at for at, _ in events(log, ConversationClosed)] == [95.0]
    measures = ledger.finish(scenario_of(history).yardstick).measures[""]
    assert (measures["promised"], measures["abandonment"]) == (1.0, 0.0)


def test_what_was_held_at_the_beginning_takes_room_until_it_ended() -> None:
    history = a_quiet_hour()
    facts = history.facts()
    taken = played(history)[1][2]
    held = replace(taken.event, conversation_id="conversation-old")
    assert isinstance(held, LoadTaken)
    state = RouterState(facts)
    evolve(state, replace(taken, event=held))
    history = replace(
        history,
        opening=msgspec.msgpack.encode(state.facts),
        ends={"conversation-old": NOON + timedelta(seconds=100)},
    )

    _, log = played(history)

    assert [at for at, _ in events(log, ConversationOffered)] == [100.0]


def test_the_rules_change_when_they_did() -> None:
    harder = QueueDefined(definition=QueueDefinition(name="Returns", required_skills={"returns": 3}))
    history = replace(a_quiet_hour(contacts=2), changes=[Change(NOON + timedelta(seconds=5), QUEUE, harder)])

    _, log = played(history)

    assert [at for at, _ in events(log, ConversationOffered)] == [0.0], "nobody has the skill that is asked for later"
