"""What an agent may take by themselves: by skills, groups and channel, in the order of the score."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.agent import Agent, Presence, Work
from domain.hours import OpeningHours
from domain.policy import Policy, RoutingPolicy
from domain.queue import Queue, QueueDefinition, Relaxation
from domain.routing.facts import Facts, Waiting
from domain.routing.pull import NotEligible, QueueClosed, could_serve, demand_pickable, pickable
from tests.domain.situations import NOON

RETURNS = QueueDefinition(
    name="Returns",
    required_skills={"returns": 3},
    groups=("day",),
    relaxation=(Relaxation(after_seconds=60, lower={"returns": 1}, widen=("night",)),),
)


def facts(definition: QueueDefinition = RETURNS, **rules: object) -> Facts:
    policy = Policy(rules=RoutingPolicy(language_prefix="lang:", tiers={"vip": 600}, **rules))  # type: ignore[arg-type]
    return Facts(policy=policy, queues={"queue-1": Queue(definition=definition)})


def waiting(conversation_id: str = "conversation-1", *, seconds_ago: int = 0, **more: object) -> Waiting:
    since = NOON - timedelta(seconds=seconds_ago)
    return Waiting(
        conversation_id=conversation_id,
        customer_id="customer-1",
        channel="webchat",
        waiting_since=since,
        entered_at=since,
        position=0,
        **{"queue_id": "queue-1", "priority": 0, **more},  # type: ignore[arg-type]
    )


SHUT = replace(RETURNS, opening_hours=OpeningHours(time_zone="UTC", weekly={"thu": (("08:00", "18:00"),)}))
"""NOON is on a Wednesday."""


def an_agent(**more: object) -> Agent:
    given = {"skills": {"returns": 3}, "groups": frozenset({"day"}), "capacity": 4, **more}
    return Agent(is_registered=True, presence=Presence.AVAILABLE, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("agent", "one", "reason"),
    [
        (an_agent(skills={"returns": 2}), waiting(), "no skill returns at level 3, has 2"),
        (an_agent(groups=frozenset({"night"})), waiting(), "in none of the groups day"),
        (an_agent(channels=frozenset({"phone"})), waiting(), "does not serve webchat"),
        (an_agent(), waiting(language="zh"), "no skill lang:zh at level 1, has 0"),
        (an_agent(), waiting(skills={"repairs": 5}), "no skill repairs at level 5, has 0"),
        (an_agent(skills_end={"returns": NOON}), waiting(), "no skill returns at level 3, has 0"),
    ],
)
def test_who_lacks_what_it_asks_for_is_told_what(agent: Agent, one: Waiting, reason: str) -> None:
    with pytest.raises(NotEligible) as refused:
        demand_pickable(facts(), one, agent, NOON)

    assert str(refused.value) == reason
    assert pickable(facts(), [one], agent, NOON, 9) == []


def test_a_step_of_the_timetable_lets_others_take_it() -> None:
    beginner = an_agent(skills={"returns": 1}, groups=frozenset({"night"}))

    demand_pickable(facts(), waiting(step=1), beginner, NOON)

    assert could_serve(beginner, RETURNS, NOON)
    assert not could_serve(an_agent(skills={}), RETURNS, NOON)
    assert not could_serve(an_agent(groups=frozenset()), RETURNS, NOON)


def test_the_highest_score_comes_first_and_room_is_told() -> None:
    several = [
        waiting("conversation-1", seconds_ago=10),
        waiting("conversation-2", seconds_ago=20),
        waiting("conversation-3", tier="vip"),
        waiting("conversation-4", priority=1),
    ]

    found = pickable(facts(), several, an_agent(), NOON, 9)

    assert [one.waiting.conversation_id[-1] for one in found] == ["3", "4", "2", "1"]
    assert [(one.score, one.parts, one.obstacle) for one in found[:2]] == [
        (600.0, {"age": 0.0, "tier": 600}, ""),
        (300.0, {"age": 0.0, "priority": 300}, ""),
    ]


def test_work_that_there_is_no_room_for_says_so() -> None:
    on_a_call = an_agent(work={"conversation-9": Work("customer-9", 1, "phone", "call")})

    (found,) = pickable(facts(blocks={"call": ("chat",)}), [waiting()], on_a_call, NOON, 9)

    assert found.obstacle == "blocked by call"


def test_while_the_doors_are_closed_nobody_picks_and_all_see_until_when() -> None:
    with pytest.raises(QueueClosed, match="closed until"):
        demand_pickable(facts(SHUT), waiting(), an_agent(), NOON)

    (found,) = pickable(facts(SHUT), [waiting()], an_agent(), NOON, 9)
    assert found.obstacle == "closed until 2026-11-12T08:00:00+00:00"
    demand_pickable(facts(SHUT), waiting(), an_agent(), NOON + timedelta(hours=20))


def test_a_queue_that_never_opens_says_no_more_than_that() -> None:
    never = replace(RETURNS, opening_hours=OpeningHours(time_zone="UTC", weekly={}))

    (found,) = pickable(facts(never), [waiting()], an_agent(), NOON, 9)

    assert found.obstacle == "closed"


def test_what_they_declined_they_may_pick_all_the_same() -> None:
    declined = waiting(declined={"agent-1": NOON + timedelta(hours=1)})

    (found,) = pickable(facts(), [declined], an_agent(), NOON, 9)

    assert found.obstacle == ""


def test_what_can_be_had_now_comes_before_what_cannot() -> None:
    both = facts(SHUT)
    both.queues["queue-2"] = Queue(definition=RETURNS)
    several = [waiting("closed", seconds_ago=900), waiting("open", queue_id="queue-2")]

    found = pickable(both, several, an_agent(), NOON, 9)

    assert [one.waiting.conversation_id for one in found] == ["open", "closed"]


def test_the_first_of_many_are_found_part_by_part() -> None:
    several = [waiting(f"conversation-{n:04}", seconds_ago=n * 37 % 1_000, priority=n % 3) for n in range(900)]
    best: list[Waiting] = []

    for first in range(0, 900, 100):
        part = several[first : first + 100]
        best = [one.waiting for one in pickable(facts(), [*best, *part], an_agent(), NOON, 7)]

    assert best == [one.waiting for one in pickable(facts(), several, an_agent(), NOON, 7)]
