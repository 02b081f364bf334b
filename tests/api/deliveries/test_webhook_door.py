"""The webhook door: what is proven is kept and answered, whatever is in it; what is not proven leaves nothing."""

import json

import pytest

from api.doors.trust import unpacked
from domain.person import Role
from infrastructure.deliveries.store import StoreLimits
from infrastructure.embedded.servers import Servers
from tests.api.deliveries.situations import (
    a_whatsapp_shop,
    definition,
    deliver,
    delivery,
    entry,
    kept,
    messages_for,
    read_all,
    received,
    signed,
)
from tests.api.deployment import Caller, Deployment, a_deployment
from tests.api.situations import Shop
from tests.databases import an_empty_database

HOOK = "/v1/webhooks/whatsapp"


@pytest.fixture
def shop(deployment: Deployment, administrator: Caller) -> Shop:
    return a_whatsapp_shop(deployment, administrator)


def count(deployment: Deployment) -> int:
    """Deliveries ever kept, by the number of the next."""

    async def rows() -> int:
        found = await deployment.parts.log.pool.execute("SELECT count(*) FROM onethread_deliveries")
        return int(found[0][0])

    return deployment.run(rows())


def test_a_signed_delivery_is_taken_in_once_however_often_it_comes(deployment: Deployment, shop: Shop) -> None:
    body = messages_for(shop, ("wamid.1", "Hello"), ("wamid.2", "Are you there?"))

    first = deliver(shop, body)
    again = deliver(shop, body, path=f"/{shop.account_id}")
    read_all(deployment)

    assert (first.status_code, first.content) == (again.status_code, again.content) == (200, b"")
    assert received(shop) == ["Hello", "Are you there?"]


def test_an_emoji_body_and_one_of_three_megabytes_pass(deployment: Deployment, shop: Shop) -> None:
    huge = json.loads(messages_for(shop, ("wamid.huge", "big")))
    huge["padding"] = "x" * 3_000_000

    answers = [deliver(shop, messages_for(shop, ("wamid.emoji", "🎁é"))), deliver(shop, json.dumps(huge).encode())]
    read_all(deployment)

    assert [answer.status_code for answer in answers] == [200, 200]
    assert received(shop) == ["🎁é", "big"]


def test_a_hook_with_another_secret_than_the_accounts_is_told_to_operators_once_a_minute(
    deployment: Deployment, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    secret, path = "the secret of another app", f"{HOOK}/{shop.account_id}"

    for _ in range(3):
        assert deliver(shop, messages_for(shop, ("wamid.x", "Hi")), secret=secret, path=f"/{shop.account_id}").is_error

    told = [one for one in caplog.messages if "is refused" in one]
    assert len(told) == 1
    assert told[0].startswith(f"a delivery at {path} is refused: ")
    assert secret not in caplog.text


def test_what_is_not_proven_is_refused_and_leaves_nothing(deployment: Deployment, shop: Shop) -> None:
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"text": "é"}]}).encode()
    headers, anybody = signed(body, definition(shop).settings["app_secret"]), deployment.anybody()
    before = count(deployment)

    answers = [
        anybody.ask("POST", HOOK, content=bytes([body[0] ^ 1]) + body[1:], headers=headers),
        anybody.ask("POST", HOOK, content=body),
        anybody.ask("POST", HOOK, content=json.dumps(json.loads(body), ensure_ascii=False).encode(), headers=headers),
        anybody.ask("POST", HOOK, content=body, headers={"X-Hub-Signature-256": "sha256=short"}),
        deliver(shop, body, secret="another secret"),
    ]

    assert {(answer.status_code, answer.json()["type"]) for answer in answers} == {(401, "/problems/signature-wrong")}
    assert all("www-authenticate" in answer.headers for answer in answers)
    assert count(deployment) == before


def test_an_unknown_channel_or_account_and_too_many_bytes_are_told(deployment: Deployment, shop: Shop) -> None:
    anybody, unknown = deployment.anybody(), f"account-{'0' * 32}"

    for path, status in {"/carrier-pigeon": 404, "/webchat": 404, f"/whatsapp/{unknown}": 404}.items():
        assert anybody.ask("POST", f"/v1/webhooks{path}", content=b"{}").status_code == status
    too_large = anybody.ask("POST", HOOK, content=b" " * (4_194_304 + 1))
    assert (too_large.status_code, too_large.json()["errors"][0]["limit"]) == (413, 4_194_304)


def test_each_secret_speaks_for_its_own_account_on_a_shared_hook(
    deployment: Deployment, administrator: Caller, shop: Shop
) -> None:
    other = a_whatsapp_shop(deployment, administrator)

    answers = [
        deliver(shop, messages_for(shop, ("wamid.s1", "for the first"))),
        deliver(other, messages_for(other, ("wamid.s2", "for the second"))),
        deliver(other, messages_for(shop, ("wamid.s3", "stolen"))),
    ]
    read_all(deployment)

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert (received(shop), received(other)) == (["for the first"], ["for the second"])
    (parked,) = kept(other, administrator)
    assert parked["error"] == f"AccountUnknown: no account here has the address {definition(shop).address}"
    assert parked["account_ids"] == [other.account_id]


