"""A work queue: what it asks for."""

from typing import Any

import pytest
from msgspec.structs import replace

from domain import queue
from domain.agent import AgentSignedIn
from domain.hours import OpeningHours
from domain.queue import (
    Limit,
    OverflowRule,
    Promise,
    Queue,
    QueueDefined,
    QueueDefinition,
    QueueDefinitionInvalid,
    QueueRetired,
    QueueRetiredAlready,
    QueueUnknown,
    Relaxation,
    WorkSetAside,
)

RETURNS = QueueDefinition(name="Returns", required_skills={"returns": 3}, priority=2)


def told(promise: Promise = Promise.CALLBACK, **words: str) -> OverflowRule:
    return OverflowRule(when=Limit.WAITED, limit=60, to_queue_id="queue-b", promise=promise, words=words)


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
        ({"preferred_skills": {"patience": 0}}, "preferred_skills"),
        ({"service_level_target": -0.1}, "service_level_target"),
        ({"service_level_target": 1.1}, "service_level_target"),
        ({"next_reply_seconds": 0}, "next_reply_seconds"),
        ({"units": {"phone": 0}}, "units.phone"),
        ({"units": {"phone": 1_001}}, "units.phone"),
        ({"opening_hours": OpeningHours(time_zone="Mars", weekly={})}, "opening_hours.time_zone"),
        ({"relaxation": (Relaxation(after_seconds=1),) * 21}, "relaxation"),
        ({"relaxation": (Relaxation(after_seconds=-1),)}, r"relaxation\[0\].after_seconds"),
        ({"relaxation": (Relaxation(after_seconds=9), Relaxation(after_seconds=8))}, r"relaxation\[1\].after_seconds"),
        ({"relaxation": (Relaxation(after_seconds=9, lower={"returns": 0}),)}, r"relaxation\[0\].lower"),
        ({"relaxation": (Relaxation(after_seconds=9, lower={"returns": 4}),)}, r"relaxation\[0\].lower"),
        ({"relaxation": (Relaxation(after_seconds=9, lower={"sales": 1}),)}, r"relaxation\[0\].lower"),
        ({"overflow": (OverflowRule(when=Limit.WAITED, to_queue_id="q"),)}, r"overflow\[0\].limit"),
        ({"overflow": (OverflowRule(when=Limit.LENGTH, to_queue_id="q"),)}, r"overflow\[0\].limit"),
        (
            {"overflow": (OverflowRule(when=Limit.CLOSED, to_queue_id="q", within_seconds=59),)},
            r"overflow\[0\].within_seconds",
        ),
        ({"overflow": (told(zh="回电"),)}, r"overflow\[0\]"),
        ({"overflow": (told(Promise.NONE, otherwise="We call you back."),)}, r"overflow\[0\]"),
        ({"overflow": (told(otherwise=" "),)}, r"overflow\[0\].words.otherwise"),
        ({"overflow": (told(otherwise="回" * 334),)}, r"overflow\[0\].words.otherwise"),
        ({"overflow": (told(chinese="回电", otherwise="We call you back."),)}, r"overflow\[0\].words.chinese"),
    ],
)
def test_a_definition_that_cannot_work_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    definition = replace(RETURNS, **change)

    with pytest.raises(QueueDefinitionInvalid, match=f"^{field}: "):
        queue.define(queue.NEW, definition)


STRICT = QueueDefinition(
    name="Strict",
    required_skills={"returns": 5, "lang:zh": 3},
    groups=("day",),
    relaxation=(
        Relaxation(after_seconds=60, lower={"returns": 2}),
        Relaxation(after_seconds=90, drop=("lang:zh",), widen=("night", "day")),
        Relaxation(after_seconds=120, widen=("*",)),
    ),
)


def test_a_definition_with_everything_in_order_is_taken() -> None:
    closed = OverflowRule(when=Limit.CLOSED, to_queue_id="queue-b")

    events = queue.define(queue.NEW, replace(STRICT, overflow=(closed,)))

    assert events == [QueueDefined(definition=replace(STRICT, overflow=(closed,)))]


@pytest.mark.parametrize(
    ("steps", "skills", "groups"),
    [
        (0, {"returns": 5, "lang:zh": 3}, ("day",)),
        (1, {"returns": 2, "lang:zh": 3}, ("day",)),
        (2, {"returns": 2}, ("day", "night")),
        (3, {"returns": 2}, ()),
    ],
)
def test_the_steps_of_a_timetable_add_up(steps: int, skills: dict[str, int], groups: tuple[str, ...]) -> None:
    assert STRICT.requirement(steps) == (skills, groups)


def test_a_queue_for_everybody_stays_so_when_it_is_widened() -> None:
    widened = replace(STRICT, groups=(), relaxation=(Relaxation(after_seconds=1, widen=("night",)),))

    assert widened.requirement(1) == ({"returns": 5, "lang:zh": 3}, ())


def test_a_skill_that_was_dropped_cannot_be_lowered_later() -> None:
    steps = (Relaxation(after_seconds=1, drop=("returns",)), Relaxation(after_seconds=2, lower={"returns": 1}))

    with pytest.raises(QueueDefinitionInvalid, match=r"^relaxation\[1\].lower: 'returns' is not asked for by then"):
        queue.define(queue.NEW, replace(STRICT, relaxation=steps))


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


def test_what_cannot_be_read_is_set_aside_and_put_back_once() -> None:
    events = queue.set_aside("conversation-1", customer_id="customer-1", reason="its seal is broken")
    aside = queue.evolve(a_queue(), events[0])

    assert events == [
        WorkSetAside(conversation_id="conversation-1", customer_id="customer-1", reason="its seal is broken")
    ]
    assert queue.evolve(aside, events[0]) == aside
    assert queue.put_back(a_queue(), "conversation-1") == []
    (back,) = queue.put_back(aside, "conversation-1")
    assert queue.evolve(aside, back) == a_queue()


def test_what_is_set_aside_stays_so_when_the_queue_is_defined_anew_or_retired() -> None:
    aside = Queue(definition=RETURNS, set_aside={"conversation-1": "customer-1"})

    for event in (QueueDefined(definition=STRICT), QueueRetired()):
        assert queue.evolve(aside, event).set_aside == aside.set_aside


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
