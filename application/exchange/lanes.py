"""A lane: all that waits to leave by one channel account, and what of it may leave now. Time is an argument.

Replies of a conversation leave in order, several conversations at once, within the account's budget. No lane ever waits
for another.
"""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from heapq import heappop, heappush

import msgspec

from application.exchange.budget import Budget
from application.exchange.sending import Accepted, Outcome, Refusal, Rejected, Unknown
from application.exchange.stuck import stuck_seconds
from domain.account import Account
from domain.event import Recorded
from domain.interaction import ReplyWritten

HELD_BACK = timedelta(seconds=30)
"""So long a reply whose arrival is unknown holds back the next of its conversation: by then the provider has delivered
or dropped what it took, so that the order is safe. The customer must not wait longer for what may never be known."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A reply that is to be sent."""

    written: Recorded
    reply: ReplyWritten
    """The event in `written`."""
    position: int
    """Where the log asks for it to be sent: when it was written, or when a person had it sent again."""
    asked_at: datetime


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a look at a reply."""

    outcome: Outcome | None = None
    """None: nothing was sent, since it was settled or is not due."""
    is_over: bool = True
    again_at: datetime | None = None
    """Of what is not over; None where it depends on somebody who mends the account."""
    stuck_because: str = ""
    """It could not even be looked at; it is again, ever more rarely."""
    pause_until: datetime | None = None
    """Where the provider wants nothing from the account until then."""


class LaneHealth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How sending goes on one account, since this process began."""

    account_id: str
    waiting: int
    under_way: int
    sent: int = 0
    failed: int = 0
    """Refused for good."""
    unknown: int = 0
    stuck: int = 0
    """Conversations in which the next reply cannot be tried, as what the log says of them cannot be read."""
    last_out_at: datetime | None = None
    paused_until: datetime | None = None
    """The budget is spent, or the provider asked for a pause."""
    stopped_because: str = ""
    """What somebody has to mend; the replies wait until the account is defined anew, or paused and resumed."""


