"""What an agent may take by themselves: by skills, groups and channel, in the order of the score."""

from datetime import timedelta

import pytest

from domain.agent import Agent, Presence, Work
from domain.policy import Policy, RoutingPolicy
from domain.queue import Queue, QueueDefinition, Relaxation
from domain.routing.facts import Facts, Waiting
from domain.routing.pull import NotEligible, could_serve, demand_eligible, pickable
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
        queue_id="queue-1",
        channel="webchat",
        waiting_since=since,
        entered_at=since,
        position=0,
        **{"priority": 0, **more},  # type: ignore[arg-type]
    )


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
        demand_eligible(facts(), one, agent, NOON)

    assert str(refused.value) == reason
    assert pickable(facts(), [one], agent, NOON) == []


def test_a_step_of_the_timetable_lets_others_take_it() -> None:
    beginner = an_agent(skills={"returns": 1}, groups=frozenset({"night"}))

    demand_eligible(facts(), waiting(step=1), beginner, NOON)

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

    found = pickable(facts(), several, an_agent(), NOON)

    assert [one.waiting.conversation_id[-1] for one in found] == ["3", "4", "2", "1"]
    assert [(one.score, one.parts, one.obstacle) for one in found[:2]] == [
        (600.0, {"age": 0.0, "tier": 600}, ""),
        (300.0, {"age": 0.0, "priority": 300}, ""),
    ]


def test_work_that_there_is_no_room_for_says_so() -> None:
    on_a_call = an_agent(work={"conversation-9": Work("customer-9", 1, "phone", "call")})

    (found,) = pickable(facts(blocks={"call": ("chat",)}), [waiting()], on_a_call, NOON)

    assert found.obstacle == "blocked by call"
