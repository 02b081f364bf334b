"""A random day in the shop, in which anything may happen next, as the seed says."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from random import Random

import pytest

from domain import assignment, offers, queue
from domain.agent import Presence
from domain.conversation import Conversation, Status
from domain.event import RuleBroken
from domain.hours import WEEKDAYS
from domain.policy import ChoiceRule, RoutingPolicy
from domain.workload import AtCapacity, has_room
from tests.domain.routing.shop import Shop, replayed

SKILLS = ("returns", "lang:zh", "billing")
QUEUES = ("queue-1", "queue-2", "queue-3")
CHANNELS = ("webchat", "phone", "email")
GROUPS = ("day", "night")
AT_WORK = (Status.OFFERED, Status.ASSIGNED, Status.WRAPPING)


class Day:
    """A shop in which anything may happen next, as the seed says."""

    def __init__(self, seed: int) -> None:
        self.shop = Shop()
        self.random = Random(seed)
        self.arrivals = 0
        self.shop.reads_each = 1 + seed % 2
        self.actions: list[tuple[int, Callable[[], None]]] = [
            (16, self.arrive),
            (14, self.accept),
            (5, self.decline),
            (4, self.decline_in_turns),
            (10, self.close),
            (3, self.hold),
            (3, self.resume),
            (7, self.transfer),
            (2, self.prioritize),
            (14, self.change_presence),
            (1, self.train),
            (1, self.change_capacity),
            (2, self.redefine_queue),
            (1, self.adopt_policy),
            (1, self.entitle),
            (5, self.classify),
            (5, self.prefer),
            (1, self.adjust_age),
            (4, self.race),
            (1, self.lose_the_router),
            (1, self.spoil),
            (2, self.mend),
            (1, self.step_the_clock_back),
        ]

    def open_doors(self) -> None:
        for queue_id in QUEUES:
            self.shop.open_queue(queue_id, self.some_skills(most=2))
        self.shop.hire("agent-0", dict.fromkeys(SKILLS, 10), capacity=8)  # so that no day stands still
        self.shop.entitle("agent-0", groups=GROUPS)
        for number in range(1, 5):
            self.shop.hire(f"agent-{number}", self.some_skills(most=3), capacity=self.random.choice((2, 4, 6, 8)))
        for agent_id in self.shop.agents:
            self.shop.turn(agent_id, Presence.AVAILABLE)
        self.adopt_policy()
        self.redefine_queue()

    def go_on(self) -> None:
        weights, actions = zip(*self.actions, strict=True)
        self.random.choices(actions, weights)[0]()

    def race(self) -> None:
        """A second router decides; other things happen before it says so; what is no longer true is refused."""
        self.arrive()
        stale = self.shop.decide()
        for action in (self.change_presence, self.close, self.accept, self.decline):
            if self.random.random() < 0.4:
                action()
        for decision in stale:
            with suppress(RuleBroken):
                self.shop.obey(decision)

    def lose_the_router(self) -> None:
        """Another takes over, who knows the log alone; what it can read waits again."""
        self.shop.router = replayed(self.shop.log)
        put_back(self.shop)

    def spoil(self) -> None:
        """Of somebody who waits something cannot be read any more. The router that leads has read it long ago."""
        for one in self.any_of(Status.WAITING, Status.OFFERED):
            self.shop.unreadable.add(self.shop.find(one.id)[0])

    def mend(self) -> None:
        """It can be read again, by whoever leads next."""
        self.shop.unreadable.clear()
        if self.random.random() < 0.5:
            self.lose_the_router()

    def step_the_clock_back(self) -> None:
        self.shop.wait(-self.random.choice((1, 5, 3_600)))

    def some_skills(self, most: int) -> dict[str, int]:
        chosen = self.random.sample(SKILLS, self.random.randint(0, most))
        return {skill: self.random.randint(1, 10) for skill in chosen}

    def any_of(self, *statuses: Status) -> list[Conversation]:
        """One conversation that stands like this, if there is one about which anything can be decided."""
        found = [one for whose, one in self.shop.every(*statuses) if whose not in self.shop.unreadable]
        return [self.random.choice(found)] if found else []

    def arrive(self) -> None:
        self.arrivals += 1
        channel, priority = self.random.choice(CHANNELS), self.random.choice((0, 0, 0, 1, 3))
        self.shop.arrive(f"{self.arrivals:03}", self.random.choice(QUEUES), channel=channel, priority=priority)

    def accept(self) -> None:
        for one in self.any_of(Status.OFFERED):
            self.shop.accept(one.id)

    def decline(self) -> None:
        for one in self.any_of(Status.OFFERED):
            self.shop.decline(one.id)

    def decline_in_turns(self) -> None:
        """One after the other, as far as the router asks somebody else."""
        for one in self.any_of(Status.OFFERED):
            for _ in range(3):
                if self.shop.find(one.id)[1].status is Status.OFFERED:
                    self.shop.decline(one.id)
                    self.shop.route()

    def close(self) -> None:
        for one in self.any_of(Status.WAITING, Status.ON_HOLD, *AT_WORK):
            self.shop.close(one.id)

    def hold(self) -> None:
        for one in self.any_of(Status.ASSIGNED):
            self.shop.hold(one.id)

    def resume(self) -> None:
        for one in self.any_of(Status.ON_HOLD):
            agent = self.shop.agents[one.agent_id or ""]
            if has_room(agent, self.shop.policy.rules.ask(one.channel, one.units)):
                self.shop.resume(one.id)
            else:
                with pytest.raises(AtCapacity):
                    self.shop.resume(one.id)

    def transfer(self) -> None:
        for one in self.any_of(Status.WAITING, Status.ON_HOLD, *AT_WORK):
            more = self.random.choice(({"billing": 2}, {"lang:zh": 2}, None, None, None))
            self.shop.transfer(one.id, self.random.choice(QUEUES), more)

    def prioritize(self) -> None:
        for one in self.any_of(Status.WAITING, Status.OFFERED):
            self.shop.prioritize(one.id, self.random.randint(0, 10))

    def change_presence(self) -> None:
        likely = (Presence.AVAILABLE, Presence.AVAILABLE, Presence.AWAY, Presence.OFFLINE)
        self.shop.turn(self.random.choice(list(self.shop.agents)), self.random.choice(likely))

    def train(self) -> None:
        skills = self.some_skills(most=3)
        until = self.shop.now + timedelta(seconds=self.random.choice((5, 60)))
        ends = {skill: until for skill in skills if self.random.random() < 0.3}
        self.shop.train(self.random.choice(list(self.shop.agents)[1:]), skills, ends)

    def entitle(self) -> None:
        agent_id = self.random.choice(list(self.shop.agents)[1:])
        channels = self.random.choice(((), (), CHANNELS[:2]))
        self.shop.entitle(agent_id, groups=self.random.sample(GROUPS, self.random.randint(0, 2)), channels=channels)

    def classify(self) -> None:
        for one in self.any_of(Status.WAITING, Status.OFFERED, Status.ASSIGNED):
            tier, language = self.random.choice(("", "vip")), self.random.choice(("", "zh"))
            self.shop.classify(one.id, tier=tier, language=language, sentiment=self.random.choice(("", "angry")))

    def prefer(self) -> None:
        """Among others somebody whom nobody knows; or nobody any more."""
        for one in self.any_of(Status.WAITING, Status.OFFERED, Status.ASSIGNED):
            self.shop.prefer(one.id, self.random.choice((*self.shop.agents, "agent-nobody", None)))

    def adjust_age(self) -> None:
        for one in self.any_of(Status.WAITING, Status.OFFERED):
            self.shop.adjust_age(one.id, self.random.choice((-30, 0, 30, 600)))

    def change_capacity(self) -> None:
        self.shop.allow(self.random.choice(list(self.shop.agents)), self.random.choice((0, 2, 4, 6, 8)))

    def redefine_queue(self) -> None:
        required = self.some_skills(most=2)
        chance = self.random.random
        lower = {skill: self.random.randint(1, level) for skill, level in required.items() if chance() < 0.5}
        timetable = [
            {"after_seconds": 5, "lower": lower, "widen": self.random.choice(([], ["night"]))},
            {"after_seconds": 12, "drop": ["lang:zh"], "widen": self.random.choice(([], ["*"]))},
        ]
        queue_id = self.random.choice(QUEUES)
        limits = [
            {"when": "waited", "limit": 20, "to_queue_id": self.random.choice(QUEUES), "promise": "callback"},
            {"when": "length", "limit": 3, "to_queue_id": self.random.choice(QUEUES)},
            {"when": "closed", "to_queue_id": self.random.choice(QUEUES)},
        ]
        closes_at = f"{self.shop.now.hour:02}:{self.random.choice((1, 3, 30)):02}"
        hours = {"time_zone": "UTC", "weekly": {day: [["00:00", closes_at], ["23:00", "24:00"]] for day in WEEKDAYS}}
        self.shop.open_queue(
            queue_id,
            required,
            offer_timeout_seconds=self.random.choice((None, 5, 60)),
            preferred_skills={self.random.choice(SKILLS): 3} if chance() < 0.7 else {},
            groups=self.random.choice(((), (), ("day",))),
            units=self.random.choice(({}, {"webchat": 1})),
            choice=self.random.choice((None, *ChoiceRule)),
            relaxation=timetable if chance() < 0.5 else (),
            overflow=[limit for limit in limits if chance() < 0.35],
            opening_hours=hours if chance() < 0.15 else None,
        )

    def adopt_policy(self) -> None:
        choose = self.random.choice
        rules = RoutingPolicy(
            units_otherwise=choose((1, 2)),
            at_most=choose(({}, {"email": 2})),
            blocks={"call": ("chat", "mail")} if choose((True, False)) else {},
            yields={"mail": ("call", "chat")} if choose((True, False)) else {},
            priority_boost_seconds=choose((0, 30, 300)),
            tiers={"vip": 120},
            sentiments={"angry": 15},
            deadline_lead_seconds=choose((0, 30, 55)),
            language_prefix=choose(("", "lang:")),
            language_level=choose((1, 5)),
            known_agent_seconds=choose((0, 10, 30)),
            preferred_agent_seconds=choose((0, 10, 30)),
            choice=choose(tuple(ChoiceRule)),
            decline_rest_seconds=choose((0, 20, 60)),
        )
        self.shop.adopt(rules)


def put_back(shop: Shop) -> None:
    """All that can be read by now waits again, with its age: as `AssignWork.put_back` appends it."""
    for queue_id, known in list(shop.queues.items()):
        for conversation_id, customer_id in known.set_aside.items():
            if customer_id in shop.unreadable:
                continue
            _, one = shop.find(conversation_id)
            shop.record(queue_id, queue.put_back(shop.queues[queue_id], conversation_id))
            shop.record(customer_id, offers.withdraw_offer(one, reason="set aside"))
            shop.record(customer_id, assignment.transfer(one, to_queue_id=queue_id))
            _, moved = shop.find(conversation_id)
            enqueued = assignment.enqueue(
                moved,
                queue_id=queue_id,
                at=shop.now,
                due_at=one.due_at,
                skills=one.skills,
                overflowed_from=one.overflowed_from,
            )
            shop.record(customer_id, enqueued)
            _, again = shop.find(conversation_id)
            assert (again.waiting_since, again.priority) == (one.waiting_since, one.priority)
