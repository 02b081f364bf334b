"""A random day in a shop that two processes serve: customers write, agents work, routers route, all at once."""

import asyncio
from collections import Counter
from datetime import timedelta

from application.follower import Follower
from application.policies.return_work import ReturnWork
from application.proofs.audit import RoutingAudit
from application.proofs.finding import Promise
from domain.routing.decide import decide
from tests.application.conftest import empty
from tests.application.recomputing import demand_choices_come_out_the_same
from tests.application.situations import Shop, an_open_shop, another_process
from tests.simulation import customers, staff, temptations, upheavals
from tests.simulation.scene import CHANNELS, SKILLS, Action, Scene

ROUNDS = 30
AT_ONCE_MAX = 6
ACTIONS: list[tuple[int, Action]] = [
    (9, customers.write),
    (4, customers.write_again),
    (18, staff.accept),
    (5, staff.decline),
    (3, staff.pick),
    (4, staff.close),
    (4, staff.hold),
    (4, staff.resume),
    (2, staff.wrap_up),
    (3, staff.reply),
    (3, staff.transfer),
    (2, staff.transfer_to_colleague),
    (1, staff.give),
    (1, staff.prioritize),
    (2, staff.classify),
    (1, staff.adjust_age),
    (2, staff.prefer),
    (1, staff.reopen),
    (5, staff.change_presence),
    (1, staff.change_capacity),
    (1, staff.train),
]
UPHEAVALS: list[tuple[int, Action]] = [
    (6, upheavals.come_late),
    (2, upheavals.crash),
    (1, upheavals.lose_the_lead),
    (1, upheavals.set_the_clock),
    (2, upheavals.redefine_a_queue),
    (1, upheavals.adopt_a_policy),
    (2, upheavals.lose_sight),
]
TEMPTATIONS: list[tuple[int, Action]] = [
    (2, temptations.take_what_is_offered_to_another),
    (1, temptations.answer_twice),
    (1, temptations.end_an_offer),
    (2, temptations.pick),
    (1, temptations.transfer_to_colleague),
    (1, temptations.meddle),
    (1, temptations.change_what_has_changed),
]


