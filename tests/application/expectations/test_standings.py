"""Who stands where: places among all that ask the same, what is told again, and what ends a wait."""

from application.expectations.expectation import Changed, Expectation, Kept, UnknownBecause
from application.expectations.pace import Pace
from application.expectations.standings import Standings
from domain.agent import Presence
from domain.assignment import ConversationTransferred, OfferAccepted
from domain.classification import ConversationOverflowed
from domain.conversation import ConversationClosed
from tests.domain.routing.shop import Shop
from tests.domain.routing.situations import a_shop
from tests.domain.situations import MEI, NOON, QUEUE

NOTHING = Kept(revision=0, firsts={}, paces={})
OTHER = "queue-other"


class Onlooker:
    """Standings that hear of a shop's log and look at its router, as they do beside it."""

    def __init__(self, shop: Shop, kept: Kept = NOTHING) -> None:
        self.shop = shop
        self.standings = Standings(kept)
        self.standings.position = len(shop.log)
        self.paces: dict[str, Pace] = {}

    def hear(self) -> None:
        for recorded in self.shop.log[self.standings.position :]:
            match recorded.event:
                case OfferAccepted(conversation_id=one):
                    self.standings.taken(one, recorded.recorded_at)
                case ConversationClosed(conversation_id=one):
                    self.standings.closed(one, recorded.recorded_at)
                case ConversationOverflowed(conversation_id=one) | ConversationTransferred(conversation_id=one):
                    self.standings.moved(one)
        self.standings.position = len(self.shop.log)

    def look(self) -> Changed:
        """What is to be told now."""
        self.hear()
        for _ in self.standings.look(self.shop.router, self.shop.now):
            pass
        changed = self.standings.changed()
        self.paces |= changed.paces
        return changed

    def serve(self, times: int, seconds_each: float) -> None:
        """Mei takes one after the other."""
        for _ in range(times):
            self.shop.wait(seconds_each)
            self.shop.route()
            one = next(iter(self.shop.agents[MEI].work))
            self.shop.accept(one)
            self.shop.close(one)
            self.look()


def a_line(*ids: str, queue_id: str = QUEUE) -> Onlooker:
    """They came in this order, a second apart, and nobody is in."""
    shop = a_shop()
    for one in ids:
        shop.arrive(one, queue_id)
        shop.wait(1)
    return Onlooker(shop)


def a_served_line(length: int) -> Onlooker:
    """Eight were taken, ten seconds apart; so many are left."""
    onlooker = a_line(*(f"early-{number}" for number in range(8)), *(f"late-{number}" for number in range(length)))
    onlooker.look()
    onlooker.shop.hire(MEI, {}, 2)
    onlooker.shop.turn(MEI, Presence.AVAILABLE)
    onlooker.look()
    onlooker.serve(8, 10.0)
    return onlooker


def places(changed: Changed) -> dict[str, int]:
    return {one.id: one.place for one in changed.told}


def by_id(changed: Changed) -> dict[str, Expectation]:
    return {one.id: one for one in changed.told}


def test_places_are_in_the_order_of_scores() -> None:
    onlooker = a_line("first", "second")
    onlooker.shop.arrive("urgent", QUEUE, priority=5)

    changed = onlooker.look()

    assert places(changed) == {"urgent": 1, "first": 2, "second": 3}
    assert {(one.expected_seconds, one.unknown_because) for one in changed.told} == {
        (None, UnknownBecause.NOBODY_SIGNED_IN)
    }


def test_queues_that_ask_the_same_stand_in_one_line() -> None:
    onlooker = a_line("first")
    onlooker.shop.open_queue(OTHER, {})
    onlooker.shop.arrive("second", OTHER)

    changed = onlooker.look()

    assert places(changed) == {"first": 1, "second": 2}
    assert by_id(changed)["second"].queue_id == OTHER


def test_who_asks_something_else_stands_in_a_line_of_their_own() -> None:
    onlooker = a_line("first")
    onlooker.shop.open_queue(OTHER, {"returns": 3})
    onlooker.shop.arrive("second", OTHER)

    assert places(onlooker.look()) == {"first": 1, "second": 1}


def test_what_has_not_changed_is_not_told_again() -> None:
    onlooker = a_line("first", "second")
    onlooker.look()
    onlooker.shop.wait(60)

    assert onlooker.look().is_nothing


def test_who_is_offered_keeps_the_place_until_somebody_takes_it() -> None:
    onlooker = a_line("first", "second")
    onlooker.shop.hire(MEI, {}, 2)
    onlooker.shop.turn(MEI, Presence.AVAILABLE)
    onlooker.look()

    onlooker.shop.route()
    offered = onlooker.look()
    onlooker.shop.accept("first")
    taken = onlooker.look()

    assert places(offered) == {}
    assert (places(taken), taken.gone) == ({"second": 1}, [("first", QUEUE)])


