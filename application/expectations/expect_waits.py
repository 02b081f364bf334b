"""Whenever a line moves, tell who waits in it where they stand and for how long, and learn how that came true."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from application.expectations.expectation import VIEW, ExpectationStore, Outcome
from application.expectations.standings import Standings
from application.log import Log
from application.router import Router
from domain.assignment import ConversationTransferred, OfferAccepted
from domain.classification import ConversationOverflowed
from domain.conversation import ConversationClosed
from domain.event import Recorded

LOOK_SECONDS = 1.0
"""How often the lines are looked at."""
CHECKED_SECONDS = 5
"""How often it is noted that they were, although nothing has changed."""

logger = logging.getLogger(__name__)


class ExpectWaits:
    """Follows the ends of waits, and looks at the router's lines beside. One in a deployment, where the router is."""

    name = VIEW
    topics = frozenset(
        event.TOPIC for event in (OfferAccepted, ConversationClosed, ConversationOverflowed, ConversationTransferred)
    )

    def __init__(
        self,
        log: Log,
        router: Router,
        store: ExpectationStore,
        clock: Callable[[], datetime],
        waited: Callable[[Outcome], None],
        advanced: Sequence[Callable[[str, int], None]] = (),
    ) -> None:
        """Each of `advanced` is called with the view's name and its new revision."""
        self._log = log
        self._router = router
        self._store = store
        self._clock = clock
        self._waited = waited
        self._advanced = tuple(advanced)
        self._standings: Standings | None = None
        self._revision = 0
        self._heard = 0
        """Position of the last event that told of an end: a router that has not read it yet shows too many."""
        self._checked_at: datetime | None = None

    async def start(self) -> int:
        await self._renew()
        return self._heard

    async def take(self, batch: Sequence[Recorded], upto: int) -> None:
        if (standings := self._standings) is None:
            return
        for recorded in batch:
            self._heard = standings.heard = recorded.position
            event = recorded.event
            match event:
                case OfferAccepted(conversation_id=conversation_id):
                    standings.taken(conversation_id, recorded.recorded_at)
                case ConversationClosed(conversation_id=conversation_id):
                    standings.closed(conversation_id, recorded.recorded_at)
                case ConversationOverflowed() | ConversationTransferred():
                    standings.moved(event.conversation_id)
        standings.position = upto

    async def work(self) -> None:
        """Looks again and again until it is cancelled. What goes wrong is told; it then goes on from what is stored."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except Exception:
                logger.exception("nothing can be told of waits")
                self._standings = None

    async def look(self) -> None:
        """Looks once and stores what has changed."""
        if self._standings is None:
            await self._renew()
        standings, now = self._standings, self._clock()
        if standings is None or self._router.follower.position < self._heard:
            return
        for _ in standings.look(self._router.state, now):
            await asyncio.sleep(0)
        outcomes, changed = standings.outcomes, standings.changed()
        is_due = self._checked_at is None or now - self._checked_at >= timedelta(seconds=CHECKED_SECONDS)
        if not is_due and changed.is_nothing:
            return
        self._revision = await self._store.save(changed, after=self._revision, at=now)
        self._checked_at = now
        for outcome in outcomes:
            self._waited(outcome)
        if changed.told or changed.gone:
            for advanced in self._advanced:
                advanced(VIEW, self._revision)

    async def _renew(self) -> None:
        kept = await self._store.load()
        self._heard = await self._log.head()
        self._revision = kept.revision
        self._standings = Standings(kept)
        self._standings.position = self._heard