class Day:
    """One seed's day; each action takes place in one of the processes."""

    def __init__(self, seed: int, *processes: Shop) -> None:
        self.scene = Scene(seed, *processes)
        self.random, self.clock, self.witness = self.scene.random, self.scene.clock, self.scene.witness
        self.settled_at = self.clock()
        self.unsettled = timedelta(0)
        """The longest time for which no router did all that there was to do."""

    @property
    def leader(self) -> Shop:
        return self.scene.processes[0]

    def some(self, several: list[tuple[int, Action]], most: int) -> list[Action]:
        """So many at most, as likely as they weigh."""
        weights, actions = zip(*several, strict=True)
        return self.random.choices(actions, weights, k=self.random.randint(1, most))

    async def alone(self, action: Action) -> None:
        """While nothing else goes on."""
        await action(self.scene, self.scene.anywhere)
        self.note_time()
        await self.look()

    async def open_doors(self) -> None:
        shop, queues = self.leader, self.scene.queues
        for skills in ({}, {"returns": 3}, {"returns": 2, "lang:zh": 5}):
            queues.append(await shop.open_queue(f"needs {skills}", required_skills=skills))
        for channel, queue_id in zip(CHANNELS, queues, strict=True):
            self.scene.accounts.append(await shop.open_account(channel, queue_id))
        await shop.hire("agent 0", dict.fromkeys(SKILLS, 10), capacity=6)  # so that no day stands still
        for number in range(1, 4):
            skills = {skill: self.random.randint(1, 10) for skill in SKILLS if self.scene.chance(0.7)}
            await shop.hire(f"agent {number}", skills, capacity=self.random.choice((2, 4, 5)))
        await self.scene.learn_rules()
        await self.look()

    async def go_on(self) -> None:
        """Some actions at the same time, then some time, then perhaps the routers and the policies."""
        scene = self.scene
        running = [scene.tried(action(scene, scene.anywhere)) for action in self.some(ACTIONS, AT_ONCE_MAX)]
        if scene.chance(0.3):
            running.append(scene.tried(scene.anywhere.router.settle()))
        await asyncio.gather(*running)
        self.clock.wait(self.random.choice((0, 0, 0.1, 1, 1, 5, 5, 25)))
        self.note_time()
        await self.route()
        if scene.chance(0.3):
            await scene.tried(self.returning(scene.anywhere).catch_up())
        await self.look()
        for action in self.some(UPHEAVALS, 1) if scene.chance(0.4) else ():
            await self.alone(action)
        for action in self.some(TEMPTATIONS, 2):
            await self.alone(action)

    async def route(self) -> None:
        """The routers that believe they lead do all that there is to do; perhaps they are busy elsewhere."""
        scene = self.scene
        if scene.rounds_of_two_leaders or scene.chance(0.7):
            has_two = scene.rounds_of_two_leaders > 0 or scene.chance(0.2)  # or for once, by mistake
            scene.rounds_of_two_leaders = max(0, scene.rounds_of_two_leaders - 1)
            await asyncio.gather(*(one.router.settle() for one in scene.processes[: 2 if has_two else 1]))
            await self.note_whether_all_is_decided()

    async def end(self) -> None:
        """Whoever left gives their work back, and the router does all that there is to do."""
        for process in self.scene.processes:
            await self.returning(process).catch_up()
        self.clock.wait(1)
        await self.leader.router.settle()
        await self.look()
        self.witness.demand_nobody_who_left_holds_anything()
        router = self.leader.router
        assert decide(router.state, self.clock()) == [], "something waits although somebody may take it"
        demand_choices_come_out_the_same(self.witness.log)
        self.demand_routing_kept_its_promises()
        customers.demand_receipts_are_true(self.scene)

    def returning(self, process: Shop) -> Follower:
        """Begins each time where the policy was last, as after a crash."""
        policy = ReturnWork(process.states, process.steer, process.staff, process.positions, process.clock)
        return Follower(process.log, policy)

    async def look(self) -> None:
        """The witness reads on."""
        await self.scene.look()
        self.demand_memories_are_true()

    def note_time(self) -> None:
        """Where the clock was set back, time begins anew."""
        self.settled_at = min(self.settled_at, self.clock())
        self.unsettled = max(self.unsettled, self.clock() - self.settled_at)

    async def note_whether_all_is_decided(self) -> None:
        """A decision that was refused leaves something over for the next time."""
        router = self.leader.router
        await router.follower.catch_up()
        if decide(router.state, self.clock()) == []:
            self.settled_at = self.clock()

    def demand_routing_kept_its_promises(self) -> None:
        """As the whole log tells it. Nothing waited beside somebody with room but while no router looked."""
        self.note_time()
        audit = RoutingAudit(timedelta(0))
        for recorded in self.witness.log:
            audit.take(recorded)
        audit.finish(self.clock())
        assert audit.counts.keys() <= {Promise.IDLE}, audit.findings
        assert audit.idle.longest <= self.unsettled, "it waited although the router had looked"
        assert (audit.late, audit.unproven) == ([], 0)
        assert not any(queue.set_aside for queue in self.leader.router.state.facts.queues.values())
        assert audit.decisions > 0

    def demand_memories_are_true(self) -> None:
        """What a process remembers may be old, never wrong."""
        known = {**self.witness.customers, **self.witness.agents}
        versions = Counter(recorded.stream for recorded in self.witness.log)
        for process in self.scene.processes:
            for stream, (state, version) in process.states._known.items():
                assert version <= versions[stream]
                assert version < versions[stream] or stream not in known or state == known[stream]


async def live_through(seed: int, database_url: str) -> None:
    """The whole day, in two processes on a log that is emptied first."""
    empty(database_url)
    async with an_open_shop(database_url) as here, another_process(here) as there:
        day = Day(seed, here, there)
        await day.open_doors()
        for _ in range(ROUNDS):
            await day.go_on()
        await day.end()
