"""Live call events at the webhook door: one call, one entry in the log."""

import secrets
from urllib.parse import urlencode

import httpx
import pytest

from domain.calls.stages import CallLogged
from tests.api.deliveries.situations import definition, read_all
from tests.api.deployment import Caller, Deployment
from tests.api.situations import Shop, a_shop


@pytest.fixture
def shop(deployment: Deployment, administrator: Caller) -> Shop:
    settings = {"provider": "sipgate", "secret": secrets.token_hex(8)}
    return a_shop(deployment, administrator, channel="phone", settings=settings)


def secret_of(shop: Shop) -> str:
    return f"secret={definition(shop).settings['secret']}"


def tell(shop: Shop, call_id: str, event: str, query: str = "", **fields: str) -> httpx.Response:
    told = {"event": event, "callId": call_id, "from": "492111234567", "to": "4915791234567", "direction": "in"}
    return shop.deployment.anybody().ask(
        "POST",
        f"/v1/webhooks/phone/{shop.account_id}?{query or secret_of(shop)}",
        content=urlencode(told | fields).encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )


def logged(deployment: Deployment, call_id: str) -> list[CallLogged]:
    async def found() -> list[CallLogged]:
        events, _ = await deployment.parts.log.read(0, 10_000, ["conversation.call_logged"])
        return [one.event for one in events if isinstance(one.event, CallLogged) and one.event.call_id == call_id]

    return deployment.run(found())


def test_a_call_told_in_any_order_and_twice_is_one_entry(deployment: Deployment, shop: Shop) -> None:
    call_id = secrets.token_hex(4)

    answers = [
        tell(shop, call_id, "hangup", cause="normalClearing"),
        tell(shop, call_id, "answer"),
        tell(shop, call_id, "newCall"),
        tell(shop, call_id, "hangup", cause="normalClearing"),
    ]
    refused = tell(shop, call_id, "hangup", query="secret=wrong", cause="busy")
    read_all(deployment)

    assert [one.status_code for one in answers] == [200] * 4
    assert refused.status_code == 401
    assert answers[2].headers["content-type"] == "application/xml"
    assert f"/v1/webhooks/phone/{shop.account_id}?{secret_of(shop)}" in answers[2].text
    (call,) = logged(deployment, call_id)
    assert (call.handle, call.outcome) == ("+492111234567", "answered")
