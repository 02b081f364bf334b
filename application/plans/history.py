"""The numbered versions of routing, as the log has them: who set each, when, what changed, and how it all stood."""

from collections.abc import Collection
from datetime import datetime

import msgspec

from application.directory import POLICY
from application.log import Log
from domain import queue
from domain.event import Recorded, RuleBroken
from domain.policy import PolicyDefined, RoutingPolicy
from domain.queue import Queue


class PolicyNumberUnknown(RuleBroken):
    """The routing policy has no such number."""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One number of the policy."""

    number: int
    position: int
    """Of the event that set it."""
    recorded_at: datetime
    actor: str
    sha256: str
    """Of its rules in canonical JSON."""
    document_sha256: str
    """Of the document that it came with; empty where the rules were set alone."""
    rules: tuple[str, ...]
    """The fields that differ from the number before."""
    queue_ids: tuple[str, ...]
    """Queues that were defined or retired since the number before."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """All of routing at one moment."""

    rules: RoutingPolicy
    queues: dict[str, Queue]


async def history(log: Log, queue_ids: Collection[str]) -> list[Version]:
    """Every number, the first one first."""
    changed = [(one.position, queue_id) for queue_id in queue_ids for one in await log.read_stream(queue_id)]
    found: list[Version] = []
    before, position = RoutingPolicy(), 0
    for recorded in await log.read_stream(POLICY):
        if isinstance(event := recorded.event, PolicyDefined):
            ids = sorted({queue_id for at, queue_id in changed if position < at < recorded.position})
            found.append(_version(recorded, event, before, tuple(ids)))
            before, position = event.rules, recorded.position
    return found


def _version(recorded: Recorded, event: PolicyDefined, before: RoutingPolicy, queue_ids: tuple[str, ...]) -> Version:
    fields = RoutingPolicy.__struct_fields__
    return Version(
        number=recorded.version,
        position=recorded.position,
        recorded_at=recorded.recorded_at,
        actor=recorded.actor,
        sha256=event.sha256,
        document_sha256=event.document_sha256,
        rules=tuple(name for name in fields if getattr(event.rules, name) != getattr(before, name)),
        queue_ids=queue_ids,
    )


async def standing_at(log: Log, queue_ids: Collection[str], number: int) -> Standing:
    """How all of routing stood when the number was set. Raises PolicyNumberUnknown."""
    versions = await log.read_stream(POLICY)
    if not 1 <= number <= len(versions):
        raise PolicyNumberUnknown(f"there is no number {number}; the newest is {len(versions)}")
    recorded = versions[number - 1]
    assert isinstance(recorded.event, PolicyDefined)  # a policy's stream has nothing else
    queues: dict[str, Queue] = {}
    for queue_id in queue_ids:
        for one in await log.read_stream(queue_id):
            if one.position <= recorded.position:
                queues[queue_id] = queue.evolve(queues.get(queue_id, queue.NEW), one.event)
    return Standing(rules=recorded.event.rules, queues=queues)
