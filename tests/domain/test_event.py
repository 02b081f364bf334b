"""What an event is, and what every refusal says."""

import msgspec
import pytest

from domain.agent import AgentSignedIn, PresenceChanged
from domain.event import TOPICS, Event, RuleBroken, kind_of, without
from domain.workload import AtCapacity


def test_an_event_is_found_by_its_topic() -> None:
    assert TOPICS["agent.presence_changed"] is PresenceChanged


def test_a_topic_names_one_event() -> None:
    with pytest.raises(ValueError, match=r"'agent.signed_in' names two events: AgentSignedIn and Again"):

        class Again(Event, topic="agent.signed_in"):
            """A second event of that name."""

    assert TOPICS["agent.signed_in"] is AgentSignedIn


def test_an_event_cannot_be_changed() -> None:
    event = AgentSignedIn()

    with pytest.raises(AttributeError):
        event.name = "Ola"  # type: ignore[attr-defined]


def test_what_an_event_does_not_say_is_not_stored() -> None:
    assert msgspec.json.encode(AgentSignedIn()) == b"{}"


def test_a_refusal_says_the_sentence_of_its_rule() -> None:
    assert str(AtCapacity()) == "The agent has no room for this load."


def test_a_refusal_may_name_what_was_refused() -> None:
    assert str(AtCapacity("6 of 6 units held")) == "6 of 6 units held"


def test_every_refusal_has_a_sentence_of_its_own() -> None:
    silent = [refusal.__name__ for refusal in RuleBroken.__subclasses__() if not str(refusal()).endswith(".")]

    assert silent == []


def test_a_stream_begins_with_its_kind() -> None:
    assert kind_of("customer-0193a7-x") == "customer"


def test_a_mapping_without_a_key_is_a_copy() -> None:
    before = {"a": 1, "b": 2}

    assert without(before, "a") == {"b": 2}
    assert without(before, "c") == before == {"a": 1, "b": 2}
