"""A batch through the adapter door: the good messages are stored, and each of the others is told what is wrong."""

from typing import Any

import httpx
import pytest

from domain.customer import OPEN_CONVERSATIONS_MAX
from tests.api.deployment import Caller, Deployment
from tests.api.situations import Shop, a_shop


@pytest.fixture
def shop(deployment: Deployment, administrator: Caller) -> Shop:
    return a_shop(deployment, administrator)


def a_message(shop: Shop, number: int, **changes: Any) -> dict[str, Any]:
    return {
        "account": shop.account_id,
        "message_id": f"m-{number}",
        "handle": f"h-{number}",
        "text": "Hello",
    } | changes


def bring(shop: Shop, *messages: Any, key: str = "") -> httpx.Response:
    path = f"/v1/accounts/{shop.account_id}/messages/batch"
    headers = {"Idempotency-Key": key} if key else {}
    return shop.adapter.ask("POST", path, json={"messages": list(messages)}, headers=headers)


@pytest.mark.parametrize(
    ("wrong", "pointer", "limit"),
    [
        ({"handle": "x" * 257}, "/messages/1/handle", 256),
        ({"text": 7}, "/messages/1/text", None),
        ({"text": "a\0b"}, "/messages/1/text", None),
        ({"text": " "}, "/messages/1/text", None),
        ({"account": "account-of-another"}, "/messages/1/account", None),
        ({"occurred_at": "1969-11-11T00:00:01Z"}, "/messages/1/occurred_at", None),
        ({"content": {"attachments": [{}, {"size_bytes": -1}]}}, "/messages/1/content/attachments/1/size_bytes", 0),
        ({"colour": "red"}, "/messages/1/colour", None),
    ],
)
def test_one_that_is_refused_keeps_none_of_the_others_away(
    shop: Shop, wrong: dict[str, Any], pointer: str, limit: int | None
) -> None:
    answer = bring(shop, a_message(shop, 0), a_message(shop, 1, **wrong), a_message(shop, 2))

    first, refused, last = answer.json()["messages"]
    assert answer.status_code == 207
    assert [one["outcome"] for one in (first, refused, last)] == ["stored", "refused", "stored"]
    assert answer.json()["position"] == max(first["position"], last["position"])
    problem = refused["problem"]
    assert (problem["type"], problem["status"]) == ("/problems/invalid", 400)
    assert [(one["pointer"], one.get("limit")) for one in problem["errors"]] == [(pointer, limit)]


@pytest.mark.parametrize(("count", "limit"), [(0, 1), (501, 500)])
def test_a_batch_is_of_one_to_500_messages(shop: Shop, count: int, limit: int) -> None:
    answer = bring(shop, *(a_message(shop, number) for number in range(count)))

    (error,) = answer.json()["errors"]
    assert answer.status_code == 400
    assert (error["field"], error["limit"]) == ("$.messages", limit)


def test_what_is_mended_is_stored_and_the_rest_recognised(shop: Shop) -> None:
    first = bring(shop, a_message(shop, 0), a_message(shop, 1, text=""), "no message")
    again = bring(shop, a_message(shop, 0), a_message(shop, 1), "no message")

    assert [one["outcome"] for one in first.json()["messages"]] == ["stored", "refused", "refused"]
    assert [one["outcome"] for one in again.json()["messages"]] == ["recognised", "stored", "refused"]
    kept, same = ({**one["messages"][0], "outcome": ""} for one in (first.json(), again.json()))
    assert kept == same
    assert "idempotent-replayed" not in again.headers


def test_a_batch_of_which_nothing_can_be_taken_is_a_problem_that_names_each(shop: Shop) -> None:
    answer = bring(shop, a_message(shop, 0, text=""), a_message(shop, 1, handle=""))

    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/messages/0/text", "/messages/1/handle"]


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b'{"messages": []}', 400), (b'{"messages": 7}', 400), (b'{"more": 1}', 400)]
)
def test_what_is_no_batch_is_refused_whole(shop: Shop, body: bytes, status: int) -> None:
    answer = shop.adapter.ask("POST", f"/v1/accounts/{shop.account_id}/messages/batch", content=body)

    assert (answer.status_code, answer.json()["type"]) == (status, "/problems/invalid")


def test_a_rule_that_refuses_one_customers_message_refuses_only_that(shop: Shop) -> None:
    several = [a_message(shop, number, handle="ana", thread=f"t-{number}") for number in range(OPEN_CONVERSATIONS_MAX)]
    for start in range(0, len(several), 500):
        assert bring(shop, *several[start : start + 500]).status_code == 201

    one_too_many = a_message(shop, 9_001, handle="ana", thread="one more")
    answer = bring(shop, a_message(shop, 9_000), one_too_many, a_message(shop, 9_002), key="k")

    assert answer.status_code == 207
    assert [one["outcome"] for one in answer.json()["messages"]] == ["stored", "refused", "stored"]
    problem = answer.json()["messages"][1]["problem"]
    assert (problem["type"], problem["status"]) == ("/problems/too-many-conversations", 409)
    assert [one["pointer"] for one in problem["errors"]] == ["/messages/1"]
