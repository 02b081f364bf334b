"""The documents: OpenAPI says everything that the server does, AsyncAPI every frame, and both point nowhere else."""

import json
from typing import Any

import pytest

from api.http.openapi import PROBLEM_TEXTS, openapi_document
from api.http.operation import Operation
from api.metrics import Metrics
from api.routes.table import OPERATIONS, OPERATIONS_BY_TAG
from api.sockets.asyncapi import CODES, asyncapi_document
from api.sockets.connection import Code
from application.follower import Follower
from tests.api.deployment import Deployment, a_deployment
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document(OPERATIONS_BY_TAG)


def described(document: dict[str, Any], operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][operation.path][operation.method.lower()]
    return found


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_every_operation_is_described_with_an_example(document: dict[str, Any], operation: Operation) -> None:
    said = described(document, operation)

    assert said["operationId"] == operation.name
    assert said["summary"]
    assert said["description"]
    assert bool(said["security"]) == (operation.action is not None)
    for content in said.get("requestBody", {}).get("content", {}).values():
        assert "example" in content or not operation.demands_body or operation.takes is bytes
    for status in said["responses"]:
        ours = {operation.status, 304, *operation.other_answers}
        assert int(status) in ours or int(status) in PROBLEM_TEXTS


def test_operation_names_are_unique() -> None:
    names = [operation.name for operation in OPERATIONS]

    assert len(set(names)) == len(names)


def test_every_reference_of_both_documents_leads_somewhere(document: dict[str, Any]) -> None:
    for one in (document, asyncapi_document()):
        for reference in references(one):
            at: Any = one
            for step in reference.removeprefix("#/").split("/"):
                at = at[step.replace("~1", "/")]
            assert at


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [one for item in value.values() for one in references(item)]
    if isinstance(value, list):
        return [one for item in value for one in references(item)]
    return []


def test_the_documents_are_served(deployment: Deployment, document: dict[str, Any]) -> None:
    anybody = deployment.anybody()

    assert anybody.shown("/v1/openapi.json") == json.loads(json.dumps(document))
    assert anybody.shown("/v1/asyncapi.json")["asyncapi"] == "3.0.0"
    page = anybody.get("/v1/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "http" not in page.text.replace("http-equiv", "").replace("HTTP", "")


def test_every_close_code_is_documented() -> None:
    assert set(CODES) == set(Code)


def test_limits_and_meanings_of_fields_show(document: dict[str, Any]) -> None:
    queue = document["components"]["schemas"]["QueueWanted"]["properties"]

    assert queue["priority"]["maximum"] == 10
    assert "skill" in queue["required_skills"]["description"]
    assert queue["name"]["pattern"] == "^[^\\u0000]*$"


def test_moments_in_answers_and_frames_are_told_as_date_times(document: dict[str, Any]) -> None:
    shown, heard = document["components"]["schemas"], asyncapi_document()["components"]["schemas"]

    moment = {"type": "string", "format": "date-time"}
    assert shown["Entry"]["properties"]["occurred_at"] == moment
    assert shown["Entry"]["properties"]["edited_at"]["anyOf"] == [moment, {"type": "null"}]
    assert shown["Agent"]["properties"]["skills_end"]["additionalProperties"] == moment
    assert heard["Message"]["properties"]["at"] == moment


def test_the_process_is_alive_and_ready_and_tells_its_metrics(deployment: Deployment) -> None:
    anybody = deployment.anybody()

    assert anybody.shown("/health/live") == {"status": "alive"}
    ready = anybody.shown("/health/ready")
    assert (ready["status"], ready["log"]) == ("ready", "reachable")
    assert "timeline" in ready["lag_seconds"]
    assert "onethread_append_seconds" in anybody.get("/metrics").text


def test_a_router_that_only_stands_by_is_told_as_one_that_runs_elsewhere(deployment: Deployment) -> None:
    settings, anybody = deployment.parts.settings, deployment.anybody()
    wait_until(lambda: "router" in anybody.shown("/health/ready")["lag_seconds"], what="its router decides")
    same = {name: getattr(settings, name) for name in ("master_keys", "claim_key", "token_key", "data_directory")}

    with a_deployment(settings.database_url, settings.nats_url, **same) as standby:
        told = Metrics()
        told.waiting.labels("queue-of-before").set(3)  # from when it led
        told.measure_routing(standby.parts.router)
        ready = standby.anybody().shown("/health/ready")

    assert "router" in ready["elsewhere"]
    assert "router" not in ready["lag_seconds"]
    assert "router" not in anybody.shown("/health/ready")["elsewhere"]
    assert told.registry.get_sample_value("onethread_queue_waiting", {"queue": "queue-of-before"}) is None


def test_a_reader_that_went_elsewhere_is_no_longer_told_of(deployment: Deployment) -> None:
    parts, told = deployment.parts, Metrics()
    follower = Follower(parts.log, parts.directory)

    def lag_when_at(position: int) -> float | None:
        follower.position = position
        deployment.run(told.measure_lag(parts.log, {"mine": follower}, parts.clock()))
        return told.registry.get_sample_value("onethread_reader_lag_seconds", {"reader": "mine"})

    assert lag_when_at(0) is not None
    assert lag_when_at(-1) is None
