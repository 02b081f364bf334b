"""A small shop that documents are judged beside, and what is told of them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from application.plans.document import read_document
from application.plans.judging.judge import judge
from application.plans.problems import Problem
from application.plans.situation import Situation
from domain.account import AccountDefinition
from domain.agent import Agent
from domain.policy import Policy, RoutingPolicy
from domain.queue import Queue, QueueDefinition
from domain.routing.facts import Waiting

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
RETURNS = f"queue-{1:032x}"
SALES = f"queue-{2:032x}"
GONE = f"queue-{3:032x}"
QUEUES = {
    RETURNS: Queue(definition=QueueDefinition(name="Returns", required_skills={"returns": 3})),
    SALES: Queue(definition=QueueDefinition(name="Sales")),
    GONE: Queue(definition=QueueDefinition(name="Gone"), is_retired=True),
}


def an_agent(
    name: str = "Mei", *, groups: Sequence[str] = (), channels: Sequence[str] = (), capacity: int = 6, **skills: int
) -> Agent:
    return Agent(
        name=name,
        is_registered=True,
        skills=skills,
        capacity=capacity,
        groups=frozenset(groups),
        channels=frozenset(channels),
    )


AGENTS = {
    "agent-1": an_agent("Mei", groups=["day"], returns=5, chinese=4),
    "agent-2": an_agent("Kim", groups=["night"], capacity=4, returns=3),
    "agent-3": an_agent("Ana", groups=["day"], channels=["email"], returns=9, spanish=9),
}


def a_shop(
    *, waiting: Sequence[Waiting] = (), accounts: Sequence[AccountDefinition] = (), rules: RoutingPolicy | None = None
) -> Situation:
    """Three agents, a queue for returns that asks for the skill, one for sales, and one that is retired."""
    policy = Policy(rules=rules or RoutingPolicy(), number=1)
    return Situation(at=NOON, policy=policy, queues=QUEUES, agents=AGENTS, waiting=waiting, accounts=accounts)


def a_shop_without_agents() -> Situation:
    return replace(a_shop(), agents={})


def an_account(channel: str, queue_id: str, name: str = "Hotline") -> AccountDefinition:
    return AccountDefinition(channel=channel, name=name, queue_id=queue_id)


def waiting_in(queue_id: str, number: int = 1, *, channel: str = "webchat", language: str = "") -> Waiting:
    return Waiting(
        conversation_id=f"conversation-{number:032x}",
        customer_id=f"customer-{number:032x}",
        queue_id=queue_id,
        channel=channel,
        priority=0,
        waiting_since=NOON,
        entered_at=NOON,
        position=number,
        language=language,
    )


def problems_of(text: str, shop: Situation | None = None) -> list[Problem]:
    shop = shop or a_shop()
    return judge(read_document(text, shop.queues), shop)


def told(text: str, shop: Situation | None = None) -> list[str]:
    """Every problem as a person reads it."""
    return [problem.told("r.yaml") for problem in problems_of(text, shop)]


def reasons(text: str, shop: Situation | None = None) -> list[str]:
    """Every problem without its place: path and reason."""
    return [line.split(": ", 1)[1] for line in told(text, shop)]
