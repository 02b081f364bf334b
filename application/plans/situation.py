"""The shop as a plan is judged against it: rules, queues, who works there, what comes in, and what waits now."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from application.commands import Contended
from application.directory import Directory
from application.follower import Follower
from application.log import Log
from application.projections.conversations import Card
from application.views import ConversationFilter, ViewNotBuilt, ViewReaders
from domain.account import AccountDefinition
from domain.agent import Agent
from domain.assignment import ConversationEnqueued
from domain.conversation import Status
from domain.policy import Policy
from domain.queue import Queue
from domain.routing.facts import Waiting, waiting_from

PAGE = 1_000
FRESH_SECONDS_MAX = 2.0
"""How long the directory is waited for, until it has what the log has."""
IN_LINE = (Status.WAITING, Status.OFFERED)


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """The shop at one moment."""

    at: datetime
    policy: Policy
    queues: dict[str, Queue]
    set_up_at: int = 0
    """Where in the log any of it was set up last."""
    agents: dict[str, Agent] = {}
    """Everybody who is registered, signed in or not; what they hold is left out."""
    accounts: Sequence[AccountDefinition] = ()
    """Those that work comes in by."""
    waiting: Sequence[Waiting] = ()
    """What waits for an agent now, or is offered to one."""


async def situation_of(
    directory: Directory, follower: Follower, log: Log, views: ViewReaders, at: datetime
) -> Situation:
    """As `standing_of`, with what waits, from the view of conversations. Raises ViewNotBuilt, ViewsUnreachable too.

    Not from the router's facts: the router may run in another process. Not from the agent board: a deployment that
    has never run a reader has none, and is set up by its first document.
    """
    standing = await standing_of(directory, follower, log, at)
    return replace(standing, waiting=await waiting_now(log, views))


async def standing_of(directory: Directory, follower: Follower, log: Log, at: datetime) -> Situation:
    """The roster and all that is set up, from the directory, which every process has. Raises Contended if it lags."""
    head = await log.head()
    if not await follower.reached(head, FRESH_SECONDS_MAX):
        raise Contended
    return Situation(
        at=at,
        policy=directory.policy,
        queues=dict(directory.queues),
        set_up_at=directory.set_up_at(head),
        agents={agent_id: one for agent_id, one in directory.agents.items() if one.is_registered},
        accounts=[one.definition for one in directory.accounts.values() if one.definition and not one.is_paused],
    )


async def waiting_now(log: Log, views: ViewReaders) -> list[Waiting]:
    """Every conversation that waits, with what it asks for, as far as the view has come.

    None where nothing has ever waited. Raises ViewNotBuilt, ViewsUnreachable.
    """
    found: dict[str, Waiting] = {}
    try:
        for status in IN_LINE:
            cursor, is_more = None, True
            while is_more:
                page = await views.conversations(ConversationFilter(status=status), cursor=cursor, limit=PAGE)
                cards = [msgspec.json.decode(row, type=Card) for row in page.rows]
                in_line = (waiting_from(card.conversation, card.customer_id) for card in cards)
                found |= {one.conversation_id: one for one in in_line if one is not None}
                cursor, is_more = page.next_cursor, page.next_cursor is not None
    except ViewNotBuilt:
        position, head = 0, await log.head()
        while position < head:
            events, position = await log.read(position, PAGE, (ConversationEnqueued.TOPIC,))
            if events:
                raise
    return list(found.values())
