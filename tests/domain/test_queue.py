"""A work queue: what it asks for."""

from typing import Any

import pytest
from msgspec.structs import replace

from domain import queue
from domain.agent import AgentSignedIn
from domain.queue import (
    Queue,
    QueueDefined,
    QueueDefinition,
    QueueDefinitionInvalid,
    QueueRetired,
    QueueRetiredAlready,
    QueueUnknown,
)

RETURNS = QueueDefinition(name="Returns", required_skills={"returns": 3}, priority=2)


def a_queue() -> Queue:
    return queue.evolve(queue.NEW, QueueDefined(definition=RETURNS))


def a_retired_queue() -> Queue:
    return queue.evolve(a_queue(), QueueRetired())


def test_a_queue_is_defined() -> None:
    events = queue.define(queue.NEW, RETURNS)

    assert events == [QueueDefined(definition=RETURNS)]


def test_a_new_definition_replaces_the_whole() -> None:
    chinese = QueueDefinition(name="Chinese", required_skills={"lang:zh": 5}, offer_timeout_seconds=30)

    events = queue.define(a_queue(), chinese)

    assert events == [QueueDefined(definition=chinese)]
    assert queue.evolve(a_queue(), events[0]).definition == chinese


def test_the_same_definition_again_is_ignored() -> None:
    events = queue.define(a_queue(), RETURNS)

    assert events == []


def test_defining_a_retired_queue_brings_it_back() -> None:
    events = queue.define(a_retired_queue(), RETURNS)

    assert events == [QueueDefined(definition=RETURNS)]
    assert not queue.evolve(a_retired_queue(), events[0]).is_retired


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"priority": -1}, "priority"),
        ({"priority": 11}, "priority"),
        ({"service_level_seconds": 0}, "service_level_seconds"),
        ({"service_level_seconds": 30 * 86_400 + 1}, "service_level_seconds"),
        ({"offer_timeout_seconds": 0}, "offer_timeout_seconds"),
        ({"offer_timeout_seconds": 86_401}, "offer_timeout_seconds"),
        ({"required_skills": {"": 1}}, "required_skills"),
        ({"required_skills": {"returns": 0}}, "required_skills"),
        ({"required_skills": {"returns": 11}}, "required_skills"),
    ],
)
def test_a_definition_that_cannot_work_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    definition = replace(RETURNS, **change)

    with pytest.raises(QueueDefinitionInvalid, match=f"^{field}: "):
        queue.define(queue.NEW, definition)


def test_a_queue_is_retired() -> None:
    events = queue.retire(a_queue())

    assert events == [QueueRetired()]
    assert queue.evolve(a_queue(), events[0]) == Queue(definition=RETURNS, is_retired=True)


def test_retiring_twice_is_ignored() -> None:
    events = queue.retire(a_retired_queue())

    assert events == []


def test_an_unknown_queue_is_not_retired() -> None:
    with pytest.raises(QueueUnknown):
        queue.retire(queue.NEW)


def test_an_open_queue_gives_its_definition() -> None:
    assert queue.demand_open(a_queue()) == RETURNS


def test_an_unknown_queue_takes_no_work() -> None:
    with pytest.raises(QueueUnknown):
        queue.demand_open(queue.NEW)


def test_a_retired_queue_takes_no_work() -> None:
    with pytest.raises(QueueRetiredAlready):
        queue.demand_open(a_retired_queue())


def test_an_event_of_another_kind_changes_nothing() -> None:
    assert queue.evolve(a_queue(), AgentSignedIn()) == a_queue()
