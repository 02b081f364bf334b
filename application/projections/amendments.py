"""What is told about a message after it was said: its edits, that it was taken back, reactions, how a reply fares.

Providers tell it in any order and again, so what is kept does not depend on that: of each thing the largest provider
time wins, and of equal times the later position.
"""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from domain.calls.stages import CallAnswered, CallEvent, CallRang, Stage
from domain.event import Recorded
from domain.interaction import Content, ContentKind, MessageReceived, ReplyEchoed
from domain.outbound.delivery import (
    DeliveryAttempted,
    DeliveryRejected,
    DeliveryReported,
    DeliveryStatus,
    DeliveryUnknown,
)
from domain.outbound.receipts import DeliveryEvent, Fate, fate_after, is_further
from domain.threads.moves import MessageJoined, MessageLeft, MoveEvent

REACTIONS_MAX = 100
"""Of one message, one a sender; the oldest go first."""


class Edit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The newest wording."""

    at: datetime
    position: int
    content: Content


class Reaction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody thinks of a message: `{"sender": "+4915…", "emoji": "👍", "at": "2026-…Z", "position": 42}`."""

    sender: str
    """The customer's address; empty for somebody of the shop."""
    emoji: str
    """Empty: it was taken back. Those are not shown."""
    at: datetime
    position: int
    author: str = ""


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a reply came."""

    status: Fate
    at: datetime
    """Since when it stands there."""
    reason: str = ""
    participants: dict[str, DeliveryStatus] = {}
    """How far it came with each of a group."""


class Called(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a call came: `{"stage": "answered", "rang_at": "2026-…Z", "answered_at": …, "answered_by": "Ana"}`."""

    stage: Stage
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    answered_by: str = ""
    """As the telephone system calls them."""
    agent_id: str | None = None
    """Who of ours talked."""
    agent_ids: tuple[str, ...] = ()
    """At whom it rang, as far as somebody told."""


class Moved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A mail is in another conversation than it was first put into."""

    to_conversation_id: str
    from_conversation_id: str
    """The first one."""
    position: int
    to_customer_id: str = ""
    """Whose it is now, where it was somebody else's."""

    @property
    def is_away(self) -> bool:
        """It was not put back."""
        return self.to_conversation_id != self.from_conversation_id


class Amendments(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that was told about one message."""

    edit: Edit | None = None
    unsent_at: datetime | None = None
    reactions: tuple[Reaction, ...] = ()
    """One a sender, by sender."""
    delivery: Delivery | None = None
    moved: Moved | None = None
    call: Called | None = None


NONE = Amendments()


def amended(before: Amendments, recorded: Recorded) -> Amendments:
    """With what the event tells."""
    if isinstance(recorded.event, CallEvent):
        return replace(before, call=_called(before.call, recorded.event))
    event, at, position = recorded.event, recorded.occurred_at, recorded.position
    if isinstance(event, DeliveryEvent):
        return replace(before, delivery=_fared(before.delivery, event, at))
    if isinstance(event, MessageJoined | MessageLeft):
        first = before.moved.from_conversation_id if before.moved else _moves(event)[0]
        whose = event.to_customer_id if isinstance(event, MessageLeft) else ""
        moved = Moved(
            to_conversation_id=_moves(event)[1], from_conversation_id=first, position=position, to_customer_id=whose
        )
        return replace(before, moved=moved)
    if not isinstance(event, MessageReceived | ReplyEchoed):
        return before
    match event.content.kind:
        case ContentKind.EDIT:
            told = Amendments(edit=Edit(at=at, position=position, content=event.content))
        case ContentKind.UNSEND:
            told = Amendments(unsent_at=at)
        case _:
            sender, author = (event.handle, event.author) if isinstance(event, MessageReceived) else ("", "")
            reaction = Reaction(sender=sender, emoji=event.content.text, at=at, position=position, author=author)
            told = Amendments(reactions=(reaction,))
    return joined(before, told)


def _moves(event: MoveEvent) -> tuple[str, str]:
    """From which conversation to which."""
    if isinstance(event, MessageLeft):
        return event.conversation_id, event.to_conversation_id
    return event.from_conversation_id, event.conversation_id


def joined(one: Amendments, other: Amendments) -> Amendments:
    """What was told of the same message in two places. The same whichever comes first."""
    unsent = [at for at in (one.unsent_at, other.unsent_at) if at is not None]
    edits = [edit for edit in (one.edit, other.edit) if edit is not None]
    edit = max(edits, key=lambda told: (told.at, told.position), default=None)
    if unsent and edit is not None:
        edit = replace(edit, content=Content(kind=ContentKind.EDIT))  # the words are gone with the message
    return Amendments(
        edit=edit,
        unsent_at=min(unsent, default=None),
        reactions=_newest_reactions(one.reactions + other.reactions),
        delivery=_further(one.delivery, other.delivery),
        call=one.call or other.call,
        moved=max((told.moved for told in (one, other) if told.moved), key=lambda moved: moved.position, default=None),
    )


def _called(before: Called | None, event: CallEvent) -> Called:
    """What ended stays so, whatever is told later."""
    stood = before or Called(stage=Stage.RINGING)
    match event:
        case CallRang(rang_at=rang_at, agent_ids=agent_ids):
            return replace(stood, rang_at=stood.rang_at or rang_at, agent_ids=agent_ids)
        case CallAnswered(answered_at=at, answered_by=by, agent_id=agent_id):
            stage = Stage.ENDED if stood.stage is Stage.ENDED else Stage.ANSWERED
            agent_id = agent_id or stood.agent_id
            return replace(stood, stage=stage, answered_at=at, answered_by=by, agent_id=agent_id)
        case _:
            return replace(stood, stage=Stage.ENDED, agent_id=event.agent_id or stood.agent_id)


def _newest_reactions(reactions: tuple[Reaction, ...]) -> tuple[Reaction, ...]:
    if len(reactions) < 2:
        return reactions
    ordered = sorted(reactions, key=lambda one: (one.at, one.position))
    by_sender = {one.sender: one for one in ordered}
    kept = sorted(by_sender.values(), key=lambda one: (one.at, one.position))[-REACTIONS_MAX:]
    return tuple(sorted(kept, key=lambda one: one.sender))


def _further(one: Delivery | None, other: Delivery | None) -> Delivery | None:
    if one is None or other is None:
        return one or other
    return other if is_further(other.status, one.status) else one


def _fared(before: Delivery | None, event: DeliveryEvent, at: datetime) -> Delivery:
    """What is no news changes nothing; another attempt is."""
    stood = Delivery(status=Fate.WRITTEN, at=at) if before is None else before
    if isinstance(event, DeliveryReported) and event.participant:
        stood = replace(stood, participants=stood.participants | {event.participant: event.status})
    status = fate_after(stood.status, event)
    reason = event.reason if isinstance(event, DeliveryRejected | DeliveryUnknown | DeliveryReported) else ""
    is_told_again = isinstance(event, DeliveryAttempted | DeliveryRejected) and status is fate_after(
        Fate.WRITTEN, event
    )
    if status is stood.status and not is_told_again:
        return stood
    return replace(stood, status=status, at=at, reason=reason)
