"""Provider webhooks: proven by their signature, read as a whole, stored before they are acknowledged.

One hook address serves all accounts of a channel. A delivery counts for the accounts whose own secret fits its
signature, and for no other, so that nobody who knows one account's secret can speak for another.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from api.http.answer import Answer, json_answer
from api.http.asked import Asked
from api.http.operation import command, read
from api.http.refusals import Unknown
from application.commands import Command
from channels.edge.payload import Delivery, Posted, SignatureWrong
from channels.table import CHANNELS, Webhook
from domain.account import Account, AccountInvalid, AccountUnknown
from domain.event import RuleBroken
from domain.intake import InboundMessage


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery held."""

    messages: int
    """Stored, now or before."""
    receipts: int
    ignored: int
    """News of kinds that are not stored."""


class HandshakeQuery(msgspec.Struct, frozen=True, kw_only=True, rename=lambda name: f"hub.{name}"):
    """What a provider asks when a hook is set up."""

    mode: str = ""
    verify_token: str = ""
    challenge: str = ""


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

    Answers the challenge where any account of the channel has this verify token.
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


@command("/v1/webhooks/{channel}", None, takes=bytes, gives=Delivered, key="none", statuses=(400, 401, 404, 409))
async def take_delivery(asked: Asked[bytes]) -> Answer:
    """Take a provider's delivery.

    For every account of the channel: one hook address for all numbers of an app. Messages for an account that is
    unknown here give 404 after the others are stored, so that the provider delivers again once it is set up.
    """
    return await _deliver(asked, _accounts(asked))


@command(
    "/v1/webhooks/{channel}/{account_id}",
    None,
    takes=bytes,
    gives=Delivered,
    key="none",
    statuses=(400, 401, 404, 409),
)
async def take_delivery_of_account(asked: Asked[bytes]) -> Answer:
    """Take a provider's delivery for one account.

    For providers where each account has a hook of its own. Messages for other accounts give 404.
    """
    return await _deliver(asked, _one_account(asked))


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


def _handshake(asked: Asked[HandshakeQuery], accounts: Sequence[Account]) -> Answer:
    """Raises SignatureWrong where no account takes the token."""
    webhook = _webhook(asked)
    posted = Posted(
        raw=b"", received_at=asked.at, headers=dict(asked.headers()), query=msgspec.to_builtins(asked.given)
    )
    if webhook.answer_handshake is None:
        raise Unknown
    for account in accounts:
        assert account.definition is not None  # accounts without one were left out
        try:
            answer = webhook.answer_handshake(account.definition, posted)
        except (SignatureWrong, AccountInvalid):
            continue
        return Answer(answer.status, answer.body, media_type=answer.media_type)
    raise SignatureWrong("hub.verify_token: it is not the one of any account here")


async def _deliver(asked: Asked[bytes], accounts: Sequence[Account]) -> Answer:
    """Raises SignatureWrong, UnreadablePayload, AccountUnknown, AccountPaused; what could be stored is stored then."""
    webhook = _webhook(asked)
    posted = Posted(raw=asked.raw, received_at=asked.at, headers=dict(asked.headers()))
    trusted = _trusted(posted, webhook, accounts)
    definition = next(iter(trusted.values())).definition
    assert definition is not None  # accounts without one were left out
    delivery = webhook.parse(definition, posted)
    refusals: list[RuleBroken] = []
    for address, messages in _by_address(delivery).items():
        account = trusted.get(address)
        try:
            if account is None:
                raise AccountUnknown(f"there is no account at {address} that this signature speaks for")
            await asked.parts.receive.receive(account.id, messages, Command(actor=account.id, at=asked.at))
            asked.edge.count_received(asked.ids["channel"], len(messages))
        except RuleBroken as refusal:
            refusals.append(refusal)
    if refusals:
        raise refusals[0]
    counts = Delivered(messages=len(delivery.messages), receipts=len(delivery.reports), ignored=len(delivery.ignored))
    return json_answer(counts)


def _trusted(posted: Posted, webhook: Webhook, accounts: Sequence[Account]) -> dict[str, Account]:
    """By address, the accounts whose secret fits. Raises SignatureWrong where none does."""
    trusted: dict[str, Account] = {}
    for account in accounts:
        assert account.definition is not None  # accounts without one were left out
        try:
            webhook.verify(account.definition, posted)
        except (SignatureWrong, AccountInvalid):
            continue
        trusted[account.definition.address] = account
    if not trusted:
        raise SignatureWrong("no account here has a secret that fits")
    return trusted


def _by_address(delivery: Delivery) -> dict[str, list[InboundMessage]]:
    found: dict[str, list[InboundMessage]] = {}
    for address, message in delivery.messages:
        found.setdefault(address, []).append(message)
    return found


OPERATIONS = (answer_handshake, answer_handshake_of_account, take_delivery, take_delivery_of_account)
