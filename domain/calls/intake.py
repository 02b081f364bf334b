"""Phone calls as they are told to us, and what each telling comes to."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from domain.calls.stages import (
    VOICEMAIL,
    CallAnswered,
    CallLogged,
    CallRang,
    Direction,
    KnownCall,
    Stage,
    got_through_at,
    key_of,
)
from domain.conversation import Conversation
from domain.customer import Customer
from domain.event import Event
from domain.intake import WITHHELD, Intake, conversation_for, enqueue, meet

CALL_BACK_WITHIN = timedelta(hours=1)
"""A missed call that is told later than that after its end is history: somebody may have called back since."""
DURATION_SECONDS_MAX = 7 * 86_400


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A phone call, or how far one has come.

    Example: `Call(call_id="CA1", direction="inbound", handle="+4930901820", outcome="missed", occurred_at=…)`
    """

    call_id: str
    direction: Direction
    handle: str
    outcome: str
    """As of `CallLogged`, of one that is over; empty where the telephone system does not tell."""
    occurred_at: datetime
    """When it began to ring, was answered or, of one that is over, began."""
    stage: Stage = Stage.ENDED
    duration_seconds: int = 0
    note: str = ""
    author: str = ""
    agent_ids: tuple[str, ...] = ()
    """Those of ours whom the telephone system names."""
    answered_by: str = ""
    """As of `CallAnswered`."""
    may_be_menu: bool = False
    """`answered` may mean that only the menu took it: where it rang at agents, one of them must have answered."""
    is_settled: bool = False
    """The telephone system passed it on or blocked it: nobody has to call back."""


def take_call(
    customer: Customer,
    call: Call,
    *,
    account_id: str,
    intake: Intake | None = None,
    new_conversation_id: str,
    at: datetime,
    agent_id: str | None = None,
    conversation_id: str | None = None,
    is_theirs: bool = True,
    is_late: bool = False,
) -> list[Event]:
    """What is new about a call: in the named conversation, where it rang, or in the phone conversation with the number.

    Nothing for what is known, or further behind: a call that is over does not ring again. Who answered is news even
    then. A missed call waits in the intake queue, so that somebody calls back, unless the customer has got through by a
    later one. `agent_id`: who wrote the call down.
    `is_theirs`: the number is nobody else's, so that it becomes an address of this customer.
    `is_late`: the call is over, be it remembered or not.
    Raises ConversationUnknown, TooManyConversations.
    """
    known = customer.calls.get(key_of(account_id, call.call_id))
    if not _is_news(call, known) or (is_late and known is None):
        return []
    if known is not None:
        call = replace(call, direction=known.direction, handle=known.handle)
    handle = call.handle if is_theirs else WITHHELD
    events = meet(customer, channel="phone", account_id="", handle=handle, name=call.author if is_theirs else "")
    is_missed = agent_id is None and _is_to_be_called_back(call, known, at)
    is_missed = is_missed and not _has_got_through_since(customer, account_id, _began_at(call, known))
    current, start = _conversation_of(
        customer, call, known, account_id, new_conversation_id, at, conversation_id, is_missed=is_missed
    )
    waits = enqueue(current, intake, at) if is_missed and intake else []
    telling = _Telling(
        call=call,
        known=known,
        conversation_id=current.id,
        account_id=account_id,
        queue_id=intake.queue_id if intake else "",
        customer_name=customer.name or call.author,
        agent_id=agent_id,
        waits=bool(waits) or (is_missed and _waits_already(customer, current)),
    )
    return [*events, *start, *waits, _told(telling)]  # what is claimed for the call leads to its last event


def _conversation_of(
    customer: Customer,
    call: Call,
    known: KnownCall | None,
    account_id: str,
    new_id: str,
    at: datetime,
    conversation_id: str | None,
    *,
    is_missed: bool,
) -> tuple[Conversation, list[Event]]:
    """Where the call belongs, and what opens or reopens that if need be."""
    if conversation_id is not None:
        return customer.conversation(conversation_id), []
    rang_in = customer.conversations.get(known.conversation_id) if known is not None else None
    if rang_in is not None and not (rang_in.is_closed and is_missed):
        return rang_in, []
    return conversation_for(
        customer,
        channel="phone",
        account_id=account_id,
        thread=call.handle,
        subject="",
        name=call.author,
        new_id=new_id,
        at=at,
    )


