"""Conversations to read: the list, and one with its entity tag."""

import msgspec

from api.access.ownership import demand_customer
from api.access.permissions import Action, Reach, own_agent
from api.http.answer import Answer
from api.http.asked import Asked
from api.http.fields import AgentId, CustomerId, QueueId
from api.http.operation import read
from api.http.pages import PageQuery, ViewQuery, demand_position, page_answer, page_of
from api.http.preconditions import etag, is_unchanged
from api.http.refusals import Unknown
from application.projections.conversations import Card
from application.views import ConversationFilter
from domain.conversation import Status

VIEW = "conversations"
ConversationPage = page_of(Card, "ConversationPage")


class ConversationsQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which conversations; what is left out does not matter."""

    agent_id: AgentId | None = None
    """Who holds it or is offered it. Agents see only their own, whatever they ask for."""
    status: Status | None = None
    queue_id: QueueId | None = None
    """In which it waits, or last waited."""
    customer_id: CustomerId | None = None


class _Revised(msgspec.Struct):
    revision: int = 0


class _Known(msgspec.Struct):
    """What has to be known of a card to decide who may see it."""

    customer_id: str
    conversation: _Revised


@read("/v1/conversations", Action.READ_CONVERSATIONS, takes=ConversationsQuery, gives=ConversationPage)
async def list_conversations(asked: Asked[ConversationsQuery]) -> Answer:
    """Conversations, last changed first.

    Supervisors and auditors see all, agents the ones they hold or are offered.
    """
    given, agent_id = asked.given, asked.given.agent_id
    if asked.reach is Reach.OWN:
        agent_id = own_agent(asked.person)
    which = ConversationFilter(
        agent_id=agent_id, status=given.status, queue_id=given.queue_id, customer_id=given.customer_id
    )
    await demand_position(asked.parts, VIEW, given.min_position)
    return page_answer(await asked.parts.views.conversations(which, cursor=given.cursor, limit=given.limit))


@read(
    "/v1/conversations/{conversation_id}",
    Action.READ_CONVERSATIONS,
    takes=ViewQuery,
    gives=Card,
    statuses=(304,),
    has_revision=True,
)
async def read_conversation(asked: Asked[ViewQuery]) -> Answer:
    """One conversation.

    Its `ETag` is its revision: send it as `If-Match` with a command, and the command is carried out only if nothing
    has changed since (412 otherwise); or as `If-None-Match` with this read, and an unchanged conversation gives 304.
    The header `Onethread-Position` says what the view stood at.
    """
    await demand_position(asked.parts, VIEW, asked.given.min_position)
    position = await asked.parts.views.position(VIEW)
    card = await asked.parts.views.get(VIEW, asked.ids["conversation_id"])
    if card is None:
        raise Unknown
    known = msgspec.json.decode(card, type=_Known)
    await demand_customer(asked, known.customer_id)
    revision = known.conversation.revision
    headers = [("etag", etag(revision)), ("onethread-position", str(position))]
    if is_unchanged(asked.header(b"if-none-match"), revision):
        return Answer(304, headers=headers)
    return Answer(200, card, headers)


OPERATIONS = (list_conversations, read_conversation)
