"""How what we sent fares: how far each of the latest messages to a customer came, as the sender and the channel tell.

A channel tells in any order and more than once, so a message only moves up: what it told first or again is no news.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from domain.classification import PromiseTold
from domain.event import Event, RuleBroken
from domain.interaction import MessageReceived, ReplyEchoed, ReplyHandedOver, ReplyWritten
from domain.outbound.delivery import (
    DeliveryAccepted,
    DeliveryAttempted,
    DeliveryRejected,
    DeliveryReported,
    DeliveryStatus,
    DeliveryUnknown,
)
from domain.outbound.reach import Reach

OUTBOUND_KEPT = 200
"""Messages to one customer whose way is followed; news of older ones come too late to matter to anybody."""
PARTICIPANTS_MAX = 250
"""Of a group; what is told of more is not kept."""


class NoLongerFollowed(RuleBroken):
    """So much was sent to this customer since that nobody follows any more how this message fares."""


class Fate(StrEnum):
    """How far something we sent came."""

    WRITTEN = "written"
    ATTEMPTED = "attempted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    """The channel took it and could not bring it: the end, whatever else is told."""


_TAKEN_RANK = {fate: rank for rank, fate in enumerate((Fate.ACCEPTED, *map(Fate, DeliveryStatus)), start=1)}
"""Before the channel took it, what we did last counts; from there on it only moves up."""

_TOLD = {
    DeliveryAttempted: Fate.ATTEMPTED,
    DeliveryUnknown: Fate.UNKNOWN,
    DeliveryAccepted: Fate.ACCEPTED,
}

DeliveryEvent = DeliveryAttempted | DeliveryAccepted | DeliveryRejected | DeliveryUnknown | DeliveryReported
DELIVERY_EVENTS = (DeliveryAttempted, DeliveryAccepted, DeliveryRejected, DeliveryUnknown, DeliveryReported)
"""The same for `isinstance`, which is asked about every event there is: with a tuple it is several times faster."""
TELLING = frozenset({ReplyWritten, ReplyHandedOver, PromiseTold, ReplyEchoed, MessageReceived, *DELIVERY_EVENTS})
"""All that `evolve` heeds. Asked first, because most events are of other kinds."""


class Outbound(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Something we sent to a customer."""

    message_id: str
    conversation_id: str
    account_id: str
    handle: str
    agent_id: str | None = None
    provider_id: str = ""
    """What the channel calls it, once that is known."""
    fate: Fate = Fate.WRITTEN
    participants: dict[str, DeliveryStatus] = {}
    """How far it came with each of a group, where the channel tells."""
    is_past: bool = False
    """Of a chat: the visitor wrote after it, and so has seen it, or it went to them by mail."""
    wording: str = ""
    """A digest of what it says, to know it again when it comes back without an id of ours."""

    @property
    def is_taken(self) -> bool:
        """The channel has it."""
        return self.fate in _TAKEN_RANK


def is_further(fate: Fate, before: Fate) -> bool:
    """Whether something that stands at `before` moves on to this."""
    return _TAKEN_RANK.get(fate, 0) > _TAKEN_RANK.get(before, 0)


def fate_after(before: Fate, event: DeliveryEvent) -> Fate:
    """How far it is after the event. A failure with one of a group is no failure of the whole."""
    if isinstance(event, DeliveryReported):
        if event.participant and event.status is DeliveryStatus.FAILED:
            return before
        after = Fate(event.status)
    elif isinstance(event, DeliveryRejected):
        after = Fate.REJECTED if event.is_final else Fate.ATTEMPTED
    else:
        after = _TOLD[type(event)]
    return after if is_further(after, before) or before not in _TAKEN_RANK else before