def _has_got_through_since(customer: Customer, account_id: str, began_at: datetime) -> bool:
    """By another call, which began later than at that moment."""
    through_at = got_through_at(customer.calls, account_id)
    return through_at is not None and through_at > began_at


def _waits_already(customer: Customer, current: Conversation) -> bool:
    """For somebody to call back, be it offered to them at this moment."""
    return any(call.waits for call in customer.calls.values() if call.conversation_id == current.id)


def _is_news(call: Call, known: KnownCall | None) -> bool:
    if known is None:
        return True
    match call.stage:
        case Stage.RINGING:
            return known.stage is Stage.RINGING and not set(call.agent_ids) <= set(known.agent_ids)
        case Stage.ANSWERED:
            return known.answered_at is None
        case Stage.ENDED:
            return known.stage is not Stage.ENDED


class _Telling(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is told of a call, and where it belongs."""

    call: Call
    known: KnownCall | None
    conversation_id: str
    account_id: str
    queue_id: str
    customer_name: str
    agent_id: str | None
    """Who wrote it down."""
    waits: bool


def _told(telling: _Telling) -> Event:
    call, known = telling.call, telling.known
    if call.stage is Stage.ENDED:
        return _over(telling)
    live: dict[str, Any] = {
        "conversation_id": telling.conversation_id,
        "call_id": call.call_id,
        "account_id": telling.account_id,
        "direction": call.direction,
        "handle": call.handle,
        "queue_id": telling.queue_id,
        "customer_name": telling.customer_name,
    }
    if call.stage is Stage.RINGING:
        rings_at = tuple(sorted({*call.agent_ids, *(known.agent_ids if known else ())}))
        return CallRang(**live, rang_at=call.occurred_at, agent_ids=rings_at)
    return CallAnswered(
        **live,
        answered_at=call.occurred_at,
        answered_by=call.answered_by,
        agent_id=_talks(call, known),
        is_over=known is not None and known.stage is Stage.ENDED,
    )


def _over(telling: _Telling) -> CallLogged:
    call, known = telling.call, telling.known
    return CallLogged(
        conversation_id=telling.conversation_id,
        call_id=call.call_id,
        direction=call.direction,
        handle=call.handle,
        outcome=_outcome(call, known),
        duration_seconds=_duration_seconds(call, known),
        note=call.note,
        agent_id=telling.agent_id or (known.agent_id if known else None) or _only(call.agent_ids),
        account_id=telling.account_id,
        began_at=_began_at(call, known),
        waits=telling.waits,
    )


def _began_at(call: Call, known: KnownCall | None) -> datetime:
    return (known.began_at if known else None) or call.occurred_at


def _only(agent_ids: tuple[str, ...]) -> str | None:
    return agent_ids[0] if len(agent_ids) == 1 else None


def _talks(call: Call, known: KnownCall | None) -> str | None:
    """Of a call of ours that the customer answered: whoever called."""
    if call.agent_ids or known is None or call.direction is Direction.INBOUND:
        return _only(call.agent_ids)
    return _only(known.agent_ids)


def _outcome(call: Call, known: KnownCall | None) -> str:
    is_answered = known is not None and known.answered_at is not None
    if known is not None and call.outcome in ("", "answered") and known.answered_by.casefold() == VOICEMAIL:
        return VOICEMAIL
    if not call.outcome:
        return "answered" if is_answered or call.duration_seconds else "missed"
    if call.may_be_menu and known is not None and known.agent_ids and not is_answered:
        return "missed"
    return call.outcome


def _duration_seconds(call: Call, known: KnownCall | None) -> int:
    """As told, else from when it was answered until it ended. No telephone system tells 0 of a call that took place."""
    if call.duration_seconds or known is None or known.answered_at is None or _outcome(call, known) != "answered":
        return call.duration_seconds
    talked = (call.occurred_at - known.answered_at).total_seconds()
    return min(max(0, round(talked)), DURATION_SECONDS_MAX)


def _is_to_be_called_back(call: Call, known: KnownCall | None, at: datetime) -> bool:
    """The customer wanted us and got nobody. Who withheld their number can be helped only if they left a message."""
    if call.stage is not Stage.ENDED or call.direction is Direction.OUTBOUND or call.is_settled:
        return False
    outcome = _outcome(call, known)
    is_late = at - call.occurred_at - timedelta(seconds=call.duration_seconds) > CALL_BACK_WITHIN
    return outcome != "answered" and not is_late and (call.handle != WITHHELD or outcome == VOICEMAIL)
