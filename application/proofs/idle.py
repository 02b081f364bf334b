"""Nothing waits while somebody has room for it, for longer than the decision lag.

An item and an agent who could be given it are a pair. A pair is as old as the latest change of either, of the rules,
of a rest that held them apart, or the last opening of the queue; it ends when an event changes one of them. A pair
older than the lag is what nobody decided about in time. Looked at when a pair ends, and at the end.

A router that is not there decides nothing. So of a pair's age only that counts in which one led without a break; what
waited for want of a router is counted apart.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from application.proofs.finding import Finding, Promise, Unled
from application.proofs.floor import EPOCH, Floor
from application.proofs.items import Case, Item
from application.proofs.leads import Gap, Leads
from domain.agent import Presence
from domain.event import Recorded, kind_of
from domain.routing.evolve import TOPICS

Pair = tuple[Item, str]


class Idle:
    """Looks at each event before the floor moves on. Each item is told of once while it waits unchanged."""

    topics = TOPICS

    def __init__(self, floor: Floor, lag: timedelta, leads: Leads, after: int = 0) -> None:
        self.longest = timedelta()
        """How old the oldest pair was, of those older than the lag beside a router that led."""
        self._floor = floor
        self._lag = lag
        self._leads = leads
        self._after = after
        self._unled: dict[Gap, set[str]] = {}
        self._told: dict[str, datetime] = {}

    @property
    def unled(self) -> list[Unled]:
        """The times without a router in which work waited beside room, the earliest first. After the position only."""
        return [
            Unled(since=gap.since, until=gap.until, conversations=len(waited))
            for gap, waited in sorted(self._unled.items(), key=lambda one: one[0].since)
        ]

    def look(self, recorded: Recorded) -> Iterable[Finding]:
        """The counterexamples that end with this event."""
        stream, now = recorded.stream, recorded.recorded_at
        match kind_of(stream):
            case "agent":
                pairs = self._pairs_of_agent(stream, now) if self._is_old(stream, now) else None
            case "customer":
                item = self._floor.items.get(getattr(recorded.event, "conversation_id", ""))
                is_due = item is not None and item.offered_to is None and now - item.changed_at > self._lag
                pairs = self._pairs_of_item(item, now) if item is not None and is_due else None
            case _:
                pairs = self._all_pairs(now)
        return () if pairs is None else self._older_than_lag(pairs, recorded.position, now)

    def look_at_the_end(self, position: int, now: datetime) -> Iterator[Finding]:
        """The counterexamples that have not ended by `now`."""
        yield from self._older_than_lag(self._all_pairs(now), position, now)

    def _older_than_lag(self, pairs: Iterable[Pair], position: int, now: datetime) -> Iterator[Finding]:
        for item, agent_id in pairs:
            since = self._since(item, agent_id, now)
            age = now - since
            if age <= self._lag or not self._floor.may_take(agent_id, self._floor.agents[agent_id], item, now):
                continue
            if (led := self._leads.longest_within(since, now)) <= self._lag:
                self._note(position, item, since, now)
                continue
            self.longest = max(self.longest, age)
            if self._told.get(item.conversation_id) == item.changed_at:
                continue
            self._told[item.conversation_id] = item.changed_at
            yield Finding(
                promise=Promise.IDLE,
                position=position,
                at=now,
                who=item.conversation_id,
                what=f"waited {age.total_seconds():g} s while {agent_id} had room for it"
                + (f", a router led for {led.total_seconds():g} s of them" if led < age else ""),
            )

    def _note(self, position: int, item: Item, since: datetime, now: datetime) -> None:
        if position <= self._after:
            return
        for gap in self._leads.gaps_within(since, now):
            self._unled.setdefault(gap, set()).add(item.conversation_id)

    def _since(self, item: Item, agent_id: str, now: datetime) -> datetime:
        """Since when neither of the two has changed, nor what may keep them apart, and the queue has been open."""
        floor = self._floor
        moments = [item.changed_at, floor.agents_changed_at[agent_id], floor.rules_changed_at]
        if (rest := item.rests.get(agent_id)) is not None:
            moments.append(rest)
        moments += [self._left_or(awaited, ends_at) for awaited, ends_at in floor.waits(item) if awaited != agent_id]
        since = max(moments)
        hours = floor.definition(item.case.queue_id).opening_hours
        opened_at = hours.opened_between(since, now) if hours and now - since > self._lag else None
        return opened_at or since

    def _left_or(self, awaited: str | None, ends_at: datetime) -> datetime:
        """When it waited for that agent no longer at the latest: nobody waits for who is not there."""
        somebody = self._floor.agents.get(awaited or "")
        if somebody is not None and somebody.presence is Presence.AVAILABLE:
            return ends_at
        return min(ends_at, self._floor.agents_changed_at.get(awaited or "", EPOCH))

    def _is_old(self, agent_id: str, now: datetime) -> bool:
        """Whether they have had room for longer than the lag."""
        return agent_id in self._floor.free and now - self._floor.agents_changed_at[agent_id] > self._lag

    def _pairs_of_agent(self, agent_id: str, now: datetime) -> Iterator[Pair]:
        somebody = self._floor.agents[agent_id]
        for case, items in self._floor.cases.items():
            if self._is_served(case, now) and self._floor.may_take_such(somebody, case, now):
                yield from ((item, agent_id) for item in items.values())

    def _pairs_of_item(self, item: Item, now: datetime) -> Iterator[Pair]:
        if self._is_served(item.case, now):
            yield from ((item, agent_id) for agent_id in sorted(self._floor.free) if self._is_old(agent_id, now))

    def _all_pairs(self, now: datetime) -> Iterator[Pair]:
        for agent_id in sorted(self._floor.free):
            if self._is_old(agent_id, now):
                yield from self._pairs_of_agent(agent_id, now)

    def _is_served(self, case: Case, now: datetime) -> bool:
        """In a queue that was closed a moment ago nothing is due yet."""
        return self._floor.is_open(case.queue_id, now - self._lag)
