"""The port for sending: a reply on its way out, and the three ways in which handing it to a channel can end."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from domain.account import AccountDefinition


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A reply, with all that a channel needs to send it."""

    conversation_id: str
    """As in `conversation-0193…`."""
    message_id: str
    """As in `message-0193…`. The same reply sent again carries the same ids."""
    handle: str
    """Where it goes."""
    text: str
    written_at: datetime
    subject: str = ""
    in_reply_to: str = ""
    """The provider's id of the customer's latest message."""
    references: tuple[str, ...] = ()
    """E-mail only: the Message-IDs of the thread so far, oldest first."""
    is_automatic: bool = False
    """Nobody wrote it: it must not be answered by another machine."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The channel took it."""

    provider_id: str
    answer: str = ""
    """The channel's own words."""


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """The channel did not take it: nothing reached the customer."""

    reason: str
    is_final: bool
    """False: it may be tried again as it is."""


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """It was handed over but no answer came, so it may have arrived; it must not be sent again unasked."""

    reason: str


Outcome = Accepted | Rejected | Unknown


Send = Callable[[AccountDefinition, Outgoing], Awaitable[Outcome]]
"""Hands a reply to a channel. Never raises for what the channel does: whatever happens is one of the outcomes."""
