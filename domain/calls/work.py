"""Phone calls as work: whose one is while it is talked on, and a missed one that nobody has to call back any more."""

from datetime import datetime

from domain.calls.stages import Direction, KnownCall, Stage, got_through_at, key_of
from domain.conversation import Conversation, Status
from domain.customer import Customer

REACHED = "reached"
"""The disposition of what waited for a call-back until the customer got through by themselves."""
ANSWERED = "answered"
"""How an agent came to a call that they answered, and the disposition of what was over with it."""


def is_talked_on(call: KnownCall) -> bool:
    """Whether one of our agents talks at this moment, as far as was told."""
    return call.stage is Stage.ANSWERED and call.agent_id is not None


def comes_by(customer: Customer, call: KnownCall) -> str:
    """How its agent comes to its conversation: `answered` where that is over with the call, else `picked`.

    What waits for anything but to be called back by phone remains to be done, and so does what we called about.
    """
    one = customer.conversations.get(call.conversation_id)
    if one is None or one.status is Status.OPEN:
        return ANSWERED
    waits = any(other.waits for other in customer.calls.values() if other.conversation_id == one.id)
    return ANSWERED if waits and call.direction is Direction.INBOUND else "picked"


def over_with_calls(customer: Customer, conversation_id: str) -> list[Conversation]:
    """The conversation, where it was an agent's for a call only and they talk no more; wrapping up goes on."""
    one = customer.conversations.get(conversation_id)
    if one is None or one.by != ANSWERED or one.status is not Status.ASSIGNED:
        return []
    is_on = any(is_talked_on(call) for call in customer.calls.values() if call.conversation_id == conversation_id)
    return [] if is_on else [one]


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
