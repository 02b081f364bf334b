"""Routing documents over HTTP: checked, applied as one, refused with places, and their history."""

import json
import secrets
from typing import Any

import httpx
import pytest

from tests.api.deployment import Caller, Deployment
from tests.api.edge.test_problems import problem
from tests.api.situations import Shop, a_shop


@pytest.fixture(scope="module")
def shop(deployment: Deployment, administrator: Caller) -> Shop:
    """Two agents who can serve its queue, known to the directory."""
    made = a_shop(deployment, administrator)
    for _ in range(2):
        made.agent(is_available=False)
    return made


def send(
    caller: Caller, what: str, text: str, *, media_type: str = "application/yaml", key: str = "", **headers: str
) -> httpx.Response:
    given = {"Content-Type": media_type, "Idempotency-Key": key or secrets.token_hex(8), **headers}
    return caller.ask("POST", f"/v1/policy/{what}", content=text.encode(), headers=given)


def number_of(caller: Caller) -> int:
    return int(caller.shown("/v1/policy")["number"])


def a_document(shop: Shop, name: str = "", **queue: Any) -> str:
    """A queue that the shop's agents can serve."""
    name = name or f"Q {secrets.token_hex(4)}"
    return json.dumps({"queues": {name: {"required_skills": {shop.skill: 2}, **queue}}})


def test_a_document_is_checked_then_applied(shop: Shop, administrator: Caller) -> None:
    text = a_document(shop, "Checked")

    checked = send(administrator, "check", text).json()
    applied = send(administrator, "apply", text, **{"If-Match": f'"{checked["number"]}"'})

    assert (checked["changes"], checked["warnings"]) == (["Checked"], [])
    assert applied.status_code == 200, applied.text
    assert applied.json() == {
        "position": int(applied.headers["onethread-position"]),
        "number": checked["number"] + 1,
        "sha256": checked["sha256"],
    }


@pytest.mark.parametrize("media_type", ["application/yaml", "application/json", "text/yaml; charset=utf-8"])
def test_yaml_and_json_are_taken(shop: Shop, administrator: Caller, media_type: str) -> None:
    assert send(administrator, "check", a_document(shop), media_type=media_type).status_code == 200


def test_another_media_type_is_not_taken(administrator: Caller) -> None:
    problem(send(administrator, "check", "queues: {}", media_type="text/html"), 415, "media-type-unsupported")
    problem(send(administrator, "apply", "queues: {}", media_type="text/html"), 415, "media-type-unsupported")


@pytest.mark.parametrize("what", ["check", "apply"])
def test_what_cannot_be_read_is_a_problem_with_places(administrator: Caller, what: str) -> None:
    told = problem(send(administrator, what, "queues:\n  A: {priority: 99, colour: red}"), 409, "plan-unreadable")

    assert told["errors"] == [
        {"field": "$.queues.A.priority", "detail": "99 is not within 0 to 10", "line": 2, "column": 7},
        {"field": "$.queues.A.colour", "detail": "there is no such field", "line": 2, "column": 21},
    ]


@pytest.mark.parametrize("what", ["check", "apply"])
def test_what_could_not_work_is_a_problem_with_places(shop: Shop, administrator: Caller, what: str) -> None:
    told = problem(send(administrator, what, "queues: {A: {required_skills: {juggling: 1}}}"), 409, "plan-refused")

    assert told["errors"] == [
        {
            "field": "$.queues.A.required_skills.juggling",
            "detail": "nobody has this skill",
            "line": 1,
            "column": 32,
        }
    ]


def test_warnings_are_told_by_the_check_and_refused_unless_forced(shop: Shop, administrator: Caller) -> None:
    text = a_document(shop, "Warned", relaxation=[{"after_seconds": 60}])

    checked = send(administrator, "check", text)
    refused = problem(send(administrator, "apply", text), 409, "plan-refused")
    forced = send(administrator, "apply?force=true", text)

    (warning,) = checked.json()["warnings"]
    assert (warning["reason"], warning["is_warning"]) == ("this step changes nothing", True)
    assert refused["errors"][0]["severity"] == "warning"
    assert forced.status_code == 200


def test_a_document_made_from_an_older_number_is_refused(shop: Shop, administrator: Caller) -> None:
    answer = send(administrator, "apply", a_document(shop), **{"If-Match": '"999999"'})

    problem(answer, 412, "revision-stale")
    assert administrator.get("/v1/policy").headers["etag"] == f'"{number_of(administrator)}"'


def test_a_repeat_gets_the_first_answer_and_no_new_number(shop: Shop, administrator: Caller) -> None:
    text, key = a_document(shop), secrets.token_hex(8)

    first = send(administrator, "apply", text, key=key)
    send(administrator, "apply", a_document(shop))
    again = send(administrator, "apply", text, key=key)
    other = send(administrator, "apply", a_document(shop), key=key)

    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    problem(other, 422, "key-reused")


def test_the_same_document_again_has_the_same_number(shop: Shop, administrator: Caller) -> None:
    text = a_document(shop)

    first, again = (send(administrator, "apply", text).json() for _ in range(2))

    assert (first["number"], first["sha256"]) == (again["number"], again["sha256"])


def test_history_has_the_hash_of_what_was_applied(shop: Shop, administrator: Caller, auditor: Caller) -> None:
    applied = send(administrator, "apply", a_document(shop, "Told")).json()

    newest = auditor.shown("/v1/policy/history")["items"][0]

    assert (newest["number"], newest["document_sha256"]) == (applied["number"], applied["sha256"])
    assert (newest["position"], newest["actor"], newest["rules"]) == (applied["position"], administrator.id, [])
    assert len(newest["queue_ids"]) == 1


def test_only_administrators_apply_and_check(supervisor: Caller, auditor: Caller) -> None:
    for caller in (supervisor, auditor):
        for what in ("check", "apply"):
            problem(send(caller, what, "queues: {}"), 403, "not-allowed")


def test_an_older_way_of_setting_rules_gives_a_number_too(administrator: Caller) -> None:
    before = number_of(administrator)

    rule_for_nobody = {"tiers": {f"tier-{secrets.token_hex(4)}": 60}}  # others work by these rules too
    administrator.done("/v1/policy/define", rule_for_nobody)
    newest = administrator.shown("/v1/policy/history")["items"][0]

    assert (newest["number"], newest["document_sha256"]) == (before + 1, "")
