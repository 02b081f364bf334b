"""Whatever a document says, it is read, or its problems are told with their places."""

import json

from hypothesis import given, settings
from hypothesis import strategies as some

from application.plans.document import read_document
from application.plans.problems import PlanUnreadable
from domain.policy import RoutingPolicy
from domain.queue import QueueDefinition
from tests.application.plans.situations import QUEUES

VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: (
        some.lists(inner, max_size=4)
        | some.dictionaries(
            some.sampled_from(["when", "limit", "to_queue", "after_seconds", "lower", "x", "time_zone", "weekly"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
FIELDS = some.sampled_from(
    [*QueueDefinition.__struct_fields__, *RoutingPolicy.__struct_fields__, "retired", "to_queue"]
)
THINGS = some.dictionaries(FIELDS, VALUES)
DOCUMENTS = some.fixed_dictionaries({"policy": THINGS, "queues": some.dictionaries(some.text(max_size=3), THINGS)})
ANYTHING = some.binary(max_size=200) | some.text(max_size=200) | DOCUMENTS.map(json.dumps)


@settings(max_examples=60)
@given(ANYTHING)
def test_whatever_a_document_says_it_is_read_or_its_problems_are_told(raw: bytes | str) -> None:
    try:
        problems = read_document(raw, QUEUES).problems
    except PlanUnreadable as refused:
        problems = refused.problems

    assert all(problem.line > 0 and problem.column > 0 and problem.reason for problem in problems)
