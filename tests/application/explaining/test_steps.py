"""Why something overflowed, or an offer of it was taken back, as told of shops in memory."""

import pytest

from application.explaining.explanation import Step
from application.explaining.steps import step_of
from domain import offers
from domain.agent import Presence
from domain.assignment import OfferWithdrawn
from domain.classification import ConversationOverflowed
from domain.event import Event
from tests.domain.routing.shop import Shop, replayed
from tests.domain.routing.situations import a_shop_with
from tests.domain.situations import MEI, QUEUE

LATER = "queue-later"


def told_of(shop: Shop, kind: type[Event]) -> list[Step]:
    """Each event of this kind, by the router as it stood before it."""
    told = [step_of(one, replayed(shop.log[: one.position - 1])) for one in shop.log if isinstance(one.event, kind)]
    return [one for one in told if one is not None]


def test_an_overflow_by_length_tells_how_many_waited_and_that_the_last_go() -> None:
    """Mei is offered the first, which counts no longer; three are left where two may wait."""
    shop = a_shop_with(MEI)
    shop.open_queue(LATER, {"nobody": 1})
    shop.open_queue(QUEUE, {}, overflow=[{"when": "length", "limit": 2, "to_queue_id": LATER}])
    for name in ("a", "b", "c"):
        shop.arrive(name, QUEUE)
        shop.route()
    shop.arrive("d", QUEUE)
    shop.route()

    (told,) = told_of(shop, ConversationOverflowed)

    assert (told.conversation_id, told.what) == ("d", f"it went from {QUEUE} to {LATER}")
    assert told.because == f"rule 1 of {QUEUE}: more than 2 wait; 3 did, and what came last goes"
    assert told.recomputed


def test_several_that_overflow_by_length_at_once_are_each_decided_again() -> None:
    shop = a_shop_with()
    shop.open_queue(LATER, {})
    shop.open_queue(QUEUE, {})
    for name in ("a", "b", "c"):
        shop.arrive(name, QUEUE)
    shop.open_queue(QUEUE, {}, overflow=[{"when": "length", "limit": 1, "to_queue_id": LATER}])
    shop.route()

    told = told_of(shop, ConversationOverflowed)

    assert [one.conversation_id for one in told] == ["b", "c"]
    assert all(one.recomputed for one in told)


def test_an_overflow_of_a_closed_queue_tells_since_when_and_until_when() -> None:
    shop = a_shop_with()
    hours = {"time_zone": "UTC", "weekly": {"wed": [["00:00", "12:30"]], "thu": [["08:00", "12:30"]]}}
    shop.open_queue(LATER, {})
    overflow = [{"when": "closed", "to_queue_id": LATER, "promise": "callback"}]
    shop.open_queue(QUEUE, {}, opening_hours=hours, overflow=overflow)
    shop.arrive("first", QUEUE)
    before = shop.route()
    shop.wait(1_800)
    shop.route()

    (told,) = told_of(shop, ConversationOverflowed)

    assert before == []
    assert told.what == f"it went from {QUEUE} to {LATER}, with the promise callback"
    assert told.because == f"rule 1 of {QUEUE}: the queue was closed, until 2026-11-12 08:00:00.000+00:00"
    assert told.recomputed


@pytest.mark.parametrize(
    ("reason", "because"),
    [
        ("signed_out", "the agent had signed out"),
        ("closed", "the conversation was closed meanwhile"),
        ("transferred", "somebody handed the conversation on meanwhile"),
        ("set aside", "the conversation could not be read for a while"),
        ("in the words of another release", "the reason was: in the words of another release"),
    ],
)
def test_an_offer_that_was_withdrawn_tells_why(reason: str, because: str) -> None:
    shop = a_shop_with(MEI)
    shop.arrive("first", QUEUE)
    shop.route()
    customer_id, one = shop.find("first")
    shop.record(customer_id, offers.withdraw_offer(one, reason=reason))

    (told,) = told_of(shop, OfferWithdrawn)

    assert told.what.endswith(f"to {MEI} was taken back; it waits again, with its age")
    assert (told.because, told.recomputed) == (because, False)


def test_an_offer_to_who_signed_out_is_taken_back_again_when_decided_again() -> None:
    shop = a_shop_with(MEI)
    shop.arrive("first", QUEUE)
    shop.route()
    shop.turn(MEI, Presence.OFFLINE)
    shop.route()

    (told,) = told_of(shop, OfferWithdrawn)

    assert told.recomputed
