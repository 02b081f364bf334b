"""Parked deliveries: seen by those who may, taken up again by those who may, over HTTP and on the command line."""

import pytest

from domain.person import Role
from tests.api.deliveries.situations import (
    a_whatsapp_shop,
    definition,
    deliver,
    delivery,
    entry,
    kept,
    read_all,
    received,
)
from tests.api.deployment import Caller, Deployment
from tests.api.situations import Shop, a_shop


@pytest.fixture
def shop(deployment: Deployment, administrator: Caller) -> Shop:
    return a_whatsapp_shop(deployment, administrator)


def for_an_account_to_come(shop: Shop, number: str, *texts: str) -> None:
    """Deliveries for another number of the same app, which nobody has set up here yet."""
    for text in texts:
        assert deliver(shop, delivery(entry(number, (f"wamid.{number}.{text}", text)))).status_code == 200
    read_all(shop.deployment)


def the_account_comes(shop: Shop, number: str) -> Shop:
    settings = definition(shop).settings
    return a_shop(shop.deployment, shop.administrator, channel="whatsapp", address=number, settings=settings)


def test_parked_deliveries_come_in_pages_newest_first(shop: Shop, supervisor: Caller, auditor: Caller) -> None:
    for_an_account_to_come(shop, "301", "a", "b", "c")
    query = {"account_id": shop.account_id, "limit": "2"}

    first = supervisor.shown("/v1/deliveries", params=query)
    second = auditor.shown("/v1/deliveries", params=query | {"cursor": first["next_cursor"]})
    one = supervisor.shown(f"/v1/deliveries/{first['items'][0]['id']}")

    assert [len(page["items"]) for page in (first, second)] == [2, 1]
    assert second["next_cursor"] is None
    times = [item["received_at"] for item in first["items"] + second["items"]]
    assert times == sorted(times, reverse=True)
    assert one == first["items"][0]
    assert (one["state"], one["attempts"], one["channel"]) == ("parked", 1, "whatsapp")
    assert one["size_bytes"] > 200
    assert supervisor.get("/v1/deliveries", params={"cursor": "nonsense"}).status_code == 400


def test_one_delivery_is_taken_up_again_once_what_was_wrong_is_mended(shop: Shop, supervisor: Caller) -> None:
    for_an_account_to_come(shop, "302", "hello")
    (parked,) = kept(shop, supervisor)
    path = f"/v1/deliveries/{parked['id']}"

    other = the_account_comes(shop, "302")
    first = supervisor.post(f"{path}/retry", key="retry-302")
    read_all(shop.deployment)
    again = supervisor.post(f"{path}/retry", key="retry-302")
    refused = supervisor.post(f"{path}/retry")

    assert received(other) == ["hello"]
    assert supervisor.shown(path)["state"] == "done"
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/delivery-not-parked")


def test_all_of_an_account_are_taken_up_again_together(
    deployment: Deployment, administrator: Caller, shop: Shop, supervisor: Caller
) -> None:
    bystander = a_whatsapp_shop(deployment, administrator)
    for_an_account_to_come(shop, "303", "a", "b")
    for_an_account_to_come(bystander, "304", "c")
    other, third = the_account_comes(shop, "303"), the_account_comes(bystander, "304")

    supervisor.done("/v1/deliveries/retry", {"account_id": shop.account_id})
    read_all(deployment)

    assert (received(other), received(third)) == (["a", "b"], [])
    assert (kept(shop, supervisor), len(kept(bystander, supervisor))) == ([], 1)


def test_who_may_look_may_not_always_try_again(deployment: Deployment, shop: Shop, auditor: Caller) -> None:
    for_an_account_to_come(shop, "305", "hello")
    (parked,) = kept(shop, auditor)

    refused = [
        auditor.post(f"/v1/deliveries/{parked['id']}/retry"),
        auditor.post("/v1/deliveries/retry", {}),
        shop.agent().get("/v1/deliveries"),
        deployment.program(Role.ADAPTER).get(f"/v1/deliveries/{parked['id']}"),
    ]

    assert {answer.status_code for answer in refused} == {403}
