"""The router on the real log: how many decisions a second become durable, each read back before the next round."""

import asyncio
import gc
import statistics
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from application.claims import ClaimKeys
from application.commands import Commands
from application.log import Appended, Context, Fact, Outcome, Write
from application.router import Router
from application.router_snapshots import Trail
from application.states import States
from application.use_cases.assign_work import AssignWork
from domain.agent import (
    AgentRegistered,
    AgentSignedIn,
    CapacitySet,
    LoadReleased,
    LoadTaken,
    Presence,
    PresenceChanged,
)
from domain.assignment import ConversationEnqueued, ConversationOffered, OfferAccepted
from domain.conversation import ConversationClosed, ConversationOpened
from domain.event import Event
from domain.interaction import Content, MessageReceived
from domain.queue import QueueDefined, QueueDefinition
from domain.routing.decide import decide
from infrastructure.log.postgres_log import PostgresLog
from infrastructure.router_snapshots import PostgresRouterSnapshots
from tests.application.situations import MASTER_KEY
from tests.benchmarks.figures import Figure, at_least, shown
from tests.databases import an_empty_database

SERVED, UNSERVED = f"queue-{1:032x}", f"queue-{2:032x}"
ACCOUNT = f"account-{1:032x}"
CONTEXT = Context(actor="benchmark")
AGENTS = 500
CAPACITY = 20  # load units, of which a conversation takes two
DECISIONS = AGENTS * CAPACITY // 2
ROUNDS = 3
DECISIONS_REACH = 2_000  # a second
AT_ONCE = 200
"""Appends under way."""


def now() -> datetime:
    return datetime.now(UTC)


class Floor:
    """Fills a log the quick way, past the use cases, with events as they would have appended them."""

    def __init__(self, log: PostgresLog) -> None:
        self._log = log
        self._customers = 0
        self._versions: Counter[str] = Counter()

    async def open_doors(self) -> None:
        """A queue that everybody serves and one that nobody does, and agents who are available."""
        for queue_id, skills in ((SERVED, {}), (UNSERVED, {"lang:eo": 1})):
            definition = QueueDefinition(name=queue_id, required_skills=skills, offer_timeout_seconds=86_400)
            await self._append([{queue_id: [QueueDefined(definition=definition)]}])
        starts = (AgentSignedIn(), CapacitySet(units=CAPACITY), PresenceChanged(presence=Presence.AVAILABLE))
        await self._append({an_agent(n): [AgentRegistered(name=f"Agent {n}"), *starts]} for n in range(AGENTS))

    async def come(self, customers: int, queue_id: str = SERVED) -> None:
        """New customers write and wait: three events each."""
        await self._append(self._one(queue_id) for _ in range(customers))

    async def past(self, customers: int, conversations: int) -> None:
        """Customers with so many conversations each that were served and closed long ago: ten events each."""
        await self._append(self._history(conversations) for _ in range(customers))

    def _one(self, queue_id: str) -> dict[str, list[Event]]:
        self._customers += 1
        conversation_id = f"conversation-{self._customers:032x}"
        return {f"customer-{self._customers:032x}": _written(conversation_id, queue_id)}

    def _history(self, conversations: int) -> dict[str, list[Event]]:
        self._customers += 1
        customer_id, agent_id = f"customer-{self._customers:032x}", an_agent(self._customers % AGENTS)
        events: dict[str, list[Event]] = {customer_id: [], agent_id: []}
        for nth in range(conversations):
            conversation_id = f"conversation-{self._customers:024x}{nth:08x}"
            events[customer_id] += _served(conversation_id, agent_id)
            events[agent_id] += [
                LoadTaken(conversation_id=conversation_id, customer_id=customer_id, units=2),
                LoadReleased(conversation_id=conversation_id, units=2, reason="closed"),
            ]
        return events

    async def _append(self, several: Iterable[dict[str, list[Event]]]) -> None:
        """Each all or nothing, many at once."""
        under_way: list[asyncio.Future[Outcome]] = []
        for events in several:
            writes = []
            for stream, some in events.items():
                writes.append(Write(stream, self._versions[stream], [Fact(event, now()) for event in some]))
                self._versions[stream] += len(some)
            under_way.append(await self._log.submit(writes, context=CONTEXT))
            if len(under_way) == AT_ONCE:
                await _stored(under_way)
        await _stored(under_way)


