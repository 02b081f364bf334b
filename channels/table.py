"""The channels, by name: what each can do. A new channel is its own file, one line here and a sample payload."""

from collections.abc import Awaitable, Callable

import msgspec

from application.exchange.limits import DEFAULT, Limits, limits_of
from application.exchange.media import Fetch, Get
from application.exchange.sending import Send
from channels import (
    email,
    instagram,
    line,
    messenger,
    phone,
    sms,
    telegram,
    webchat,
    wechat,
    wecom,
    whatsapp,
    x,
)
from channels.edge.limits import LIMITS
from channels.edge.payload import Acknowledgement, Delivery, Posted
from channels.mail.arriving import hooks
from channels.telephony import live
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
    acknowledge: Callable[[AccountDefinition, Posted], Acknowledgement] | None = None
    """The same where it depends on account and delivery."""
    nudge_in: Callable[[AccountDefinition, Posted], wecom.Nudge | None] | None = None
    """Of a channel whose deliveries only say that there is something to ask for."""
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

    @property
    def limits(self) -> Limits:
        """What it allows of sending, where an account's settings say nothing else."""
        return LIMITS.get(self.name, DEFAULT)


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
            send=whatsapp.send,
            takes_replies=True,
            fetch=whatsapp.fetch,
        ),
        Channel(
            name="messenger",
            read_settings=messenger.read_settings,
            webhook=Webhook(
                verify=messenger.verify, parse=messenger.parse, answer_handshake=messenger.answer_handshake
            ),
            send=messenger.send,
            takes_replies=True,
            fetch=messenger.fetch,
        ),
        Channel(
            name="instagram",
            read_settings=instagram.read_settings,
            webhook=Webhook(
                verify=instagram.verify, parse=instagram.parse, answer_handshake=instagram.answer_handshake
            ),
            send=instagram.send,
            takes_replies=True,
            fetch=instagram.fetch,
        ),
        Channel(
            name="telegram",
            read_settings=telegram.read_settings,
            webhook=Webhook(verify=telegram.verify, parse=telegram.parse),
            send=telegram.send,
            takes_replies=True,
            fetch=telegram.fetch,
        ),
        Channel(
            name="line",
            read_settings=line.read_settings,
            webhook=Webhook(verify=line.verify, parse=line.parse),
            send=line.send,
            takes_replies=True,
            fetch=line.fetch,
        ),
        Channel(
            name="wechat",
            read_settings=wechat.read_settings,
            webhook=Webhook(
                verify=wechat.verify,
                parse=wechat.parse,
                answer_handshake=wechat.answer_handshake,
                acknowledgement=wechat.ACKNOWLEDGEMENT,
            ),
            send=wechat.send,
            takes_replies=True,
            fetch=wechat.fetch,
        ),
        Channel(
            name="wecom",
            read_settings=wecom.read_settings,
            webhook=Webhook(
                verify=wecom.verify,
                parse=wecom.parse,
                answer_handshake=wecom.answer_handshake,
                acknowledgement=wecom.ACKNOWLEDGEMENT,
                nudge_in=wecom.nudge_in,
            ),
            send=wecom.send,
            takes_replies=True,
            fetch=wecom.fetch,
        ),
        Channel(
            name="x",
            read_settings=x.read_settings,
            webhook=Webhook(verify=x.verify, parse=x.parse, answer_handshake=x.answer_handshake),
            send=x.send,
            takes_replies=True,
            fetch=x.fetch,
        ),
        Channel(
            name="sms",
            read_settings=sms.read_settings,
            webhook=Webhook(verify=sms.verify, parse=sms.parse, acknowledgement=sms.ACKNOWLEDGEMENT),
            send=sms.send,
            takes_replies=True,
            fetch=sms.fetch,
        ),
        Channel(
            name="phone",
            read_settings=phone.read_settings,
            webhook=Webhook(verify=live.verify, parse=live.parse, acknowledge=live.acknowledge),
        ),
        Channel(name="adapter", read_settings=_no_settings),
    )
}


def check_definition(definition: AccountDefinition) -> None:
    """Raises AccountInvalid where the account could not work as it is defined."""
    if (channel := CHANNELS.get(definition.channel)) is None:
        raise AccountInvalid(f"channel: {definition.channel!r} is none of {', '.join(CHANNELS)}")
    channel.read_settings(definition)
    limits_of(channel.limits, definition.settings)
