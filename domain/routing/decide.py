"""Who gets what now: every offer to be made or ended, in order, as the log and the clock stand."""

from datetime import datetime

from domain.assignment import Choice
from domain.routing.decisions import Decision
from domain.routing.facts import EDITION
from domain.routing.rounds import Round
from domain.routing.state import RouterState

DECISIONS_MAX = 1_000
"""In one list, so that a shift that begins with a long queue does not stop the world. The next call goes on."""


def decide(state: RouterState, now: datetime, limit: int = DECISIONS_MAX, edition: int = EDITION) -> list[Decision]:
    """All that is to be done, each decision on top of those before it in the list; a decision's index is its ordinal.

    Work-conserving: where the list is shorter than the limit, nothing that waits is left with an agent who may have
    it. Leaves the facts as they were, so that asking again gives the same list. The lines show what it decided until
    the log does, or `state.put_back`. `edition` is for decisions of the past, by the rules of their day.
    """
    this = Round(state, now, edition)
    this.run(limit)
    return this.decisions


def recompute(state: RouterState, choice: Choice) -> Decision | None:
    """The decision once more, from a state that has read the log up to `choice.position`. Equals the recorded one."""
    decisions = decide(state, choice.decided_at, choice.ordinal + 1, choice.edition)
    return decisions[choice.ordinal] if choice.ordinal < len(decisions) else None


def next_deadline(state: RouterState, now: datetime) -> datetime | None:
    """The first moment after `now` at which there may be something to decide although no event has come.

    An offer then runs out, something relaxes or overflows, or time alone changes who may have what. What is due at
    `now` already is `decide`'s to say.
    """
    first: datetime | None = None
    for agenda in (state.offers_end, state.steps_due, state.changes):
        moment = agenda.next_after(now)
        if moment is not None and (first is None or moment < first):
            first = moment
    return first