class Lane:
    """Of one account."""

    def __init__(self, account_id: str, budget: Budget, told: Callable[[datetime], datetime]) -> None:
        """`told`: a time of day, as results and accounts tell it, by the clock that tells `now`."""
        self._told = told
        self.account_id = account_id
        self.budget = budget
        self.next_at: datetime | None = None
        """When there is something to do; None: when something changes."""
        self._lines: dict[str, deque[Waiting]] = {}
        self._under_way: set[str] = set()
        self._due: dict[str, datetime] = {}
        self._heap: list[tuple[datetime, int, str]] = []
        self._held_until: dict[str, datetime] = {}
        self._stuck: dict[str, int] = {}
        """Looks in vain, by conversation."""
        self._setbacks = 0
        """Times in a row that the provider had no time for the account."""
        self._paused_until: datetime | None = None
        self._throttled: datetime | None = None
        """The account's, as far as it has been heeded."""
        self._stopped: tuple[str, Account | None] | None = None
        self._sent = self._failed = self._unknown = 0
        self._last_out_at: datetime | None = None

    @property
    def is_empty(self) -> bool:
        return not self._lines

    def add(self, one: Waiting, now: datetime) -> None:
        """It takes its place in its conversation, which is the last but for what could not be read earlier."""
        conversation_id = one.reply.conversation_id
        line = self._lines.setdefault(conversation_id, deque())
        place = len([other for other in line if other.position < one.position])
        line.insert(max(place, int(conversation_id in self._under_way)), one)
        if line[0] is one:
            self._stuck.pop(conversation_id, None)
            self._schedule(conversation_id, max(now, self._held_until.get(conversation_id, now)))

    def drop(self, one: Waiting, now: datetime) -> bool:
        """Somebody else settled it. False if it is under way, so that its end must be waited for."""
        conversation_id = one.reply.conversation_id
        line = self._lines.get(conversation_id, deque())
        if line and line[0] is one and conversation_id in self._under_way:
            return False
        if one in line:
            line.remove(one)
            self._go_on(conversation_id, now)
        return True

    def release(self, conversation_id: str, now: datetime) -> None:
        """What was unknown is known: the next reply need not wait for it."""
        held_until = self._held_until.pop(conversation_id, None)
        if held_until is not None and self._due.get(conversation_id) == held_until:
            self._schedule(conversation_id, now)

    def due(self, account: Account | None, now: datetime) -> list[Waiting]:
        """What leaves now. Each is under way until its end is told."""
        self.next_at = None
        if account is not None and account.is_paused:
            self._stopped = None  # whoever resumes the account means that it works again
            return []
        if self._stopped is not None and self._stopped[1] is account:  # an account that changed is another value
            return []
        self._stopped = None
        told = account.throttled_until if account is not None else None
        if told is not None and told != self._throttled:  # told to a sender before this one, perhaps
            self._throttled, until = told, self._told(told)
            self._paused_until = max(until, self._paused_until or until)
        room = (1 if self._setbacks else self.budget.limits.at_once_max) - len(self._under_way)
        leaving: list[Waiting] = []
        while room > 0 and (head := self._first(now)) is not None:
            free_for_it = self.budget.free_for(head.reply.handle, now)
            if free_for_it > now:
                self._schedule(head.reply.conversation_id, free_for_it)
                continue
            self.budget.spend(head.reply.handle, now)
            del self._due[head.reply.conversation_id]
            self._under_way.add(head.reply.conversation_id)
            leaving.append(head)
            room -= 1
        return leaving

    def ended(self, one: Waiting, result: Result, account: Account | None, now: datetime) -> None:
        """How it went: what comes next in its conversation, and whether the account goes on. `account`: as it was."""
        conversation_id = one.reply.conversation_id
        self._under_way.discard(conversation_id)
        if result.stuck_because:
            self._stuck[conversation_id] = tries = self._stuck.get(conversation_id, 0) + 1
            self._schedule(conversation_id, now + timedelta(seconds=stuck_seconds(tries)))
            return
        self._stuck.pop(conversation_id, None)
        self._count(result, account, now)
        if isinstance(result.outcome, Unknown):
            still = {key: until for key, until in self._held_until.items() if until > now}
            self._held_until = still | {conversation_id: now + HELD_BACK}
        if result.is_over:
            self._lines[conversation_id].popleft()
            self._go_on(conversation_id, now)
        else:
            self._schedule(conversation_id, self._told(result.again_at) if result.again_at else now)

    def health(self, now: datetime) -> LaneHealth:
        """As it is now."""
        paused_until = max(self._paused_until or now, self.budget.free_at(now))
        return LaneHealth(
            account_id=self.account_id,
            waiting=sum(map(len, self._lines.values())) - len(self._under_way),
            under_way=len(self._under_way),
            sent=self._sent,
            failed=self._failed,
            unknown=self._unknown,
            stuck=len(self._stuck),
            last_out_at=self._last_out_at,
            paused_until=paused_until if paused_until > now else None,
            stopped_because=self._stopped[0] if self._stopped else "",
        )

    def _count(self, result: Result, account: Account | None, now: datetime) -> None:
        match result.outcome:
            case Accepted():
                self._sent, self._last_out_at, self._setbacks = self._sent + 1, now, 0
            case Unknown():
                self._unknown += 1
            case Rejected(refusal=Refusal.OUR_FAULT, concerns_account=True, reason=reason) if not result.is_over:
                self._stopped = (reason, account)
            case Rejected(refusal=Refusal.RETRY_LATER, concerns_account=True):
                self._setbacks += 1
                until = result.again_at or result.pause_until
                self._paused_until = max(self._told(until) if until else now, self._paused_until or now)
                self._failed += result.is_over
            case Rejected():
                self._setbacks = 0
                self._failed += result.is_over

    def _first(self, now: datetime) -> Waiting | None:
        """The reply that is due longest; None, and `next_at` set, where nothing may leave now."""
        while self._heap:
            at, _, conversation_id = self._heap[0]
            if self._due.get(conversation_id) != at:  # scheduled anew meanwhile
                heappop(self._heap)
                continue
            at = max(at, self._paused_until or at, self.budget.free_at(now))
            if at > now:
                self.next_at = at
                return None
            heappop(self._heap)
            return self._lines[conversation_id][0]
        return None

    def _go_on(self, conversation_id: str, now: datetime) -> None:
        if not self._lines[conversation_id]:
            del self._lines[conversation_id]
            self._due.pop(conversation_id, None)
        elif conversation_id not in self._under_way:
            self._schedule(conversation_id, max(now, self._held_until.get(conversation_id, now)))

    def _schedule(self, conversation_id: str, at: datetime) -> None:
        self._due[conversation_id] = at
        heappush(self._heap, (at, self._lines[conversation_id][0].position, conversation_id))
