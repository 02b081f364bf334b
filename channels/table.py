"""The channels, by name: what each can do. A new channel is its own file, one line here and a sample payload."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

import msgspec

from application.sending import Send
from channels import email, phone, webchat, whatsapp
from channels.payload import Delivery
from domain.account import AccountDefinition, AccountInvalid

Verify = Callable[[AccountDefinition, bytes, Mapping[str, str]], None]
"""Raw body and headers (names in lower case). Raises SignatureWrong."""
Handshake = Callable[[AccountDefinition, Mapping[str, str]], str]
"""Query parameters → what to answer a provider's GET with, as plain text. Raises SignatureWrong."""


class Parse(Protocol):
    """Raw body → all that was in it. Raises UnreadablePayload."""

    def __call__(self, raw: bytes, *, received_at: datetime) -> Delivery: ...


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """How a provider delivers to us."""

    verify: Verify
    parse: Parse
    answer_handshake: Handshake | None = None


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel can do."""

    name: str
    read_settings: Callable[[AccountDefinition], object]
    """Raises AccountInvalid: a definition that passes can work."""
    webhook: Webhook | None = None
    send: Send | None = None
    """None: nothing is handed to a provider. Web chat pushes replies to the visitor's socket instead."""
    takes_replies: bool = False


def _no_settings(definition: AccountDefinition) -> None:
    """Other systems' channels keep their settings themselves."""


CHANNELS: dict[str, Channel] = {
    channel.name: channel
    for channel in (
        Channel(name="webchat", read_settings=webchat.read_settings, takes_replies=True),
        Channel(name="email", read_settings=email.read_settings, send=email.send, takes_replies=True),
        Channel(
            name="whatsapp",
            read_settings=whatsapp.read_settings,
            webhook=Webhook(verify=whatsapp.verify, parse=whatsapp.parse, answer_handshake=whatsapp.answer_handshake),
        ),
        Channel(name="phone", read_settings=phone.read_settings),
        Channel(name="adapter", read_settings=_no_settings),
    )
}


def check_definition(definition: AccountDefinition) -> None:
    """Raises AccountInvalid where the account could not work as it is defined."""
    if (channel := CHANNELS.get(definition.channel)) is None:
        raise AccountInvalid(f"channel: {definition.channel!r} is none of {', '.join(CHANNELS)}")
    channel.read_settings(definition)
