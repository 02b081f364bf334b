"""Keep staff: agents join, come and go, and what they can do is set."""

from collections.abc import Collection, Mapping
from datetime import datetime

from application.commands import Command, Commands, Done
from application.ids import derived_id, new_id
from domain import agent, workload
from domain.agent import Agent, Presence
from domain.event import Event


class KeepStaff:
    """Each method carries out one command on one agent. Safe to repeat with the same claim."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    async def register(
        self,
        command: Command,
        name: str,
        skills: dict[str, int],
        capacity: int,
        *,
        expires: Mapping[str, datetime] | None = None,
        groups: Collection[str] = (),
        channels: Collection[str] = (),
    ) -> tuple[Done, str]:
        """Returns the new agent's id too. Raises SkillLevelOutOfRange, CapacityOutOfRange."""
        agent_id = derived_id("agent", command.claim.key) if command.claim else new_id("agent")

        def decide(one: Agent) -> list[list[Event]]:
            registered = agent.register(
                one,
                name=name,
                skills=skills,
                expires=dict(expires or {}),
                capacity=capacity,
                groups=frozenset(groups),
                channels=frozenset(channels),
            )
            return [registered]

        return await self._commands.carry_out(command, [agent_id], decide), agent_id

    async def sign_in(self, command: Command, agent_id: str) -> Done:
        """Raises AgentUnknown."""
        return await self._commands.carry_out(command, [agent_id], lambda one: [agent.sign_in(one)])

    async def sign_out(self, command: Command, agent_id: str, reason: str) -> Done:
        """What they hold goes back to the queues. Raises AgentUnknown."""
        return await self._commands.carry_out(command, [agent_id], lambda one: [agent.sign_out(one, reason=reason)])

    async def let_go(self, command: Command, agent_id: str, conversation_id: str, reason: str) -> Done:
        """Frees them of work on which nothing can be decided, because it cannot be read. Safe to repeat."""
        return await self._commands.carry_out(
            command,
            [agent_id],
            lambda one: [workload.release_load(one, conversation_id=conversation_id, reason=reason)],
        )

    async def change_presence(self, command: Command, agent_id: str, presence: Presence, reason: str) -> Done:
        """Offline signs the agent out. Raises AgentUnknown, NotSignedIn."""

        def decide(one: Agent) -> list[list[Event]]:
            return [agent.change_presence(one, presence, reason)]

        return await self._commands.carry_out(command, [agent_id], decide)

    async def assign_skills(
        self, command: Command, agent_id: str, skills: dict[str, int], expires: Mapping[str, datetime] | None = None
    ) -> Done:
        """Replaces all of them. Raises AgentUnknown, SkillLevelOutOfRange."""
        return await self._commands.carry_out(
            command, [agent_id], lambda one: [agent.assign_skills(one, skills, dict(expires or {}))]
        )

    async def set_eligibility(
        self, command: Command, agent_id: str, groups: Collection[str], channels: Collection[str]
    ) -> Done:
        """Replaces both. Raises AgentUnknown."""

        def decide(one: Agent) -> list[list[Event]]:
            return [agent.set_eligibility(one, groups=frozenset(groups), channels=frozenset(channels))]

        return await self._commands.carry_out(command, [agent_id], decide)

    async def set_capacity(self, command: Command, agent_id: str, units: int) -> Done:
        """Raises AgentUnknown, CapacityOutOfRange."""
        return await self._commands.carry_out(command, [agent_id], lambda one: [agent.set_capacity(one, units)])
