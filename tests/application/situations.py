"""An open shop on the real log: a queue, a web chat, agents, and the parts that use cases and reactions are made of.

`async with an_open_shop(database_url) as shop` opens one; `another_process(shop)` is a second process on its log.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

import msgspec

from application.claims import ClaimKeys
from application.commands import Command, Commands
from application.directory import Directory
from application.follower import Follower
from application.log import Log
from application.router import Router
from application.states import States
from application.use_cases.assign_work import AssignWork
from application.use_cases.conversation_desk import Desk
from application.use_cases.keep_staff import KeepStaff
from application.use_cases.know_customers import KnowCustomers
from application.use_cases.receive_messages import Receipt, ReceiveMessages
from application.use_cases.serve_conversations import ServeConversations
from application.use_cases.set_up import SetUp
from application.use_cases.steer_conversations import SteerConversations
from application.use_cases.take_calls import TakeCalls
from channels.table import takes_of
from domain.account import AccountDefinition
from domain.agent import Agent, Presence
from domain.assignment import ConversationOffered
from domain.conversation import Conversation
from domain.customer import Customer
from domain.event import Event, Recorded
from domain.intake import InboundMessage
from domain.interaction import Content, MessageReceived
from domain.queue import QueueDefinition
from infrastructure.log.pool import ReadPool
from infrastructure.log.postgres_log import PostgresLog
from infrastructure.positions import PostgresPositions

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
MASTER_KEY = b"the master key of the tests, 32."
CLAIM_KEY = b"the claim key of all tests, 32 b"


Aggregate = TypeVar("Aggregate", Customer, Agent)


class Clock:
    """Time in the test's hand."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now
        self._passed_seconds = 0.0

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        """Seconds that were waited: whoever sets `now` waits for nothing."""
        return self._passed_seconds

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self._passed_seconds += seconds


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation, whose it is, and who has it or is offered it."""

    customer_id: str
    conversation_id: str
    agent_id: str = ""
    offer_id: str = ""

    @property
    def ids(self) -> tuple[str, str]:
        """Customer and conversation, as every command on it begins."""
        return self.customer_id, self.conversation_id


class Shop:
    """The parts of one process. All commands are given at the time of its clock."""

    def __init__(self, log: PostgresLog, positions: PostgresPositions, url: str, clock: Clock) -> None:
        self.log = log
        self.positions = positions
        self.url = url
        self.clock = clock
        self.keys = ClaimKeys(CLAIM_KEY)
        self.states = States(log, log.snapshots)
        self.commands = Commands(log, self.states, self.keys)
        self.directory = Directory(log)
        self.directory_follower = Follower(log, self.directory)
        self.set_up = SetUp(self.commands)
        self.staff = KeepStaff(self.commands)
        self.customers = KnowCustomers(self.commands)
        self.calls = TakeCalls(self.commands, self.directory)
        self.reception = ReceiveMessages(self.commands, self.directory)
        self.desk = Desk(self.commands, self.directory, partial(takes_of, has_links=False))
        self.serve = ServeConversations(self.desk)
        self.steer = SteerConversations(self.desk)
        self.router = Router(log, AssignWork(self.commands), clock)
        self.queue_id = ""
        self.account_id = ""

    def command(
        self, actor: str = "test", *, key: str = "", content: bytes = b"", expected_revision: int | None = None
    ) -> Command:
        """A command at this moment; with a key it may be repeated."""
        claim = self.keys.command(actor, key, content) if key else None
        return Command(actor=actor, at=self.clock(), claim=claim, expected_revision=expected_revision)

    async def open_queue(self, name: str = "Returns", **definition: object) -> str:
        """Its id."""
        defined = msgspec.convert({"name": name, **definition}, QueueDefinition)
        _, queue_id = await self.set_up.define_queue(self.command(), None, defined)
        await self.directory_follower.catch_up()
        return queue_id

    async def open_account(self, channel: str = "webchat", queue_id: str = "") -> str:
        """Its id."""
        definition = AccountDefinition(channel=channel, name=channel, queue_id=queue_id or self.queue_id)
        _, account_id = await self.set_up.define_account(self.command(), None, definition)
        await self.directory_follower.catch_up()
        return account_id

    async def hire(self, name: str = "Mei", skills: dict[str, int] | None = None, capacity: int = 6) -> str:
        """The id of a new agent who is available."""
        _, agent_id = await self.staff.register(self.command(), name, skills or {}, capacity)
        await self.directory_follower.catch_up()
        await self.staff.sign_in(self.command(), agent_id)
        await self.turn(agent_id, Presence.AVAILABLE)
        return agent_id

    async def turn(self, agent_id: str, presence: Presence) -> None:
        await self.staff.change_presence(self.command(agent_id), agent_id, presence, "")

    async def receive(self, *messages: InboundMessage, account_id: str = "") -> list[Receipt]:
        return await self.reception.receive(account_id or self.account_id, messages, self.command("adapter"))

    async def route(self) -> None:
        """The router does everything that is to be done at this moment."""
        await self.router.settle()

    async def customer(self, customer_id: str) -> Customer:
        """As the log tells it."""
        return await self._fresh(customer_id, Customer)

    async def agent(self, agent_id: str) -> Agent:
        """As the log tells it."""
        return await self._fresh(agent_id, Agent)

    async def conversation(self, case: Case | Receipt) -> Conversation:
        """As the log tells it."""
        return (await self.customer(case.customer_id)).conversation(case.conversation_id)

    async def case(self, case: Case | Receipt) -> Case:
        """With the agent who has it now."""
        now = await self.conversation(case)
        return Case(
            customer_id=case.customer_id,
            conversation_id=case.conversation_id,
            agent_id=now.agent_id or "",
            offer_id=now.offer_id or "",
        )

    async def accept(self, case: Case) -> None:
        await self.serve.accept_offer(self.command(case.agent_id), *case.ids, case.offer_id, case.agent_id)

    async def decline(self, case: Case, reason: str = "lunch") -> None:
        await self.serve.decline_offer(self.command(case.agent_id), *case.ids, case.offer_id, case.agent_id, reason)

    async def since(self, position: int) -> list[Event]:
        """What was stored after the position."""
        return [recorded.event for recorded in await everything(self.log, position)]

    async def _fresh(self, stream: str, kind: type[Aggregate]) -> Aggregate:
        state, _ = await States(self.log, self.log.snapshots).load(stream)
        assert isinstance(state, kind)
        return state


@asynccontextmanager
async def a_process(url: str, clock: Clock) -> AsyncIterator[Shop]:
    """The parts on this log, which may be empty."""
    pool = ReadPool(url, connections_max=1, timeout_seconds=10)
    async with PostgresLog(url, [MASTER_KEY], clock) as log:
        await pool.open()
        try:
            yield Shop(log, PostgresPositions(pool), url, clock)
        finally:
            await pool.close()


@asynccontextmanager
async def an_open_shop(url: str, clock: Clock | None = None) -> AsyncIterator[Shop]:
    """A shop with one queue that asks for no skill, and a web chat whose work goes there; nobody works yet."""
    async with a_process(url, clock or Clock()) as shop:
        shop.queue_id = await shop.open_queue()
        shop.account_id = await shop.open_account()
        yield shop


@asynccontextmanager
async def another_process(shop: Shop) -> AsyncIterator[Shop]:
    """The same shop in a process that knows only what it has read."""
    async with a_process(shop.url, shop.clock) as other:
        other.queue_id, other.account_id = shop.queue_id, shop.account_id
        await other.directory_follower.catch_up()
        yield other


def a_message(provider_id: str = "m-1", handle: str = "li", text: str = "Hello?", **fields: object) -> InboundMessage:
    content = {"text": text}
    given = {"provider_id": provider_id, "handle": handle, "content": content, "occurred_at": NOON, **fields}
    return msgspec.convert(given, InboundMessage)


def saying(text: str) -> Content:
    return Content(text=text)


async def a_waiting_conversation(shop: Shop, handle: str = "li") -> Case:
    (receipt,) = await shop.receive(a_message(f"first of {handle}", handle))
    return await shop.case(receipt)


async def an_offered_conversation(shop: Shop, handle: str = "li") -> Case:
    """Offered by the router to the agents there are; to a new one if there is none."""
    waiting = await a_waiting_conversation(shop, handle)
    await shop.route()
    offered = await shop.case(waiting)
    if not offered.agent_id:
        await shop.hire()
        await shop.route()
        offered = await shop.case(waiting)
    return offered


async def an_assigned_conversation(shop: Shop, handle: str = "li") -> Case:
    offered = await an_offered_conversation(shop, handle)
    await shop.accept(offered)
    return await shop.case(offered)


async def a_conversation_on_hold(shop: Shop) -> Case:
    assigned = await an_assigned_conversation(shop)
    await shop.serve.hold(shop.command(), *assigned.ids, assigned.agent_id, "asks the warehouse")
    return assigned


async def a_closed_conversation(shop: Shop) -> Case:
    assigned = await an_assigned_conversation(shop)
    await shop.serve.close(shop.command(), *assigned.ids, "refunded")
    return assigned


async def everything(log: Log, after: int = 0) -> list[Recorded]:
    """The whole log behind the position."""
    head, found = await log.head(), []
    while after < head:
        batch, after = await log.read(after, 1_000)
        found += batch
    return found


def kinds(events: Sequence[Event]) -> list[str]:
    """The topics of the events."""
    return [event.TOPIC for event in events]


async def stored_ids(shop: Shop) -> list[str]:
    """The provider ids of all messages, in the order of the log."""
    return [event.provider_id for event in await shop.since(0) if isinstance(event, MessageReceived)]


async def offers(shop: Shop, after: int = 0) -> list[ConversationOffered]:
    return [event for event in await shop.since(after) if isinstance(event, ConversationOffered)]
