"""Idempotency keys: the same key with the same request gets the first answer again, and nothing happens twice."""

import pytest

from api.http.idempotency import read_key
from api.http.operation import Operation
from api.http.refusals import Invalid, KeyMissing
from api.routes.table import OPERATIONS
from tests.api.deployment import Caller, Deployment
from tests.api.situations import a_held_conversation, a_shop, an_offered_conversation

EXEMPT = {
    "begin_session",
    "renew_session",
    "issue_ticket",
    "take_delivery",
    "take_delivery_of_account",
    "welcome_visitor",
    "check_plan",
    "upload_file",
    "upload_as_visitor",
    "download_as_visitor",
}
"""Nothing is stored, or the provider's message ids or a digest do the job."""


def test_a_repeat_gets_the_first_answer_and_says_so(deployment: Deployment, administrator: Caller) -> None:
    first = administrator.post("/v1/queues", {"name": "Once"}, key="queue-once")
    head = deployment.run(deployment.parts.log.head())

    again = administrator.post("/v1/queues", {"name": "Once"}, key='"queue-once"')

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["onethread-position"] == first.headers["onethread-position"]
    assert deployment.run(deployment.parts.log.head()) == head


def test_the_same_key_with_another_request_is_refused(administrator: Caller) -> None:
    administrator.post("/v1/queues", {"name": "One"}, key="reused")

    other_body = administrator.post("/v1/queues", {"name": "Two"}, key="reused")
    other_path = administrator.post("/v1/people/keys", {"name": "One", "role": "auditor"}, key="reused")

    assert [one.status_code for one in (other_body, other_path)] == [422, 422]
    assert other_body.json()["type"] == "/problems/key-reused"


def test_a_key_is_the_callers_own(deployment: Deployment, administrator: Caller, supervisor: Caller) -> None:
    held = a_held_conversation(a_shop(deployment, administrator))

    first = supervisor.post(f"{held.path}/note", {"text": "mine"}, key="shared")
    second = held.agent.post(f"{held.path}/note", {"text": "mine"}, key="shared")

    assert first.json() != second.json()
    assert "idempotent-replayed" not in second.headers


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.method == "POST"], ids=lambda one: one.name)
def test_every_command_asks_for_a_key_unless_the_message_id_does_the_job(operation: Operation) -> None:
    messages = {"bring_message", "bring_messages", "bring_mail", "record_call"}

    wanted = "none" if operation.name in EXEMPT else "optional" if operation.name in messages else "required"

    assert operation.key == wanted


def test_a_command_without_a_key_is_refused(administrator: Caller) -> None:
    answer = administrator.ask("POST", "/v1/queues", json={"name": "x"})

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/key-missing")


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("8e03978e-40d5", "8e03978e-40d5"),
        ('"8e03978e-40d5"', "8e03978e-40d5"),
        (' "two words" ', "two words"),
        (r'"a \"quoted\" \\ one"', r'a "quoted" \ one'),
        ("x" * 255, "x" * 255),
    ],
)
def test_quoted_and_bare_keys_are_read(header: str, key: str) -> None:
    assert read_key(header, is_required=True) == key


@pytest.mark.parametrize("header", ["", '""', "two words", '"open', 'mid"dle', "ключ", "x" * 256, '"\\x"', "a\tb"])
def test_odd_keys_are_refused_by_name(header: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_key(header, is_required=True)

    assert refused.value.field == "header.Idempotency-Key"


@pytest.mark.parametrize("name", ["Idempotency-Key", "If-Match", "Authorization", "Content-Type"])
def test_a_header_that_says_two_things_is_refused_by_name(administrator: Caller, name: str) -> None:
    headers = {"Idempotency-Key": "one", **administrator.headers}
    headers |= {name: headers.get(name, '"1"')}

    answer = administrator.http.post("/v1/queues", json={"name": "x"}, headers=[*headers.items(), (name, '"2"')])

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, f"header.{name.lower()}")


def test_a_missing_key_counts_only_where_one_is_needed() -> None:
    assert read_key(None, is_required=False) is None
    with pytest.raises(KeyMissing):
        read_key(None, is_required=True)


def test_accepting_again_after_closing_still_gets_the_first_answer(
    deployment: Deployment, administrator: Caller
) -> None:
    offered = an_offered_conversation(a_shop(deployment, administrator))
    path = f"{offered.path}/offers/{offered.offer_id}/accept"
    first = offered.agent.post(path, key="accept")
    offered.agent.done(f"{offered.path}/close", key="close")

    again = [offered.agent.post(path, key="accept"), offered.agent.post(f"{offered.path}/close", key="close")]

    assert again[0].content == first.content
    assert [one.headers["idempotent-replayed"] for one in again] == ["true", "true"]


def test_a_key_of_a_program_is_shown_once(administrator: Caller) -> None:
    wanted = {"name": "Integration", "role": "auditor"}
    first = administrator.done("/v1/people/keys", wanted, key="key-once")

    again = administrator.done("/v1/people/keys", wanted, key="key-once")

    assert first["key"].startswith("onethread_")
    assert "key" not in again
    assert again["person_id"] == first["person_id"]
    assert "shown when it was issued" in again["notice"]


def test_a_customer_registered_twice_is_one(deployment: Deployment, administrator: Caller, supervisor: Caller) -> None:
    somebody = {"name": "Li Na", "identities": [{"channel": "email", "handle": "li.na@example.com"}]}

    first = supervisor.post("/v1/customers", somebody, key="li-na")
    again = supervisor.post("/v1/customers", somebody, key="li-na")
    taken = supervisor.post("/v1/customers", somebody, key="another")

    assert first.status_code == 201
    assert again.json() == first.json()
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/identity-taken")


def test_a_withheld_number_called_once_is_one_customer(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    shop = a_shop(deployment, administrator, channel="phone")
    call = {"call_id": "c-1", "number": "anonymous", "note": "said nothing"}

    first = supervisor.post(f"/v1/phone/{shop.account_id}/calls", call, key="call")
    again = supervisor.post(f"/v1/phone/{shop.account_id}/calls", call, key="call")
    other_key = supervisor.post(f"/v1/phone/{shop.account_id}/calls", call, key="another-call")

    assert first.status_code == 201
    assert first.json()["conversation_id"].startswith("conversation-")
    assert again.json() == other_key.json() == first.json()
