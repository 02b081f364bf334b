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
CONVERSATIONS, TIMELINE, QUEUE_BOARD, AGENT_BOARD = "conversations", "timeline", "queue_board", "agent_board"
SCOPES = {CONVERSATIONS: "agent", TIMELINE: "customer", QUEUE_BOARD: "queue", EXPECTATIONS: "queue"}
"""The kind of id that a view is watched by."""


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
    if name == INBOX:
        if person.agent_id is None:
            raise Unknown("you are not admitted as an agent, so you have no inbox")
        return Watched(CONVERSATIONS, person.agent_id)
    view, _, scope = name.partition(":")
    if view == AGENT_BOARD and scope in ("", TEAM):
        return Watched(AGENT_BOARD, TEAM)
    if view == CONVERSATIONS and scope == ALL:
        return Watched(CONVERSATIONS, ALL)
    if view in SCOPES and ID.fullmatch(scope) and kind_of(scope) == SCOPES[view]:
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
            _demand(person, Action.READ_BOARDS)
            await demand_known(parts, watched.scope)
        case _:
            if _demand(person, Action.READ_AGENTS) is not Reach.ALL:
                raise NotAllowed


def _demand(person: Person, action: Action) -> Reach:
    reach = reach_of(person, action)
    if reach is Reach.NONE:
        raise NotAllowed
    return reach