def test_a_secret_that_is_being_rolled_is_believed_as_well(deployment: Deployment, administrator: Caller) -> None:
    shop = a_whatsapp_shop(deployment, administrator, "new", app_secret_previous="old")

    answers = [
        deliver(shop, messages_for(shop, (f"wamid.{secret}", secret)), secret=secret) for secret in ("old", "new")
    ]
    read_all(deployment)

    assert [answer.status_code for answer in answers] == [200, 200]
    assert received(shop) == ["old", "new"]


def test_what_is_no_delivery_at_all_is_acknowledged_and_parked(
    deployment: Deployment, administrator: Caller, shop: Shop
) -> None:
    answers = [deliver(shop, body) for body in (b"", b"[", b"[]", b"{}", b"[" * 50_000)]
    read_all(deployment)

    assert {answer.status_code for answer in answers} == {200}
    parked = kept(shop, administrator)
    assert len(parked) == 5
    assert {one["error"].partition(":")[0] for one in parked} == {"UnreadablePayload"}


def test_the_handshake_answers_who_knows_the_token_also_when_paused(
    deployment: Deployment, administrator: Caller, shop: Shop
) -> None:
    query = {
        "hub.mode": "subscribe",
        "hub.verify_token": definition(shop).settings["verify_token"],
        "hub.challenge": "1158201444",
    }
    deployment.known(administrator.done(f"/v1/accounts/{shop.account_id}/pause", {})["position"])

    for path in (HOOK, f"{HOOK}/{shop.account_id}"):
        answer = deployment.anybody().get(path, params=query)
        assert (answer.status_code, answer.text) == (200, "1158201444")
        assert deployment.anybody().get(path, params=query | {"hub.verify_token": "guess"}).status_code == 401
    assert deployment.anybody().get("/v1/webhooks/carrier-pigeon", params=query).status_code == 404


def test_more_than_may_wait_to_be_stored_is_put_off(deployment: Deployment, shop: Shop) -> None:
    store = deployment.parts.deliveries
    usual, store._limits = store._limits, StoreLimits(waiting_max=0)
    try:
        refused = deliver(shop, messages_for(shop, ("wamid.busy", "Hello")))
    finally:
        store._limits = usual

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert deliver(shop, messages_for(shop, ("wamid.busy", "Hello"))).status_code == 200


def test_the_address_is_kept_as_the_provider_called_it(servers: Servers) -> None:
    addresses, query = servers.addresses, "?page=1&name=%C3%A9&page=2"
    with (
        an_empty_database(addresses.database_url) as database_url,
        a_deployment(database_url, addresses.nats_url, public_url="https://cc.shop.example/hooks/") as deployment,
    ):
        shop = a_whatsapp_shop(deployment, deployment.person(Role.ADMINISTRATOR))
        deliver(shop, b"no JSON", path=f"/{shop.account_id}{query}")
        read_all(deployment)
        (parked,) = kept(shop, shop.administrator)
        content = deployment.run(deployment.parts.deliveries.content(parked["id"]))

    assert content is not None
    posted = unpacked(content)
    assert posted.url == f"https://cc.shop.example/hooks/v1/webhooks/whatsapp/{shop.account_id}{query}"
    assert posted.query == {"page": "2", "name": "é"}
    assert posted.headers["x-hub-signature-256"].startswith("sha256=")
    assert posted.raw == b"no JSON"


def test_what_is_kept_cannot_be_read_in_the_database(deployment: Deployment, shop: Shop) -> None:
    deliver(shop, messages_for(shop, ("wamid.sealed", "a telltale text")))

    async def rows() -> bytes:
        found = await deployment.parts.log.pool.execute(
            "SELECT sealed FROM onethread_deliveries WHERE %s = ANY (account_ids)", (shop.account_id,)
        )
        return b"".join(row[0] for row in found)

    stored = deployment.run(rows())
    assert len(stored) > 100
    assert b"telltale" not in stored


def test_the_raw_body_comes_out_as_it_came_for_auditors(
    deployment: Deployment, administrator: Caller, shop: Shop
) -> None:
    body = delivery(entry("nobody's number", ("wamid.raw", "é")))
    deliver(shop, body)
    read_all(deployment)
    (parked,) = kept(shop, administrator)

    raw = deployment.person(Role.AUDITOR).get(f"/v1/deliveries/{parked['id']}/raw")

    assert raw.content == body
    assert raw.headers["content-type"] == "application/octet-stream"
    assert raw.headers["content-disposition"].startswith("attachment")
    assert deployment.person(Role.SUPERVISOR).get(f"/v1/deliveries/{parked['id']}/raw").status_code == 403
