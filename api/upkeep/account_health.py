"""How channel accounts fare: what last came in and went out, what waits or is parked, and whether one fell silent."""

import logging
from collections.abc import Sequence
from datetime import datetime

import msgspec

from api.access.permissions import Action
from api.http.answer import Answer, json_answer
from api.http.asked import Asked
from api.http.operation import Nothing, read
from api.parts import Parts
from application.directory import Directory
from application.exchange.deliveries import Backlog
from application.exchange.stuck import Stuck
from application.exchange.traffic import Traffic
from channels.table import CHANNELS
from domain.account import Account, AccountUnknown, shared_secrets, silent_after

PREVIOUS = "_previous"
"""How the older of two secrets is called: `app_secret_previous`."""

logger = logging.getLogger(__name__)


class AccountHealth(msgspec.Struct, frozen=True, kw_only=True):
    """An account, and how it fares."""

    account_id: str
    channel: str
    name: str
    is_paused: bool
    throttled_until: datetime | None
    """The provider wants nothing from us before that; replies wait."""
    last_in_at: datetime | None
    """When the log took the newest message or call."""
    came_in: int
    last_out_at: datetime | None
    """When the channel last took something from us."""
    went_out: int
    failed: int
    """Refused for good by the channel, or with an outcome that is not known."""
    last_failure_at: datetime | None
    last_failure_position: int | None
    """Of the event in the log, which says why."""
    waiting: int
    """Deliveries that are kept and not read, of those that may be for this account."""
    parked: int
    """Those that could not be read."""
    replies_stuck: int
    """Replies that cannot even be tried, as what the log says of their customers cannot be read."""
    replies_stuck_since: datetime | None
    replies_stuck_because: str
    """Of the one that is for longest."""
    lag_seconds: float
    """Age of the oldest that waits; 0 where none does."""
    silent_after_minutes: float | None
    """Its setting; none: silence is no news."""
    is_silent: bool
    """Nothing came in for longer than that."""
    notice: str
    """The provider's latest news of the account, as in `account_update:DISABLED_UPDATE`; empty where none came. Where
    the provider does not say whose it is, every account whose secret fits has it."""
    noticed_at: datetime | None
    has_previous_secret: bool
    """A secret is being rolled, and the older one is still believed."""
    shares_secret_with: list[str]
    """Other accounts of the channel with the same secret, by which alone it is told whose a delivery is: what is for
    one of them may be taken in for the other. Give each a secret of its own."""


class AccountsHealth(msgspec.Struct, frozen=True, kw_only=True):
    """All accounts, by name."""

    items: list[AccountHealth]


@read("/v1/accounts/health", Action.READ_ACCOUNTS, gives=AccountsHealth)
async def list_account_health(asked: Asked[Nothing]) -> Answer:
    """How all channel accounts fare."""
    return json_answer(AccountsHealth(items=await health_of_all(asked.parts, asked.at)))


@read("/v1/accounts/{account_id}/health", Action.READ_ACCOUNTS, gives=AccountHealth)
async def read_account_health(asked: Asked[Nothing]) -> Answer:
    """How one channel account fares."""
    for one in await health_of_all(asked.parts, asked.at):
        if one.account_id == asked.ids["account_id"]:
            return json_answer(one)
    raise AccountUnknown(f"there is no account {asked.ids['account_id']}")


async def health_of_all(parts: Parts, now: datetime, replies: Sequence[Stuck] | None = None) -> list[AccountHealth]:
    """By name. `replies`: those that are stuck, where they were loaded already. Raises LogUnreachable."""
    backlogs, traffic = await parts.deliveries.backlogs(), await parts.traffic.of_all()
    stuck: dict[str, list[Stuck]] = {}
    for reply in await parts.stuck_replies.load() if replies is None else replies:
        stuck.setdefault(reply.account_id, []).append(reply)
    shared = sharing(parts.directory)
    healths = [
        _health(
            one,
            backlogs.get(one.id, Backlog()),
            traffic.get(one.id, Traffic(account_id=one.id)),
            stuck.get(one.id, []),
            shared.get(one.id, []),
            now,
        )
        for one in parts.directory.accounts.values()
        if one.definition is not None
    ]
    return sorted(healths, key=lambda one: (one.name, one.account_id))


def sharing(directory: Directory) -> dict[str, list[str]]:
    """By account, those that it cannot be told from, since they have the same secret."""
    return shared_secrets(directory.accounts.values(), {name: one.told_by for name, one in CHANNELS.items()})


def warn_of_shared_secrets(directory: Directory) -> None:
    """For who starts a server: such accounts may have been defined before that was refused."""
    for account_id, others in sharing(directory).items():
        logger.warning("account %s has the same secret as %s: give each its own", account_id, ", ".join(others))


def _health(
    account: Account, backlog: Backlog, traffic: Traffic, stuck: Sequence[Stuck], shared: list[str], now: datetime
) -> AccountHealth:
    definition, waiting_since = account.definition, backlog.oldest_waiting_at
    assert definition is not None  # accounts without one are left out
    limit = silent_after(definition)
    longest = min(stuck, key=lambda reply: reply.since, default=None)
    is_quiet = limit is not None and (traffic.last_in_at is None or now - traffic.last_in_at > limit)
    return AccountHealth(
        **msgspec.structs.asdict(traffic),
        channel=definition.channel,
        name=definition.name,
        is_paused=account.is_paused,
        throttled_until=account.throttled_until if (account.throttled_until or now) > now else None,
        waiting=backlog.waiting,
        parked=backlog.parked,
        replies_stuck=len(stuck),
        replies_stuck_since=longest.since if longest else None,
        replies_stuck_because=longest.because if longest else "",
        lag_seconds=max(0.0, (now - waiting_since).total_seconds()) if waiting_since else 0.0,
        silent_after_minutes=None if limit is None else limit.total_seconds() / 60,
        is_silent=is_quiet and not account.is_paused,
        notice=account.notice,
        noticed_at=account.noticed_at,
        has_previous_secret=any(text for name, text in definition.settings.items() if name.endswith(PREVIOUS)),
        shares_secret_with=shared,
    )


OPERATIONS = (list_account_health, read_account_health)
