"""A plan: the rules and queues that a routing document asks for, their canonical form, and the events they come to."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from domain import queue
from domain.event import Event
from domain.policy import RoutingPolicy
from domain.queue import Limit, OverflowRule, Queue, QueueDefinition


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be; what is absent stays as it is."""

    rules: RoutingPolicy | None = None
    queues: dict[str, QueueDefinition] = {}
    """By id, each as a whole; ids that are not known yet are of new queues."""
    retires: frozenset[str] = frozenset()
    """Ids of queues that are to take no new work."""

    @property
    def queue_ids(self) -> list[str]:
        """All that it names."""
        return sorted({*self.queues, *self.retires})


def sends_on(definition: QueueDefinition, to_queue_id: str) -> QueueDefinition:
    """A queue that is given up: what waits in it, or still comes, goes on to the other with its age."""
    return replace(definition, overflow=(OverflowRule(when=Limit.WAITED, limit=1, to_queue_id=to_queue_id),))


def sent_on_to(one: Queue) -> str | None:
    """Where a retired queue sends its work on to, if it does."""
    rules = one.definition.overflow if one.definition is not None and one.is_retired else ()
    only = rules[0] if len(rules) == 1 else None
    return only.to_queue_id if only is not None and (only.when, only.limit) == (Limit.WAITED, 1) else None


def queue_after(plan: Plan, queue_id: str, now: Queue) -> Queue:
    """The queue as it stands once the plan is applied."""
    for event in queue_events(plan, queue_id, now):
        now = queue.evolve(now, event)
    return now


def queue_events(plan: Plan, queue_id: str, now: Queue) -> list[Event]:
    """What the plan changes about a queue; nothing where it stands so already. Raises QueueDefinitionInvalid."""
    definition = plan.queues.get(queue_id, now.definition)
    if definition is None:
        return []
    if queue_id not in plan.retires:
        return queue.define(now, definition) if queue_id in plan.queues else []
    defined = queue.define(now, definition) if definition != now.definition else []
    for event in defined:
        now = queue.evolve(now, event)
    return [*defined, *queue.retire(now)]


def queues_after(plan: Plan, queues: Mapping[str, Queue]) -> dict[str, Queue]:
    """All queues as they stand once the plan is applied."""
    after = dict(queues)
    for queue_id in plan.queue_ids:
        after[queue_id] = queue_after(plan, queue_id, queues.get(queue_id, queue.NEW))
    return after


def digest(plan: Plan) -> str:
    """Hex SHA-256 of the plan in canonical JSON: names in order, nothing that is at its default.

    Example: `{"policy":{"units":{"phone":6}},"queues":{"queue-…":{"name":"Returns"}},"retires":[]}`
    """
    canonical: dict[str, Any] = {
        "policy": None if plan.rules is None else told(plan.rules),
        "queues": {queue_id: told(definition) for queue_id, definition in plan.queues.items()},
        "retires": sorted(plan.retires),
    }
    return hashlib.sha256(msgspec.json.encode(canonical, order="deterministic")).hexdigest()


def rules_digest(rules: RoutingPolicy) -> str:
    """Hex SHA-256 of the rules in canonical JSON: the fields in their order, names in theirs; equal rules have one."""
    canonical = msgspec.convert(told(rules), RoutingPolicy)  # what equals a default is the default
    return hashlib.sha256(msgspec.json.encode(canonical, order="deterministic")).hexdigest()


def told(struct: msgspec.Struct) -> dict[str, Any]:
    """Its fields as plain values, without those at their default at any depth, which later releases may add to.

    Not msgspec's `omit_defaults`, which leaves out what *is* the default, not what equals it.
    """
    values = ((field, getattr(struct, field.name)) for field in msgspec.structs.fields(type(struct)))
    return {
        field.encode_name: _plain(value) for field, value in values if field.required or value != field_default(field)
    }


def _plain(value: Any) -> Any:
    match value:
        case msgspec.Struct():
            return told(value)
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case float():
            return value + 0.0  # -0.0 is 0.0, and says so
        case _:
            return msgspec.to_builtins(value)


def field_default(field: msgspec.structs.FieldInfo) -> Any:
    """What the field is where nothing is said."""
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
