"""What agents write: replies, which leave on the customer's channel, and notes, which no customer sees."""

from domain.conversation import Conversation, demand_open
from domain.event import Event, RuleBroken
from domain.interaction import Attachment, NoteWritten, ReplyWritten, demand_holder
from domain.outbound.templates import Template


class NothingToSay(RuleBroken):
    """A message needs a text, or a file."""


def write_reply(
    conversation: Conversation,
    *,
    message_id: str,
    text: str,
    agent_id: str,
    attachments: tuple[Attachment, ...] = (),
    template: Template | None = None,
) -> list[Event]:
    """Raises ConversationIsClosed, NotTheHolder, NothingToSay."""
    demand_open(conversation)
    demand_holder(conversation, agent_id)
    if not (text.strip() or attachments or template):
        raise NothingToSay
    return [
        ReplyWritten(
            conversation_id=conversation.id,
            message_id=message_id,
            channel=conversation.channel,
            account_id=conversation.account_id,
            handle=conversation.handle,
            text=text,
            agent_id=agent_id,
            subject=conversation.subject,
            in_reply_to=conversation.latest_provider_id,
            attachments=attachments,
            template=template,
        )
    ]


def write_note(conversation: Conversation, *, note_id: str, text: str) -> list[Event]:
    """Notes may be added to a closed conversation too. Raises NothingToSay."""
    if not text.strip():
        raise NothingToSay
    return [NoteWritten(conversation_id=conversation.id, note_id=note_id, text=text, agent_id=conversation.holder)]
