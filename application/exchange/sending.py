"""The port for sending: a reply on its way out, and the three ways in which handing it to a channel can end."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import StrEnum

import httpx
import msgspec

from domain.account import AccountDefinition
from domain.outbound.reach import Reach
from domain.outbound.templates import Template


class OutgoingFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that goes with a reply."""

    sent_as: str
    """What the channel calls files of its kind, by its limits: `image`, `document`…"""
    name: str
    """Never empty."""
    content_type: str
    body: bytes
    link: str = ""
    """Where a channel may fetch it from us; empty where nobody outside can reach us."""


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
    thread: str = ""
    """As of the conversation: a chat, a group, a mail thread; empty where the handle says it all."""
    heard_at: datetime | None = None
    """When the customer last wrote: channels allow answers only for so long."""
    references: tuple[str, ...] = ()
    """E-mail only: the Message-IDs that the answered mail named, oldest first (RFC 5322, section 3.6.4)."""
    is_automatic: bool = False
    """Nobody wrote it: it must not be answered by another machine."""
    files: tuple[OutgoingFile, ...] = ()
    """As many and as large as the channel's limits allow."""
    template: Template | None = None
    """In place of a text, on channels whose limits allow it."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The channel took it."""

    provider_id: str
    answer: str = ""
    """The channel's own words."""


class Refusal(StrEnum):
    """The four ways in which a channel refuses. What it says that we do not know is our fault, until somebody looks."""

    RETRY_LATER = "retry_later"
    """It has no time now: it may be tried again as it is."""
    WINDOW_CLOSED = "window_closed"
    """The customer wrote too long ago for an answer of this kind."""
    RECIPIENT_GONE = "recipient_gone"
    """They blocked us, unsubscribed, or there is no such address."""
    OUR_FAULT = "our_fault"
    """A token, a setting, or the message itself is wrong."""


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """The channel did not take it: nothing reached the customer."""

    reason: str
    refusal: Refusal
    retry_after_seconds: float | None = None
    """Of RETRY_LATER: what the channel asked for."""
    concerns_account: bool = False
    """Any other reply of the account would fare the same: all wait as long, or until somebody mends the account."""
    reach: Reach | None = None
    """Of RECIPIENT_GONE: they unsubscribed or blocked us, where that is why; remembered until they come back."""

    @property
    def is_final(self) -> bool:
        return self.refusal is not Refusal.RETRY_LATER


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """It was handed over but no answer came, so it may have arrived; it must not be sent again unasked."""

    reason: str


Outcome = Accepted | Rejected | Unknown


Send = Callable[[AccountDefinition, Outgoing, httpx.AsyncClient], Awaitable[Outcome]]
"""Hands a reply to a channel. Never raises for what the channel does: whatever happens is one of the outcomes."""
