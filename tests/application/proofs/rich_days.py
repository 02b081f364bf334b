"""Random days with all that policies and queues can say: tiers, deadlines, timetables, overflow, interruptions."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any

from typing_extensions import override

from domain import agent, assignment, classification, policy, queue
from domain.agent import Presence
from domain.classification import Marks
from domain.conversation import Conversation, Status
from domain.event import RuleBroken
from domain.hours import OpeningHours
from domain.policy import ChoiceRule, RoutingPolicy
from domain.queue import Limit, OverflowRule, QueueDefinition, Relaxation
from domain.routing.decisions import Decision, Overflow, Relax
from tests.domain.routing.shop import Shop

SKILLS = ("returns", "billing", "lang:zh", "lang:de")
GROUPS = ("day", "night")
CHANNELS = ("webchat", "phone", "email")
QUEUES = ("queue-1", "queue-2", "queue-3")
OPEN = (("11:00", "12:02"), ("12:04", "24:00"))
WAITS_SECONDS = (0, 0.5, 2, 7)
AT_WORK = (Status.OFFERED, Status.ASSIGNED, Status.WRAPPING)
DECIDED_AT_ONCE_MAX = 20


class RichShop(Shop):
    """Obeys every kind of decision."""

    @override
    def obey(self, decision: Decision) -> None:
        if not isinstance(decision, Relax | Overflow):
            super().obey(decision)
            return
        customer_id, one = self.find(decision.conversation_id)
        if isinstance(decision, Relax):
            step, skills, groups = decision.step, decision.skills, decision.groups
            events = classification.relax(one, queue_id=decision.queue_id, step=step, skills=skills, groups=groups)
        else:
            events = classification.overflow(one, decision.rule, queue_id=decision.queue_id, at=self.now)
        self.record(customer_id, events)


class RichDay:
    """After every action the router does all that there is to do."""

    def __init__(self, seed: int) -> None:
        self.shop = RichShop()
        self.random = Random(seed)
        self.arrivals = 0
        self.actions: list[tuple[int, Callable[[], None]]] = [
            (12, self.arrive),
            (8, self.accept),
            (5, self.decline),
            (7, self.close),
            (2, self.hold),
            (2, self.resume),
            (2, self.transfer),
            (2, self.prioritize),
            (3, self.classify),
            (2, self.adjust_age),
            (6, self.change_presence),
            (2, self.train),
            (2, self.regroup),
            (1, self.change_capacity),
            (1, self.redefine),
            (1, self.adopt),
        ]

    def live(self, steps: int) -> None:
        self.adopt()
        for queue_id in QUEUES:
            self.define(queue_id)
        self.shop.hire("agent-all", dict.fromkeys(SKILLS, 10), capacity=8)  # so that no day stands still
        self.shop.turn("agent-all", Presence.AVAILABLE)
        for number in range(5):
            self.shop.hire(f"agent-{number}", self.some_skills(4), capacity=self.random.choice((3, 6, 8)))
            self.shop.turn(f"agent-{number}", Presence.AVAILABLE)
        for _ in range(steps):
            weights, actions = zip(*self.actions, strict=True)
            with suppress(RuleBroken):
                self.random.choices(actions, weights)[0]()
            self.route()
            self.shop.wait(self.random.choice(WAITS_SECONDS))
            self.route()

    def route(self) -> None:
        for _ in range(DECIDED_AT_ONCE_MAX):
            if not self.shop.route():
                return
        raise AssertionError("the router does not come to an end")

    def some_skills(self, most: int, highest: int = 10) -> dict[str, int]:
        chosen = self.random.sample(SKILLS, self.random.randint(0, most))
        return {skill: self.random.randint(1, highest) for skill in chosen}

    def some_groups(self) -> tuple[str, ...]:
        return self.random.choice(((), (), (), ("day",), ("night",), GROUPS))

    def adopt(self) -> None:
        one_of: Callable[[Any], Any] = self.random.choice
        rules = RoutingPolicy(
            units={"phone": 6, "email": 1},
            at_most=one_of(({}, {"webchat": 1})),
            blocks=one_of(({}, {"call": ("chat", "mail")})),
            yields=one_of(({}, {"mail": ("call", "chat")})),
            priority_boost_seconds=one_of((0, 30, 300)),
            tiers={"vip": one_of((60, 600))},
            sentiments={"angry": one_of((-30, 120))},
            deadline_lead_seconds=one_of((0, 5, 20)),
            deadline_boost_seconds=one_of((10, 3_600)),
            language_prefix=one_of(("", "lang:")),
            known_agent_seconds=one_of((0, 10)),
            choice=one_of(list(ChoiceRule)),
            decline_rest_seconds=one_of((0, 10, 60)),
        )
        self.shop.record("policy-1", policy.define(self.shop.policy, rules, sha256=""))

    def define(self, queue_id: str) -> None:
        one_of, required = self.random.choice, self.some_skills(2, highest=5)
        steps = tuple(
            Relaxation(after_seconds=after, drop=tuple(sorted(required)[:1]), widen=one_of(((), ("night",), ("*",))))
            for after in one_of(((), (5,), (5, 12)))
        )
        hours = OpeningHours(time_zone="UTC", weekly={"thu": OPEN}, special={"2026-11-11": OPEN})
        others = [other for other in QUEUES if other != queue_id]
        rule = OverflowRule(when=one_of(list(Limit)), limit=one_of((3, 15)), to_queue_id=one_of(others))
        definition = QueueDefinition(
            name=queue_id,
            required_skills=required,
            preferred_skills=self.some_skills(1, highest=5),
            groups=self.some_groups(),
            units=one_of(({}, {"webchat": 3})),
            service_level_seconds=one_of((10, 30)),
            choice=one_of((None, ChoiceRule.MOST_SKILLED)),
            opening_hours=one_of((None, None, hours)),
            relaxation=steps,
            overflow=one_of(((), (rule,))),
        )
        self.shop.record(queue_id, queue.define(self.shop.queues.get(queue_id, queue.NEW), definition))

    def redefine(self) -> None:
        self.define(self.random.choice(QUEUES))

    def any_of(self, *statuses: Status) -> list[tuple[str, Conversation]]:
        found = self.shop.every(*statuses)
        return [self.random.choice(found)] if found else []

    def some_agent(self) -> str:
        return self.random.choice(list(self.shop.agents))

    def arrive(self) -> None:
        self.arrivals += 1
        name = f"{self.arrivals:03}"
        self.shop.arrive(name, self.random.choice(QUEUES), channel=self.random.choice(CHANNELS))
        if self.random.random() < 0.5:  # comes in again, with more said about it
            customer_id, one = self.shop.find(name)
            queue_id = self.random.choice(QUEUES)
            self.shop.record(customer_id, assignment.transfer(one, to_queue_id=queue_id))
            _, moved = self.shop.find(name)
            due_at = self.shop.now + timedelta(seconds=self.random.choice((3, 25)))
            skills = self.some_skills(1, highest=5)
            self.shop.record(
                customer_id,
                assignment.enqueue(moved, queue_id=queue_id, at=self.shop.now, due_at=due_at, skills=skills),
            )

    def accept(self) -> None:
        for _, one in self.any_of(Status.OFFERED):
            self.shop.accept(one.id)

    def decline(self) -> None:
        for _, one in self.any_of(Status.OFFERED):
            self.shop.decline(one.id)

    def close(self) -> None:
        for _, one in self.any_of(Status.WAITING, Status.ON_HOLD, *AT_WORK):
            self.shop.close(one.id)

    def hold(self) -> None:
        for _, one in self.any_of(Status.ASSIGNED):
            self.shop.hold(one.id)

    def resume(self) -> None:
        for _, one in self.any_of(Status.ON_HOLD):
            self.shop.resume(one.id)

    def transfer(self) -> None:
        for _, one in self.any_of(Status.WAITING, Status.ON_HOLD, *AT_WORK):
            self.shop.transfer(one.id, self.random.choice(QUEUES))

    def prioritize(self) -> None:
        for _, one in self.any_of(Status.WAITING, Status.OFFERED):
            self.shop.prioritize(one.id, self.random.randint(0, 10))

    def classify(self) -> None:
        for customer_id, one in self.any_of(Status.WAITING, Status.OFFERED):
            one_of = self.random.choice
            marks = Marks(tier=one_of(("", "vip")), language=one_of(("", "zh", "de")), sentiment=one_of(("", "angry")))
            self.shop.record(customer_id, classification.classify(one, marks))

    def adjust_age(self) -> None:
        for customer_id, one in self.any_of(Status.WAITING, Status.OFFERED):
            seconds = self.random.choice((-60, 0, 300))
            self.shop.record(customer_id, classification.adjust_age(one, seconds, reason="promised"))

    def change_presence(self) -> None:
        likely = (Presence.AVAILABLE, Presence.AVAILABLE, Presence.AVAILABLE, Presence.AWAY, Presence.OFFLINE)
        self.shop.turn(self.some_agent(), self.random.choice(likely))

    def train(self) -> None:
        agent_id, skills = self.some_agent(), self.some_skills(4)
        ends = {skill: self.shop.now + timedelta(seconds=9) for skill in skills if self.random.random() < 0.2}
        self.shop.record(agent_id, agent.assign_skills(self.shop.agents[agent_id], skills, ends))

    def regroup(self) -> None:
        agent_id = self.some_agent()
        groups, channels = frozenset(self.some_groups()), frozenset(self.random.choice(((), (), CHANNELS[:2])))
        self.shop.record(agent_id, agent.set_eligibility(self.shop.agents[agent_id], groups=groups, channels=channels))

    def change_capacity(self) -> None:
        self.shop.allow(self.some_agent(), self.random.choice((0, 3, 6, 8)))
