"""Random days in the shop, every step of which must keep the promises of the router. A failure names its seed."""

from collections import Counter
from collections.abc import Callable
from random import Random

import msgspec
import pytest

from domain.agent import Presence
from domain.assignment import ConversationOffered
from domain.conversation import Conversation, Status
from domain.event import RuleBroken
from domain.policy import RoutingPolicy
from domain.routing.decide import decide, next_deadline, recompute
from domain.routing.evolve import evolve
from domain.routing.facts import Facts
from domain.routing.state import RouterState
from domain.workload import AtCapacity
from tests.domain.routing import reference
from tests.domain.routing.shop import Shop, replayed

SEEDS = range(12)
STEPS = 120
SKILLS = ("returns", "lang:zh", "billing")
QUEUES = ("queue-1", "queue-2", "queue-3")
CHANNELS = ("webchat", "phone", "email")
AT_WORK = (Status.OFFERED, Status.ASSIGNED, Status.WRAPPING)


class Day:
    """A shop in which anything may happen next, as the seed says."""

    def __init__(self, seed: int) -> None:
        self.shop = Shop()
        self.random = Random(seed)
        self.arrivals = 0
        self.actions: list[tuple[int, Callable[[], None]]] = [
            (10, self.arrive),
            (8, self.accept),
            (5, self.decline),
            (6, self.close),
            (3, self.hold),
            (3, self.resume),
            (2, self.transfer),
            (2, self.prioritize),
            (5, self.change_presence),
            (1, self.train),
            (1, self.change_capacity),
            (1, self.redefine_queue),
            (1, self.adopt_policy),
        ]

    def open_doors(self) -> None:
        for queue_id in QUEUES:
            self.shop.open_queue(queue_id, self.some_skills(most=2))
        self.shop.hire("agent-0", dict.fromkeys(SKILLS, 10), capacity=8)  # so that no day stands still
        for number in range(1, 5):
            self.shop.hire(f"agent-{number}", self.some_skills(most=3), capacity=self.random.choice((2, 4, 6, 8)))
        for agent_id in self.shop.agents:
            self.shop.turn(agent_id, Presence.AVAILABLE)

    def go_on(self) -> None:
        weights, actions = zip(*self.actions, strict=True)
        self.random.choices(actions, weights)[0]()

    def some_skills(self, most: int) -> dict[str, int]:
        chosen = self.random.sample(SKILLS, self.random.randint(0, most))
        return {skill: self.random.randint(1, 10) for skill in chosen}

    def any_of(self, *statuses: Status) -> list[Conversation]:
        """One conversation that stands like this, if there is one."""
        found = [one for _, one in self.shop.every(*statuses)]
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

    def close(self) -> None:
        for one in self.any_of(Status.WAITING, Status.ON_HOLD, *AT_WORK):
            self.shop.close(one.id)

    def hold(self) -> None:
        for one in self.any_of(Status.ASSIGNED):
            self.shop.hold(one.id)

    def resume(self) -> None:
        for one in self.any_of(Status.ON_HOLD):
            agent = self.shop.agents[one.agent_id or ""]
            if agent.load + one.units <= agent.capacity:
                self.shop.resume(one.id)
            else:
                with pytest.raises(AtCapacity):
                    self.shop.resume(one.id)

    def transfer(self) -> None:
        for one in self.any_of(Status.WAITING, Status.ON_HOLD, *AT_WORK):
            self.shop.transfer(one.id, self.random.choice(QUEUES))

    def prioritize(self) -> None:
        for one in self.any_of(Status.WAITING, Status.OFFERED):
            self.shop.prioritize(one.id, self.random.randint(0, 10))

    def change_presence(self) -> None:
        likely = (Presence.AVAILABLE, Presence.AVAILABLE, Presence.AWAY, Presence.OFFLINE)
        self.shop.turn(self.random.choice(list(self.shop.agents)), self.random.choice(likely))

    def train(self) -> None:
        self.shop.train(self.random.choice(list(self.shop.agents)), self.some_skills(most=3))

    def change_capacity(self) -> None:
        self.shop.allow(self.random.choice(list(self.shop.agents)), self.random.choice((0, 2, 4, 6, 8)))

    def redefine_queue(self) -> None:
        timeout_seconds = self.random.choice((None, 5, 60))
        self.shop.open_queue(self.random.choice(QUEUES), self.some_skills(most=2), timeout_seconds)

    def adopt_policy(self) -> None:
        rules = RoutingPolicy(
            units_otherwise=self.random.choice((1, 2)),
            priority_boost_seconds=self.random.choice((0, 30, 300)),
            decline_rest_seconds=self.random.choice((0, 20, 60)),
        )
        self.shop.adopt(rules)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_day_keeps_every_promise(seed: int) -> None:
    day = Day(seed)
    day.open_doors()

    for step in range(STEPS):
        day.go_on()
        demand_the_reference_agrees(day.shop)
        demand_nobody_carries_too_much(day.shop)
        demand_each_conversation_is_with_one_agent(day.shop)
        demand_the_timer_misses_nothing(day.shop, seconds=day.random.choice((0, 0.5, 3, 10)))
        if step % 40 == 0:
            demand_a_cold_start_knows_the_same(day.shop)

    demand_every_choice_can_be_recomputed(day.shop)


