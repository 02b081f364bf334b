"""Keep staff: agents join, come and go, and what they can do is set."""

from application.commands import Command, Commands, Done
from application.ids import derived_id, new_id
from domain import agent
from domain.agent import Agent, Presence
from domain.event import Event


class KeepStaff:
    """Each method carries out one command on one agent. Safe to repeat with the same claim."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    async def register(self, command: Command, name: str, skills: dict[str, int], capacity: int) -> tuple[Done, str]:
        """Returns the new agent's id too. Raises SkillLevelOutOfRange, CapacityOutOfRange."""
        agent_id = derived_id("agent", command.claim.key) if command.claim else new_id("agent")

        def decide(one: Agent) -> list[list[Event]]:
            return [agent.register(one, name=name, skills=skills, capacity=capacity)]

        return await self._commands.carry_out(command, [agent_id], decide), agent_id

    async def sign_in(self, command: Command, agent_id: str) -> Done:
        """Raises AgentUnknown."""
        return await self._commands.carry_out(command, [agent_id], lambda one: [agent.sign_in(one)])

    async def change_presence(self, command: Command, agent_id: str, presence: Presence, reason: str) -> Done:
        """Offline signs the agent out. Raises AgentUnknown, NotSignedIn."""

        def decide(one: Agent) -> list[list[Event]]:
            return [agent.change_presence(one, presence, reason)]

        return await self._commands.carry_out(command, [agent_id], decide)

    async def assign_skills(self, command: Command, agent_id: str, skills: dict[str, int]) -> Done:
        """Replaces all of them. Raises AgentUnknown, SkillLevelOutOfRange."""
        return await self._commands.carry_out(command, [agent_id], lambda one: [agent.assign_skills(one, skills)])

    async def set_capacity(self, command: Command, agent_id: str, units: int) -> Done:
        """Raises AgentUnknown, CapacityOutOfRange."""
        return await self._commands.carry_out(command, [agent_id], lambda one: [agent.set_capacity(one, units)])
