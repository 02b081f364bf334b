"""Boards: who waits in each queue, where they stand and for how long still, who is at work, and who is on the phone."""

from enum import StrEnum

from api.access.permissions import Action, demand_agent
from api.http.answer import Answer
from api.http.asked import Asked
from api.http.fields import AccountId
from api.http.known import demand_known
from api.http.operation import read
from api.http.pages import PageQuery, ViewQuery, demand_position, page_answer, page_of
from api.http.refusals import Unknown
from api.routes.expectations import WaitingShown, with_expectations
from application.projections.agent_board import AgentCard
from application.projections.calls import CallBoard, LiveCall
from application.views import CallFilter


class LiveStage(StrEnum):
    """How far a call came that is not over."""

    RINGING = "ringing"
    ANSWERED = "answered"


class CallsQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which calls; what is left out does not matter."""

    account_id: AccountId | None = None
    """The telephone that they are on."""
    stage: LiveStage | None = None


@read("/v1/queues/{queue_id}/board", Action.READ_BOARDS, takes=PageQuery, gives=page_of(WaitingShown, "WaitingPage"))
async def read_queue_board(asked: Asked[PageQuery]) -> Answer:
    """Who waits in a queue.

    Longest waiting first: since when, due when, to whom it is offered at the moment, and how far its queue's timetable
    has come. `expectation` says where it stands in its line and how long it has still to wait.
    """
    queue_id, given = asked.ids["queue_id"], asked.given
    await demand_known(asked.parts, queue_id)
    await demand_position(asked.parts, "queue_board", given.min_position)
    page = await asked.parts.views.queue_board(queue_id, cursor=given.cursor, limit=given.limit)
    return page_answer(await with_expectations(asked, page))


@read("/v1/agents", Action.READ_AGENTS, takes=PageQuery, gives=page_of(AgentCard, "AgentPage"), statuses=(404,))
async def list_agents(asked: Asked[PageQuery]) -> Answer:
    """The agent board.

    Everybody's presence, skills and load, longest in their presence first. Agents see only themselves, and at
    `/v1/agents/{agent_id}`.
    """
    given = asked.given
    demand_agent(asked.person, asked.reach, agent_id="")
    await demand_position(asked.parts, "agent_board", given.min_position)
    return page_answer(await asked.parts.views.agent_board(cursor=given.cursor, limit=given.limit))


@read("/v1/agents/{agent_id}", Action.READ_AGENTS, takes=ViewQuery, gives=AgentCard)
async def read_agent(asked: Asked[ViewQuery]) -> Answer:
    """One agent at a glance."""
    agent_id = asked.ids["agent_id"]
    demand_agent(asked.person, asked.reach, agent_id)
    await demand_position(asked.parts, "agent_board", asked.given.min_position)
    position = await asked.parts.views.position("agent_board")
    card = await asked.parts.views.get("agent_board", agent_id)
    if card is None:
        raise Unknown(f"there is no {agent_id}")
    return Answer(200, card, [("onethread-position", str(position))])


@read("/v1/calls", Action.READ_BOARDS, takes=CallsQuery, gives=page_of(LiveCall, "CallPage"))
async def list_calls(asked: Asked[CallsQuery]) -> Answer:
    """Who is on the phone at this moment.

    Calls that ring or are talked on, the one that began first first. Of those that are over the timeline tells.
    """
    given = asked.given
    which = CallFilter(account_id=given.account_id, stage=given.stage)
    await demand_position(asked.parts, CallBoard.name, given.min_position)
    return page_answer(await asked.parts.views.calls(which, cursor=given.cursor, limit=given.limit))


OPERATIONS = (read_queue_board, list_agents, read_agent, list_calls)
