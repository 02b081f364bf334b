"""Phone calls as work: a missed one that nobody has to call back any more."""

from datetime import datetime

from domain.calls.stages import got_through_at, key_of
from domain.conversation import Conversation, Status
from domain.customer import Customer

REACHED = "reached"
"""The disposition of what waited for a call-back until the customer got through by themselves."""


def spared(customer: Customer, account_id: str) -> list[Conversation]:
    """Those that wait for a call-back only, of a customer who called again later and got through to somebody.

    What somebody took up meanwhile, or let wait for another reason, is not among them.
    """
    through_at = got_through_at(customer.calls, account_id)
    missed_at: dict[str, datetime] = {}
    for key, call in customer.calls.items():
        if call.waits and call.began_at and key.startswith(key_of(account_id, "")):
            missed_at[call.conversation_id] = max(call.began_at, missed_at.get(call.conversation_id, call.began_at))
    asked = [customer.conversations.get(one) for one, at in missed_at.items() if through_at and at < through_at]
    return [one for one in asked if one is not None and one.status in (Status.WAITING, Status.OFFERED)]
