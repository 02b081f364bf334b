"""Routing is written as a document that, applied again, changes nothing; in words that are read as they were meant."""

import hashlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from application.plans.document import read_plan
from application.plans.plan import digest, field_default, queue_events, rules_digest, sends_on
from application.plans.written import as_json, as_yaml, document_of
from domain.hours import OpeningHours
from domain.policy import ChoiceRule, RoutingPolicy, Weights
from domain.queue import Limit, OverflowRule, Promise, Queue, QueueDefinition, Relaxation
from tests.application.plans.situations import GONE, RETURNS, SALES

RULES = RoutingPolicy(units={"phone": 5}, tiers={"vip": 600}, choice=ChoiceRule.WEIGHTED, weights=Weights(load=2.5))
FULL = QueueDefinition(
    name="Returns",
    required_skills={"lang:zh": 5, "08": 1},
    groups=("1e3", "no", "null", "09:30", "-", "ü 😀"),
    service_level_target=0.95,
    opening_hours=OpeningHours(
        time_zone="Asia/Shanghai", weekly={"mon": (("09:00", "24:00"),)}, special={"2026-11-11": ()}
    ),
    relaxation=(Relaxation(after_seconds=60, lower={"lang:zh": 1}, drop=("08",), widen=("*",)),),
    overflow=(
        OverflowRule(
            when=Limit.CLOSED, to_queue_id=SALES, promise=Promise.CALLBACK, words={"no": "Ja", "otherwise": "Soon"}
        ),
        OverflowRule(when=Limit.WAITED, limit=300, to_queue_id=SALES),
    ),
)
QUEUES = {
    RETURNS: Queue(definition=FULL),
    SALES: Queue(definition=QueueDefinition(name="Sales")),
    GONE: Queue(definition=sends_on(QueueDefinition(name="Gone"), SALES), is_retired=True),
}


def test_what_is_written_applies_back_to_the_same() -> None:
    document = document_of(RULES, QUEUES)

    plans = [read_plan(text, "shown", QUEUES) for text in (as_yaml(document), as_json(document))]

    assert plans[0] == plans[1]
    assert plans[0].rules == RULES
    assert plans[0].retires == {GONE}
    assert [queue_events(plans[0], queue_id, one) for queue_id, one in QUEUES.items()] == [[], [], []]


def test_what_is_at_its_default_is_left_out() -> None:
    assert document_of(RoutingPolicy(), {SALES: QUEUES[SALES]}) == {"policy": {}, "queues": {"Sales": {}}}


def test_queues_of_the_same_name_are_written_by_their_ids() -> None:
    queues = {RETURNS: QUEUES[SALES], SALES: QUEUES[SALES]}

    document = document_of(RoutingPolicy(), queues)

    assert document["queues"] == {RETURNS: {"name": "Sales"}, SALES: {"name": "Sales"}}
    assert read_plan(as_yaml(document), "shown", queues).queues == dict.fromkeys(queues, QueueDefinition(name="Sales"))


def test_a_target_is_said_together_with_its_deadline() -> None:
    queue = Queue(definition=QueueDefinition(name="Sales", service_level_target=0.9))

    assert document_of(RoutingPolicy(), {SALES: queue})["queues"] == {
        "Sales": {"service_level_target": 0.9, "service_level_seconds": 60}
    }


def test_the_hash_is_of_what_is_said_not_of_how() -> None:
    texts = ["queues: {Sales: {priority: 1}}", '{"queues":\n {"Sales": {"priority": 1, "groups": []}}}']

    assert len({digest(read_plan(text, "x", QUEUES)) for text in texts}) == 1
    assert digest(read_plan("queues: {Sales: {priority: 2}}", "x", QUEUES)) not in texts


HOURS = {"time_zone": "UTC", "weekly": {"mon": [["09:00", "18:00"]]}}
STEP = {"after_seconds": 60, "widen": ["night"]}
RULE = {"when": "waited", "limit": 5, "to_queue": "Returns"}


def with_defaults(fields: dict[str, Any], kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The fields, and all others of the type as what they are where nothing is said."""
    known = {field.name: field for field in msgspec.structs.fields(kind) if not field.required}
    return {name: msgspec.to_builtins(field_default(field)) for name, field in known.items()} | fields


SAID: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"policy": {}}, {"policy": with_defaults({"weights": with_defaults({}, Weights)}, RoutingPolicy)}),
    ({"policy": {"weights": {"load": 2}}}, {"policy": {"weights": with_defaults({"load": 2.0}, Weights)}}),
    ({"policy": {"weights": {"load": 0}}}, {"policy": {"weights": with_defaults({"load": -0.0}, Weights)}}),
    ({"queues": {"Sales": {}}}, {"queues": {"Sales": with_defaults({}, QueueDefinition)}}),
    (
        {"queues": {"Sales": {"opening_hours": HOURS, "relaxation": [STEP], "overflow": [RULE]}}},
        {
            "queues": {
                "Sales": {
                    "opening_hours": with_defaults(HOURS, OpeningHours),
                    "relaxation": [with_defaults(STEP, Relaxation)],
                    "overflow": [with_defaults(RULE, OverflowRule)],
                }
            }
        },
    ),
]


@pytest.mark.parametrize(("short", "full"), SAID)
def test_what_is_said_at_its_default_has_the_same_hash_and_is_not_written(
    short: dict[str, Any], full: dict[str, Any]
) -> None:
    plans = [read_plan(json.dumps(one), "x", QUEUES) for one in (short, full)]
    written = [
        document_of(plan.rules or RULES, QUEUES | {key: Queue(definition=one) for key, one in plan.queues.items()})
        for plan in plans
    ]

    assert digest(plans[0]) == digest(plans[1])
    assert written[0] == written[1]
    assert len({rules_digest(plan.rules) for plan in plans if plan.rules is not None}) <= 1


def test_rules_of_old_keep_their_hash() -> None:
    assert (
        rules_digest(RoutingPolicy())
        == hashlib.sha256(msgspec.json.encode(RoutingPolicy(), order="deterministic")).hexdigest()
    )


WORDS = some.text(some.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)


@settings(max_examples=100)
@given(WORDS.filter(str.strip))
def test_any_word_is_read_as_it_was_written(word: str) -> None:
    queues = {SALES: Queue(definition=QueueDefinition(name=word, groups=(word,), required_skills={word: 1}))}

    for write in (as_yaml, as_json):
        text = write(document_of(RoutingPolicy(), queues))
        assert read_plan(text, "shown", queues).queues == {SALES: queues[SALES].definition}


@pytest.mark.parametrize("queues", [{}, QUEUES])
def test_a_document_is_read_in_any_deployment(queues: dict[str, Queue]) -> None:
    document = document_of(RULES, {RETURNS: QUEUES[RETURNS], SALES: QUEUES[SALES]})

    plan = read_plan(as_yaml(document), "shown", queues)

    assert sorted(definition.name for definition in plan.queues.values()) == ["Returns", "Sales"]
