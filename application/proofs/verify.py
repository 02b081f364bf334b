"""Verify: reads the whole log once, in order, and puts every promise of routing to it."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from application.explaining.gaps import Gaps
from application.explaining.past import router_at
from application.explaining.stages import is_same, told
from application.log import Log, UnreadableEvent
from application.proofs.audit import DECISION_LAG, RoutingAudit
from application.proofs.leads import Leads
from application.router import RecordedLeads
from application.router_snapshots import RouterSnapshots
from domain.routing.decide import recompute

EVENTS_AT_ONCE = 2_000

Progress = Callable[[int, int], None]
"""Called with the position reached and the last one."""


async def verify_routing(
    log: Log,
    *,
    after: int = 0,
    upto: int | None = None,
    lag: timedelta = DECISION_LAG,
    now: datetime | None = None,
    scans: bool = True,
    snapshots: RouterSnapshots | None = None,
    leads: RecordedLeads | None = None,
    progress: Progress = lambda _done, _total: None,
) -> RoutingAudit:
    """The audit after it has taken the log up to the position, by default all there is.

    Counterexamples at or before `after` are not told; what is before it is read all the same, since it says how things
    stood. With `now`, and to the log's end, also what waits at that moment is looked at. With `leads`, what
    waited while no router led is told apart. Raises LogUnreachable.
    """
    head = await log.head()
    end = head if upto is None else min(upto, head)
    led = Leads(await leads.stretches() if leads else ())
    audit, position = RoutingAudit(lag, after=after, scans=scans, leads=led), 0
    while position < end:
        try:
            batch, position = await log.read(position, min(EVENTS_AT_ONCE, end - position), audit.topics)
        except UnreadableEvent as error:
            position = error.position
            audit.pass_over(error)
            continue
        for recorded in batch:
            if recorded.position <= end:
                audit.take(recorded)
        progress(min(position, end), end)
        await asyncio.sleep(0)
    audit.finish(now if end == head else None)
    for chosen in audit.late:
        gaps = Gaps()
        again = recompute(await router_at(log, chosen.choice.position, snapshots, gaps), chosen.choice)
        if not is_same(chosen.event, again):
            if gaps.told:
                audit.unproven += 1
            else:
                audit.differs(chosen, told(again))
    return audit
