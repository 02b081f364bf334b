"""What is told about a message after it was said: in whatever order it comes, the same is to be seen in the end."""

import random
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.projections.lines import Draft, Lines
from application.projections.timeline import EntryRow, Line
from application.push import Hub
from application.views import ViewReaders
from domain.event import Event, Recorded
from domain.interaction import Content, ContentKind, MessageReceived, ReplyEchoed, ReplyWritten
from domain.outbound.delivery import (
    DeliveryAccepted,
    DeliveryAttempted,
    DeliveryReported,
    DeliveryStatus,
    DeliveryUnknown,
)
from tests.application.views.histories import NOON, Town
from tests.application.views.screens import Followed, Screen, shown_now

WHO = "customer-" + "1" * 32
IDS = {"conversation_id": "conversation-1", "account_id": "account-1"}
OF: dict[str, Any] = IDS | {"channel": "whatsapp", "handle": "li"}
SECRET = "Send it to Berlin"


def said(number: int, kind: ContentKind = ContentKind.TEXT, about: str = "", text: str = SECRET) -> MessageReceived:
    content = Content(kind=kind, text=text, about=about)
    return MessageReceived(**OF, message_id=f"message-{number}", provider_id=f"p-{number}", content=content)


def echoed(number: int, kind: ContentKind = ContentKind.TEXT, about: str = "", text: str = SECRET) -> ReplyEchoed:
    content = Content(kind=kind, text=text, about=about)
    return ReplyEchoed(**OF, message_id=f"message-{number}", provider_id=f"p-{number}", content=content)


EDIT, UNSEND, REACTION = ContentKind.EDIT, ContentKind.UNSEND, ContentKind.REACTION
REPLY = ReplyWritten(**OF, message_id="message-r", text="It comes tomorrow.", agent_id="agent-1")
SENT: dict[str, Any] = {"conversation_id": "conversation-1", "message_id": "message-r"}
TAKEN = DeliveryAccepted(**SENT, provider_id="p-r")

Told = tuple[int, Event]
"""Seconds after noon, and what happened."""
ABOUT_A_MESSAGE: list[Told] = [
    (10, said(2, EDIT, "p-1", "Send it to Bremen")),
    (20, said(3, EDIT, "p-1", "Send it to Bonn")),
    (30, said(4, REACTION, "p-1", "👍")),
    (31, said(5, REACTION, "p-1", "")),
    (32, said(6, REACTION, "p-1", "🎉")),
    (33, echoed(7, REACTION, "p-1", "❤")),
    (40, said(8, UNSEND, "p-1", "")),
]
ABOUT_A_REPLY: list[Told] = [
    (10, TAKEN),
    (20, echoed(9, EDIT, "p-r", "It comes on Monday.")),
    (30, said(10, REACTION, "p-r", "👎")),
    (31, said(11, REACTION, "p-r", "👍")),
]


def recorded(position: int, told: Told) -> Recorded:
    after_seconds, event = told
    return Recorded(
        event=event,
        topic=event.TOPIC,
        stream=WHO,
        version=position,
        position=position,
        occurred_at=NOON + timedelta(seconds=after_seconds),
        recorded_at=NOON + timedelta(minutes=3),
        actor="key-1",
    )


def folded(told: list[Told], batches: random.Random | None = None) -> list[EntryRow]:
    """The rows after these events in that order, taken in batches of any size."""
    kept, rows, events = Lines(), dict[str, EntryRow](), [recorded(*one) for one in enumerate(told, start=1)]
    kept.forget(has_all=True)
    while events:
        size = batches.randrange(1, 5) if batches else len(events)
        draft = Draft(kept)
        for one in events[:size]:
            draft.take(one)
        rows |= {row.key: row for row in draft.rows()}
        kept.keep(draft.named)
        events = events[size:]
    return list(rows.values())


