"""How an event is stored, and what is not believed when it is read back."""

import os
from collections.abc import Mapping
from typing import Any

import pytest
from eventsourcing.persistence import Notification
from hypothesis import given
from hypothesis import strategies as st

from application.log import UnreadableEvent
from domain.agent import SkillsAssigned
from domain.customer import CustomerNamed
from domain.event import TOPICS, Event, Recorded, Redacted
from domain.interaction import NoteWritten
from infrastructure.log.keys import StreamKey
from infrastructure.log.mapper import BrokenSeal, Envelope, EventMapper, Row, Upcast
from tests.log.situations import ANNA, BEN, NOON, named

KEY = StreamKey(os.urandom(32))
ENVELOPE = Envelope(occurred_at=NOON, recorded_at=NOON, actor="agent-1", command="c", correlation="r", cause=7)

texts = st.text(st.characters(exclude_categories=["Cs"]))
events = st.one_of(
    st.builds(CustomerNamed, name=texts),
    st.builds(NoteWritten, conversation_id=texts, note_id=texts, text=texts, agent_id=st.none() | texts),
    st.builds(SkillsAssigned, skills=st.dictionaries(texts, st.integers(-(2**63), 2**64 - 1))),
)


def a_mapper(
    topics: Mapping[str, type[Event]] = TOPICS, upcasts: Mapping[tuple[str, int], Upcast] | None = None
) -> EventMapper:
    return EventMapper(lambda _: KEY, topics, upcasts or {})


def a_row(event: Event, envelope: Envelope = ENVELOPE) -> Row:
    return 42, ANNA, 3, event.TOPIC, a_mapper().seal(event, ANNA, 3, envelope, KEY)


@given(event=events, actor=texts, cause=st.none() | st.integers(1, 2**63 - 1))
def test_what_is_sealed_is_read_back_the_same(event: Event, actor: str, cause: int | None) -> None:
    envelope = Envelope(occurred_at=NOON, recorded_at=NOON, actor=actor, command="c", correlation="r", cause=cause)

    opened = a_mapper().open(a_row(event, envelope), KEY)

    assert opened == Recorded(
        event=event, topic=event.TOPIC, stream=ANNA, version=3, position=42, occurred_at=NOON, recorded_at=NOON,
        actor=actor, cause=cause, correlation="r", command="c",
    )  # fmt: skip


def test_nothing_said_is_readable_in_a_row_and_who_did_it_is() -> None:
    state = a_row(named("Anna Karenina"))[4]

    assert b"Karenina" not in state
    assert b"agent-1" in state


def test_the_same_event_is_never_sealed_the_same() -> None:
    assert a_row(named())[4] != a_row(named())[4]


def test_without_its_key_an_event_is_redacted_and_keeps_its_envelope() -> None:
    row = a_row(named())

    for destroyed in (None, KEY._replace(first_version=4)):
        opened = a_mapper().open(row, destroyed)

        assert opened.event == Redacted(original_topic="customer.named")
        assert (opened.topic, opened.version, opened.position, opened.actor) == ("customer.named", 3, 42, "agent-1")


@given(place=st.integers(0), flip=st.integers(1, 255))
def test_no_byte_of_a_row_can_be_changed(place: int, flip: int) -> None:
    position, stream, version, topic, state = a_row(named())
    altered = bytearray(state)
    altered[place % len(state)] ^= flip

    with pytest.raises(UnreadableEvent, match=r"customer\.named at position 42"):
        a_mapper().open((position, stream, version, topic, bytes(altered)), KEY)


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 20, 60, -1])
def test_a_row_that_was_cut_off_is_told(cut: int) -> None:
    *place, state = a_row(named())

    with pytest.raises(UnreadableEvent):
        a_mapper().open((*place, state[:cut]), KEY)  # type: ignore[arg-type]  # mypy does not follow the star


def test_no_event_can_be_moved_or_renamed() -> None:
    _, _, _, _, state = a_row(named())
    moved = [(42, BEN, 3, "customer.named", state), (42, ANNA, 4, "customer.named", state)]
    renamed = (42, ANNA, 3, "customer.registered", state)

    for row in [*moved, renamed]:
        with pytest.raises(BrokenSeal):
            a_mapper().open(row, KEY)


def test_a_topic_outside_the_catalogue_is_named_and_not_imported() -> None:
    topics = {"customer.named": CustomerNamed}
    row = (42, ANNA, 3, "os.path", a_row(named())[4])

    with pytest.raises(UnreadableEvent, match=r"os\.path at position 42 .* not in the catalogue") as caught:
        a_mapper(topics).open(row, KEY)

    assert (caught.value.position, caught.value.stream, caught.value.version) == (42, ANNA, 3)


def test_a_redacted_event_cannot_be_stored() -> None:
    with pytest.raises(ValueError, match=r"log\.redacted"):
        a_mapper().seal(Redacted(original_topic="customer.named"), ANNA, 1, ENVELOPE, KEY)


def test_an_envelope_has_a_limit() -> None:
    with pytest.raises(ValueError, match="65535"):
        a_row(named(), Envelope(occurred_at=NOON, recorded_at=NOON, actor="x" * 70_000))


def test_an_old_payload_is_brought_up_step_by_step() -> None:
    def without_titles(fields: dict[str, Any]) -> dict[str, Any]:
        return {"names": [fields["name"]]}

    def joined(fields: dict[str, Any]) -> dict[str, Any]:
        return {"name": " ".join([*fields["names"], "Karenina"])}

    mapper = a_mapper(upcasts={("customer.named", 1): without_titles, ("customer.named", 2): joined})
    old = a_row(named("Anna"))
    current = mapper.to_stored_event(mapper.open(old, KEY))

    assert mapper.payload_version("customer.named") == 3
    assert mapper.open(old, KEY).event == named("Anna Karenina")
    assert mapper.to_domain_event(current).event == named("Anna Karenina"), "what is new is not brought up again"


def test_an_upcast_that_fails_names_the_event() -> None:
    mapper = a_mapper(upcasts={("customer.named", 1): lambda fields: {"name": fields["gone"]}})

    with pytest.raises(UnreadableEvent, match="payload of version 1: KeyError"):
        mapper.open(a_row(named()), KEY)


def test_the_payload_of_a_newer_release_is_told() -> None:
    newer = Envelope(occurred_at=NOON, recorded_at=NOON, actor="a", payload_version=2)

    with pytest.raises(UnreadableEvent, match="newer release"):
        a_mapper().open(a_row(named(), newer), KEY)


def test_the_librarys_notifications_are_opened_with_their_position() -> None:
    position, stream, version, topic, state = a_row(named())

    opened = a_mapper().to_domain_event(Notification(stream, version, topic, state, position))

    assert opened == a_mapper().open((position, stream, version, topic, state), KEY)
