"""When and from where a web chat goes on by mail: settings of its account."""

from datetime import timedelta

import msgspec

from domain.account import AccountDefinition, AccountInvalid

MINUTES_DEFAULT = 5.0
MINUTES_MAX = 1_440.0


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """How replies go to a visitor who has left."""

    mailbox_id: str
    """`handover_account`: the e-mail account that sends them."""
    after: timedelta
    """`handover_minutes`: so long a reply waits for its visitor to come back."""


def handover_of(definition: AccountDefinition) -> Handover | None:
    """None where nothing is handed over. Raises AccountInvalid."""
    given = definition.settings
    try:
        minutes = float(given.get("handover_minutes", MINUTES_DEFAULT))
    except ValueError:
        minutes = -1.0
    if not 0 <= minutes <= MINUTES_MAX:
        raise AccountInvalid(f"settings.handover_minutes: a number from 0 to {MINUTES_MAX:g}")
    mailbox_id = given.get("handover_account", "")
    return Handover(mailbox_id=mailbox_id, after=timedelta(minutes=minutes)) if mailbox_id else None
