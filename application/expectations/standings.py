"""Who stands where in the router's lines, what is expected of their waits, and how the waits ended. No I/O, no clock.

A place is among all that ask exactly the same of agents: the same skills at the same levels, groups, and room, from
whatever queue. Others that the same agents serve may still come first; how often they do is in the line's pace.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from application.expectations.expectation import Changed, Expectation, First, Kept, Key, Outcome, Tally, UnknownBecause
from application.expectations.pace import Estimate, Pace
from domain.routing.lines import Line, Skills, Terms
from domain.routing.state import RouterState
from domain.workload import Ask

LOOKED_AT_MAX = 10_000
"""Conversations looked at in one go, and in one line; the next goes on with the other lines."""
LINES_MAX = 5_000
"""With more, those in which nobody stands are forgotten."""
TOLD_MAX = 1_000
"""Changes told in one go. The others are seen again, and told, in the next."""
AT_ONCE_MAX = 500
"""Conversations looked at before others may work; 50 where there is something to tell of all, which costs more."""
PLACES_EXACT = 20
"""Further back, a place is told again when it has changed by a twentieth."""
NOTICED = 0.1
"""A wait is told again when it has changed by this part."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a line: all that is asked of agents, whoever is preferred."""

    skills: Skills
    groups: tuple[str, ...]
    ask: Ask


class _Standing(msgspec.Struct, kw_only=True, gc=False):
    """One conversation that stands, or has stood until it was offered."""

    asked: Asked
    queue_id: str
    first: First | None = None
    told: Expectation | None = None


