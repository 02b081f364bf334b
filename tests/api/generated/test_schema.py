"""Schemathesis against our own OpenAPI document: statuses, media types, headers and bodies are as it says."""

import re
import secrets
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as some
from schemathesis import Case
from schemathesis.checks import load_all_checks
from schemathesis.core.result import Ok
from schemathesis.pytest.lazy import get_all_tests

from api.access.permissions import PERMISSIONS, Reach
from api.http.openapi import openapi_document
from api.routes.table import OPERATIONS, OPERATIONS_BY_TAG
from domain.person import Role
from tests.api.deployment import Caller, Deployment
from tests.api.situations import a_shop

EXAMPLES_MAX = 3
schemathesis.openapi.format(
    "date-time", some.datetimes().filter(lambda at: 1970 < at.year < 2026).map(lambda at: f"{at.isoformat()}Z")
)


@schemathesis.serializer("message/rfc822")
def as_it_is(_: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


load_all_checks()
DOCUMENT = schemathesis.openapi.from_dict(openapi_document(OPERATIONS_BY_TAG))
BY_NAME = {operation.name: operation for operation in OPERATIONS}


@pytest.fixture(scope="module")
def callers(deployment: Deployment, administrator: Caller, supervisor: Caller, auditor: Caller) -> dict[Role, Caller]:
    return {
        Role.ADMINISTRATOR: administrator,
        Role.SUPERVISOR: supervisor,
        Role.AUDITOR: auditor,
        Role.ADAPTER: a_shop(deployment, administrator).adapter,
    }


def headers_for(name: str, callers: dict[Role, Caller]) -> dict[str, str]:
    """Of a caller whose role may do it."""
    action = BY_NAME[name].action
    if action is None:
        return {}
    role = next(role for role in callers if PERMISSIONS[action, role] is not Reach.NONE)
    return callers[role].headers


def make_possible(case: Case[Any]) -> None:
    """What no schema can say: a key is new, a cursor comes from a page, a revision is the newest, no view is ahead."""
    if case.headers and re.fullmatch(r"[!#-~]{1,255}", str(case.headers.get("Idempotency-Key", ""))):
        case.headers["Idempotency-Key"] = secrets.token_hex(8)
    if case.query and re.fullmatch(r"[0-9]+", str(case.query.get("min_position", ""))):
        case.query["min_position"] = 0
    if case.headers and case.meta is not None and case.meta.generation.mode.is_positive:
        case.headers.pop("If-Match", None)
    if case.query and case.meta is not None and case.meta.generation.mode.is_positive:
        case.query.pop("cursor", None)


FEW = settings(
    max_examples=EXAMPLES_MAX,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


# Not DOCUMENT.parametrize(): that makes up the cases of all operations at collection, whatever is run then.
@pytest.mark.parametrize("name", BY_NAME)
def test_every_answer_is_as_the_document_says(name: str, deployment: Deployment, callers: dict[Role, Caller]) -> None:
    def demand_what_it_says(case: Case[Any]) -> None:
        make_possible(case)
        answer = case.call(base_url=str(deployment.http.base_url), headers=headers_for(name, callers))
        case.validate_response(answer)

    schema = DOCUMENT.include(operation_id=name)
    (made,) = get_all_tests(schema=schema, test_func=demand_what_it_says, settings=FEW, given_kwargs=None)
    assert isinstance(made, Ok)
    _, demand_it_of_every_case = made.ok()

    demand_it_of_every_case()
