"""The engine takes every recorded decision once more, and it must come out the same to the last bit."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from domain.assignment import Choice, ConversationOffered
from domain.event import Recorded
from domain.routing.decide import decide
from domain.routing.decisions import Decision, Offer
from domain.routing.state import RouterState

OFFERED = frozenset({ConversationOffered.TOPIC})
FIELDS = ("conversation_id", "queue_id", "agent_id", "offer_id", "units", "expires_at", "choice")
"""What an offer of the router has in common with the event that it becomes; the stream says whose it is."""


class NotIdentical(Exception):
    """The engine decides otherwise today than the log says it did."""

    def __init__(self, recorded: Recorded, decision: Decision | None, identical: int, due: int) -> None:
        decided = msgspec.json.encode(decision).decode() if decision else "nothing to offer at that place"
        super().__init__(
            f"after {identical} of {due} identical decisions, the one at position {recorded.position} comes out"
            f" otherwise. Recorded: {msgspec.json.encode(recorded.event).decode()} Recomputed: {decided}"
        )
        self.position = recorded.position
        self.identical = identical
        self.due = due


class Identity:
    """Holds each recorded choice against the same engine, standing where the log stood when it was made.

    An offer is recorded after what it was decided upon, so all offers are noted first (`note`); then the log is read
    from its beginning and `check` is asked after every event. What a person chose has no choice and is not counted.
    """

    def __init__(self) -> None:
        self.due = 0
        """Decisions to take again."""
        self.identical = 0
        self._at: dict[int, dict[datetime, list[Recorded]]] = {}

    @property
    def is_done(self) -> bool:
        """Whether every noted decision has been taken again."""
        return not self._at

    def note(self, offers: Iterable[Recorded]) -> None:
        """The log's offers, in any portions."""
        for recorded in offers:
            event = recorded.event
            if isinstance(event, ConversationOffered) and (choice := event.choice) is not None:
                self._at.setdefault(choice.position, {}).setdefault(choice.decided_at, []).append(recorded)
                self.due += 1

    def check(self, state: RouterState) -> None:
        """Takes again all that was decided at the state's position, each sitting once. Raises NotIdentical."""
        sittings = self._at.pop(state.facts.position, None)
        if sittings is None:
            return
        for decided_at, offers in sittings.items():
            edition = _choice(offers[0]).edition
            decisions = decide(state, decided_at, edition=edition)  # the whole sitting: the next need not look there
            for recorded in offers:
                ordinal = _choice(recorded).ordinal
                decision = decisions[ordinal] if ordinal < len(decisions) else None
                if not _is_identical(recorded, decision):
                    raise NotIdentical(recorded, decision, self.identical, self.due)
                self.identical += 1

    def demand_done(self) -> None:
        """For when the whole log is read: a position that never came had no decisions. Raises NotIdentical."""
        for sittings in self._at.values():
            for offers in sittings.values():
                raise NotIdentical(offers[0], None, self.identical, self.due)


def _choice(recorded: Recorded) -> Choice:
    assert isinstance(recorded.event, ConversationOffered)
    assert recorded.event.choice is not None  # only such are noted
    return recorded.event.choice


def _is_identical(recorded: Recorded, decision: Decision | None) -> bool:
    if not isinstance(decision, Offer) or decision.customer_id != recorded.stream:
        return False
    return all(getattr(decision, name) == getattr(recorded.event, name) for name in FIELDS)
