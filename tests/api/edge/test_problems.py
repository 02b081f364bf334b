"""Problems: whatever goes wrong is an RFC 9457 document that names the field and the limit, and never a 500 of ours."""

import logging
import socket
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from api.http.answer import Answer
from api.http.asked import Asked, Edge
from api.http.operation import Nothing, Operation, read
from api.http.problems import TABLE, answer_problem, documented
from api.http.refusals import TooManyAttempts
from api.http.serving import routes_of
from application.commands import ClaimTaken, Contended
from application.log import LogBusy, LogUnreachable
from domain.queue import QueueDefinitionInvalid
from domain.workload import AtCapacity
from tests.api.deployment import Caller, Deployment
from tests.api.situations import a_shop

QUEUE = {"name": "Returns"}
SECRET = "Li Na, +8613800138000"


def problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem document, after a look at what every one of them has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert (document["type"], document["status"]) == (f"/problems/{slug}", status)
    assert document["title"]
    assert document["instance"] == answer.url.path
    return document


def test_an_unknown_route_is_a_problem(deployment: Deployment) -> None:
    problem(deployment.anybody().get("/v1/nothing"), 404, "no-route")


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(deployment: Deployment) -> None:
    answer = deployment.anybody().ask("DELETE", "/v1/queues")

    problem(answer, 405, "method-not-allowed")
    assert set(answer.headers["allow"].split(", ")) >= {"GET", "POST"}


def test_what_can_be_read_can_be_asked_for_without_its_body(deployment: Deployment) -> None:
    whole, head = (deployment.anybody().ask(method, "/health/live") for method in ("GET", "HEAD"))

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert deployment.anybody().ask("HEAD", "/v1/me").status_code == 401


@pytest.mark.parametrize(
    ("body", "field", "limit"),
    [
        (b"", "$", None),
        (b"{", "$", None),
        (b"\xff\xfe", "$", None),
        (b'{"name": "\xff"}', "$", None),
        (b"[]", "$", None),
        (b"null", "$", None),
        (b"{}", "$.name", None),
        (b'{"name": 7}', "$.name", None),
        (b'{"name": ""}', "$.name", 1),
        (b'{"name": "x", "colour": "red"}', "$.colour", None),
        (b'{"name": "a\\u0000b"}', "$.name", None),
        (b'{"name": "\\ud800"}', "$.name", None),
        (b'{"name": "\\udc00x"}', "$.name", None),
        (b'{"name": "x", "required_skills": {"\\ud800": 1}}', "$.required_skills.\\ud800", None),
        (b'{"name": "x", "priority": -1}', "$.priority", 0),
        (b'{"name": "x", "priority": 11}', "$.priority", 10),
        (b'{"name": "x", "priority": 1e400}', "$.priority", None),
        (b'{"name": "x", "priority": ' + b"9" * 5_000 + b"}", "$.priority", None),
        (b'{"name": "x", "priority": 99999999999999999999}', "$.priority", 10),
        (b'{"name": "x", "priority": true}', "$.priority", None),
        (b'{"name": "x", "priority": NaN}', "$", None),
        (b'{"name": "' + b"x" * 201 + b'"}', "$.name", 200),
        (b'{"name": ' + b"[" * 100_000, "$.name", None),
        (b'{"name": "x", "deep": ' + b"[" * 100_000, "$.deep", None),
        (b"[" * 100_000, "$", None),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, bytes) else str(value),
)
def test_a_bad_body_names_the_field_and_the_limit(
    administrator: Caller, body: bytes, field: str, limit: int | None
) -> None:
    headers = {"Idempotency-Key": "bad-body", "Content-Type": "application/json"}

    document = problem(administrator.ask("POST", "/v1/queues", content=body, headers=headers), 400, "invalid")

    assert [(one["field"], one.get("limit")) for one in document["errors"]] == [(field, limit)]


def test_a_whole_number_may_come_with_a_point(administrator: Caller) -> None:
    taken = administrator.ask(
        "POST", "/v1/queues", content=b'{"name": "x", "priority": 5.0}', headers={"Idempotency-Key": "point"}
    )
    broken = administrator.ask(
        "POST", "/v1/queues", content=b'{"priority": 5.0, "name": "\\ud800"}', headers={"Idempotency-Key": "broken"}
    )

    assert taken.status_code == 201
    problem(broken, 400, "invalid")


