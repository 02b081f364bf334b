"""Calls on screens: one entry in the timeline, on the board while they ring and are talked on, on the conversation."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import msgspec

from application.projections.calls import CallBoard, LiveCall
from application.projections.conversations import Card, Conversations
from application.projections.view import Row, encode
from domain.assignment import ConversationEnqueued
from domain.calls.stages import CallAnswered, CallLogged, CallRang, Direction, Stage
from domain.conversation import ConversationOpened
from domain.event import Event
from tests.application.views.histories import NOON
from tests.application.views.test_amendments import folded, recorded

OF: dict[str, Any] = {"conversation_id": "conversation-1", "call_id": "c-1", "account_id": "account-1"}
OF |= {"direction": Direction.INBOUND, "handle": "+49301"}
RANG = CallRang(**OF, queue_id="queue-1", rang_at=NOON, agent_ids=("agent-1", "agent-2"), customer_name="Li Na")
ANSWERED = CallAnswered(
    **OF, queue_id="queue-1", answered_at=NOON + timedelta(seconds=9), answered_by="Ana", agent_id="agent-1"
)
OVER = CallLogged(**OF, outcome="answered", duration_seconds=30, agent_id="agent-1")
WAITS = ConversationEnqueued(
    conversation_id="conversation-1", queue_id="queue-1", channel="phone", priority=0, waiting_since=NOON
)
MISSED = CallLogged(**OF, outcome="missed")


def entries(*events: Event) -> list[dict[str, Any]]:
    """Of a timeline; the first event stands at position 1 and at noon, each other a second later."""
    return [msgspec.json.decode(row.doc) for row in folded(list(enumerate(events)))]


def test_a_call_is_one_entry_that_comes_further() -> None:
    (ringing,), (talking,), (over,) = entries(RANG), entries(RANG, ANSWERED), entries(RANG, ANSWERED, OVER)

    assert [one["kind"].partition(".")[2] for one in (ringing, talking, over)] == [
        "call_rang",
        "call_answered",
        "call_logged",
    ]
    assert [one["call"]["stage"] for one in (ringing, talking, over)] == ["ringing", "answered", "ended"]
    assert {one["position"] for one in (ringing, talking, over)} == {1}
    assert {one["occurred_at"] for one in (ringing, talking, over)} == {"2026-11-11T12:00:00Z"}
    assert over["event"]["duration_seconds"] == 30
    assert over["call"] | {"stage": ""} == {
        "stage": "",
        "rang_at": "2026-11-11T12:00:00Z",
        "answered_at": "2026-11-11T12:00:09Z",
        "answered_by": "Ana",
        "agent_id": "agent-1",
        "agent_ids": ["agent-1", "agent-2"],
    }


def test_in_any_order_a_call_comes_out_the_same() -> None:
    seen = []
    for order in permutations([(0, RANG), (9, ANSWERED), (9, OVER)]):
        (row,) = folded(list(order))
        seen.append(msgspec.json.decode(row.doc))

    assert all(one | {"actor": ""} == seen[0] | {"actor": ""} for one in seen)


def test_calls_of_two_accounts_with_one_id_are_two() -> None:
    other = msgspec.structs.replace(OVER, account_id="account-2")

    assert len(entries(RANG, other)) == 2


def test_what_was_logged_before_calls_were_followed_is_an_entry_of_its_own() -> None:
    older = msgspec.structs.replace(OVER, account_id="")

    assert len(entries(older, older)) == 2


def shown(*events: Event) -> tuple[LiveCall | None, dict[str, list[Row]]]:
    """The call on the board, and the rows that it has by scope after each event."""
    board, card = CallBoard(), None
    rows: dict[str, list[Row]] = {}
    for told in enumerate(events, start=1):
        one = recorded(told[0], told)
        card = board.evolve(card, one)
        for row in board.rows(card, one.position, encode(card)) if card else ():
            rows.setdefault(row.scope, []).append(row)
    return card, rows


def test_a_call_that_rings_is_shown_to_its_queue_its_account_and_whom_it_rings_at() -> None:
    card, rows = shown(RANG)

    assert card is not None
    assert (card.customer_id, card.customer_name, card.stage) == ("customer-" + "1" * 32, "Li Na", Stage.RINGING)
    assert set(rows) == {"all", "account-1", "queue-1", "agent-1", "agent-2"}


def test_a_call_that_is_answered_stays_with_whoever_talks() -> None:
    card, rows = shown(RANG, ANSWERED)

    assert card is not None
    assert (card.stage, card.agent_id, card.since) == (Stage.ANSWERED, "agent-1", NOON)
    times = {scope: len(several) for scope, several in rows.items()}
    assert times == {"all": 2, "account-1": 2, "queue-1": 2, "agent-1": 2, "agent-2": 1}


def test_a_call_that_is_over_leaves_the_board_for_good() -> None:
    late = msgspec.structs.replace(ANSWERED, is_over=True)

    assert shown(RANG, ANSWERED, OVER)[0] is None
    assert shown(RANG, OVER, late)[0] is None


def card_after(*events: Event) -> Card:
    opening = ConversationOpened(conversation_id="conversation-1", channel="phone", account_id="account-1", thread="")
    card: Card | None = None
    for position, event in enumerate([opening, *events], start=1):
        card = Conversations().evolve(card, recorded(position, (position, event)))
    assert card is not None
    return card


def test_the_card_of_a_conversation_shows_the_call_that_is_on() -> None:
    ringing, talking, over = card_after(RANG), card_after(RANG, ANSWERED), card_after(RANG, ANSWERED, OVER)

    assert (ringing.call and ringing.call.stage, ringing.preview) == (Stage.RINGING, "ringing")
    assert (talking.call and talking.call.answered_by, talking.preview) == ("Ana", "answered")
    assert (over.call, over.preview, over.unanswered_since) == (None, "answered", None)


def test_a_missed_call_that_waits_is_unanswered_until_somebody_talks() -> None:
    again = msgspec.structs.replace(OVER, call_id="c-2")

    assert card_after(RANG, WAITS, MISSED).unanswered_since is not None
    assert card_after(RANG, WAITS, MISSED).last_by == "customer"
    assert card_after(RANG, WAITS, MISSED, again).unanswered_since is None


def test_a_missed_call_of_long_ago_asks_for_no_answer() -> None:
    assert card_after(MISSED).unanswered_since is None
    assert card_after(MISSED).preview == "missed"


def test_the_end_of_another_call_leaves_the_call_that_is_on() -> None:
    other = msgspec.structs.replace(MISSED, call_id="c-2")

    assert card_after(RANG, other).call == card_after(RANG).call
