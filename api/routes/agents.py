"""Agents: they join, come and go, and what they can do is set. Who is here is `boards.py`."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.access.permissions import Action, demand_agent
from api.http.answer import Answer, Stands, done_answer
from api.http.asked import Asked
from api.http.fields import Moment, Name, Reason, Skills, Units, Word, Words
from api.http.operation import Nothing, command
from domain.agent import Presence

Expires = Annotated[dict[Word, Moment], Meta(max_length=200)]
SKILLS_EXAMPLE = {"skills": {"returns": 6, "lang:zh": 9, "alipay": 5}, "expires": {"alipay": "2027-06-30T16:00:00Z"}}
ELIGIBILITY_EXAMPLE = {"groups": ["day shift"], "channels": ["webchat", "email"]}


class AgentWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who is to work as an agent."""

    name: Name
    skills: Skills = {}
    """Level from 1 (knows a little) to 10 (expert) by skill."""
    expires: Expires = {}
    """Until when a skill counts, of those that end."""
    capacity: Units = 6
    """Load units they can do at once; the routing policy says what a conversation of each channel takes."""
    groups: Words = ()
    """The groups they are in; a queue may be served by some groups only."""
    channels: Words = ()
    """The channels they may serve; empty: all."""


class AgentStands(Stands, kw_only=True):
    """The agent, and where the command led."""

    agent_id: str


class PresenceWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether work may be offered."""

    presence: Presence
    reason: Reason = ""


class SkillsWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the agent can do, all of it."""

    skills: Skills
    """Level from 1 (knows a little) to 10 (expert) by skill."""
    expires: Expires = {}
    """Until when a skill counts, of those that end: a certificate, a campaign."""


class EligibilityWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which work the agent may be given at all, all of it."""

    groups: Words = ()
    """The groups they are in; a queue may be served by some groups only."""
    channels: Words = ()
    """The channels they may serve; empty: all."""


class CapacityWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much the agent can do at once."""

    units: Units


def _allowed(asked: Asked[Any]) -> str:
    """The agent of the path. Raises Unknown for another than oneself where the role goes no further."""
    demand_agent(asked.person, asked.reach, asked.ids["agent_id"])
    return asked.ids["agent_id"]


@command(
    "/v1/agents",
    Action.REGISTER_AGENTS,
    takes=AgentWanted,
    gives=AgentStands,
    status=201,
    example={"name": "Kim", "capacity": 6, **SKILLS_EXAMPLE, **ELIGIBILITY_EXAMPLE},
)
async def register_agent(asked: Asked[AgentWanted]) -> Answer:
    """Register an agent.

    To let them sign in, admit a person with this `agent_id`.
    """
    given = asked.given
    done, agent_id = await asked.parts.staff.register(
        asked.command,
        given.name,
        given.skills,
        given.capacity,
        expires=given.expires,
        groups=given.groups,
        channels=given.channels,
    )
    return done_answer(done, AgentStands(position=done.position, agent_id=agent_id), status=201)


@command("/v1/agents/{agent_id}/sign_in", Action.SIGN_AGENTS_IN)
async def sign_in(asked: Asked[Nothing]) -> Answer:
    """Come to work.

    Signed in means away until they say they are available.
    """
    return done_answer(await asked.parts.staff.sign_in(asked.command, _allowed(asked)))


@command(
    "/v1/agents/{agent_id}/change_presence",
    Action.SIGN_AGENTS_IN,
    takes=PresenceWanted,
    example={"presence": "available"},
)
async def change_presence(asked: Asked[PresenceWanted]) -> Answer:
    """Say whether work may be offered.

    Offline signs the agent out. Agents do so for themselves, supervisors for everybody.
    """
    given = asked.given
    return done_answer(
        await asked.parts.staff.change_presence(asked.command, _allowed(asked), given.presence, given.reason)
    )


@command(
    "/v1/agents/{agent_id}/assign_skills",
    Action.SET_ABILITIES,
    takes=SkillsWanted,
    example=SKILLS_EXAMPLE,
)
async def assign_skills(asked: Asked[SkillsWanted]) -> Answer:
    """Set what an agent can do.

    Replaces all skills they had. One that expires stops counting at that moment, by itself.
    """
    given = asked.given
    return done_answer(
        await asked.parts.staff.assign_skills(asked.command, _allowed(asked), given.skills, given.expires)
    )


@command(
    "/v1/agents/{agent_id}/set_eligibility",
    Action.SET_ABILITIES,
    takes=EligibilityWanted,
    example=ELIGIBILITY_EXAMPLE,
)
async def set_eligibility(asked: Asked[EligibilityWanted]) -> Answer:
    """Set which work an agent may be given at all.

    Their groups and channels; replaces both. What they hold stays with them.
    """
    given = asked.given
    return done_answer(
        await asked.parts.staff.set_eligibility(asked.command, _allowed(asked), given.groups, given.channels)
    )


@command("/v1/agents/{agent_id}/set_capacity", Action.SET_ABILITIES, takes=CapacityWanted, example={"units": 6})
async def set_capacity(asked: Asked[CapacityWanted]) -> Answer:
    """Set how much an agent can do at once.

    Less than what they hold takes nothing away; it only stops new work.
    """
    return done_answer(await asked.parts.staff.set_capacity(asked.command, _allowed(asked), asked.given.units))


OPERATIONS = (register_agent, sign_in, change_presence, assign_skills, set_eligibility, set_capacity)
