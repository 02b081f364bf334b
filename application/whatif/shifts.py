"""Who works on a simulated floor: as recorded, but for what the simulated routing itself brings about."""

from collections.abc import Callable
from datetime import timedelta
from random import Random

from application.whatif.recorded.times import Times
from domain import agent
from domain.agent import AgentSignedIn, AgentSignedOut, Presence, PresenceChanged
from domain.event import Event
from domain.routing.state import RouterState

BACK_AFTER = timedelta(seconds=60)
"""How long who missed an offer stays away where the record tells of nobody."""


class Shifts:
    """Follows the recorded changes of agents; sends those away who miss an offer, and lets nobody drop a customer."""

    def __init__(
        self, state: RouterState, absences: Times, chances: Random, emit: Callable[[str, Event], None]
    ) -> None:
        self._state = state
        self._absences = absences
        self._chances = chances
        self._emit = emit
        self._missing: set[str] = set()
        """Who is away because they missed an offer."""
        self._leaving: set[str] = set()
        """Whose shift is over, and who finish what they hold."""

    def change(self, agent_id: str, event: Event) -> None:
        """What was recorded; nothing where it changes nothing here.

        A shift ends when what is held is done: what the agent holds is the simulation's doing, and real agents do not
        leave a customer whom they talk to.
        """
        desk = self._state.facts.desks.get(agent_id)
        now = desk.agent if desk else agent.NEW
        if isinstance(event, PresenceChanged | AgentSignedOut | AgentSignedIn):
            self._missing.discard(agent_id)
            self._leaving.discard(agent_id)
        if isinstance(event, AgentSignedOut) and now.work:
            self._leaving.add(agent_id)
            event = PresenceChanged(presence=Presence.AWAY, reason="the shift is over")
        if agent.evolve(now, event) != now:
            self._emit(agent_id, event)

    def leave_if_done(self, agent_id: str) -> None:
        """For an agent who has just let go of something."""
        if agent_id in self._leaving and not self._state.facts.desks[agent_id].agent.work:
            self._leaving.discard(agent_id)
            self._emit(agent_id, AgentSignedOut())

    def miss(self, agent_id: str) -> timedelta | None:
        """Who did not answer an offer is away: for so long, as people were. None where they leave anyway."""
        if agent_id in self._leaving or not self._state.facts.desks[agent_id].agent.is_signed_in:
            return None
        self._emit(agent_id, PresenceChanged(presence=Presence.AWAY, reason="missed an offer"))
        self._missing.add(agent_id)
        drawn = self._absences.draw(self._chances.random())
        return drawn[0] if drawn else max(self._absences.longest, BACK_AFTER)

    def come_back(self, agent_id: str, _: None) -> bool:
        """Whether they do: nobody changed their presence meanwhile."""
        is_back = agent_id in self._missing
        if is_back:
            self._missing.discard(agent_id)
            self._emit(agent_id, PresenceChanged(presence=Presence.AVAILABLE))
        return is_back