def test_who_gives_up_leaves_the_line() -> None:
    onlooker = a_line("first", "second")
    onlooker.look()

    onlooker.shop.close("first")

    changed = onlooker.look()
    assert (places(changed), changed.gone) == ({"second": 1}, [("first", QUEUE)])


def test_who_is_moved_stands_in_the_other_queue_and_no_more_in_this() -> None:
    onlooker = a_line("first")
    onlooker.look()
    onlooker.shop.open_queue(OTHER, {"returns": 3})

    onlooker.shop.transfer("first", OTHER)

    changed = onlooker.look()
    assert changed.gone == [("first", QUEUE)]
    assert [(one.id, one.queue_id) for one in changed.told] == [("first", OTHER)]


def test_what_asks_less_stands_where_less_is_asked() -> None:
    onlooker = a_line("plain")
    steps = [{"after_seconds": 60, "drop": ["returns"]}]
    onlooker.shop.open_queue(OTHER, {"returns": 3}, relaxation=steps)
    onlooker.shop.arrive("skilled", OTHER)
    before = onlooker.look()
    onlooker.shop.wait(61)
    onlooker.shop.route()

    after = onlooker.look()

    assert places(before) == {"plain": 1, "skilled": 1}
    assert (places(after), after.gone) == ({"skilled": 2}, [])


def test_a_line_that_is_served_says_how_long_it_will_be() -> None:
    onlooker = a_served_line(3)
    onlooker.shop.arrive("newest", QUEUE)

    told = by_id(onlooker.look())["newest"]

    assert told.place == 4
    assert told.expected_seconds is not None
    assert abs(told.expected_seconds - 40) <= 4
    assert told.low_seconds is not None
    assert told.high_seconds is not None
    assert told.low_seconds < told.expected_seconds < told.high_seconds


def test_a_wait_is_not_known_while_nobody_who_could_take_it_is_signed_in() -> None:
    onlooker = a_served_line(2)
    known = onlooker.look()
    onlooker.shop.hire("agent-other", {}, 2)
    onlooker.shop.turn(MEI, Presence.OFFLINE)

    changed = onlooker.look()
    onlooker.shop.wait(1_000)
    onlooker.look()
    onlooker.shop.turn(MEI, Presence.AVAILABLE)
    again = onlooker.look()

    assert known.is_nothing
    assert places(changed) == {"late-0": 1, "late-1": 2}
    assert {(one.expected_seconds, one.unknown_because) for one in changed.told} == {
        (None, UnknownBecause.NOBODY_SIGNED_IN)
    }
    assert [one.expected_seconds for one in again.told] == [10, 20], "the empty room taught nothing"


def test_a_wait_is_held_against_what_was_first_said() -> None:
    onlooker = a_served_line(0)
    onlooker.shop.arrive("newest", QUEUE)
    onlooker.shop.turn(MEI, Presence.AWAY)
    (first,) = onlooker.look().firsts.values()
    onlooker.shop.wait(100)
    onlooker.shop.turn(MEI, Presence.AVAILABLE)
    onlooker.shop.route()

    onlooker.shop.accept("newest")

    (tally,) = onlooker.look().tallies
    assert (tally.queue_id, tally.day, tally.bucket) == (QUEUE, NOON.date(), 0)
    assert (tally.taken, tally.longer, tally.given_up) == (1, 1, 0)
    assert tally.error_seconds == 100 - first.expected_seconds


def test_a_wait_that_was_given_up_is_counted_apart() -> None:
    onlooker = a_served_line(1)

    onlooker.shop.close("late-0")

    (tally,) = onlooker.look().tallies
    assert (tally.taken, tally.given_up, tally.error_seconds) == (0, 1, 0.0)


def test_a_line_of_a_closed_queue_has_no_places() -> None:
    onlooker = a_line("first")
    onlooker.look()
    never = {"time_zone": "UTC", "weekly": {}}

    onlooker.shop.open_queue(QUEUE, {}, opening_hours=never)

    changed = onlooker.look()
    assert (changed.told, changed.gone) == ([], [("first", QUEUE)])


def test_a_router_that_lags_behind_brings_nobody_back() -> None:
    onlooker = a_line(*(f"number-{number}" for number in range(1_200)))
    looking = onlooker.standings.look(onlooker.shop.router, onlooker.shop.now)
    next(looking)

    onlooker.standings.heard = len(onlooker.shop.log) + 1
    for _ in looking:
        pass

    assert len(onlooker.standings.changed().told) == 50


def test_who_takes_over_goes_on_with_what_was_first_said_and_with_the_pace() -> None:
    onlooker = a_served_line(2)
    onlooker.shop.arrive("newest", QUEUE)
    changed = onlooker.look()
    first = changed.firsts["newest", QUEUE]
    kept = Kept(revision=7, firsts={("newest", QUEUE): first, ("gone", QUEUE): None}, paces=onlooker.paces)

    successor = Onlooker(onlooker.shop, kept)

    told = successor.look()
    assert told.firsts["newest", QUEUE] == first
    assert by_id(told)["newest"].expected_seconds is not None
    assert told.gone == [("gone", QUEUE)]
