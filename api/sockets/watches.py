"""Watches: what can be looked at over the people's socket, and who may."""

from dataclasses import dataclass

from api.access.permissions import Action, Reach, reach_of, serves
from api.http.fields import ID
from api.http.known import demand_known, fresh_state
from api.http.refusals import NotAllowed, Unknown
from api.parts import Parts
from application.expectations.expectation import VIEW as EXPECTATIONS
from application.projections.agent_board import TEAM
from application.projections.conversations import ALL
from domain.event import kind_of
from domain.person import Person

INBOX = "inbox"
ME = "me"
"""An agent's own card: what the router or a supervisor does to their presence shows there at once."""
CALLS = "calls"
"""Alone: the agent's own, which is how a screen learns at once who calls."""
CONVERSATIONS, TIMELINE, QUEUE_BOARD, AGENT_BOARD = "conversations", "timeline", "queue_board", "agent_board"
OWN = {INBOX: CONVERSATIONS, ME: AGENT_BOARD, CALLS: CALLS}
"""What agents call a view of their own."""
SCOPES = {
    CONVERSATIONS: ("agent",),
    TIMELINE: ("customer",),
    QUEUE_BOARD: ("queue",),
    EXPECTATIONS: ("queue",),
    AGENT_BOARD: ("agent",),
    CALLS: ("agent", "queue"),
}
"""The kinds of id that a view is watched by."""


@dataclass(frozen=True)
class Watched:
    """A view and the scope of it that is looked at."""

    view: str
    scope: str

    @property
    def name(self) -> str:
        """As frames carry it."""
        return f"{self.view}:{self.scope}"


def read_watch(name: str, person: Person) -> Watched:
    """What a client calls `inbox` or `timeline:customer-…`. Raises Unknown."""
    if name in OWN:
        if person.agent_id is None:
            raise Unknown(f"you are not admitted as an agent, so there is no {name} of yours")
        return Watched(OWN[name], person.agent_id)
    view, _, scope = name.partition(":")
    if view == AGENT_BOARD and scope in ("", TEAM):
        return Watched(AGENT_BOARD, TEAM)
    if view == CONVERSATIONS and scope == ALL:
        return Watched(CONVERSATIONS, ALL)
    if view in SCOPES and ID.fullmatch(scope) and kind_of(scope) in SCOPES[view]:
        return Watched(view, scope)
    raise Unknown(f"there is no watch called {name}")


async def demand_watch(parts: Parts, person: Person, watched: Watched) -> None:
    """The person may look at it now. Raises NotAllowed, Unknown; asks the log, not what this process remembers."""
    match watched.view:
        case "conversations":
            reach = _demand(person, Action.READ_CONVERSATIONS)
            if reach is Reach.OWN and watched.scope != person.agent_id:
                raise Unknown
            if watched.scope not in (ALL, person.agent_id):
                await demand_known(parts, watched.scope)
        case "timeline":
            reach = _demand(person, Action.READ_CUSTOMERS)
            customer, version = await fresh_state(parts, watched.scope)
            if not version or (reach is Reach.OWN and not serves(person, customer)):
                raise Unknown
        case "queue_board" | "expectations":
            await _demand_queue(parts, person, watched.scope)
        case "calls" if kind_of(watched.scope) == "queue":
            await _demand_queue(parts, person, watched.scope)
        case _:
            await _demand_agent(parts, person, watched.scope)


async def _demand_queue(parts: Parts, person: Person, queue_id: str) -> None:
    _demand(person, Action.READ_BOARDS)
    await demand_known(parts, queue_id)


async def _demand_agent(parts: Parts, person: Person, scope: str) -> None:
    """Themselves, or anybody for who may see all; the whole team for those alone."""
    reach = _demand(person, Action.READ_AGENTS)
    if scope == TEAM and reach is not Reach.ALL:
        raise NotAllowed
    if scope not in (TEAM, person.agent_id):
        if reach is Reach.OWN:
            raise Unknown
        await demand_known(parts, scope)


def _demand(person: Person, action: Action) -> Reach:
    reach = reach_of(person, action)
    if reach is Reach.NONE:
        raise NotAllowed
    return reach
