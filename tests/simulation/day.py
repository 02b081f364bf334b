"""A random day in a shop that two processes serve: customers write, agents work, routers route, all at once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from random import Random
from typing import Any

from application.commands import Contended
from application.follower import Follower
from application.log import UnreadableEvent
from application.policies.return_work import ReturnWork
from application.proofs.audit import RoutingAudit
from application.proofs.finding import Promise
from application.use_cases.receive_messages import Receipt
from domain.agent import Presence
from domain.conversation import Status
from domain.event import RuleBroken
from domain.intake import InboundMessage
from domain.interaction import NotTheHolder
from domain.routing.decide import decide
from tests.application.recomputing import demand_choices_come_out_the_same
from tests.application.situations import Case, Shop, a_message, everything
from tests.simulation.spoiling import Spoiling
from tests.simulation.witness import AT_WORK, Witness

SKILLS = ("returns", "lang:zh")
CHANNELS = ("webchat", "email", "whatsapp")
AT_ONCE_MAX = 6
OPEN = (Status.WAITING, Status.ON_HOLD, *AT_WORK)


class Day:
    """One seed's day. `processes` share the log; each action takes place in one of them."""

    def __init__(self, seed: int, *processes: Shop) -> None:
        self.random = Random(seed)
        self.processes = processes
        self.clock = processes[0].clock
        self.witness = Witness()
        self.audit = RoutingAudit(timedelta(0))
        self.settled_at = self.clock()
        self.unsettled = timedelta(0)
        """The longest time for which no router did all that there was to do."""
        self.accounts: list[str] = []
        self.queues: list[str] = []
        self.sent: list[tuple[str, InboundMessage]] = []
        self.receipts: list[tuple[str, InboundMessage, Receipt]] = []
        self.refusals: Counter[str] = Counter()
        self.spoiling = Spoiling(self.random, processes, self.witness)
        self.work = [
            Follower(one.log, ReturnWork(one.states, one.steer, one.staff, one.positions, one.clock))
            for one in processes
        ]
        self.actions: list[tuple[int, Callable[[Shop], Awaitable[None]]]] = [
            (9, self.write),
            (4, self.write_again),
            (18, self.accept),
            (5, self.decline),
            (4, self.close),
            (4, self.hold),
            (4, self.resume),
            (2, self.wrap_up),
            (3, self.reply),
            (3, self.transfer),
            (2, self.transfer_to_colleague),
            (1, self.prioritize),
            (1, self.reopen),
            (5, self.change_presence),
            (1, self.change_capacity),
        ]

    @property
    def anywhere(self) -> Shop:
        return self.random.choice(self.processes)

    async def open_doors(self) -> None:
        shop = self.processes[0]
        for skills in ({}, {"returns": 3}, {"returns": 2, "lang:zh": 5}):
            self.queues.append(await shop.open_queue(f"needs {skills}", required_skills=skills))
        for channel, queue_id in zip(CHANNELS, self.queues, strict=True):
            self.accounts.append(await shop.open_account(channel, queue_id))
        await shop.hire("agent 0", dict.fromkeys(SKILLS, 10), capacity=6)  # so that no day stands still
        for number in range(1, 4):
            skills = {skill: self.random.randint(1, 10) for skill in SKILLS if self.random.random() < 0.7}
            await shop.hire(f"agent {number}", skills, capacity=self.random.choice((2, 4, 5)))
        await asyncio.gather(*(one.directory_follower.catch_up() for one in self.processes))
        await self.look()

    async def go_on(self) -> None:
        """Some actions at the same time, then some time, then perhaps the routers and the policies."""
        weights, actions = zip(*self.actions, strict=True)
        chosen = self.random.choices(actions, weights, k=self.random.randint(1, AT_ONCE_MAX))
        running: list[Coroutine[Any, Any, None]] = [self.tried(action(self.anywhere)) for action in chosen]
        if self.random.random() < 0.3:
            running.append(self.tried(self.anywhere.router.settle()))
        await asyncio.gather(*running)
        self.clock.wait(self.random.choice((0, 0, 0.1, 1, 1, 5, 5, 25)))
        self.unsettled = max(self.unsettled, self.clock() - self.settled_at)
        if self.random.random() < 0.7:
            routers = self.processes if self.random.random() < 0.2 else self.processes[:1]  # a second one by mistake
            await asyncio.gather(*(one.router.settle() for one in routers))
            await self.note_whether_all_is_decided()
        if self.random.random() < 0.3:
            await self.tried(self.random.choice(self.work).catch_up())
        await self.look()
        if self.random.random() < 0.15:
            self.spoiling.spoil()
        elif self.random.random() < 0.15:
            await self.spoiling.mend()
            await self.look()

    async def end(self) -> None:
        """All can be read, whoever left gives their work back, and the router does all that there is to do."""
        await self.spoiling.mend()
        for follower in self.work:
            await follower.catch_up()
        self.clock.wait(1)
        await self.processes[0].router.settle()
        await self.look()
        self.witness.demand_nobody_who_left_holds_anything()
        router = self.processes[0].router
        assert decide(router.state, self.clock()) == [], "something waits although somebody may take it"
        demand_choices_come_out_the_same(self.witness.log)
        self.demand_routing_kept_its_promises()
        self.demand_receipts_are_true()

    async def tried(self, action: Awaitable[None]) -> None:
        """Refusals are answers like any other; what else goes wrong is not."""
        try:
            await action
        except (RuleBroken, Contended, UnreadableEvent) as refusal:
            self.refusals[type(refusal).__name__] += 1

    async def look(self) -> None:
        """The witness reads on."""
        for recorded in await everything(self.processes[0].log, self.witness.position):
            self.witness.take(recorded)
            self.audit.take(recorded)
        self.witness.demand_agents_hold_what_conversations_say()
        self.demand_memories_are_true()

    async def note_whether_all_is_decided(self) -> None:
        """A decision that was refused leaves something over for the next time."""
        router = self.processes[0].router
        await router.follower.catch_up()
        if decide(router.state, self.clock()) == []:
            self.settled_at = self.clock()

    def demand_routing_kept_its_promises(self) -> None:
        """As the whole log tells it. Nothing waited beside somebody with room but while no router looked."""
        self.unsettled = max(self.unsettled, self.clock() - self.settled_at)
        self.audit.finish(self.clock())
        assert self.audit.counts.keys() <= {Promise.IDLE}, self.audit.findings
        assert self.audit.idle.longest <= self.unsettled, "it waited although the router had looked"
        assert (self.audit.late, self.audit.unproven) == ([], 0)
        assert not any(queue.set_aside for queue in self.processes[0].router.state.facts.queues.values())
        assert self.audit.decisions > 0

    def demand_memories_are_true(self) -> None:
        """What a process remembers may be old, never wrong."""
        known = {**self.witness.customers, **self.witness.agents}
        versions = Counter(recorded.stream for recorded in self.witness.log)
        for process in self.processes:
            for stream, (state, version) in process.states._known.items():
                assert version <= versions[stream]
                assert version < versions[stream] or stream not in known or state == known[stream]

    def demand_receipts_are_true(self) -> None:
        """What was accepted is stored at its position, with its content; nothing is stored that nobody sent."""
        stored = self.witness.messages
        for account_id, message, receipt in self.receipts:
            if receipt.is_contradiction:
                assert (receipt.message_id, message.content) in self.witness.contradictions
            else:
                told = stored[receipt.position]
                assert (told.account_id, told.provider_id, told.content, told.message_id) == (
                    account_id, message.provider_id, message.content, receipt.message_id,
                )  # fmt: skip
        sent = {(account_id, message.provider_id, message.content) for account_id, message in self.sent}
        assert {(one.account_id, one.provider_id, one.content) for one in stored.values()} <= sent
        taken = {(account_id, message.provider_id) for account_id, message, _ in self.receipts}
        assert taken <= {(one.account_id, one.provider_id) for one in stored.values()}

    async def write(self, process: Shop) -> None:
        """A customer, perhaps a new one, writes once or a few times."""
        account_id, handle = self.random.choice(self.accounts), f"visitor {self.random.randint(1, 12)}"
        messages = [a_message(f"m-{len(self.sent) + nth}", handle) for nth in range(self.random.choice((1, 1, 1, 3)))]
        self.sent += [(account_id, message) for message in messages]
        await self.deliver(process, account_id, messages)

    async def write_again(self, process: Shop) -> None:
        """The provider delivers something again, perhaps altered, perhaps twice at once, perhaps among others."""
        if not self.sent:
            return
        account_id, message = self.random.choice(self.sent)
        if self.random.random() < 0.3:
            altered = self.random.choice(("Oslo", "Rome"))
            message = a_message(message.provider_id, message.handle, altered)
            self.sent.append((account_id, message))
        batch = [message] * self.random.choice((1, 1, 2))
        deliveries = [self.deliver(process, account_id, batch)]
        if self.random.random() < 0.5:
            deliveries.append(self.deliver(self.anywhere, account_id, batch))
        await asyncio.gather(*(self.tried(delivery) for delivery in deliveries))

    async def deliver(self, process: Shop, account_id: str, messages: list[InboundMessage]) -> None:
        receipts = await process.receive(*messages, account_id=account_id)
        self.receipts += [(account_id, *pair) for pair in zip(messages, receipts, strict=True)]

    def some_case(self, *statuses: Status) -> Case | None:
        """A conversation that stood like this when the witness last looked."""
        found = self.witness.conversations(*statuses)
        if not found:
            return None
        customer_id, one = self.random.choice(found)
        agent_id, offer_id = one.agent_id or "", one.offer_id or ""
        return Case(customer_id=customer_id, conversation_id=one.id, agent_id=agent_id, offer_id=offer_id)

    async def accept(self, process: Shop) -> None:
        if case := self.some_case(Status.OFFERED):
            await process.accept(case)

    async def decline(self, process: Shop) -> None:
        if case := self.some_case(Status.OFFERED):
            await process.decline(case)

    async def close(self, process: Shop) -> None:
        if case := self.some_case(*self.random.choice((OPEN, (Status.ASSIGNED, Status.WRAPPING)))):
            await process.serve.close(process.command(), *case.ids, "done")

    async def hold(self, process: Shop) -> None:
        if case := self.some_case(Status.ASSIGNED, Status.WRAPPING, Status.ON_HOLD):
            await process.serve.hold(process.command(), *case.ids, case.agent_id, "")

    async def resume(self, process: Shop) -> None:
        if case := self.some_case(Status.ON_HOLD):
            await process.serve.resume(process.command(), *case.ids, case.agent_id)

    async def wrap_up(self, process: Shop) -> None:
        if case := self.some_case(Status.ASSIGNED, Status.ON_HOLD):
            await process.serve.wrap_up(process.command(), *case.ids, case.agent_id)

    async def reply(self, process: Shop) -> None:
        if case := self.some_case(*AT_WORK):
            try:
                await process.serve.reply(process.command(), *case.ids, case.agent_id, "Hi!")
            except NotTheHolder:
                self.refusals["NotTheHolder"] += 1

    async def transfer(self, process: Shop) -> None:
        if case := self.some_case(*OPEN):
            await process.steer.transfer_to_queue(process.command(), *case.ids, self.random.choice(self.queues), "")

    async def transfer_to_colleague(self, process: Shop) -> None:
        if case := self.some_case(*OPEN):
            colleague = self.random.choice(list(self.witness.agents))
            await process.steer.transfer_to_agent(process.command(), *case.ids, colleague, "")

    async def prioritize(self, process: Shop) -> None:
        if case := self.some_case(*OPEN):
            await process.steer.set_priority(process.command(), *case.ids, self.random.randint(0, 10))

    async def reopen(self, process: Shop) -> None:
        if case := self.some_case(Status.CLOSED):
            await process.serve.reopen(process.command(), *case.ids)

    async def change_presence(self, process: Shop) -> None:
        agent_id = self.random.choice(list(self.witness.agents))
        presence = self.random.choice((*[Presence.AVAILABLE] * 4, Presence.AWAY, Presence.OFFLINE))
        if presence is not Presence.OFFLINE:
            await process.staff.sign_in(process.command(), agent_id)
        await process.turn(agent_id, presence)

    async def change_capacity(self, process: Shop) -> None:
        agent_id = self.random.choice(list(self.witness.agents))
        await process.staff.set_capacity(process.command(), agent_id, self.random.choice((0, 2, 4, 8)))
