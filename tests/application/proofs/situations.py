"""Histories of a shop in memory, and the audit after it has taken one."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from application.log import UnreadableEvent
from application.proofs.audit import RoutingAudit
from application.proofs.leads import Leads
from domain.agent import Presence
from domain.assignment import ConversationOffered
from domain.event import Event, Recorded
from tests.domain.routing.shop import Shop
from tests.domain.routing.situations import a_shop_with
from tests.domain.situations import MEI, OLA, QUEUE

LAG = timedelta(seconds=5)


def audited(
    log: Sequence[Recorded | UnreadableEvent],
    lag: timedelta = LAG,
    look_ahead_events: int = 100,
    *,
    leads: Leads | None = None,
    now: datetime | None = None,
) -> RoutingAudit:
    """After it has taken the whole log, and passed over what cannot be read of it."""
    audit = RoutingAudit(lag, look_ahead_events=look_ahead_events, leads=leads)
    for one in log:
        if isinstance(one, UnreadableEvent):
            audit.pass_over(one)
        else:
            audit.take(one)
    audit.finish(now)
    return audit


def a_busy_hour() -> Shop:
    """Two agents, three queues; offers are accepted, declined, expired and withdrawn; the router is always in time."""
    shop = a_shop_with(MEI, OLA, capacity=4)
    shop.open_queue("queue-billing", {"billing": 2})
    shop.train(OLA, {"billing": 3})
    for number in range(6):
        shop.arrive(f"c{number}", ("queue-billing", QUEUE)[number % 2], priority=number % 3)
        shop.wait(0.5)
    shop.route()
    shop.decline("c1")
    shop.route()
    shop.accept("c5")
    shop.wait(20)
    shop.route()
    shop.turn(MEI, Presence.AVAILABLE)
    shop.turn(OLA, Presence.AVAILABLE)
    shop.route()
    shop.close("c5")
    shop.route()
    return shop


def with_event(log: Sequence[Recorded], index: int, event: Event) -> list[Recorded]:
    return [replace(one, event=event) if at == index else one for at, one in enumerate(log)]


def first(log: Sequence[Recorded], kind: type[Event]) -> int:
    return next(at for at, one in enumerate(log) if isinstance(one.event, kind))


def last(log: Sequence[Recorded], kind: type[Event]) -> int:
    return max(at for at, one in enumerate(log) if isinstance(one.event, kind))


def is_decided(event: Event) -> bool:
    return isinstance(event, ConversationOffered) and event.choice is not None


def decide_all(shop: Shop) -> None:
    """What one round sends elsewhere or lets wait again, the next one offers."""
    while shop.route():
        pass