def shown(told: list[Told], batches: random.Random | None = None) -> list[dict[str, Any]]:
    """What is to be seen, but for the order in which we learnt of it."""
    entries = [msgspec.json.decode(row.doc) for row in folded(told, batches) if not row.is_gone]
    for entry in entries:
        del entry["position"]
        for reaction in entry.get("reactions", ()):
            del reaction["position"]
    return sorted(entries, key=lambda entry: (entry["occurred_at"], entry["kind"]))


def one(told: list[Told]) -> dict[str, Any]:
    """The only entry there is to be seen."""
    (entry,) = shown(told)
    return entry


@given(
    told=st.lists(st.sampled_from(ABOUT_A_MESSAGE), min_size=1, max_size=12),
    is_there=st.booleans(),
    chance=st.randoms(use_true_random=False),
)
def test_in_any_order_and_however_often_a_message_comes_out_the_same(
    told: list[Told], *, is_there: bool, chance: random.Random
) -> None:
    once = sorted(set(told), key=lambda one: one[0])
    given_first: list[Told] = [(0, said(1))] if is_there else []
    shuffled = told + given_first
    chance.shuffle(shuffled)

    seen = shown(shuffled, chance)

    assert seen == shown(given_first + once)
    assert len(seen) == 1
    assert seen[0].get("is_original_missing", False) is not is_there


@given(
    told=st.lists(st.sampled_from(ABOUT_A_REPLY), min_size=1, max_size=8),
    is_echoed=st.booleans(),
    chance=st.randoms(use_true_random=False),
)
def test_in_any_order_and_however_often_a_reply_comes_out_the_same(
    told: list[Told], *, is_echoed: bool, chance: random.Random
) -> None:
    """Also where its echo was kept as a message of its own, before the sender recorded what the channel calls it."""
    once = sorted(set(told) | {ABOUT_A_REPLY[0]}, key=lambda one: one[0])
    shuffled = [*told, ABOUT_A_REPLY[0], *([(1, echoed(12))] if is_echoed else [])]
    chance.shuffle(shuffled)
    named = [(at, _named_as_the_reply(event)) for at, event in shuffled]

    seen = shown([(0, REPLY), *named], chance)

    assert seen == shown([(0, REPLY), *once])
    assert len(seen) == 1


def _named_as_the_reply(event: Event) -> Event:
    is_echo_of_it = isinstance(event, ReplyEchoed) and not event.content.is_amending
    return msgspec.structs.replace(event, provider_id="p-r") if is_echo_of_it else event


def test_an_edited_message_shows_its_newest_words_and_that_it_was_edited() -> None:
    entry = one([(0, said(1)), *ABOUT_A_MESSAGE[1::-1]])

    assert (entry["event"]["content"]["text"], entry["edited_at"]) == ("Send it to Bonn", "2026-11-11T12:00:20Z")
    assert "kind" not in entry["event"]["content"], "it is a text as before"


def test_of_two_edits_at_the_same_moment_the_later_recorded_counts() -> None:
    entry = one([(0, said(1)), (10, said(2, EDIT, "p-1", "Bremen")), (10, said(3, EDIT, "p-1", "Bonn"))])

    assert entry["event"]["content"]["text"] == "Bonn"


def test_a_message_that_was_taken_back_has_no_words_left_in_the_view() -> None:
    rows = folded([(0, said(1)), (10, said(2, EDIT, "p-1", f"{SECRET} again")), (40, said(8, UNSEND, "p-1", ""))])

    entries = [msgspec.json.decode(row.doc) for row in rows]
    assert entries[0]["unsent_at"] == "2026-11-11T12:00:40Z"
    assert not any(SECRET.encode() in row.doc + row.told for row in rows)


def test_reactions_stand_on_the_message_one_a_sender() -> None:
    entry = one([(0, said(1)), *ABOUT_A_MESSAGE[2:6]])

    assert [(one["sender"], one["emoji"]) for one in entry["reactions"]] == [("", "❤"), ("li", "🎉")]


def test_a_reaction_that_was_taken_back_is_gone() -> None:
    assert "reactions" not in one([(0, said(1)), *ABOUT_A_MESSAGE[2:4]])


