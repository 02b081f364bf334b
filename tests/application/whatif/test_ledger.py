"""Waits, service level, abandonment, occupancy and fairness are those that one can count by hand."""

from datetime import timedelta
from math import isnan

import pytest
from msgspec.structs import replace

from application.whatif.figures.bands import band, change, student_quantile
from application.whatif.figures.counting import Yardstick
from application.whatif.figures.ledger import EVERY_QUEUE, Ledger
from application.whatif.recorded.recording import Recording
from application.whatif.scenario import scenario_of
from domain.agent import LoadReleased, LoadTaken, Presence, PresenceChanged
from domain.assignment import ConversationEnqueued, OfferAccepted
from domain.conversation import ConversationClosed
from domain.event import Event
from tests.application.whatif.situations import CHANNEL, NOON, a_history, opening_log, played
from tests.domain.routing.shop import a_recorded, replayed

QUEUE, OTHER = "queue-1", "queue-2"
AGENT, IDLE = "agent-000", "agent-001"
YARDSTICK = Yardstick(seconds=1_000.0, targets={QUEUE: 20.0, OTHER: 100.0})


class Book:
    """A ledger that is written by hand."""

    def __init__(self) -> None:
        facts = replayed(opening_log({QUEUE: {}, OTHER: {}}, [{}, {}])).facts
        self.ledger = Ledger(NOON, facts, {"conversation-old"})

    def at(self, seconds: float, event: Event, stream: str = "customer-1") -> None:
        self.ledger.take(a_recorded(event, stream=stream, position=1, at=NOON + timedelta(seconds=seconds)))

    def come(self, seconds: float, name: str, queue_id: str = QUEUE) -> None:
        enqueued = ConversationEnqueued(
            conversation_id=f"conversation-{name}", queue_id=queue_id, channel=CHANNEL, priority=0, waiting_since=NOON
        )
        self.at(seconds, enqueued)

    def answer(self, seconds: float, name: str) -> None:
        accepted = OfferAccepted(
            conversation_id=f"conversation-{name}", queue_id=QUEUE, offer_id="offer-1", agent_id=AGENT
        )
        self.at(seconds, accepted)

    def give_up(self, seconds: float, name: str) -> None:
        self.at(seconds, ConversationClosed(conversation_id=f"conversation-{name}"))

    def hold(self, start: float, end: float, agent_id: str = AGENT) -> None:
        self.at(start, LoadTaken(conversation_id="conversation-1", customer_id="customer-1", units=6), agent_id)
        self.at(end, LoadReleased(conversation_id="conversation-1", units=6, reason="closed"), agent_id)


def test_service_level_is_told_with_and_without_the_abandoned() -> None:
    book = Book()
    for name, waited in (("1", 10.0), ("2", 20.0), ("3", 60.0)):
        book.come(0, name)
        book.answer(waited, name)
    book.come(0, "4")
    book.give_up(5, "4")
    book.come(990, "5")

    every = book.ledger.finish(YARDSTICK).measures[EVERY_QUEUE]

    assert (every["contacts"], every["mean_wait_seconds"], every["median_wait_seconds"]) == (5.0, 25.0, 20.0)
    assert every["service_level"] == 2 / 4, "who still waits may yet be answered in time"
    assert every["service_level_answered"] == pytest.approx(2 / 3)
    assert every["abandonment"] == 1 / 4


def test_who_still_waits_beyond_the_target_was_not_answered_in_time() -> None:
    book = Book()
    book.come(0, "1")
    book.answer(10, "1")
    book.come(100, "2")
    book.come(985, "3", OTHER)

    measures = book.ledger.finish(YARDSTICK).measures

    every = measures[EVERY_QUEUE]
    assert (every["waiting"], every["waiting_share"], every["oldest_waiting_seconds"]) == (2.0, 2 / 3, 900.0)
    assert every["mean_wait_seconds"] == pytest.approx((10 + 900 + 15) / 3), "as far as the waits have come"
    assert (every["service_level"], every["service_level_answered"]) == (1 / 2, 1 / 2)
    assert (measures[QUEUE]["waiting"], measures[OTHER]["waiting"]) == (1.0, 1.0)
    assert isnan(measures[OTHER]["service_level"]), "there is still time"


