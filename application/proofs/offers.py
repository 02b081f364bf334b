"""One live offer at a time, and a reason for every one that came to nothing."""

from collections.abc import Iterator
from datetime import datetime

from application.proofs.finding import Finding, Promise
from domain.agent import LoadReleased
from domain.assignment import (
    ConversationOffered,
    ConversationTransferred,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferWithdrawn,
)
from domain.conversation import ConversationClosed
from domain.event import Recorded

ANSWERS = (OfferAccepted, OfferDeclined, OfferExpired, OfferWithdrawn)


class LiveOffers:
    """The offer that stands for each conversation."""

    topics = frozenset(
        event.TOPIC for event in (ConversationOffered, *ANSWERS, ConversationClosed, ConversationTransferred)
    )

    def __init__(self) -> None:
        self._live: dict[str, ConversationOffered] = {}

    def look(self, recorded: Recorded) -> Iterator[Finding]:
        """The counterexample that the event is, if it is one."""
        event = recorded.event
        match event:
            case ConversationOffered():
                if (other := self._live.get(event.conversation_id)) is not None:
                    yield Finding(
                        promise=Promise.LIVE_OFFERS,
                        position=recorded.position,
                        at=recorded.recorded_at,
                        who=event.conversation_id,
                        what=f"offered to {event.agent_id} while {other.offer_id} to {other.agent_id} stands",
                    )
                self._live[event.conversation_id] = event
            case OfferAccepted() | OfferDeclined() | OfferExpired() | OfferWithdrawn():
                live = self._live.get(event.conversation_id)
                if live is not None and live.offer_id == event.offer_id:
                    del self._live[event.conversation_id]
            case ConversationClosed() | ConversationTransferred():
                self._live.pop(event.conversation_id, None)

    def forget(self, conversation_id: str) -> None:
        """Nobody knows how its offer stands."""
        self._live.pop(conversation_id, None)


class Reasons:
    """Why offers came to nothing: a word of the agent or of whoever withdrew it, or a time that was over."""

    topics = frozenset(event.TOPIC for event in (ConversationOffered, *ANSWERS, LoadReleased))

    def __init__(self) -> None:
        self._expires_at: dict[str, datetime] = {}

    def look(self, recorded: Recorded) -> Iterator[Finding]:
        """The counterexample that the event is, if it is one."""
        event = recorded.event
        match event:
            case ConversationOffered(offer_id=offer_id, expires_at=expires_at):
                self._expires_at[offer_id] = expires_at
            case OfferAccepted(offer_id=offer_id):
                self._expires_at.pop(offer_id, None)
            case OfferDeclined() | OfferExpired() | OfferWithdrawn():
                expires_at = self._expires_at.pop(event.offer_id, recorded.occurred_at)
                if what := _missing(event, recorded.occurred_at, expires_at):
                    yield _without_reason(recorded, event.agent_id, what)
            case LoadReleased(reason=""):
                yield _without_reason(recorded, recorded.stream, f"{event.conversation_id} let go without a reason")


def _missing(event: OfferDeclined | OfferExpired | OfferWithdrawn, at: datetime, expires_at: datetime) -> str:
    if isinstance(event, OfferExpired):
        early = (expires_at - at).total_seconds()
        return f"{event.offer_id} expired {early:g} s before its time was over" if early > 0 else ""
    verb = "declined" if isinstance(event, OfferDeclined) else "withdrawn"
    return "" if event.reason.strip() else f"{event.offer_id} {verb} without a reason"


def _without_reason(recorded: Recorded, who: str, what: str) -> Finding:
    return Finding(promise=Promise.REASONS, position=recorded.position, at=recorded.recorded_at, who=who, what=what)
