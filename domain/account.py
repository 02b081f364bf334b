"""A channel account: one configured number, mailbox, page or widget, and where its work goes."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from domain.event import Event, RuleBroken

SILENT_AFTER = "silent_after_minutes"
NOTICE_AGAIN = timedelta(hours=1)
"""The same once more within so long is no news."""
SILENT_MINUTES_MAX = 525_600


class AccountUnknown(RuleBroken):
    """There is no such channel account."""


class AccountPaused(RuleBroken):
    """This channel account is paused."""


class AccountInvalid(RuleBroken):
    """The channel account cannot work like this."""


class AccountDefinition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All there is to say about a channel account; a new definition replaces the whole.

    Example: `{"channel": "whatsapp", "name": "Shop EU", "address": "1122334455667", "queue_id": "queue-…",
    "settings": {"app_secret": "…"}}`
    """

    channel: str
    name: str
    queue_id: str
    """Where new conversations of this account wait."""
    address: str = ""
    """What the provider calls the account: a phone number id, a mailbox address, a widget name."""
    settings: dict[str, str] = {}
    """What the channel needs, secrets included; each channel's file in `channels/` says which."""
    default_region: str = ""
    """Country (ISO 3166) that phone numbers without one belong to."""


class AccountDefined(Event, topic="account.defined"):
    """The account was set up, or set up anew."""

    definition: AccountDefinition


class AccountWasPaused(Event, topic="account.paused"):
    """It takes no messages in and sends none until it is resumed."""

    reason: str = ""


class AccountWasResumed(Event, topic="account.resumed"):
    """It works again."""


class AccountThrottled(Event, topic="account.throttled"):
    """The provider wants nothing from us for a while: whoever sends next waits too."""

    until: datetime
    reason: str = ""
    """The provider's own words."""


class AccountNoticed(Event, topic="account.noticed"):
    """The provider had news of the account itself, as that it is banned."""

    notice: str
    """Its kind, and what the provider calls it: `account_update:DISABLED_UPDATE`."""
    noticed_at: datetime
    """When it came."""


class Account(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What decisions about an account need to know."""

    id: str = ""
    definition: AccountDefinition | None = None
    is_paused: bool = False
    throttled_until: datetime | None = None
    """Nothing is sent before that, however often a sender begins anew."""
    notice: str = ""
    """The latest, as of `AccountNoticed`."""
    noticed_at: datetime | None = None


NEW = Account()


def evolve(account: Account, event: Event) -> Account:
    """Only assigns. History is not up for debate, so nothing is checked here."""
    match event:
        case AccountDefined(definition=definition):
            return replace(account, definition=definition)
        case AccountWasPaused():
            return replace(account, is_paused=True)
        case AccountWasResumed():
            return replace(account, is_paused=False)
        case AccountThrottled(until=until):
            return replace(account, throttled_until=until)
        case AccountNoticed(notice=notice, noticed_at=noticed_at):
            return replace(account, notice=notice, noticed_at=noticed_at)
        case _:
            return account


def silent_after(definition: AccountDefinition) -> timedelta | None:
    """After so long without a message something may be wrong; None where the account may be silent.

    The setting is for any channel, and none has it by itself: how long a night is, only the shop knows, and an alarm
    that is wrong every morning is not looked at. Raises AccountInvalid.
    """
    text = definition.settings.get(SILENT_AFTER, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= SILENT_MINUTES_MAX):
        raise AccountInvalid(f"settings.{SILENT_AFTER}: a number of minutes from 1 to {SILENT_MINUTES_MAX}")
    return timedelta(minutes=int(text))


def define(account: Account, definition: AccountDefinition) -> list[Event]:
    """Raises AccountInvalid. The same definition again is not news."""
    if not definition.name.strip():
        raise AccountInvalid("name: an account needs a name")
    if account.definition is not None and account.definition.channel != definition.channel:
        raise AccountInvalid(f"channel: is {account.definition.channel} and stays so; open another account")
    silent_after(definition)
    return [] if definition == account.definition else [AccountDefined(definition=definition)]


def demand_own_secret(definition: AccountDefinition, setting: str, others: Iterable[Account]) -> None:
    """Raises AccountInvalid where another account of the channel has the same secret, or had it until it was rolled."""
    mine = _secrets(definition, setting)
    known = (other.definition for other in others)
    if any(one and one.channel == definition.channel and mine & _secrets(one, setting) for one in known):
        raise AccountInvalid(
            f"settings.{setting}: another account of {definition.channel} has it, and nothing else tells whose it is"
        )


def shared_secrets(accounts: Iterable[Account], told_by: Mapping[str, str]) -> dict[str, list[str]]:
    """By account, the others that have its secret, or had it until it was rolled, where nothing else tells them apart.

    `told_by`: that setting by channel. None can be defined so; some were, before that was looked at.
    """
    known = [
        (one.id, one.definition.channel, _secrets(one.definition, told_by[one.definition.channel]))
        for one in accounts
        if one.definition and told_by.get(one.definition.channel)
    ]
    with_it: dict[tuple[str, str], list[str]] = {}
    for account_id, channel, secrets in known:
        for secret in secrets:
            with_it.setdefault((channel, secret), []).append(account_id)
    found = {
        account_id: sorted({other for secret in secrets for other in with_it[channel, secret]} - {account_id})
        for account_id, channel, secrets in known
    }
    return {account_id: others for account_id, others in found.items() if others}


def _secrets(definition: AccountDefinition, setting: str) -> set[str]:
    given = definition.settings
    return {given.get(setting, ""), given.get(f"{setting}_previous", "")} - {""}


def pause(account: Account, reason: str) -> list[Event]:
    """Raises AccountUnknown. Pausing twice is not news."""
    if account.definition is None:
        raise AccountUnknown
    return [] if account.is_paused else [AccountWasPaused(reason=reason)]


def resume(account: Account) -> list[Event]:
    """Raises AccountUnknown. Undoes `pause`."""
    if account.definition is None:
        raise AccountUnknown
    return [AccountWasResumed()] if account.is_paused else []


def throttle(account: Account, until: datetime, reason: str) -> list[Event]:
    """Raises AccountUnknown. What ends no later than a pause that is known is not news."""
    if account.definition is None:
        raise AccountUnknown
    if account.throttled_until is not None and until <= account.throttled_until:
        return []
    return [AccountThrottled(until=until, reason=reason)]


def notice(account: Account, kind: str, at: datetime) -> list[Event]:
    """Raises AccountUnknown. What is older than the latest, or the same again within an hour, is not news."""
    if account.definition is None:
        raise AccountUnknown
    before = account.noticed_at
    if before and (at <= before or (kind == account.notice and at < before + NOTICE_AGAIN)):
        return []
    return [AccountNoticed(notice=kind, noticed_at=at)]
