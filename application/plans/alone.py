"""One queue, or the rules, as a document that says nothing else: its places are those of the fields by themselves."""

from typing import Any

from application.plans.document import Document
from application.plans.plan import Plan, told
from application.plans.problems import Path
from application.plans.tree import Node
from domain.policy import RoutingPolicy
from domain.queue import QueueDefinition


def queue_alone(queue_id: str, definition: QueueDefinition) -> Document:
    """Its places are like `overflow[0].to_queue_id`."""
    plan = Plan(queues={queue_id: definition})
    return _document(plan, queues=Node((), 1, 1, {queue_id: _grown(told(definition), ())}))


def retirement_alone(queue_id: str) -> Document:
    """Its only place is the queue."""
    return _document(Plan(retires=frozenset([queue_id])), queues=Node((), 1, 1, {}))


def rules_alone(rules: RoutingPolicy) -> Document:
    """Its places are like `at_most.email`."""
    return _document(Plan(rules=rules), policy=_grown(told(rules), ()))


def _document(plan: Plan, **sections: Node) -> Document:
    names = {queue_id: queue_id for queue_id in plan.queue_ids}
    return Document(plan=plan, root=Node((), 1, 1, sections), names=names, problems=[])


def _grown(value: Any, path: Path) -> Node:
    if isinstance(value, dict):
        value = {name: _grown(one, (*path, name)) for name, one in value.items()}
    elif isinstance(value, list | tuple):
        value = [_grown(one, (*path, number)) for number, one in enumerate(value)]
    return Node(path, 1, 1, value)
