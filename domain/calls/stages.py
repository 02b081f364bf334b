"""Phone calls: that one rings, was answered and is over, and what decisions remember of each.

What is told of a call comes in any order and again. Its stage only moves up: ringing, answered, ended.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import get_args

import msgspec
from msgspec.structs import replace

from domain.assignment import OfferAccepted
from domain.conversation import Conversation, ConversationClosed
from domain.event import Event

CALLS_KEPT = 100
"""Calls of one customer that decisions remember, newest last; those that are over go first."""
VOICEMAIL = "voicemail"
"""How an end is told that was a machine's, and what some telephone systems name as who answered."""


class Direction(StrEnum):
    """Who called whom, seen from the shop."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Stage(StrEnum):
    """How far a call came."""

    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


class CallRang(Event, topic="conversation.call_rang"):
    """A call rings: at the shop or, outbound, at the customer. Told again where it rings at more agents."""

    conversation_id: str
    call_id: str
    account_id: str
    direction: Direction
    handle: str
    """As of `CallLogged`."""
    queue_id: str
    """Of the account: who may see this queue sees the call."""
    rang_at: datetime
    agent_ids: tuple[str, ...] = ()
    """At whom, as far as the telephone system told and the account knows them; of an outbound call, who calls."""
    customer_name: str = ""
    """What we called the customer then."""


class CallAnswered(Event, topic="conversation.call_answered"):
    """Somebody took the call."""

    conversation_id: str
    call_id: str
    account_id: str
    direction: Direction
    handle: str
    """As of `CallLogged`."""
    queue_id: str
    answered_at: datetime
    answered_by: str = ""
    """As the telephone system calls them: an extension, a number, a name."""
    agent_id: str | None = None
    """Who of ours talks, where the account knows them."""
    customer_name: str = ""
    is_over: bool = False
    """It was told after the call had ended, and says only who it was."""


class CallLogged(Event, topic="conversation.call_logged"):
    """A phone call took place, told by an agent, live or by a call record."""

    conversation_id: str
    call_id: str
    direction: Direction
    handle: str
    """The customer's number, in E.164 where it could be read; `anonymous` where it was withheld."""
    outcome: str
    """`answered`, `missed`, `busy`, `voicemail` or `failed`."""
    duration_seconds: int = 0
    note: str = ""
    agent_id: str | None = None
    """Who wrote it down, or talked."""
    account_id: str = ""
    """Empty in what was logged before calls were followed live."""
    began_at: datetime | None = None
    """As far as it was told."""
    waits: bool = False
    """It was missed, and waits in a queue for somebody to call back."""


CallEvent = CallRang | CallAnswered | CallLogged
_KINDS = frozenset(get_args(CallEvent))


class KnownCall(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What decisions remember of a call."""

    conversation_id: str
    direction: Direction
    handle: str
    stage: Stage
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    answered_by: str = ""
    agent_id: str | None = None
    """Who talks, as the telephone system told: not who wrote it down."""
    agent_ids: tuple[str, ...] = ()
    """At whom it rings."""
    began_at: datetime | None = None
    is_reached: bool = False
    """A person answered: no machine, and not only a menu."""
    waits: bool = False
    """It was missed, and nobody has taken it up since."""
    is_given: bool = False
    """Who talks took its conversation on meanwhile: what becomes of that from then on is up to them."""

    def is_with(self, agent_id: str) -> bool:
        """It rings at the agent, or the agent talks or talked."""
        return agent_id in self.agent_ids if self.stage is Stage.RINGING else agent_id == self.agent_id


def key_of(account_id: str, call_id: str) -> str:
    """What a call is remembered by."""
    return f"{account_id} {call_id}"


def evolve(calls: dict[str, KnownCall], event: Event) -> dict[str, KnownCall]:
    """The calls after an event; the very same object where it is about none."""
    if type(event) is OfferAccepted or type(event) is ConversationClosed:
        return _taken_up(calls, event)
    if type(event) not in _KINDS or not isinstance(event, CallEvent) or not event.account_id:  # most are of other kinds
        return calls
    key = key_of(event.account_id, event.call_id)
    before = calls.get(key) or KnownCall(
        conversation_id=event.conversation_id, direction=event.direction, handle=event.handle, stage=Stage.RINGING
    )
    others = {other: call for other, call in calls.items() if other != key}
    return _without_oldest(others) | {key: _after(before, event)}


def got_through_at(calls: Mapping[str, KnownCall], account_id: str) -> datetime | None:
    """When the latest call began in which the customer reached somebody on that account."""
    of_account = (call for key, call in calls.items() if key.startswith(key_of(account_id, "")))
    reached = (call for call in of_account if call.is_reached and call.direction is Direction.INBOUND)
    return max((call.began_at for call in reached if call.began_at), default=None)


def is_served_by(calls: dict[str, KnownCall], agent_id: str) -> bool:
    """Whether a call is with the agent at this moment, or the latest was: what follows a call is work too."""
    latest = next(reversed(calls.values()), None)
    live = (call for call in calls.values() if call.stage is not Stage.ENDED)
    return any(call.is_with(agent_id) for call in live) or (latest is not None and latest.is_with(agent_id))


def _after(before: KnownCall, event: CallEvent) -> KnownCall:
    match event:
        case CallRang(rang_at=at, agent_ids=agent_ids):
            began_at = before.began_at or at
            return replace(before, rang_at=before.rang_at or at, began_at=began_at, agent_ids=agent_ids)
        case CallAnswered():
            who = {"answered_by": event.answered_by, "agent_id": event.agent_id or before.agent_id}
            return replace(
                before,
                stage=Stage.ENDED if event.is_over else Stage.ANSWERED,
                answered_at=event.answered_at,
                began_at=before.began_at or event.answered_at,
                is_reached=before.is_reached or (not event.is_over and _names_a_person(event)),
                **who,
            )
        case CallLogged():
            return replace(
                before,
                conversation_id=event.conversation_id,
                stage=Stage.ENDED,
                began_at=before.began_at or event.began_at,
                is_reached=event.outcome == "answered",
                waits=event.waits,
            )


def _names_a_person(event: CallAnswered) -> bool:
    """Where nobody is named it may have been the menu; the end of the call tells."""
    return bool(event.agent_id or event.answered_by) and event.answered_by.casefold() != VOICEMAIL


def _taken_up(calls: dict[str, KnownCall], event: OfferAccepted | ConversationClosed) -> dict[str, KnownCall]:
    """Nobody waits to be called back any more; who took it on while they talked has it."""
    changed: dict[str, KnownCall] = {}
    for key, call in calls.items():
        if call.conversation_id != event.conversation_id:
            continue
        is_theirs = (
            isinstance(event, OfferAccepted) and call.stage is Stage.ANSWERED and call.agent_id == event.agent_id
        )
        if call.waits or (is_theirs and not call.is_given):
            changed[key] = replace(call, waits=False, is_given=call.is_given or is_theirs)
    return calls | changed if changed else calls


def _without_oldest(calls: dict[str, KnownCall]) -> dict[str, KnownCall]:
    if len(calls) < CALLS_KEPT:
        return calls
    oldest = next((key for key, call in calls.items() if call.stage is Stage.ENDED), next(iter(calls)))
    return {key: call for key, call in calls.items() if key != oldest}


def evolve_conversation(conversation: Conversation, event: CallEvent) -> Conversation:
    """A phone conversation is with the number of its latest call; a chat's replies stay on the chat."""
    return replace(conversation, handle=event.handle) if conversation.channel == "phone" else conversation
