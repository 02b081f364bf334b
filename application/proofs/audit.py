"""The audit: every promise of routing, put to the log event by event."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from application.log import UnreadableEvent
from application.proofs.finding import Finding, Promise
from application.proofs.floor import Floor
from application.proofs.idle import Idle
from application.proofs.leads import Leads
from application.proofs.loads import Loads
from application.proofs.offers import LiveOffers, Reasons
from application.proofs.recomputed import Again, Chosen, Coming
from application.proofs.scan import Scan
from domain.event import Recorded
from domain.policy import ChoiceRule
from domain.routing.decisions import Offer
from domain.routing.evolve import TOPICS
from domain.routing.lines import Terms
from domain.workload import Ask

DECISION_LAG = timedelta(seconds=5)
"""What waits with somebody who has room is offered within this time, where a router leads."""
LOOK_AHEAD_EVENTS = 10_000
"""Routing events between what a decision rests on and the decision itself, at most, in one pass."""
FINDINGS_KEPT = 1_000
"""Of each promise; all are counted."""


class Look(Protocol):
    """One promise, or some that are looked at together."""

    @property
    def topics(self) -> frozenset[str]:
        """Of the events that may break it."""

    def look(self, recorded: Recorded) -> Iterable[Finding]:
        """The counterexamples that the event shows, before the floor has moved on."""


class RoutingAudit:
    """Takes the events of the log in order; those that do not concern routing are ignored.

    Keeps the floor as it stands, the router's state, and the events of the look-ahead: constant over the log's length.
    """

    topics = TOPICS

    def __init__(
        self,
        lag: timedelta = DECISION_LAG,
        *,
        after: int = 0,
        look_ahead_events: int = LOOK_AHEAD_EVENTS,
        scans: bool = True,
        leads: Leads | None = None,
    ) -> None:
        self.findings: list[Finding] = []
        """In the order in which they were found; the first of each promise."""
        self.counts: Counter[Promise] = Counter()
        """How many counterexamples to each promise there are."""
        self.unproven = 0
        """Decisions that cannot come out the same: there are gaps in what can be read of the log."""
        self.events = 0
        self._after = after
        self._scans = scans
        self._coming = Coming(look_ahead_events)
        self._again = Again()
        self._floor = Floor()
        self._position = 0
        self.loads = Loads(self._floor)
        self.idle = Idle(self._floor, lag, leads or Leads(), after)
        self._live_offers = LiveOffers()
        looks: tuple[Look, ...] = (self.loads, self.idle, self._live_offers, Reasons())
        self._looks = {topic: [one.look for one in looks if topic in one.topics] for topic in TOPICS}

    @property
    def decisions(self) -> int:
        """How many decisions have been taken once more."""
        return self._again.compared

    @property
    def late(self) -> list[Chosen]:
        """Decisions appended farther behind what they rest on than the look-ahead reaches: to be looked at apart."""
        return self._coming.late

    @property
    def holds(self) -> bool:
        """Whether no counterexample was found."""
        return not self.counts

    def take(self, recorded: Recorded) -> None:
        """The next event. What it says is looked at once the look-ahead has passed it."""
        if recorded.topic not in TOPICS:
            return
        self._coming.add(recorded)
        self._settle_next()

    def pass_over(self, error: UnreadableEvent) -> None:
        """An event that cannot be decoded. It breaks nothing; what it hides is held against nobody."""
        self._coming.pass_over(error)
        self._settle_next()

    def finish(self, now: datetime | None = None) -> None:
        """Looks at the rest; with `now` also at what waits at that moment."""
        while self._settle_next(at_the_end=True):
            pass
        for chosen in self._coming.nowhere():
            self.differs(chosen, "nothing, for nothing stands at the position it names")
        if now is not None:
            self._find(self.idle.look_at_the_end(self._position, now))

    def _settle_next(self, *, at_the_end: bool = False) -> bool:
        """Whether there was one that could be settled."""
        if (settled := self._coming.next(at_the_end=at_the_end)) is None:
            return False
        if isinstance(settled, Recorded):
            self._settle(settled)
        else:
            self._again.gaps.pass_over(settled)
            for conversation_id in self._floor.lose(settled.stream):
                self._live_offers.forget(conversation_id)
        self._position = settled.position
        if moments := self._coming.decided_at(settled.position):
            for now, several in moments.items():
                self._decide_again(now, several)
        return True

    def _settle(self, recorded: Recorded) -> None:
        self.events += 1
        for look in self._looks[recorded.topic]:
            self._find(look(recorded))
        self._floor.apply(recorded)
        self._again.apply(recorded)

    def differs(self, chosen: Chosen, instead: str) -> None:
        """Counts a decision that comes out as something else."""
        self._find([_finding(Promise.RECOMPUTED, chosen, f"{chosen.event.offer_id} comes out as {instead}")])

    def _decide_again(self, now: datetime, several: list[Chosen]) -> None:
        decisions = self._again.decide(now, several)
        if self._again.gaps.told:
            self.unproven += sum(1 for _ in self._again.compare(several, decisions))
            return
        as_recorded = dict(enumerate(decisions))
        for chosen, instead in self._again.compare(several, decisions):
            self.differs(chosen, instead)
            as_recorded[chosen.choice.ordinal] = self._offer(chosen)
        if self._scans:
            by_ordinal = {chosen.choice.ordinal: chosen for chosen in several}
            for ordinal, promise, what in Scan(self._floor, now).look(sorted(as_recorded.items())):
                self._find([_finding(promise, by_ordinal.get(ordinal, several[-1]), what)])

    def _offer(self, chosen: Chosen) -> Offer:
        """The decision that the record tells."""
        event, item = chosen.event, self._floor.items.get(chosen.event.conversation_id)
        ask = self._floor.ask(item) if item else Ask(channel="", units=event.units)
        return Offer(
            conversation_id=event.conversation_id,
            customer_id=chosen.recorded.stream,
            queue_id=event.queue_id,
            agent_id=event.agent_id,
            offer_id=event.offer_id,
            terms=Terms(skills=(), groups=(), preferred=(), ask=ask, choice=ChoiceRule(chosen.choice.rule)),
            expires_at=event.expires_at,
            choice=chosen.choice,
            definition=self._floor.definition(event.queue_id),
        )

    def _find(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            if finding.position <= self._after:
                continue
            self.counts[finding.promise] += 1
            if self.counts[finding.promise] <= FINDINGS_KEPT:
                self.findings.append(finding)


def _finding(promise: Promise, chosen: Chosen, what: str) -> Finding:
    recorded = chosen.recorded
    return Finding(
        promise=promise, position=recorded.position, at=recorded.recorded_at, who=chosen.event.agent_id, what=what
    )
