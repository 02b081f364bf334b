"""What everybody in a random day shares: the dice, the clock, the processes, and what the witness saw of the log."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random

import pytest
from msgspec import msgpack

from application.commands import Contended
from application.log import UnreadableEvent
from application.router import Router
from application.router_snapshots import Trail
from application.use_cases.assign_work import AssignWork
from application.use_cases.receive_messages import Receipt
from domain.conversation import Status
from domain.event import RuleBroken
from domain.intake import InboundMessage
from infrastructure.router_snapshots import PostgresRouterSnapshots
from tests.application.situations import MASTER_KEY, Case, Shop, everything
from tests.simulation.witness import AT_WORK, Witness

SKILLS = ("returns", "lang:zh")
CHANNELS = ("webchat", "email", "whatsapp")
OPEN = (Status.WAITING, Status.ON_HOLD, *AT_WORK)


class Scene:
    """One seed's shop. `processes` share the log; the first of them is to lead, as long as nobody else believes so."""

    def __init__(self, seed: int, *processes: Shop) -> None:
        self.random = Random(seed)
        self.processes = list(processes)
        self.clock = processes[0].clock
        self.witness = Witness()
        self.accounts: list[str] = []
        self.queues: list[str] = []
        self.sent: list[tuple[str, InboundMessage]] = []
        self.receipts: list[tuple[str, InboundMessage, Receipt]] = []
        self.refusals: Counter[str] = Counter()
        self.rounds_of_two_leaders = 0

    @property
    def anywhere(self) -> Shop:
        return self.random.choice(self.processes)

    def chance(self, of_one: float) -> bool:
        return self.random.random() < of_one

    def some_agent(self) -> str:
        return self.random.choice(list(self.witness.agents))

    def some_case(self, *statuses: Status) -> Case | None:
        """A conversation that stood like this when the witness last looked."""
        found = self.witness.conversations(*statuses)
        if not found:
            return None
        customer_id, one = self.random.choice(found)
        agent_id, offer_id = one.agent_id or "", one.offer_id or ""
        return Case(customer_id=customer_id, conversation_id=one.id, agent_id=agent_id, offer_id=offer_id)

    async def tried(self, action: Awaitable[object]) -> None:
        """Refusals are answers like any other; what else goes wrong is not."""
        try:
            await action
        except (RuleBroken, Contended, UnreadableEvent) as refusal:
            self.refusals[type(refusal).__name__] += 1

    def forget(self, customer_id: str) -> None:
        """As if every process had begun just now."""
        for process in self.processes:
            process.states.forget(customer_id)

    async def refused(self, action: Awaitable[object], *why: type[Exception]) -> None:
        """Demands that it is refused, for one of these reasons."""
        with pytest.raises(why) as refusal:
            await action
        self.refusals[refusal.type.__name__] += 1

    async def look(self) -> None:
        """The witness reads on."""
        for recorded in await everything(self.processes[0].log, self.witness.position):
            self.witness.take(recorded)
        self.witness.demand_agents_hold_what_conversations_say()

    async def learn_rules(self) -> None:
        """Every process knows the queues and the policy as they stand."""
        await asyncio.gather(*(one.directory_follower.catch_up() for one in self.processes))

    async def begin_anew(self, process: Shop) -> None:
        """The process is gone with all that it remembered; another takes its place, who has the log and snapshots."""
        snapshots = PostgresRouterSnapshots(process.log.pool, [MASTER_KEY])
        if self.chance(0.5) and self.processes[-1] is not process:  # the other had the time to take one
            state = self.processes[-1].router.state
            await snapshots.save(state.facts.position, msgpack.encode(state.facts))
        fresh = Shop(process.log, process.positions, process.url, process.clock)
        fresh.queue_id, fresh.account_id = process.queue_id, process.account_id
        fresh.router = Router(fresh.log, AssignWork(fresh.commands), fresh.clock, Trail(snapshots))
        await fresh.directory_follower.catch_up()
        self.processes[self.processes.index(process)] = fresh


Action = Callable[[Scene, Shop], Awaitable[None]]
