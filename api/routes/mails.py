"""Mails: which conversation one belongs to, as a person decides."""

import msgspec

from api.access.ownership import on_conversation
from api.access.permissions import Action
from api.http.answer import Answer, Stands, done_answer
from api.http.asked import Asked
from api.http.fields import ConversationId
from api.http.operation import command
from api.routes.replies import MESSAGE


class WhereTo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a mail belongs."""

    to_conversation_id: ConversationId | None = None
    """Another conversation of the same customer and mailbox; without it the mail gets one of its own."""


class MailStands(Stands, kw_only=True):
    """Where the command led, and the conversation that the mail is in now."""

    customer_id: str
    """Whose it is: another customer where the mail was somebody else's."""
    conversation_id: str


@command(MESSAGE + "/move", Action.STEER_CONVERSATIONS, takes=WhereTo, gives=MailStands, has_revision=True)
async def move_mail(asked: Asked[WhereTo]) -> Answer:
    """Take a mail out of the conversation that it joined.

    Into a conversation of its own, which waits for an agent, or into another one of the same customer and mailbox.
    Mails that answer it later follow it. To undo it, move it back. 409 `only-mail` where it has its own already.
    A mail that somebody else wrote (`is_participant`) or sent on (`content.is_forwarded`) goes to them, for good.
    """
    ids = asked.ids
    moved = await on_conversation(
        asked,
        lambda one: asked.parts.mails.move(
            one, ids["customer_id"], ids["conversation_id"], ids["message_id"], asked.given.to_conversation_id
        ),
    )
    stands = MailStands(
        position=moved.done.position, customer_id=moved.customer_id, conversation_id=moved.conversation_id
    )
    return done_answer(moved.done, stands)


OPERATIONS = (move_mail,)
"""Every operation on mails."""
