"""The agent board: who is here, since when, how much they hold and of what; for the team, and each for themselves."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from application.projections.view import Row
from domain import agent
from domain.agent import Agent, AgentRegistered, AgentSignedIn, AgentSignedOut, LoadReleased, LoadTaken, PresenceChanged
from domain.event import Recorded
from domain.streams import topics_of

TEAM = "team"
"""The scope of the whole board; an agent's own card has their id."""


class AgentCard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An agent at a glance."""

    id: str
    agent: Agent
    """How they stand: presence, skills, capacity, and the work they hold, offers included."""
    load: int = 0
    """Load units held, offers included."""
    presence_since: datetime
    presence_reason: str = ""
    load_changed_at: datetime


class AgentBoard:
    """Everybody's presence and load."""

    name = "agent_board"
    version = 2
    topics = topics_of("agent")
    card_type = AgentCard

    def key(self, recorded: Recorded) -> str | None:
        return recorded.stream

    def evolve(self, card: AgentCard | None, recorded: Recorded) -> AgentCard | None:
        event, at = recorded.event, recorded.recorded_at
        if card is None:
            if not isinstance(event, AgentRegistered):
                return None
            card = AgentCard(id=recorded.stream, agent=agent.NEW, presence_since=at, load_changed_at=at)
        now = agent.evolve(card.agent, event)
        card = replace(card, agent=now, load=now.load)
        match event:
            case PresenceChanged(reason=reason) | AgentSignedOut(reason=reason):
                return replace(card, presence_since=at, presence_reason=reason)
            case AgentSignedIn():
                return replace(card, presence_since=at, presence_reason="")
            case LoadTaken() | LoadReleased():
                return replace(card, load_changed_at=at)
            case _:
                return card

    def scopes(self, card: AgentCard) -> Sequence[str]:
        return (TEAM, card.id)

    def rows(self, card: AgentCard, position: int, doc: bytes) -> Sequence[Row]:
        return [
            Row(
                scope=scope,
                key=card.id,
                position=position,
                sort_at=card.presence_since,
                doc=doc,
                status=card.agent.presence,
                agent_id=card.id,
            )
            for scope in self.scopes(card)
        ]
