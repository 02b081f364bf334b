"""Decisions to read: every offer with what came of it, and why it was made."""

from enum import StrEnum

from api.access.permissions import Action, Reach, demand_agent, own_agent
from api.http.answer import Answer, json_answer
from api.http.asked import Asked
from api.http.fields import AgentId, QueueId
from api.http.operation import read
from api.http.pages import PageQuery, ViewQuery, demand_position, page_answer, page_of
from api.http.refusals import Unknown
from application.explaining.explanation import Explanation
from application.explaining.stages import DecisionUnknown
from application.projections.decisions import Decision, Decisions
from application.views import DecisionFilter
from domain.assignment import ConversationOffered


class Outcome(StrEnum):
    """What came of an offer."""

    STANDING = "standing"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class DecisionsQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which decisions; what is left out does not matter."""

    agent_id: AgentId | None = None
    """Who was offered it. Agents see only their own, whatever they ask for."""
    queue_id: QueueId | None = None
    """The queue it waited in."""
    outcome: Outcome | None = None


class DecisionQuery(ViewQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What else is to be told of a decision."""

    agent_id: AgentId | None = None
    """Tell also why this agent did not get it."""


@read("/v1/decisions", Action.READ_DECISIONS, takes=DecisionsQuery, gives=page_of(Decision, "DecisionPage"))
async def list_decisions(asked: Asked[DecisionsQuery]) -> Answer:
    """Offers and what came of them, the newest first.

    Supervisors, auditors and administrators see all, agents those that were made to them.
    """
    given, agent_id = asked.given, asked.given.agent_id
    if asked.reach is Reach.OWN:
        agent_id = own_agent(asked.person)
    which = DecisionFilter(agent_id=agent_id, queue_id=given.queue_id, outcome=given.outcome)
    await demand_position(asked.parts, Decisions.name, given.min_position)
    return page_answer(await asked.parts.views.decisions(which, cursor=given.cursor, limit=given.limit))


@read("/v1/decisions/{offer_id}", Action.READ_DECISIONS, takes=DecisionQuery, gives=Explanation)
async def explain_decision(asked: Asked[DecisionQuery]) -> Answer:
    """Why an agent was offered a conversation.

    Recomputed from the log, in four stages: how it came in, what routing knew of it, how it waited, and who could be
    asked in which order, with every reason of everybody who could not. `assignment.recomputed` says whether deciding
    again gives the same. With `agent_id`: why that agent did not get it, and who would have if nothing had stood in
    their way.
    """
    await demand_position(asked.parts, Decisions.name, asked.given.min_position)
    try:
        offered = await asked.parts.explain.offered(asked.ids["offer_id"])
        if isinstance(offered.event, ConversationOffered):
            demand_agent(asked.person, asked.reach, offered.event.agent_id)
        return json_answer(await asked.parts.explain.explain(offered, asked.given.agent_id))
    except DecisionUnknown as unknown:
        raise Unknown(str(unknown)) from unknown


OPERATIONS = (list_decisions, explain_decision)
