"""Work on a conversation: what only the agent does who holds it or is offered it."""

import msgspec

from api.access.ownership import on_conversation, on_offer
from api.access.permissions import Action, own_agent
from api.http.answer import Answer, done_answer
from api.http.asked import Asked
from api.http.fields import Reason, SaidReason
from api.http.operation import Nothing, command

CONVERSATION = "/v1/customers/{customer_id}/conversations/{conversation_id}"
OFFER = CONVERSATION + "/offers/{offer_id}"


class WithReason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    reason: Reason = ""


class DeclineWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why not."""

    reason: SaidReason


@command(OFFER + "/accept", Action.WORK_ON_CONVERSATIONS, has_revision=True)
async def accept_offer(asked: Asked[Nothing]) -> Answer:
    """Accept an offer.

    The conversation is yours from then on. 409 `offer-gone` where the offer ran out, was answered or withdrawn.
    """
    agent_id, ids = own_agent(asked.person), asked.ids
    done = await on_offer(
        asked,
        lambda one: asked.parts.serve.accept_offer(
            one, ids["customer_id"], ids["conversation_id"], ids["offer_id"], agent_id
        ),
    )
    return done_answer(done)


@command(
    OFFER + "/decline",
    Action.WORK_ON_CONVERSATIONS,
    takes=DeclineWanted,
    has_revision=True,
    example={"reason": "needs a technician"},
)
async def decline_offer(asked: Asked[DeclineWanted]) -> Answer:
    """Decline an offer.

    The conversation waits again, with its age; the reason shows on the queue's board and in the timeline.
    """
    agent_id, ids = own_agent(asked.person), asked.ids
    done = await on_offer(
        asked,
        lambda one: asked.parts.serve.decline_offer(
            one, ids["customer_id"], ids["conversation_id"], ids["offer_id"], agent_id, asked.given.reason
        ),
    )
    return done_answer(done)


@command(CONVERSATION + "/hold", Action.WORK_ON_CONVERSATIONS, takes=WithReason, has_revision=True)
async def hold(asked: Asked[WithReason]) -> Answer:
    """Put a conversation on hold.

    It takes none of your capacity meanwhile. `resume` undoes it.
    """
    agent_id, ids = own_agent(asked.person), asked.ids
    done = await on_conversation(
        asked,
        lambda one: asked.parts.serve.hold(
            one, ids["customer_id"], ids["conversation_id"], agent_id, asked.given.reason
        ),
    )
    return done_answer(done)


@command(CONVERSATION + "/resume", Action.WORK_ON_CONVERSATIONS, has_revision=True)
async def resume(asked: Asked[Nothing]) -> Answer:
    """Take a conversation up again.

    409 `at-capacity` where you have no room for it at the moment.
    """
    agent_id, ids = own_agent(asked.person), asked.ids
    done = await on_conversation(
        asked, lambda one: asked.parts.serve.resume(one, ids["customer_id"], ids["conversation_id"], agent_id)
    )
    return done_answer(done)


@command(CONVERSATION + "/wrap_up", Action.WORK_ON_CONVERSATIONS, has_revision=True)
async def wrap_up(asked: Asked[Nothing]) -> Answer:
    """Begin the work after the talk.

    The talk is over, what follows it goes on; `close` ends it.
    """
    agent_id, ids = own_agent(asked.person), asked.ids
    done = await on_conversation(
        asked, lambda one: asked.parts.serve.wrap_up(one, ids["customer_id"], ids["conversation_id"], agent_id)
    )
    return done_answer(done)


OPERATIONS = (accept_offer, decline_offer, hold, resume, wrap_up)
