"""Reads a routing document, YAML or JSON, as a plan: names become ids, and every mistake is told with its place.

Example:
    policy:
      units: {phone: 6, webchat: 2}
    queues:
      Returns:
        required_skills: {returns: 3}
        overflow:
          - {when: waited, limit: 300, to_queue: Anybody, promise: callback, within_seconds: 3600,
             words: {zh: 我们一小时内给您回电。, otherwise: We will call you back within the hour.}}
      Anybody: {}
      Old returns: {retired: true, to_queue: Returns}
"""

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from application.ids import derived_id
from application.plans.mending import mended
from application.plans.plan import Plan, sends_on
from application.plans.problems import PlanUnreadable, Problem, did_you_mean, shown
from application.plans.tree import Node, read_tree
from domain import policy, queue
from domain.policy import RoutingPolicy
from domain.queue import Queue, QueueDefinition

SECTIONS = ("policy", "queues")
OF_RETIRED = {"retired", "to_queue"}
QUEUE_ID = re.compile(r"queue-[0-9a-f]{32}")


class Document(msgspec.Struct, kw_only=True):
    """A document that was taken apart: what of it can be judged, and what is wrong with the rest."""

    plan: Plan
    root: Node
    names: dict[str, str]
    """What the document calls each queue it names, by id."""
    problems: list[Problem]

    def at_queue(self, queue_id: str, *steps: str | int) -> Node:
        """Where the document says this of the queue, or the nearest place above."""
        return self.root.find("queues", self.names[queue_id], *steps)

    def at_policy(self, *steps: str | int) -> Node:
        """The same of the policy."""
        return self.root.find("policy", *steps)

    def says(self, *steps: str | int) -> bool:
        """Whether the document has this place, rather than leaves it to a default."""
        return self.root.has(*steps)


def read_plan(raw: str | bytes, file_name: str, queues: Mapping[str, Queue]) -> Plan:
    """The plan of a document, beside the queues that there are. Raises PlanUnreadable, with all that is wrong."""
    document = read_document(raw, queues, file_name)
    if document.problems:
        raise PlanUnreadable(document.problems, file_name)
    return document.plan


def read_document(raw: str | bytes, queues: Mapping[str, Queue], file_name: str = "document") -> Document:
    """As `read_plan`, with its mistakes beside what can be read. Raises PlanUnreadable for what is no YAML at all."""
    problems: list[Problem] = []
    try:
        root = read_tree(raw, problems)
    except PlanUnreadable as unreadable:
        raise PlanUnreadable(unreadable.problems, file_name) from None
    if not isinstance(root.value, dict):
        problem = root.problem("a document has `policy:`, `queues:` or both")
        return Document(plan=Plan(), root=root, names={}, problems=[*problems, problem])
    for name, child in list(root.value.items()):
        if name not in SECTIONS:
            problems.append(child.problem(f"there is no such section{did_you_mean(name, SECTIONS)}"))
    rules = None
    if (said := root.value.get("policy")) is not None:
        rules = mended(said, RoutingPolicy, lambda one: policy.define(policy.NEW, one, sha256=""), problems)
    section = _Queues(queues, problems)
    if (listed := root.value.get("queues")) is not None:
        section.read(listed)
    plan = Plan(rules=rules, queues=section.definitions, retires=frozenset(section.retires))
    return Document(plan=plan, root=root, names=section.names, problems=problems)


