"""The NATS door: what adapters elsewhere publish is stored once, and what cannot be taken is told with the payload."""

import json
from typing import Any

import msgspec
import psycopg
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from api.doors.adapters.nats_door import CONSUMER, PROBLEMS_SUBJECT, STREAM, SUBJECT
from tests.api.deployment import WAIT_SECONDS_MAX, Caller, Deployment
from tests.api.situations import Shop, a_shop
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def shop(deployment: Deployment, administrator: Caller) -> Shop:
    return a_shop(deployment, administrator)


def jetstream(deployment: Deployment) -> JetStreamContext:
    client: Client = deployment.parts.nats.client
    return client.jetstream()


def publish(deployment: Deployment, account_id: str, *payloads: bytes) -> None:
    async def all_of_them() -> None:
        stream = jetstream(deployment)
        for payload in payloads:
            await stream.publish(f"{SUBJECT}.{account_id}", payload)

    deployment.run(all_of_them())


def message(account_id: str, message_id: str, text: str = "Hello") -> bytes:
    return json.dumps({"account": account_id, "message_id": message_id, "handle": "ana", "text": text}).encode()


def is_empty(deployment: Deployment) -> bool:
    """Everything published has been acknowledged or taken off."""

    async def waiting() -> int:
        return (await jetstream(deployment).stream_info(STREAM)).state.messages

    return deployment.run(waiting()) == 0


def texts(shop: Shop, supervisor: Caller, customer_id: str, position: int) -> list[str]:
    page = supervisor.shown(f"/v1/customers/{customer_id}/timeline", params={"min_position": position, "limit": 200})
    return [entry["event"]["content"]["text"] for entry in page["items"] if "content" in entry["event"]]


def test_what_is_published_is_stored_once_and_acknowledged(
    deployment: Deployment, shop: Shop, supervisor: Caller
) -> None:
    published = [message(shop.account_id, f"n-{number}", f"line {number}") for number in range(50)]

    publish(deployment, shop.account_id, *published, published[0])
    wait_until(lambda: is_empty(deployment), what="all are acknowledged")
    again = shop.bring("ana", "line 7", message_id="n-7")
    head = deployment.run(deployment.parts.log.head())

    found = texts(shop, supervisor, again["customer_id"], head)
    assert sorted(found) == sorted(f"line {number}" for number in range(50))


@pytest.mark.parametrize(
    ("payload", "field"),
    [(b"{", "$"), (b'{"account": 7}', "$.account"), (b'{"colour": 7}', "$.colour"), (b"\xff", "$")],
)
def test_a_payload_that_cannot_be_read_is_told_and_taken_off(
    deployment: Deployment, shop: Shop, payload: bytes, field: str
) -> None:
    async def told() -> Any:
        client: Client = deployment.parts.nats.client
        subscription = await client.subscribe(f"{PROBLEMS_SUBJECT}.{shop.account_id}")
        await client.flush()
        await jetstream(deployment).publish(f"{SUBJECT}.{shop.account_id}", payload)
        heard = await subscription.next_msg(WAIT_SECONDS_MAX)
        await subscription.unsubscribe()
        return msgspec.json.decode(heard.data)

    undelivered = deployment.run(told())

    wait_until(lambda: is_empty(deployment), what="it is taken off")
    assert undelivered["problem"]["type"] == "/problems/invalid"
    assert [one["field"] for one in undelivered["problem"]["errors"]] == [field]
    assert undelivered["payload"] == payload.decode("utf-8", "replace")


def test_one_bad_message_does_not_hold_up_its_neighbours(deployment: Deployment, shop: Shop) -> None:
    publish(deployment, shop.account_id, message(shop.account_id, "good-1"), b"[]", message(shop.account_id, "good-2"))
    wait_until(lambda: is_empty(deployment), what="all are acknowledged or taken off")

    head = deployment.run(deployment.parts.log.head())
    positions = [shop.bring("ana", "Hello", message_id=one)["position"] for one in ("good-1", "good-2")]
    assert max(positions) <= head


def parked(shop: Shop, supervisor: Caller) -> list[dict[str, Any]]:
    page = supervisor.shown("/v1/deliveries", params={"account_id": shop.account_id})
    return page["items"]  # type: ignore[no-any-return]


