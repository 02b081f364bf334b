"""Agents join, come and go, and what they can do is set."""

import pytest

from domain.agent import (
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
from tests.application.situations import Shop, an_assigned_conversation

pytestmark = pytest.mark.anyio

NOBODY = "agent-" + "0" * 32


async def test_an_agent_joins_with_skills_and_capacity(shop: Shop) -> None:
    head = await shop.log.head()

    _, agent_id = await shop.staff.register(shop.command(), "Mei", {"returns": 4}, 6)

    assert await shop.since(head) == [
        AgentRegistered(name="Mei"),
        SkillsAssigned(skills={"returns": 4}),
        CapacitySet(units=6),
    ]
    assert (await shop.agent(agent_id)).presence is Presence.OFFLINE


async def test_a_repeated_registration_names_the_same_agent(shop: Shop) -> None:
    first, agent_id = await shop.staff.register(shop.command(key="mei"), "Mei", {}, 6)

    again, same_id = await shop.staff.register(shop.command(key="mei"), "Mei", {}, 6)

    assert (again.position, again.is_repeat, same_id) == (first.position, True, agent_id)


async def test_an_agent_who_cannot_be_is_refused(shop: Shop) -> None:
    head = await shop.log.head()

    with pytest.raises(SkillLevelOutOfRange):
        await shop.staff.register(shop.command(), "Mei", {"returns": 11}, 6)
    with pytest.raises(CapacityOutOfRange):
        await shop.staff.register(shop.command(), "Mei", {}, -1)

    assert await shop.since(head) == []


async def test_a_day_at_work_is_told_without_repetitions(shop: Shop) -> None:
    _, agent_id = await shop.staff.register(shop.command(), "Mei", {}, 6)
    head = await shop.log.head()

    for _ in range(2):
        await shop.staff.sign_in(shop.command(), agent_id)
    for presence in (Presence.AWAY, Presence.AVAILABLE, Presence.AVAILABLE, Presence.OFFLINE, Presence.OFFLINE):
        await shop.staff.change_presence(shop.command(), agent_id, presence, "as it is")

    assert await shop.since(head) == [
        AgentSignedIn(),  # which means away
        PresenceChanged(presence=Presence.AVAILABLE, reason="as it is"),
        AgentSignedOut(reason="as it is"),
    ]


async def test_who_is_not_signed_in_has_no_presence_to_change(shop: Shop) -> None:
    _, agent_id = await shop.staff.register(shop.command(), "Mei", {}, 6)

    with pytest.raises(NotSignedIn):
        await shop.staff.change_presence(shop.command(), agent_id, Presence.AVAILABLE, "")


async def test_skills_are_replaced_as_a_whole(shop: Shop) -> None:
    agent_id = await shop.hire(skills={"returns": 4})
    head = await shop.log.head()

    for _ in range(2):
        await shop.staff.assign_skills(shop.command(), agent_id, {"billing": 2})

    assert await shop.since(head) == [SkillsAssigned(skills={"billing": 2})]
    with pytest.raises(SkillLevelOutOfRange):
        await shop.staff.assign_skills(shop.command(), agent_id, {"billing": 0})


async def test_less_capacity_than_is_held_takes_nothing_away(shop: Shop) -> None:
    assigned = await an_assigned_conversation(shop)

    await shop.staff.set_capacity(shop.command(), assigned.agent_id, 1)

    agent = await shop.agent(assigned.agent_id)
    assert (agent.capacity, agent.load) == (1, 2)
    with pytest.raises(CapacityOutOfRange):
        await shop.staff.set_capacity(shop.command(), assigned.agent_id, 1_001)


async def test_an_agent_who_does_not_exist_is_refused(shop: Shop) -> None:
    for attempt in (
        shop.staff.sign_in(shop.command(), NOBODY),
        shop.staff.change_presence(shop.command(), NOBODY, Presence.AWAY, ""),
        shop.staff.assign_skills(shop.command(), NOBODY, {}),
        shop.staff.set_capacity(shop.command(), NOBODY, 1),
    ):
        with pytest.raises(AgentUnknown):
            await attempt
