"""Replies that were refused or may not have arrived: what a person decides about them."""

from api.access.ownership import on_conversation
from api.access.permissions import Action
from api.http.answer import Answer, done_answer
from api.http.asked import Asked
from api.http.operation import Nothing, command
from api.routes.work import CONVERSATION

MESSAGE = CONVERSATION + "/messages/{message_id}"


@command(MESSAGE + "/resend", Action.STEER_CONVERSATIONS, has_revision=True)
async def resend(asked: Asked[Nothing]) -> Answer:
    """Send a reply again.

    For one that the channel refused, or of which no sign came within ten minutes: 409 `sign-awaited` before that,
    `reply-on-its-way` while it is being sent, `nothing-to-decide` where it arrived or was given up. If it did arrive
    after all, the customer gets it twice: that is why a person decides.
    """
    ids = asked.ids
    return done_answer(
        await on_conversation(
            asked,
            lambda one: asked.parts.replies.resend(one, ids["customer_id"], ids["conversation_id"], ids["message_id"]),
        )
    )


@command(MESSAGE + "/give_up", Action.STEER_CONVERSATIONS, has_revision=True)
async def give_up(asked: Asked[Nothing]) -> Answer:
    """Leave a reply unsent.

    For the same replies as `resend`, and with the same refusals. The alert on the conversation is gone.
    """
    ids = asked.ids
    return done_answer(
        await on_conversation(
            asked,
            lambda one: asked.parts.replies.give_up(one, ids["customer_id"], ids["conversation_id"], ids["message_id"]),
        )
    )


OPERATIONS = (resend, give_up)
"""Every operation on replies."""