@pytest.mark.parametrize(
    ("moment", "is_taken"),
    [
        ("0000-01-01T00:00:00Z", False),
        ("0001-01-01T00:00:00Z", False),
        ("1969-12-31T23:59:59Z", False),
        ("9999-12-31T23:59:59Z", False),
        ("9999-12-31T23:59:59-23:59", False),
        ("2026-02-30T00:00:00Z", False),
        ("2026-01-01T00:00:00", False),
        ("yesterday", False),
        ("2026-01-01T00:00:00+14:00", True),
    ],
)
def test_a_date_that_no_clock_shows_names_its_field(
    adapter_account: tuple[Caller, str], moment: str, *, is_taken: bool
) -> None:
    adapter, account_id = adapter_account
    message = {"account": account_id, "message_id": moment, "handle": "ana", "text": "x", "occurred_at": moment}

    answer = adapter.post(f"/v1/accounts/{account_id}/messages", message)

    if is_taken:
        assert answer.status_code == 201
    else:
        assert [one["field"] for one in problem(answer, 400, "invalid")["errors"]] == ["$.occurred_at"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "query.limit"),
        ("limit=201", "query.limit"),
        ("limit=x", "query.limit"),
        ("limit=" + "9" * 5_000, "query.limit"),
        ("min_position=-1", "query.min_position"),
        ("min_postion=1", "query.min_postion"),
        ("limit=1&limit=2", "query.limit"),
        ("cursor=nonsense", "query.cursor"),
        ("cursor=%00", "query.cursor"),
        ("status=asleep", "query.status"),
        ("agent_id=agent-1", "query.agent_id"),
        ("&".join(f"a{number}=1" for number in range(50)), "query"),
    ],
)
def test_a_bad_query_names_its_parameter(supervisor: Caller, query: str, field: str) -> None:
    document = problem(supervisor.get(f"/v1/conversations?{query}"), 400, "invalid")

    assert [one["field"] for one in document["errors"]] == [field]


def test_a_body_over_the_limit_is_refused_by_its_length(administrator: Caller) -> None:
    answer = administrator.ask("POST", "/v1/queues", content=b" " * 10_000_000, headers={"Idempotency-Key": "large"})

    document = problem(answer, 413, "body-too-large")
    assert document["errors"] == [{"field": "$", "detail": "the body may have 4194304 bytes", "limit": 4_194_304}]


def test_a_body_over_the_limit_is_refused_while_it_arrives(administrator: Caller) -> None:
    def chunks() -> Any:
        for _ in range(80):
            yield b" " * 65_536

    answer = administrator.ask("POST", "/v1/queues", content=chunks(), headers={"Idempotency-Key": "streamed"})

    problem(answer, 413, "body-too-large")


def test_another_media_type_is_refused(administrator: Caller) -> None:
    headers = {"Content-Type": "text/xml", "Idempotency-Key": "xml"}

    problem(administrator.ask("POST", "/v1/queues", content=b"<x/>", headers=headers), 415, "media-type-unsupported")


def test_a_view_that_is_not_there_yet_says_when_to_ask_again(supervisor: Caller) -> None:
    answer = supervisor.get("/v1/conversations", params={"min_position": 2**50})

    problem(answer, 503, "view-behind")
    assert answer.headers["retry-after"] == "1"


def test_a_broken_rule_is_told_by_its_own_sentence(administrator: Caller) -> None:
    account = {"channel": "whatsapp", "name": "x", "queue_id": administrator.done("/v1/queues", QUEUE)["queue_id"]}

    document = problem(administrator.post("/v1/accounts", account), 409, "account-invalid")

    assert [one["field"] for one in document["errors"]] == ["$.settings.app_secret"]


def test_a_caller_who_hangs_up_is_no_error(deployment: Deployment, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_connection(("127.0.0.1", deployment.port)) as connection:
        connection.sendall(b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")

    assert deployment.anybody().get("/health/live").status_code == 200
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def a_failing_operation() -> Operation:
    @read("/v1/fails", None, gives=None)
    async def fails(asked: Asked[Nothing]) -> Answer:
        """Fail."""
        raise ZeroDivisionError(SECRET)

    return fails


def test_the_unexpected_is_logged_without_what_anybody_said(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    app = Litestar(routes_of([a_failing_operation()], Edge(deployment.parts)), openapi_config=None, logging_config=None)

    with TestClient(app) as client:
        answer = client.get("/v1/fails")

    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/unexpected")
    assert SECRET not in answer.text
    assert "ZeroDivisionError" in caplog.text
    assert "test_problems.py" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (LogBusy(), 503, "1"),
        (LogUnreachable(), 503, "2"),
        (Contended(), 503, "1"),
        (TooManyAttempts(wait_seconds=17), 429, "17"),
        (AtCapacity(), 409, None),
        (QueueDefinitionInvalid("priority: 11 is not within 0 to 10"), 409, None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_the_table_says_status_and_when_to_try_again(error: Exception, status: int, retry_after: str | None) -> None:
    answer = answer_problem(error, "/x")

    assert answer.status == status
    assert dict(answer.headers).get("retry-after") == retry_after


def test_every_kind_of_problem_explains_itself(deployment: Deployment) -> None:
    anybody = deployment.anybody()

    listed = {one["type"] for one in anybody.shown("/problems")["items"]}

    assert listed == {f"/problems/{slug}" for slug in documented()}
    assert anybody.shown("/problems/at-capacity")["title"] == "The agent has no room for this load."
    assert anybody.get("/problems/no-such-problem").status_code == 404
    assert ClaimTaken in TABLE


@pytest.fixture(scope="module")
def adapter_account(deployment: Deployment, administrator: Caller) -> tuple[Caller, str]:
    shop = a_shop(deployment, administrator)
    return shop.adapter, shop.account_id