def demand_the_reference_agrees(shop: Shop) -> None:
    """Each decision is the one that the rules, looked up slowly, ask for; after the last one nothing is left to do.

    So nothing is overtaken by a lower score, and nothing waits while somebody may take it.
    """
    decisions = shop.decide()
    assert decisions == shop.decide()  # asking again changes nothing

    for decision in decisions:
        assert reference.said(decision) == reference.next_decision(shop)
        shop.obey(decision)
        with pytest.raises(RuleBroken):  # a repeat, or a second router that has fallen behind
            shop.obey(decision)

    assert reference.next_decision(shop) is None
    assert shop.decide() == []


def demand_nobody_carries_too_much(shop: Shop) -> None:
    assert shop.overloads == []
    assert {agent_id: desk.agent for agent_id, desk in shop.router.facts.desks.items()} == shop.agents


def demand_each_conversation_is_with_one_agent(shop: Shop) -> None:
    """What agents hold is what conversations say, once each."""
    held = Counter((conversation_id, name) for name, agent in shop.agents.items() for conversation_id in agent.work)
    said = Counter((one.id, one.agent_id) for _, one in shop.every(*AT_WORK))

    assert held == said
    assert all(times == 1 for times in Counter(conversation_id for conversation_id, _ in held).values())


def demand_the_timer_misses_nothing(shop: Shop, seconds: float) -> None:
    """Time alone makes nothing due before the moment that the timer was set to."""
    deadline = next_deadline(shop.router, shop.now)
    shop.wait(seconds)

    if deadline is None or deadline > shop.now:
        assert shop.decide() == []


def demand_a_cold_start_knows_the_same(shop: Shop) -> None:
    """From the whole log, and from a stored snapshot."""
    cold = replayed(shop.log)
    stored = msgspec.msgpack.encode(shop.router.facts)
    restored = RouterState(msgspec.msgpack.decode(stored, type=Facts))

    for state in (cold, restored):
        assert state.facts == shop.router.facts
        assert decide(state, shop.now) == shop.decide()
        assert next_deadline(state, shop.now) == next_deadline(shop.router, shop.now)


def demand_every_choice_can_be_recomputed(shop: Shop) -> None:
    """From the log up to the position that the choice names, with the time and the ordinal that it names."""
    recorded_choices: dict[int, list[ConversationOffered]] = {}
    for recorded in shop.log:
        if isinstance(recorded.event, ConversationOffered) and recorded.event.choice is not None:
            recorded_choices.setdefault(recorded.event.choice.position, []).append(recorded.event)
    state = RouterState()

    recomputed = 0
    for recorded in shop.log:
        evolve(state, recorded)
        for offered in recorded_choices.get(recorded.position, ()):
            assert offered.choice is not None
            offer = recompute(state, offered.choice)
            assert offer is not None
            for field in ("conversation_id", "queue_id", "offer_id", "agent_id", "units", "expires_at", "choice"):
                assert getattr(offer, field) == getattr(offered, field)
            recomputed += 1

    assert recomputed == sum(len(offers) for offers in recorded_choices.values())
