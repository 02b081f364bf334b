"""Reads other rules from a file: what a what-if changes about the policy and the queues."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from domain import policy, queue
from domain.event import RuleBroken
from domain.policy import RoutingPolicy
from domain.queue import QueueDefinition
from domain.routing.facts import Facts

Rules = TypeVar("Rules", RoutingPolicy, QueueDefinition)


class PlanInvalid(RuleBroken):
    """The file with the policy cannot be read."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Other rules; what is absent stays as it was recorded."""

    rules: RoutingPolicy | None = None
    queues: dict[str, QueueDefinition] = {}
    """By id."""


AS_IT_WAS = Plan()


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file as it is written."""

    policy: dict[str, Any] = {}
    queues: dict[str, dict[str, Any]] = {}
    """By name or id."""


def plan_from(path: Path, facts: Facts) -> Plan:
    """The rules in the file, YAML or JSON. What it does not name stays as it is in these facts.

    Example: `policy: {priority_boost_seconds: 600}`, then `queues: {Returns: {required_skills: {returns: 3}}}`.
    Raises PlanInvalid, with the place in the file.
    """
    try:
        document = msgspec.yaml.decode(path.read_bytes(), type=Document)
    except (OSError, msgspec.DecodeError) as error:
        raise PlanInvalid(f"{path}: {error}") from error
    names = {known.definition.name: queue_id for queue_id, known in facts.queues.items() if known.definition}
    try:
        queues = {}
        for name, given in document.queues.items():
            queue_id = name if name in facts.queues else names.get(name)
            if queue_id is None:
                raise PlanInvalid(f"queues.{name}: there is no such queue; there are {', '.join(sorted(names))}")
            definition = changed(f"queues.{name}", given, facts.queues[queue_id].definition, QueueDefinition)
            queue.define(queue.NEW, definition)
            queues[queue_id] = definition
        rules = changed("policy", document.policy, facts.policy.rules, RoutingPolicy) if document.policy else None
        if rules is not None:
            policy.define(policy.NEW, rules, sha256="")
    except RuleBroken as refusal:
        raise PlanInvalid(f"{path}: {refusal}") from refusal
    return Plan(rules=rules, queues=queues)


def changed(place: str, given: Mapping[str, Any], recorded: Rules | None, kind: type[Rules]) -> Rules:
    """The recorded rules with what is given in the place of theirs. Raises PlanInvalid."""
    for name in given:
        if name not in kind.__struct_fields__:
            near = get_close_matches(name, kind.__struct_fields__, 1)
            raise PlanInvalid(f"{place}.{name}: there is no such field{f'; did you mean {near[0]}?' if near else ''}")
    before = {name: getattr(recorded, name) for name in kind.__struct_fields__} if recorded is not None else {}
    try:
        return msgspec.convert(msgspec.to_builtins(before) | dict(given), kind)
    except msgspec.ValidationError as error:
        raise PlanInvalid(f"{place}: {error}") from error
