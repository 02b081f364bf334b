"""Whatever is sent, bytes, values, headers or paths, is answered with sense: taken, or refused with a problem."""

import json
import secrets
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.api.deployment import Caller, Deployment
from tests.api.situations import Shop, a_shop

EXAMPLES_MAX = 60
NASTY = some.sampled_from(
    [
        "\0",
        "\ud800",
        "\udfff",
        "",
        " ",
        "x" * 70_000,
        "\u202e",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "é" * 300,
    ]
)
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text() | NASTY,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text() | NASTY, inner, max_size=4),
    max_leaves=8,
)
calm = settings(
    max_examples=EXAMPLES_MAX,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def shop(deployment: Deployment, administrator: Caller) -> Shop:
    return a_shop(deployment, administrator)


def demand_sense(answer: Any) -> None:
    """Taken, or refused with a problem document; never an error of ours."""
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


@calm
@given(body=some.binary(max_size=400))
def test_any_bytes_are_answered_with_sense(shop: Shop, administrator: Caller, body: bytes) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    demand_sense(administrator.ask("POST", "/v1/queues", content=body, headers=headers))
    demand_sense(shop.adapter.ask("POST", f"/v1/accounts/{shop.account_id}/messages", content=body))
    demand_sense(shop.adapter.ask("POST", f"/v1/accounts/{shop.account_id}/mail", content=body))
    demand_sense(shop.deployment.anybody().ask("POST", "/v1/webhooks/whatsapp", content=body))
    demand_sense(shop.deployment.anybody().ask("POST", "/v1/sessions", content=body))


@calm
@given(values=some.dictionaries(some.sampled_from(["name", "priority", "required_skills", "colour"]), VALUES))
def test_any_values_in_a_definition_are_answered_with_sense(administrator: Caller, values: dict[str, Any]) -> None:
    body = json.dumps(values).encode()
    demand_sense(
        administrator.ask("POST", "/v1/queues", content=body, headers={"Idempotency-Key": secrets.token_hex(8)})
    )


@calm
@given(
    values=some.dictionaries(
        some.sampled_from(["message_id", "handle", "text", "author", "thread", "subject", "occurred_at", "content"]),
        VALUES,
    )
)
def test_any_values_in_a_message_are_answered_with_sense(shop: Shop, values: dict[str, Any]) -> None:
    message = {"account": shop.account_id, "message_id": "m", "handle": "ana", "text": "x"} | values
    path = f"/v1/accounts/{shop.account_id}/messages"
    demand_sense(shop.adapter.ask("POST", path, content=json.dumps(message).encode()))
    demand_sense(shop.adapter.ask("POST", f"{path}/batch", content=json.dumps({"messages": [message]}).encode()))


@calm
@given(
    header=some.text(some.characters(min_codepoint=33, max_codepoint=126), max_size=300),
    name=some.sampled_from(["Idempotency-Key", "If-Match", "Authorization", "Content-Type", "If-None-Match"]),
)
def test_any_header_is_answered_with_sense(administrator: Caller, header: str, name: str) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(8)} | {name: header}
    demand_sense(administrator.ask("POST", "/v1/queues", json={"name": "x"}, headers=headers))


@calm
@given(path=some.text(max_size=60), query=some.text(max_size=60))
def test_any_path_and_query_are_answered_with_sense(supervisor: Caller, path: str, query: str) -> None:
    quoted = "".join(f"%{byte:02x}" for byte in path.encode("utf-8", "surrogatepass"))
    demand_sense(supervisor.get(f"/v1/customers/{quoted}/timeline"))
    demand_sense(supervisor.get("/v1/conversations", params={"cursor": query.encode("utf-8", "replace").decode()}))
