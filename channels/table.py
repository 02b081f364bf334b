"""The channels, by name: what each can do. A new channel is its own file, one line here and a sample payload."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import httpx
import msgspec
from msgspec.structs import replace

from application.exchange.limits import DEFAULT, Limits, limits_of
from application.exchange.media import Fetch, Fetched, Get
from application.exchange.sending import Outcome, Outgoing, Send
from application.exchange.templates import ListTemplates
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
from domain.interaction import Attachment

Verify = Callable[[AccountDefinition, Posted], None]
"""Whether the account's secret fits. Raises SignatureWrong."""
Handshake = Callable[[AccountDefinition, Posted], Acknowledgement]
"""What to answer a provider's GET with. Raises SignatureWrong."""
Parse = Callable[[AccountDefinition, Posted], Delivery]
"""All that was in it; the account is one whose secret fits. Raises UnreadablePayload."""

Complete = Callable[[AccountDefinition, Posted, Get], Awaitable[Posted]]
"""Fetches what a delivery only names, behind the acknowledgement. Raises SignatureWrong, UnreadablePayload,
MediaRefused."""

NudgeIn = Callable[[AccountDefinition, Posted], wecom.Nudge | None]
"""What a delivery asks to look for. Raises UnreadablePayload."""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """How a provider delivers to us."""

    verify: Verify
    parse: Parse
    answer_handshake: Handshake | None = None
    acknowledgement: Acknowledgement = Acknowledgement()
    """What a delivery is answered with once it is stored."""
    acknowledge: Callable[[AccountDefinition, Posted], Acknowledgement] | None = None
    """The same where it depends on account and delivery."""
    nudge_in: NudgeIn | None = None
    """Of a channel whose deliveries only say that there is something to ask for."""
    complete: Complete | None = None
    """What must happen before `parse`; None: the delivery holds all."""
    told_by: str = ""
    """The setting by which alone deliveries to the shared address are told apart; empty: they name the account."""


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
    list_templates: ListTemplates | None = None
    """Asks for the texts that the provider approved; None where it approves none."""
    takes_links_only: Callable[[Mapping[str, str]], bool] = lambda _: False
    """Whether an account with these settings takes files only by fetching them from us."""

    @property
    def limits(self) -> Limits:
        """What it allows of sending, where an account's settings say nothing else."""
        return LIMITS.get(self.name, DEFAULT)

    @property
    def told_by(self) -> str:
        """The setting that keeps accounts with one hook address apart; empty where the address does."""
        return self.webhook.told_by if self.webhook else ""


class Medium(Protocol):
    """What the file of a medium offers whose provider posts to us and takes what we post."""

    def read_settings(self, definition: AccountDefinition) -> object: ...

    def verify(self, definition: AccountDefinition, posted: Posted) -> None: ...

    def parse(self, definition: AccountDefinition, posted: Posted) -> Delivery: ...

    async def send(self, definition: AccountDefinition, reply: Outgoing, client: httpx.AsyncClient) -> Outcome: ...

    async def fetch(self, definition: AccountDefinition, attachment: Attachment, get: Get) -> Fetched: ...


def _provider(
    name: str,
    medium: Medium,
    *,
    answer_handshake: Handshake | None = None,
    acknowledgement: Acknowledgement = Acknowledgement(),  # noqa: B008  # frozen
    nudge_in: NudgeIn | None = None,
    told_by: str = "",
    list_templates: ListTemplates | None = None,
    takes_links_only: Callable[[Mapping[str, str]], bool] = lambda _: False,
) -> Channel:
    webhook = Webhook(
        verify=medium.verify,
        parse=medium.parse,
        answer_handshake=answer_handshake,
        acknowledgement=acknowledgement,
        nudge_in=nudge_in,
        told_by=told_by,
    )
    return Channel(
        name=name,
        read_settings=medium.read_settings,
        webhook=webhook,
        send=medium.send,
        takes_replies=True,
        fetch=medium.fetch,
        list_templates=list_templates,
        takes_links_only=takes_links_only,
    )


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
        _provider(
            "whatsapp",
            whatsapp,
            answer_handshake=whatsapp.answer_handshake,
            list_templates=whatsapp.list_templates,
        ),
        _provider("messenger", messenger, answer_handshake=messenger.answer_handshake),
        _provider(
            "instagram",
            instagram,
            answer_handshake=instagram.answer_handshake,
            takes_links_only=instagram.takes_links_only,
        ),
        _provider("telegram", telegram, told_by="secret_token"),
        _provider("line", line),
        _provider(
            "wechat",
            wechat,
            answer_handshake=wechat.answer_handshake,
            acknowledgement=wechat.ACKNOWLEDGEMENT,
        ),
        _provider(
            "wecom",
            wecom,
            answer_handshake=wecom.answer_handshake,
            acknowledgement=wecom.ACKNOWLEDGEMENT,
            nudge_in=wecom.nudge_in,
        ),
        _provider("x", x, answer_handshake=x.answer_handshake),
        _provider("sms", sms, acknowledgement=sms.ACKNOWLEDGEMENT),
        Channel(
            name="phone",
            read_settings=phone.read_settings,
            webhook=Webhook(verify=live.verify, parse=live.parse, acknowledge=live.acknowledge, told_by="secret"),
        ),
        Channel(name="adapter", read_settings=_no_settings),
    )
}


def takes_of(channel: str, settings: Mapping[str, str], *, has_links: bool) -> Limits | None:
    """What an account of the channel with these settings takes of replies; None where none can be sent.

    `has_links`: whether providers can fetch files from us.
    """
    known = CHANNELS.get(channel)
    if known is None or not known.takes_replies:
        return None
    limits = known.limits
    if has_links or limits.files is None:
        return limits
    kinds = () if known.takes_links_only(settings) else limits.files.kinds
    reachable = tuple(one for one in kinds if not one.is_linked)
    return replace(limits, files=replace(limits.files, kinds=reachable) if reachable else None)


def check_definition(definition: AccountDefinition) -> None:
    """Raises AccountInvalid where the account could not work as it is defined."""
    if (channel := CHANNELS.get(definition.channel)) is None:
        raise AccountInvalid(f"channel: {definition.channel!r} is none of {', '.join(CHANNELS)}")
    channel.read_settings(definition)
    limits_of(channel.limits, definition.settings)