class _Pool:
    """All lines for one thing asked."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.ids: set[str] = set()
        self.has_news = False
        """Its pace is to be stored."""
        self.is_served = True
        """Whether anybody who can and may take such work is signed in, be they available now or not."""

    @property
    def unknown_because(self) -> UnknownBecause | None:
        """Why nothing can be said of waits; nothing where it can."""
        if not self.is_served:
            return UnknownBecause.NOBODY_SIGNED_IN
        return None if self.pace.is_known else UnknownBecause.TOO_FEW_TAKEN

    def estimate(self, place: int) -> Estimate | None:
        """What the pace says, as long as there is somebody to keep it."""
        return self.pace.estimate(place) if self.is_served else None

    def pass_time(self, now: datetime) -> None:
        """While nobody could take anything, nothing is learnt of how fast it goes."""
        self.pace.pass_time(now, len(self.ids) if self.is_served else 0)


class Standings:
    """Looks at the router's state, which it never changes, and is told what becomes of those who stand there."""

    def __init__(self, kept: Kept) -> None:
        self.outcomes: list[Outcome] = []
        """Since `changed` was last asked."""
        self.position = 0
        """Up to where it was told of those who left."""
        self.heard = 0
        """The last position at which somebody left: a router that has not read it shows too many."""
        self._firsts = dict(kept.firsts)
        """Of those told by somebody else before, until they are seen here."""
        self._paces = dict(kept.paces)
        self._standing: dict[str, _Standing] = {}
        self._pools: dict[Asked, _Pool] = {}
        self._turn: deque[Asked] = deque()
        self._told: dict[str, Expectation] = {}
        self._gone: dict[Key, None] = {}

    def look(self, state: RouterState, now: datetime) -> Iterator[None]:
        """Yields again and again, so that whoever looks can let others work; the router's state may move meanwhile."""
        lines: dict[Asked, list[Line]] = {}
        for line in state.lines.by_number:
            if line.waiting:
                lines.setdefault(_asked(line.terms), []).append(line)
        for asked in lines:
            if asked not in self._pools:
                self._open(asked, now)
        left, signed_in = LOOKED_AT_MAX, _signed_in(state)
        for _ in range(len(self._turn)):
            if left <= 0 or len(self._told) >= TOLD_MAX or state.facts.position < self.heard:
                return
            asked = self._turn[0]
            self._turn.rotate(-1)
            places = sorted(place for line in lines.get(asked, ()) for place in line.waiting[:LOOKED_AT_MAX])
            ids = [state.lines.conversations[place] for place in places[:LOOKED_AT_MAX]]
            pool = self._pools[asked]
            pool.pass_time(now)
            pool.is_served = bool(state.crew.able(asked.skills, asked.groups, asked.ask.channel) & signed_in)
            yield from self._look_at(state, asked, ids, now)
            left -= len(ids)
            yield
        self._seen_all()

    def taken(self, conversation_id: str, at: datetime) -> None:
        """An agent took it on."""
        if (pool := self._out(conversation_id, at, is_taken=True)) is not None:
            pool.pace.take()
            pool.has_news = True

    def closed(self, conversation_id: str, at: datetime) -> None:
        """The customer gave up, or somebody closed it."""
        if (pool := self._out(conversation_id, at, is_taken=False)) is not None:
            pool.pace.leave()
            pool.has_news = True

    def moved(self, conversation_id: str) -> None:
        """It goes elsewhere: neither taken nor given up."""
        self._drop(conversation_id)

    def changed(self) -> Changed:
        """All that has changed since this was last asked."""
        told = list(self._told.values())
        firsts = {one.key: first for one in told if (first := self._standing[one.id].first) is not None}
        paces = {_text(asked): pool.pace for asked, pool in self._pools.items() if pool.has_news}
        changed = Changed(told=told, firsts=firsts, gone=list(self._gone), paces=paces, tallies=tally(self.outcomes))
        self._told, self._gone, self.outcomes = {}, {}, []
        for pool in self._pools.values():
            pool.has_news = False
        return changed

    def _open(self, asked: Asked, now: datetime) -> None:
        text = _text(asked)
        self._pools[asked] = _Pool(self._paces.pop(text) if text in self._paces else Pace(at=now))
        self._turn.append(asked)
        if len(self._pools) > LINES_MAX:
            for idle in [one for one, pool in self._pools.items() if not pool.ids and one is not asked]:
                del self._pools[idle]
            self._turn = deque(one for one in self._turn if one in self._pools)

    def _look_at(self, state: RouterState, asked: Asked, ids: Sequence[str], now: datetime) -> Iterator[None]:
        pool, waiting, cost = self._pools[asked], state.facts.waiting, 0
        for place, one in enumerate([*self._offered(state, pool, ids), *ids], start=1):
            if (cost := cost + 1) > AT_ONCE_MAX:
                cost = 0
                yield
                if state.facts.position < self.heard:
                    return
            if (there := waiting.get(one)) is None:
                continue
            standing = self._standing.get(one)
            if standing is None or standing.asked is not asked or standing.queue_id != there.queue_id:
                standing = self._stand(one, asked, there.queue_id)
            if len(self._told) < TOLD_MAX and _is_news(standing.told, place, pool):
                self._tell(one, there.customer_id, standing, place, pool, now)
                cost += 9

    def _offered(self, state: RouterState, pool: _Pool, ids: Sequence[str]) -> list[str]:
        """Those who have stood there before these and are being offered; who is gone otherwise is dropped."""
        offered, is_settled = [], self.position >= state.facts.position
        for one in sorted(pool.ids.difference(ids)):
            there = state.facts.waiting.get(one)
            if there is not None and there.offer is not None:
                offered.append(one)
            elif there is not None and state.lines.is_waiting(one):
                pool.ids.discard(one)  # it asks something else by now, and is seen where that is asked
            elif there is not None or is_settled:
                self._drop(one)  # its queue is closed; or it left while nobody listened
        return offered

    def _stand(self, one: str, asked: Asked, queue_id: str) -> _Standing:
        """It is new here, or asks something else than before."""
        before, key = self._standing.get(one), (one, queue_id)
        first = before.first if before else self._firsts.pop(key, None)
        if before is not None:
            self._drop(one)
        standing = self._standing[one] = _Standing(asked=asked, queue_id=queue_id, first=first)
        self._pools[asked].ids.add(one)
        self._gone.pop(key, None)
        return standing

    def _tell(self, one: str, customer_id: str, standing: _Standing, place: int, pool: _Pool, now: datetime) -> None:
        estimate = pool.estimate(place)
        expected, low, high = estimate or (None, None, None)
        if estimate is not None and standing.first is None:
            standing.first = First(at=now, **estimate._asdict())
        standing.told = self._told[one] = Expectation(
            id=one,
            customer_id=customer_id,
            queue_id=standing.queue_id,
            place=place,
            as_of=now,
            expected_seconds=_whole(expected),
            low_seconds=_whole(low),
            high_seconds=_whole(high),
            unknown_because=pool.unknown_because,
        )

    def _out(self, one: str, at: datetime, *, is_taken: bool) -> _Pool | None:
        standing = self._standing.get(one)
        if standing is None:
            return None
        if standing.first is not None:
            self.outcomes.append(
                Outcome(conversation_id=one, queue_id=standing.queue_id, at=at, first=standing.first, is_taken=is_taken)
            )
        pool = self._pools[standing.asked]
        pool.pass_time(at)
        self._drop(one)
        return pool

    def _drop(self, one: str) -> None:
        standing = self._standing.pop(one, None)
        if standing is not None:
            self._pools[standing.asked].ids.discard(one)
            self._told.pop(one, None)
            self._gone[one, standing.queue_id] = None

    def _seen_all(self) -> None:
        """What was told before and is not standing any more, left while nobody listened."""
        self._gone |= dict.fromkeys(self._firsts)
        self._firsts.clear()


def tally(outcomes: Sequence[Outcome]) -> list[Tally]:
    """Counted by queue, day and bucket."""
    found: dict[tuple[str, int, int], Tally] = {}
    for one in outcomes:
        day = one.at.date()
        key = (one.queue_id, day.toordinal(), one.first.bucket)
        found.setdefault(key, Tally(queue_id=one.queue_id, day=day, bucket=one.first.bucket)).add(one)
    return list(found.values())


def _asked(terms: Terms) -> Asked:
    return Asked(skills=terms.skills, groups=terms.groups, ask=terms.ask)


def _text(asked: Asked) -> str:
    return msgspec.json.encode(asked).decode()


def _signed_in(state: RouterState) -> int:
    """Everybody who is, as bits of the crew."""
    desks = state.facts.desks
    here = ("1" if one in desks and desks[one].agent.is_signed_in else "0" for one in reversed(state.crew.ids))
    return int("".join(here) or "0", 2)


def _is_news(told: Expectation | None, place: int, pool: _Pool) -> bool:
    """Whether it is worth telling again."""
    if told is None or abs(place - told.place) > (told.place / PLACES_EXACT if told.place > PLACES_EXACT else 0):
        return True
    expected = pool.pace.expected_seconds(place)
    if told.unknown_because is not pool.unknown_because:
        return True
    if expected is None or told.expected_seconds is None:
        return False  # the reason is still the same
    return abs(expected - told.expected_seconds) > max(1.0, NOTICED * told.expected_seconds)


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)