def test_each_queue_has_figures_and_a_target_of_its_own() -> None:
    book = Book()
    book.come(0, "1")
    book.answer(50, "1")
    book.come(0, "2", OTHER)
    book.answer(50, "2")

    measures = book.ledger.finish(YARDSTICK).measures

    assert (measures[QUEUE]["service_level"], measures[OTHER]["service_level"]) == (0.0, 1.0)
    assert measures[EVERY_QUEUE]["service_level"] == 0.5


def test_a_contact_counts_in_the_interval_in_which_it_came() -> None:
    book = Book()
    book.come(10, "1")
    book.answer(130, "1")

    series = book.ledger.finish(YARDSTICK).series

    assert (YARDSTICK.width_seconds, len(series["contacts"])) == (15, 67)
    assert series["mean_wait_seconds"][0] == 120.0
    assert isnan(series["mean_wait_seconds"][2]), "nobody came then"


def test_a_contact_from_before_is_in_no_figure() -> None:
    book = Book()
    book.come(0, "old")
    book.answer(5, "old")

    assert book.ledger.finish(YARDSTICK).measures[EVERY_QUEUE]["contacts"] == 0


def test_occupancy_is_what_was_held_of_what_could_have_been() -> None:
    book = Book()
    book.hold(0, 500)

    every = book.ledger.finish(YARDSTICK).measures[EVERY_QUEUE]

    assert every["occupancy"] == 0.25, "one of two agents, half of the time"
    assert every["fairness"] == 0.5, "one did everything"


def test_who_is_away_is_not_idle_and_still_busy_with_what_they_hold() -> None:
    book = Book()
    book.at(0, PresenceChanged(presence=Presence.AWAY), IDLE)
    book.at(0, PresenceChanged(presence=Presence.AWAY), AGENT)
    book.hold(0, 500)

    assert book.ledger.finish(YARDSTICK).measures[EVERY_QUEUE]["occupancy"] == 1.0


def test_a_simulated_log_that_is_recorded_has_the_same_figures() -> None:
    queues: dict[str, dict[str, int]] = {QUEUE: {}}
    agents: list[dict[str, int]] = [{}, {}]
    history = a_history(queues=queues, agents=agents, per_second=1 / 60, contacts=80, handling_seconds=90.0)
    history = replace(history, since=history.arrivals[0].at)
    ledger, log = played(history)
    recording = Recording(history.since, history.until)

    for recorded in [*opening_log(queues, agents), *log]:
        recording.take(recorded)
    again = recording.finish()

    assert recording.ledger is not None
    yardstick = scenario_of(history).yardstick
    assert recording.ledger.finish(yardstick) == ledger.finish(yardstick)
    assert [one.at for one in again.arrivals] == [one.at for one in history.arrivals if one.at < history.until]


def test_a_band_is_students_and_leaves_out_what_was_not_measured() -> None:
    found = band([1.0, 2.0, 3.0, 4.0, float("nan")])

    assert found.mean == 2.5
    assert found.high - found.mean == pytest.approx(3.182 * 1.2910 / 2, rel=0.01)
    assert (found.runs_low, found.runs_high) == (1.0, 4.0)
    assert isnan(band([]).mean)


@pytest.mark.parametrize(("degrees", "quantile"), [(1, 12.706), (2, 4.303), (3, 3.182), (19, 2.093), (120, 1.980)])
def test_quantiles_of_student_are_those_of_the_tables(degrees: int, quantile: float) -> None:
    assert student_quantile(0.975, degrees) == pytest.approx(quantile, abs=0.0005)


def test_a_change_is_clear_where_every_run_agrees_on_it() -> None:
    before = [10.0, 50.0, 30.0]

    assert change(before, [one - 2.0 + nth * 0.1 for nth, one in enumerate(before)]).is_clear
    assert not change(before, [50.0, 10.0, 30.0]).is_clear
