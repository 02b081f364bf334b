"""An agent: who may be given work, and how much."""

import pytest

from domain import agent
from domain.agent import (
    AgentAlreadyRegistered,
    AgentRegistered,
    AgentSignedIn,
    AgentSignedOut,
    AgentUnknown,
    CapacityOutOfRange,
    CapacitySet,
    NotSignedIn,
    Presence,
    PresenceChanged,
    SkillLevelOutOfRange,
    SkillsAssigned,
)
from tests.domain.situations import (
    a_registered_agent,
    after_agent,
    an_agent_at_work,
    an_agent_away,
    an_available_agent,
)


def test_registering_names_skills_and_capacity() -> None:
    events = agent.register(agent.NEW, name="Mei", skills={"returns": 4}, capacity=6)

    assert events == [AgentRegistered(name="Mei"), SkillsAssigned(skills={"returns": 4}), CapacitySet(units=6)]


def test_registering_without_skills_and_capacity_says_only_the_name() -> None:
    events = agent.register(agent.NEW, name="Mei", skills={}, capacity=0)

    assert events == [AgentRegistered(name="Mei")]


def test_an_agent_is_registered_once() -> None:
    mei = a_registered_agent()

    with pytest.raises(AgentAlreadyRegistered):
        agent.register(mei, name="Mei", skills={}, capacity=0)


def test_a_registered_agent_is_offline_and_knows_what_was_said() -> None:
    mei = a_registered_agent()

    assert (mei.name, mei.presence, mei.skills, mei.capacity, mei.load) == (
        "Mei",
        Presence.OFFLINE,
        {"returns": 4},
        6,
        0,
    )


def test_signing_in_means_away_until_they_say_otherwise() -> None:
    mei = a_registered_agent()

    events = agent.sign_in(mei)

    assert events == [AgentSignedIn()]
    assert after_agent(mei, events).presence is Presence.AWAY


def test_signing_in_twice_is_ignored() -> None:
    mei = an_available_agent()

    events = agent.sign_in(mei)

    assert events == []


def test_signing_out_says_why() -> None:
    mei = an_available_agent()

    events = agent.sign_out(mei, reason="end of shift")

    assert events == [AgentSignedOut(reason="end of shift")]
    assert not after_agent(mei, events).is_signed_in


def test_signing_out_twice_is_ignored() -> None:
    mei = a_registered_agent()

    events = agent.sign_out(mei)

    assert events == []


def test_a_stranger_does_nothing() -> None:
    stranger = agent.NEW

    with pytest.raises(AgentUnknown):
        agent.sign_in(stranger)
    with pytest.raises(AgentUnknown):
        agent.sign_out(stranger)
    with pytest.raises(AgentUnknown):
        agent.change_presence(stranger, Presence.AVAILABLE)
    with pytest.raises(AgentUnknown):
        agent.assign_skills(stranger, {})
    with pytest.raises(AgentUnknown):
        agent.set_capacity(stranger, 1)


def test_presence_changes_with_a_reason() -> None:
    mei = an_agent_away()

    events = agent.change_presence(mei, Presence.AVAILABLE, "back from lunch")

    assert events == [PresenceChanged(presence=Presence.AVAILABLE, reason="back from lunch")]
    assert after_agent(mei, events).presence is Presence.AVAILABLE


def test_the_same_presence_again_is_ignored() -> None:
    mei = an_available_agent()

    events = agent.change_presence(mei, Presence.AVAILABLE, "still here")

    assert events == []


def test_presence_offline_is_a_sign_out() -> None:
    mei = an_available_agent()

    events = agent.change_presence(mei, Presence.OFFLINE, "lost connection")

    assert events == [AgentSignedOut(reason="lost connection")]


def test_only_who_is_signed_in_has_another_presence() -> None:
    mei = a_registered_agent()

    with pytest.raises(NotSignedIn):
        agent.change_presence(mei, Presence.AVAILABLE)


def test_skills_are_replaced_as_a_whole() -> None:
    mei = a_registered_agent()

    events = agent.assign_skills(mei, {"lang:zh": 10})

    assert events == [SkillsAssigned(skills={"lang:zh": 10})]
    assert after_agent(mei, events).skills == {"lang:zh": 10}


def test_the_same_skills_again_are_ignored() -> None:
    mei = a_registered_agent()

    events = agent.assign_skills(mei, {"returns": 4})

    assert events == []


@pytest.mark.parametrize("skills", [{"returns": 0}, {"returns": 11}, {"": 5}])
def test_a_skill_has_a_name_and_a_level_from_1_to_10(skills: dict[str, int]) -> None:
    mei = a_registered_agent()

    with pytest.raises(SkillLevelOutOfRange, match="levels go from 1 to 10"):
        agent.assign_skills(mei, skills)


def test_an_agent_has_at_most_200_skills() -> None:
    mei = a_registered_agent()

    with pytest.raises(SkillLevelOutOfRange, match="not 201"):
        agent.assign_skills(mei, {f"skill-{number}": 1 for number in range(201)})


def test_capacity_is_set() -> None:
    mei = a_registered_agent()

    events = agent.set_capacity(mei, 8)

    assert events == [CapacitySet(units=8)]
    assert after_agent(mei, events).capacity == 8


def test_the_same_capacity_again_is_ignored() -> None:
    mei = a_registered_agent()

    events = agent.set_capacity(mei, 6)

    assert events == []


@pytest.mark.parametrize("units", [-1, 1_001])
def test_capacity_goes_from_0_to_1000(units: int) -> None:
    mei = a_registered_agent()

    with pytest.raises(CapacityOutOfRange):
        agent.set_capacity(mei, units)


def test_less_capacity_than_is_held_takes_nothing_away() -> None:
    mei = an_agent_at_work(units=6)

    events = agent.set_capacity(mei, 2)

    assert after_agent(mei, events).load == 6