async def _stored(under_way: list[asyncio.Future[Outcome]]) -> None:
    assert all(isinstance(outcome, Appended) for outcome in await asyncio.gather(*under_way))
    under_way.clear()


def an_agent(number: int) -> str:
    return f"agent-{number:032x}"


def _written(conversation_id: str, queue_id: str) -> list[Event]:
    return [
        ConversationOpened(conversation_id=conversation_id, channel="webchat", account_id=ACCOUNT, thread=""),
        _message(conversation_id, 0),
        ConversationEnqueued(
            conversation_id=conversation_id, queue_id=queue_id, channel="webchat", priority=0, waiting_since=now()
        ),
    ]


def _served(conversation_id: str, agent_id: str) -> list[Event]:
    offer_id = conversation_id.replace("conversation", "offer")
    offered = ConversationOffered(
        conversation_id=conversation_id,
        queue_id=SERVED,
        offer_id=offer_id,
        agent_id=agent_id,
        units=2,
        expires_at=now(),
    )
    accepted = OfferAccepted(conversation_id=conversation_id, queue_id=SERVED, offer_id=offer_id, agent_id=agent_id)
    said = [_message(conversation_id, nth) for nth in (1, 2)]
    closed = ConversationClosed(conversation_id=conversation_id, agent_id=agent_id, queue_id=SERVED)
    return [*_written(conversation_id, SERVED), offered, accepted, *said, closed]


def _message(conversation_id: str, nth: int) -> Event:
    return MessageReceived(
        conversation_id=conversation_id,
        message_id=f"message-{nth}-{conversation_id}",
        provider_id=f"p-{nth}",
        channel="webchat",
        account_id=ACCOUNT,
        handle="visitor-0193a7c2",
        content=Content(text="Where is my parcel? I ordered it on Monday and it was to come on Wednesday."),
        author="Li Na",
    )


def a_router(log: PostgresLog, assign: AssignWork | None = None) -> Router:
    """In a process that remembers nothing yet."""
    trail = Trail(PostgresRouterSnapshots(log.pool, [MASTER_KEY]))
    return Router(log, assign or an_assign_work(log), now, trail)


def an_assign_work(log: PostgresLog) -> AssignWork:
    return AssignWork(Commands(log, States(log, log.snapshots), ClaimKeys(bytes(32))))


async def measure(server_url: str) -> list[Figure]:
    """Both in turns, each time on a database of its own and in a process that has just read its log; the medians."""
    gc.set_threshold(50_000, 50, 100)  # as `onethread serve` does
    gc.freeze()
    rates: dict[bool, list[float]] = {False: [], True: []}
    for are_states_at_hand in (False, True) * ROUNDS:
        with an_empty_database(server_url) as database_url:
            async with PostgresLog(database_url, [MASTER_KEY], now) as log:
                floor = Floor(log)
                await floor.open_doors()
                await floor.come(DECISIONS)
            rates[are_states_at_hand].append(await _decide_all(database_url, are_states_at_hand=are_states_at_hand))
    return [
        at_least(
            "router: decisions made durable, states of all streams to be read",
            statistics.median(rates[False]),
            "decisions/s",
            reference=DECISIONS_REACH,
            factor=1,
            of=f"{DECISIONS_REACH:,} decisions/s",
        ),
        shown(
            "router: the same, states at hand as where the messages came in",
            statistics.median(rates[True]),
            "decisions/s",
        ),
    ]


async def _decide_all(database_url: str, *, are_states_at_hand: bool) -> float:
    """Decisions a second until nothing is left to decide, all of them durable and read back."""
    async with PostgresLog(database_url, [MASTER_KEY], now) as log:
        assign = an_assign_work(log)
        router = a_router(log, assign)
        await router.follower.catch_up()
        if are_states_at_hand:
            await assign.prepare(decide(router.state, now(), DECISIONS))
        began = time.perf_counter()
        await router.settle()
        seconds = time.perf_counter() - began
    assert (router.decided, router.refused) == (DECISIONS, 0)
    return DECISIONS / seconds