def evolve(outbound: dict[str, Outbound], event: Event) -> dict[str, Outbound]:
    """What the event changes; the same dict where it changes nothing."""
    if type(event) not in TELLING:
        return outbound
    match event:
        case MessageReceived():  # in a web chat the visitor sees what was said before they write
            if not outbound or event.channel != "webchat":
                return outbound
            here = event.conversation_id
            seen = [one for one in outbound.values() if one.conversation_id == here and not one.is_past]
            return outbound | {one.message_id: replace(one, is_past=True) for one in seen} if seen else outbound
        case ReplyWritten():
            written = Outbound(
                message_id=event.message_id,
                conversation_id=event.conversation_id,
                account_id=event.account_id,
                handle=event.handle,
                agent_id=event.agent_id,
                wording=wording_of(event.text),
            )
            covered = event.replies if isinstance(event, ReplyHandedOver) else ()
            gone = {one: replace(outbound[one], is_past=True) for one in covered if one in outbound}
            return _with_newest(outbound | gone, written)
        case ReplyEchoed() if not event.content.is_amending:
            echoed = Outbound(
                message_id=event.message_id,
                conversation_id=event.conversation_id,
                account_id=event.account_id,
                handle=event.handle,
                provider_id=event.provider_id,
                fate=Fate.ACCEPTED,
            )
            return _with_newest(outbound, echoed)
        case DeliveryAttempted() | DeliveryAccepted() | DeliveryRejected() | DeliveryUnknown() | DeliveryReported():
            before = outbound.get(event.message_id)
            return outbound if before is None else outbound | {before.message_id: _after(before, event)}
        case _:
            return outbound


def _with_newest(outbound: dict[str, Outbound], newest: Outbound) -> dict[str, Outbound]:
    kept = outbound | {newest.message_id: newest}
    if len(kept) > OUTBOUND_KEPT:
        del kept[next(iter(kept))]
    return kept


def _after(before: Outbound, event: DeliveryEvent) -> Outbound:
    fate = fate_after(before.fate, event)
    match event:
        case DeliveryAccepted(provider_id=provider_id):
            return replace(before, fate=fate, provider_id=before.provider_id or provider_id)
        case DeliveryReported(participant=participant, status=status) if participant:
            return replace(before, fate=fate, participants=before.participants | {participant: status})
        case _:
            return replace(before, fate=fate)


def find(
    outbound: Mapping[str, Outbound], *, account_id: str, provider_id: str, message_id: str = ""
) -> Outbound | None:
    """What we sent on the account under our own message id, or that the channel calls so."""
    if (one := outbound.get(message_id)) is not None:
        return one
    called = (one for one in outbound.values() if one.provider_id == provider_id and one.account_id == account_id)
    return next(called, None) if provider_id else None


def wording_of(text: str) -> str:
    """The same for texts that differ only in white space, which channels change."""
    return hashlib.blake2b(" ".join(text.split()).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def prove_taken(one: Outbound, provider_id: str, answer: str) -> list[Event]:
    """The channel turns out to have it. That is no news where we knew."""
    if one.is_taken:
        return []
    return [
        DeliveryAccepted(
            conversation_id=one.conversation_id,
            message_id=one.message_id,
            provider_id=provider_id,
            answer=answer,
            agent_id=one.agent_id,
        )
    ]


def report(
    outbound: Mapping[str, Outbound],
    *,
    message_id: str,
    status: DeliveryStatus,
    provider_id: str = "",
    participant: str = "",
    reason: str = "",
    reach: Reach | None = None,
) -> list[Event]:
    """What a report of the channel is news of: that it has the message at all, and that the message came further.

    Raises NoLongerFollowed.
    """
    one = outbound.get(message_id)
    if one is None:
        raise NoLongerFollowed
    if participant:
        told = one.participants.get(participant)
        is_new = told is None and len(one.participants) < PARTICIPANTS_MAX
        is_news = is_new or (told is not None and is_further(Fate(status), Fate(told)))
    else:
        is_news = is_further(Fate(status), one.fate)
    if not is_news:
        return []
    reported = DeliveryReported(
        conversation_id=one.conversation_id,
        message_id=message_id,
        status=status,
        provider_id=provider_id or one.provider_id,
        participant=participant,
        reason=reason,
        agent_id=one.agent_id,
        unsubscribed=one.handle if reach is Reach.UNSUBSCRIBED else "",
        blocked=one.handle if reach is Reach.BLOCKED else "",
    )
    return [*prove_taken(one, provider_id, f"it reports {status}"), reported]
