"""What routing promises, and a counterexample to one of the promises."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Promise(StrEnum):
    """An invariant of routing."""

    CAPACITY = "capacity"
    """No agent is given more than they have room for; what a supervisor gives in spite of it is listed apart."""
    RECOMPUTED = "recomputed"
    """Every decision of the router comes out of the log again: the same winner, score, order and rule."""
    ELIGIBLE = "eligible"
    """Nobody is given work by the router that they are not able or allowed to do, or have no room for."""
    OVERTAKEN = "overtaken"
    """Nobody is given work while work with a higher score waits that they could have been given."""
    IDLE = "idle"
    """Nothing waits for longer than the decision lag while somebody could be given it and a router leads."""
    LIVE_OFFERS = "live_offers"
    """Nothing is offered to two agents at once."""
    REASONS = "reasons"
    """Every offer that came to nothing says why."""


SENTENCES = {
    Promise.CAPACITY: "no agent above capacity",
    Promise.RECOMPUTED: "every decision comes out of the log again",
    Promise.ELIGIBLE: "no work for somebody who may not have it",
    Promise.OVERTAKEN: "no compatible higher-scored item overtaken",
    Promise.IDLE: "nothing waits while somebody has room and a router leads, beyond the decision lag",
    Promise.LIVE_OFFERS: "no item with two live offers",
    Promise.REASONS: "every refusal has a reason",
}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A counterexample.

    Example: `{"promise": "capacity", "position": 42, "at": "2026-11-11T00:00:01Z", "who": "agent-…",
    "what": "7 of 6 units held after conversation-… took 2"}`
    """

    promise: Promise
    position: int
    """Of the event that shows it."""
    at: datetime
    who: str
    what: str


class Unled(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which no router led while work waited beside agents who had room for it: breaks no promise of routing.

    Example: `{"since": "2026-11-11T18:00:00Z", "until": null, "conversations": 3}`
    """

    since: datetime
    until: datetime | None
    """None: none has led since."""
    conversations: int
