"""A mail that moves from one conversation to another. What was received stays as it was recorded."""

from datetime import datetime

from msgspec.structs import replace

from domain.conversation import Conversation
from domain.event import Event


class MessageLeft(Event, topic="conversation.message_left"):
    """A mail was taken out of this conversation."""

    conversation_id: str
    message_id: str
    provider_id: str
    account_id: str
    to_conversation_id: str
    latest_provider_id: str = ""
    """Of the newest mail that stays: what a reply answers from now on."""
    is_by_hand: bool = False
    """A person decided so; else a mail that came late showed where it belongs."""
    agent_id: str | None = None
    """Who held the conversation at that moment."""
    to_customer_id: str = ""
    """Of a mail that was somebody else's: whose it is now, with all it says. What is left here is that it was."""


class MessageJoined(Event, topic="conversation.message_joined"):
    """A mail that had been put into another conversation belongs to this one."""

    conversation_id: str
    message_id: str
    provider_id: str
    account_id: str
    from_conversation_id: str
    handle: str
    """The address that the customer wrote it from."""
    preview: str = ""
    """How it begins, where a person moved it."""
    said_at: datetime | None = None
    is_by_hand: bool = False
    agent_id: str | None = None
    """Who held this conversation at that moment."""
    is_participant: bool = False
    """Somebody else wrote it, as of `MessageReceived`: replies go on to the customer."""


MoveEvent = MessageLeft | MessageJoined


def evolve(conversation: Conversation, event: MoveEvent) -> Conversation:
    """What a reply answers, and where it goes, follows the newest mail."""
    match event:
        case MessageLeft(latest_provider_id=latest):
            return replace(conversation, latest_provider_id=latest)
        case MessageJoined(is_participant=True):
            return conversation
        case MessageJoined(handle=handle, provider_id=provider_id, said_at=said_at):
            heard_at = conversation.heard_at
            if heard_at is not None and (said_at is None or said_at < heard_at):
                return conversation
            return replace(conversation, handle=handle, latest_provider_id=provider_id, heard_at=said_at or heard_at)
