"""Every kind of stream with the state that decisions about it need: the map from a stream's name to its aggregate."""

from collections.abc import Callable
from typing import Any

import msgspec

from domain import account, agent, customer, person, policy, queue
from domain.event import TOPICS, Event


class Aggregate(msgspec.Struct, frozen=True):
    """How the state of one kind of stream begins and moves on."""

    new: Any
    evolve: Callable[[Any, Event], Any]
    state_name: str
    """Name and version of the state's shape: a stored state of another name is not read."""


AGGREGATES: dict[str, Aggregate] = {
    "customer": Aggregate(customer.NEW, customer.evolve, "customer.7"),
    "agent": Aggregate(agent.NEW, agent.evolve, "agent.2"),
    "queue": Aggregate(queue.NEW, queue.evolve, "queue.3"),
    "policy": Aggregate(policy.NEW, policy.evolve, "policy.2"),
    "account": Aggregate(account.NEW, account.evolve, "account.3"),
    "person": Aggregate(person.NEW, person.evolve, "person.1"),
}


def topics_of(*kinds: str) -> frozenset[str]:
    """Every topic of these kinds: `topics_of("agent")` has `agent.signed_in` and the like."""
    return frozenset(topic for topic in TOPICS if topic.partition(".")[0] in kinds)
