"""The channels, by name: what each can do. A new channel is its own file, one line here and a sample payload."""

from collections.abc import Awaitable, Callable

import msgspec

from application.exchange.media import Fetch, Get
from application.exchange.sending import Send
from channels import email, phone, webchat, whatsapp
from channels.edge.payload import Acknowledgement, Delivery, Posted
from channels.mail.arriving import hooks
from domain.account import AccountDefinition, AccountInvalid

Verify = Callable[[AccountDefinition, Posted], None]
"""Whether the account's secret fits. Raises SignatureWrong."""
Handshake = Callable[[AccountDefinition, Posted], Acknowledgement]
"""What to answer a provider's GET with. Raises SignatureWrong."""
Parse = Callable[[AccountDefinition, Posted], Delivery]
"""All that was in it; the account is one whose secret fits. Raises UnreadablePayload."""

Complete = Callable[[AccountDefinition, Posted, Get], Awaitable[Posted]]
"""Fetches what a delivery only names, behind the acknowledgement. Raises SignatureWrong, UnreadablePayload,
MediaRefused."""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """How a provider delivers to us."""

    verify: Verify
    parse: Parse
    answer_handshake: Handshake | None = None
    acknowledgement: Acknowledgement = Acknowledgement()
    """What a delivery is answered with once it is stored."""
    complete: Complete | None = None
    """What must happen before `parse`; None: the delivery holds all."""


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel can do."""

    name: str
    read_settings: Callable[[AccountDefinition], object]
    """Raises AccountInvalid: a definition that passes can work."""
    webhook: Webhook | None = None
    send: Send | None = None
    """None: nothing is handed to a provider. Web chat pushes replies to the visitor's socket instead."""
    takes_replies: bool = False
    fetch: Fetch | None = None
    """Gets the bytes of an attachment that came as a reference; None where they come with the message."""


def _no_settings(definition: AccountDefinition) -> None:
    """Other systems' channels keep their settings themselves."""


CHANNELS: dict[str, Channel] = {
    channel.name: channel
    for channel in (
        Channel(name="webchat", read_settings=webchat.read_settings, takes_replies=True),
        Channel(
            name="email",
            read_settings=email.read_settings,
            webhook=Webhook(verify=hooks.verify, parse=hooks.parse, complete=hooks.complete),
            send=email.send,
            takes_replies=True,
        ),
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