def test_what_cannot_be_taken_is_parked_where_an_operator_sees_it(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    shop = a_shop(deployment, administrator)

    publish(deployment, shop.account_id, b'{"account": 7}', message(shop.account_id, "good"))
    wait_until(lambda: bool(parked(shop, supervisor)), what="it is parked")

    (one,) = parked(shop, supervisor)
    raw = administrator.get(f"/v1/deliveries/{one['id']}/raw")
    health = administrator.shown(f"/v1/accounts/{shop.account_id}/health")
    assert (one["channel"], one["account_ids"]) == ("adapter", [shop.account_id])
    assert one["error"].startswith("Invalid: $.account")
    assert raw.content == b'{"account": 7}'
    assert health["parked"] == 1
    supervisor.done(f"/v1/deliveries/{one['id']}/retry")
    wait_until(lambda: [again["attempts"] for again in parked(shop, supervisor)] == [1], what="it is parked again")


def test_what_is_for_no_account_waits_with_the_deliveries_and_is_not_delivered_for_ever(
    deployment: Deployment, supervisor: Caller
) -> None:
    nobodys = "account-0193a7c2d4e57f0aa1b2c3d4e5f60718"
    query = {"account_id": nobodys, "state": "waiting"}

    publish(deployment, nobodys, message(nobodys, "early"))

    wait_until(lambda: bool(supervisor.shown("/v1/deliveries", params=query)["items"]), what="it is kept")
    wait_until(lambda: is_empty(deployment), what="it is taken off")


def test_a_message_that_meets_what_nobody_thought_of_keeps_no_other_away(
    deployment: Deployment, shop: Shop, supervisor: Caller
) -> None:
    spoilt = shop.bring("spoilt")["customer_id"]
    with psycopg.connect(deployment.parts.settings.database_url) as connection:
        connection.execute("UPDATE onethread_events SET state = '' WHERE originator_id = %s", (spoilt,))
    deployment.parts.commands.states.forget(spoilt)

    of_spoilt = json.loads(message(shop.account_id, "s-1")) | {"handle": "spoilt"}
    publish(deployment, shop.account_id, json.dumps(of_spoilt).encode(), message(shop.account_id, "f-1", "a fine one"))

    wait_until(lambda: is_told(shop, supervisor, "a fine one"), what="the fine one is taken in")


def test_a_door_that_fails_in_the_background_opens_again(
    deployment: Deployment, shop: Shop, supervisor: Caller
) -> None:
    fetch, failures = JetStreamContext.PullSubscription.fetch, [KeyError("nobody thought of it")]

    async def failing(subscription: JetStreamContext.PullSubscription, *more: Any, **named: Any) -> list[Msg]:
        if failures:
            raise failures.pop()
        return await fetch(subscription, *more, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JetStreamContext.PullSubscription, "fetch", failing)
        wait_until(lambda: not failures, what="it has failed")
    publish(deployment, shop.account_id, message(shop.account_id, "f-2", "behind a failure"))

    wait_until(lambda: is_told(shop, supervisor, "behind a failure"), what="the door is open again")


def is_told(shop: Shop, supervisor: Caller, text: str) -> bool:
    """Whether the timeline of `ana` has the text."""
    known = shop.bring("ana", "Hello", message_id="good-1")
    return text in texts(shop, supervisor, known["customer_id"], known["position"])


def test_messages_resume_after_nats_was_lost_and_set_up_anew(deployment: Deployment, shop: Shop) -> None:
    async def forget() -> None:
        await jetstream(deployment).delete_stream(STREAM)

    deployment.run(forget())

    def is_back() -> bool:
        async def consumer() -> None:
            await jetstream(deployment).consumer_info(STREAM, CONSUMER)

        try:
            deployment.run(consumer())
        except Exception:  # noqa: BLE001  # not yet, in whatever way
            return False
        return True

    wait_until(is_back, what="the door opens again")
    publish(deployment, shop.account_id, message(shop.account_id, "after"))
    wait_until(lambda: is_empty(deployment), what="the message is acknowledged")