def test_what_is_told_about_a_message_we_do_not_have_is_a_line_of_its_own() -> None:
    entry = one([ABOUT_A_MESSAGE[1], ABOUT_A_MESSAGE[0]])

    assert (entry["is_original_missing"], entry["event"]["content"]["kind"]) == (True, "edit")
    assert entry["event"]["content"]["text"] == "Send it to Bonn"


def test_the_message_takes_the_place_of_what_came_before_it() -> None:
    line, message = folded([ABOUT_A_MESSAGE[0], (0, said(1))])

    assert (line.is_gone, line.position, line.doc) == (True, 2, b"")
    assert (message.key, message.position, message.is_missing) == ("2", 2, False)


def test_an_amendment_that_names_no_message_is_a_line_of_its_own() -> None:
    assert len(shown([(0, said(1)), (10, said(2, EDIT, "", "Bremen"))])) == 2


def test_the_same_id_on_another_account_is_another_message() -> None:
    elsewhere = msgspec.structs.replace(said(2, EDIT, "p-1", "Bremen"), account_id="account-2")

    assert len(shown([(0, said(1)), (10, elsewhere)])) == 2


def test_a_reply_shows_how_it_fares() -> None:
    told: list[Told] = [
        (0, REPLY),
        (1, DeliveryAttempted(**SENT, attempt=1)),
        (2, DeliveryUnknown(**SENT, reason="no answer")),
        (3, TAKEN),
        (4, DeliveryReported(**SENT, status=DeliveryStatus.READ)),
        (5, DeliveryReported(**SENT, status=DeliveryStatus.FAILED, participant="ana")),
        (6, DeliveryReported(**SENT, status=DeliveryStatus.FAILED, reason="131026 undeliverable")),
    ]

    stood = [one(told[: number + 1]).get("delivery", {}) for number in range(len(told))]

    assert [delivery.get("status") for delivery in stood] == [
        None,
        "attempted",
        "unknown",
        "accepted",
        "read",
        "read",
        "failed",
    ]
    assert stood[2]["reason"] == "no answer"
    assert stood[-1] == {
        "status": "failed",
        "at": "2026-11-11T12:00:06Z",
        "reason": "131026 undeliverable",
        "participants": {"ana": "failed"},
    }


def test_news_of_a_delivery_that_nothing_is_known_of_is_a_line_of_its_own() -> None:
    assert one([(0, TAKEN)])["kind"] == "conversation.delivery_accepted"


def test_lines_that_were_not_used_for_long_are_read_again() -> None:
    kept, draft = Lines(lines_max=1), Draft(Lines())
    kept.forget(has_all=True)
    events = [recorded(1, (0, said(1))), recorded(2, (0, said(2)))]
    for event in events:
        draft.take(event)
    kept.keep(draft.named)
    stored = {row.name: row for row in draft.rows()}

    again = Draft(kept)
    edit = recorded(3, (10, said(3, EDIT, "p-1", "Bremen")))
    (name,) = again.unknown([edit])
    again.add([name], [stored[name]])
    again.take(edit)

    assert again.unknown([edit]) == set()
    (row,) = again.rows()
    assert (row.key, row.position, row.is_new) == ("1", 3, False)
    assert isinstance(again.named[name], Line)


@pytest.mark.anyio
async def test_a_screen_that_showed_a_message_loses_its_words_when_it_is_taken_back(
    town: Town, followed: Followed, hub: Hub, readers: ViewReaders
) -> None:
    who = await town.message(text=SECRET)
    screen = Screen(hub)
    await screen.watch("timeline", who)
    before = await screen.reached("timeline", who, await followed.catch_up())
    assert SECRET in str(before)
    (said_as,) = town.said[who]

    content = Content(kind=UNSEND, about=said_as)
    await town.append((who, town._message(who, "", "email", content)))
    after = await screen.reached("timeline", who, await followed.catch_up())

    assert SECRET not in str(after)
    assert after == await shown_now(readers, "timeline", who)
    assert SECRET not in str([msgspec.json.decode(row) for row in (await readers.timeline(who)).rows])
    await screen.disconnect()
