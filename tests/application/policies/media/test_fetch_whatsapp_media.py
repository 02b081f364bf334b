"""A picture on its whole way: from WhatsApp's webhook, over two requests to a real server, into the store."""

import json
from pathlib import Path

import pytest

from application.follower import Follower
from application.policies.fetch_media import FetchMedia
from channels import whatsapp
from channels.edge.payload import Posted
from domain.account import AccountDefinition
from domain.media import MediaStored
from infrastructure.media.guarded_get import GuardedGet
from tests.application.policies.media.situations import BYTES_MAX, PNG, Counts, a_store, told
from tests.application.situations import NOON, Shop
from tests.media.scripted_host import a_host, response

pytestmark = pytest.mark.anyio
NUMBER = "1122334455667"


def delivery() -> Posted:
    image = {"id": "1037", "mime_type": "image/png"}
    message = {"from": "972987654321", "id": "wamid.1", "timestamp": "1797043223", "type": "image", "image": image}
    value = {"metadata": {"phone_number_id": NUMBER}, "messages": [message]}
    body = {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]}
    return Posted(raw=json.dumps(body).encode(), received_at=NOON)


async def test_a_picture_of_a_webhook_is_got_from_meta_and_kept(shop: Shop, tmp_path: Path) -> None:
    get = GuardedGet(bytes_max=BYTES_MAX, allow_loopback=True)
    with a_host({"/lookaside?mid=1037": [response(status=404), response(PNG)]}) as host:
        told_where = json.dumps({"url": host.url("/lookaside?mid=1037"), "mime_type": "image/png"}).encode()
        host.said["/v25.0/1037"] = response(told_where)
        settings = {"app_secret": "s", "verify_token": "v", "access_token": "EAAG", "api_url": host.url("/v25.0")}
        definition = AccountDefinition(
            channel="whatsapp", name="w", queue_id=shop.queue_id, address=NUMBER, settings=settings
        )
        _, account_id = await shop.set_up.define_account(shop.command(), None, definition)
        await shop.directory_follower.catch_up()
        (_, message), *_ = whatsapp.parse(definition, delivery()).messages
        store, fetchers = a_store(tmp_path), {"whatsapp": whatsapp.fetch}
        policy = FetchMedia(
            shop.commands, shop.directory, fetchers, get, store, shop.positions, shop.clock, Counts(),
            bytes_max=BYTES_MAX, pauses_seconds=(0.0,),
        )  # fmt: skip

        await shop.receive(message, account_id=account_id)
        await Follower(shop.log, policy).catch_up()
        await policy.lanes.idle()
        await get.close()

    refused, stored = await told(shop)
    assert refused.TOPIC == "conversation.media_refused"
    assert isinstance(stored, MediaStored)
    found = await store.get(stored.digest)
    assert found is not None
    assert found[1] == PNG
    assert [head.split(" ")[1] for head in host.asked] == ["/v25.0/1037", "/lookaside?mid=1037"] * 2
