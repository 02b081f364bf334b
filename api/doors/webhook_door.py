"""Provider webhooks: proven by their signature, kept as they came, and answered before anybody reads them.

One hook address serves all accounts of a channel. A delivery counts for the accounts whose own secret fits its
signature, and for no other, so that nobody who knows one account's secret can speak for another. What is in it does
not matter here: once it is durable, nothing makes it anything but the provider's own kind of 2xx, since providers give
up on hooks that fail. The same bytes again are kept again: claims recognise what is in them, by the message and not
by the delivery, also where a provider packs the same message anew.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from api.doors.trust import packed, trusted
from api.http.answer import Answer
from api.http.asked import Asked
from api.http.fields import NO_NUL
from api.http.operation import command, read
from api.http.refusals import TooManyAttempts, Unknown
from api.parts import Parts
from application.exchange.deliveries import Arrived
from application.ids import new_id
from channels.edge.payload import Acknowledgement, Posted, SignatureWrong, UnreadablePayload
from channels.table import CHANNELS, Webhook
from domain.account import Account, AccountInvalid, AccountUnknown

OFF_THE_LOOP_BYTES = 262_144
"""Hashing more than this, over all accounts, takes so long that other requests should not wait for it."""
MAIL_CHANNELS = frozenset({"email"})
"""Their deliveries hold whole mails."""


logger = logging.getLogger(__name__)
OfTheProvider = Annotated[str, Meta(extra_json_schema=NO_NUL)]


class HandshakeQuery(msgspec.Struct, frozen=True, kw_only=True, rename=lambda name: f"hub.{name}"):
    """What Meta asks when a hook is set up. Other providers have names of their own."""

    mode: OfTheProvider = ""
    verify_token: OfTheProvider = ""
    challenge: OfTheProvider = ""


@read(
    "/v1/webhooks/{channel}",
    None,
    takes=HandshakeQuery,
    gives=None,
    answer_media_type="text/plain",
    statuses=(401, 404),
)
async def answer_handshake(asked: Asked[HandshakeQuery]) -> Answer:
    """Prove to a provider that the hook is ours.

    Answers the challenge where any account of the channel has this verify token, paused or not.
    """
    return _handshake(asked, _accounts(asked))


@read(
    "/v1/webhooks/{channel}/{account_id}",
    None,
    takes=HandshakeQuery,
    gives=None,
    answer_media_type="text/plain",
    statuses=(401, 404),
)
async def answer_handshake_of_account(asked: Asked[HandshakeQuery]) -> Answer:
    """Prove to a provider that the hook of one account is ours."""
    return _handshake(asked, _one_account(asked))


@command(
    "/v1/webhooks/{channel}",
    None,
    takes=bytes,
    gives=None,
    key="none",
    answer_media_type="text/plain",
    statuses=(401, 404),
    large_channels=MAIL_CHANNELS,
)
async def take_delivery(asked: Asked[bytes]) -> Answer:
    """Take a provider's delivery.

    For every account of the channel: one hook address for all numbers of an app. Answered once it is durable, in the
    way that the provider expects; it is read afterwards. What cannot be read shows in `/v1/deliveries`.
    """
    return await _keep(asked, _accounts(asked))


@command(
    "/v1/webhooks/{channel}/{account_id}",
    None,
    takes=bytes,
    gives=None,
    key="none",
    answer_media_type="text/plain",
    statuses=(401, 404),
    large_channels=MAIL_CHANNELS,
)
async def take_delivery_of_account(asked: Asked[bytes]) -> Answer:
    """Take a provider's delivery for one account.

    For providers where each account has a hook of its own; else as without the account.
    """
    return await _keep(asked, _one_account(asked))


def _webhook(asked: Asked[Any]) -> Webhook:
    """Raises Unknown for a channel without webhooks."""
    channel = CHANNELS.get(asked.ids["channel"])
    if channel is None or channel.webhook is None:
        raise Unknown
    return channel.webhook


def _accounts(asked: Asked[Any]) -> list[Account]:
    _webhook(asked)
    accounts = asked.parts.directory.accounts.values()
    return [one for one in accounts if one.definition and one.definition.channel == asked.ids["channel"]]


def _one_account(asked: Asked[Any]) -> list[Account]:
    """Raises AccountUnknown."""
    found = [one for one in _accounts(asked) if one.id == asked.ids["account_id"]]
    if not found:
        raise AccountUnknown(f"there is no such account of {asked.ids['channel']}")
    return found


def _posted(asked: Asked[Any]) -> Posted:
    """The request as the provider made it, whatever a proxy in front of us made of it."""
    query_string = asked.query_string.decode("latin-1")
    base = asked.parts.settings.public_url.rstrip("/") or f"{asked.scheme}://{asked.header(b'host') or ''}"
    return Posted(
        raw=asked.raw,
        received_at=asked.at,
        headers=asked.headers(),
        query=dict(parse_qsl(query_string, keep_blank_values=True)),
        url=f"{base}{asked.path}{'?' if query_string else ''}{query_string}",
    )


def _handshake(asked: Asked[HandshakeQuery], accounts: Sequence[Account]) -> Answer:
    """Raises SignatureWrong where no account takes the token."""
    webhook, posted = _webhook(asked), _posted(asked)
    if webhook.answer_handshake is None:
        raise Unknown
    for account in accounts:
        assert account.definition is not None  # accounts without one were left out
        try:
            return _as_told(webhook.answer_handshake(account.definition, posted))
        except (SignatureWrong, AccountInvalid):
            continue
    raise SignatureWrong("the hook is not set up like this for any account here")


async def _keep(asked: Asked[bytes], accounts: Sequence[Account]) -> Answer:
    """Raises SignatureWrong, LogBusy, LogUnreachable; then nothing is acknowledged and the provider comes again."""
    webhook, posted, parts = _webhook(asked), _posted(asked), asked.parts
    try:
        if len(posted.raw) * len(accounts) > OFF_THE_LOOP_BYTES:
            found = await asyncio.to_thread(trusted, posted, webhook, accounts)
        else:
            found = trusted(posted, webhook, accounts)
    except SignatureWrong as error:
        _tell_operator(asked, error)
        raise
    arrived = Arrived(
        id=new_id("delivery"),
        channel=asked.ids["channel"],
        account_ids=tuple(sorted(account.id for account in found)),
        received_at=asked.at,
        content=packed(posted),
    )
    await _pass_on(parts, webhook, posted, found)
    await parts.deliveries.store(arrived)
    parts.metrics.deliveries_stored.labels(arrived.channel).inc()
    definition = found[0].definition
    if webhook.acknowledge is None or definition is None:
        return _as_told(webhook.acknowledgement)
    return _as_told(webhook.acknowledge(definition, posted))


def _tell_operator(asked: Asked[bytes], error: SignatureWrong) -> None:
    """Once a minute for each hook: who sets one up sees no more of a wrong secret than that nothing comes in."""
    with suppress(TooManyAttempts):
        asked.edge.refused_hooks.count(asked.path)
        logger.warning("a delivery at %s is refused: %s; is the secret there that of the account?", asked.path, error)


async def _pass_on(parts: Parts, webhook: Webhook, posted: Posted, accounts: Sequence[Account]) -> None:
    """Where a delivery only says that there is something to ask for, whoever asks is told before it is answered."""
    if webhook.nudge_in is None:
        return
    for account in accounts:
        assert account.definition is not None  # accounts without one were left out
        try:
            nudge = webhook.nudge_in(account.definition, posted)
        except UnreadablePayload:
            continue  # it is parked when it is read
        if nudge is not None and nudge.open_kfid == account.definition.address:
            await parts.polled.nudge(account.id, nudge.open_kfid, nudge.token)


def _as_told(told: Acknowledgement) -> Answer:
    return Answer(told.status, told.body, media_type=told.media_type)


OPERATIONS = (answer_handshake, answer_handshake_of_account, take_delivery, take_delivery_of_account)