class _Queues:
    """The section of the queues."""

    def __init__(self, known: Mapping[str, Queue], problems: list[Problem]) -> None:
        self.names: dict[str, str] = {}
        self.definitions: dict[str, QueueDefinition] = {}
        self.retires: list[str] = []
        self._known = {queue_id: one.definition for queue_id, one in known.items() if one.definition is not None}
        self._retired = {queue_id for queue_id, one in known.items() if one.is_retired}
        self._ids: dict[str, str] = {}
        self._problems = problems

    def read(self, section: Node) -> None:
        if not isinstance(section.value, dict):
            self._refuse(section, "queues by their names are wanted here")
            return
        nodes = {queue_id: node for name, node in section.value.items() if (queue_id := self._named(name, node))}
        for queue_id, node in nodes.items():
            if node.value is None:
                node.value = {}
            if not isinstance(node.value, dict):
                self._refuse(node, "the fields of a queue are wanted here")
            elif OF_RETIRED & set(node.value):
                self._retire(queue_id, node, node.value)
            else:
                self._define(queue_id, node, node.value)

    def _refuse(self, node: Node, reason: str) -> None:
        self._problems.append(node.problem(reason))

    def _named(self, name: str, node: Node) -> str | None:
        """The id of the queue that the document means by this name."""
        found = self._find(name)
        if len(found) > 1:
            self._refuse(node, f"{len(found)} queues have this name; say which by its id: {', '.join(sorted(found))}")
            return None
        if not name.strip():
            self._refuse(node, "a queue needs a name")
            return None
        if not found and QUEUE_ID.fullmatch(name):
            self._refuse(node, "there is no such queue; a new one is named, and gets its id by itself")
            return None
        queue_id = found[0] if found else self._new_id(name)
        if queue_id in self.names:
            self._refuse(node, f"this is the queue that {self.names[queue_id]!r} names already")
            return None
        self.names[queue_id], self._ids[name] = name, queue_id
        return queue_id

    def _find(self, name: str) -> list[str]:
        """The queues of this id or name; those that take work go before the retired."""
        if name in self._ids:
            return [self._ids[name]]
        if name in self._known:
            return [name]
        called = [queue_id for queue_id, definition in self._known.items() if definition.name == name]
        return [queue_id for queue_id in called if queue_id not in self._retired] or called

    def _new_id(self, name: str) -> str:
        """The same for the same name, so that a document that is applied twice makes one queue."""
        number = 0
        while True:
            new = derived_id("queue", blake2b(f"{name}/{number}".encode(), digest_size=16).digest())
            if new not in self._known:
                return new
            number += 1

    def _retire(self, queue_id: str, node: Node, fields: dict[str, Node]) -> None:
        for other in fields.keys() - OF_RETIRED:
            self._refuse(fields[other], "a queue that is retired has `retired: true` and `to_queue` only")
        if "retired" not in fields or fields["retired"].value is not True:
            self._refuse(fields.get("retired", node), "`to_queue` goes with `retired: true`")
            return
        name = self.names[queue_id]
        if queue_id not in self._known:
            self._refuse(node, f"there is no such queue{did_you_mean(name, self._all_names() - {name})}")
            return
        self.retires.append(queue_id)
        if (said := fields.get("to_queue")) is not None and (to_queue_id := self._target(said)) is not None:
            self.definitions[queue_id] = sends_on(self._known[queue_id], to_queue_id)

    def _define(self, queue_id: str, node: Node, fields: dict[str, Node]) -> None:
        name = self.names[queue_id]
        called = self._known[queue_id].name if name == queue_id else name
        fields.setdefault("name", Node((*node.path, "name"), node.line, node.column, called))
        if isinstance(rules := fields.get("overflow", node).value, list):
            for rule in list(rules):
                if isinstance(rule.value, dict) and not self._aim(rule.value):
                    rules.remove(rule)
        definition = mended(node, QueueDefinition, queue.demand_definable, self._problems)
        if definition is not None:
            self.definitions[queue_id] = definition

    def _aim(self, rule: dict[str, Node]) -> bool:
        """Writes the id of its target into an overflow rule; false where there is no such queue."""
        if "to_queue" in rule and "to_queue_id" in rule:
            self._refuse(rule["to_queue"], "say `to_queue` or `to_queue_id`, not both")
            return False
        said = rule.pop("to_queue", None) or rule.get("to_queue_id")
        if said is None:
            return True  # that it is missing is told with the other fields
        to_queue_id = self._target(said)
        if to_queue_id is not None:
            rule["to_queue_id"] = Node(said.path, said.line, said.column, to_queue_id)
        return to_queue_id is not None

    def _target(self, said: Node) -> str | None:
        name: Any = said.value
        found = self._find(name) if isinstance(name, str) else []
        if len(found) == 1:
            return found[0]
        near = did_you_mean(name, self._all_names()) if isinstance(name, str) else ""
        several = f"several queues are called {shown(name)}; say which by its id: {', '.join(sorted(found))}"
        self._refuse(said, several if found else f"there is no queue {shown(name)}{near}")
        return None

    def _all_names(self) -> set[str]:
        return {*self._ids, *(definition.name for definition in self._known.values())}
