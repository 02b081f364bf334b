"""WhatsApp deliveries, signed, and what became of them."""

import hashlib
import hmac
import json
import secrets
from typing import Any

import httpx

from application.log import Log
from domain.interaction import MessageReceived
from tests.api.deployment import Caller, Deployment
from tests.api.situations import Shop, a_shop


def a_whatsapp_shop(deployment: Deployment, administrator: Caller, secret: str = "", **settings: str) -> Shop:
    """With a number and, if none is given, a secret that nobody else has."""
    settings = {"app_secret": secret or secrets.token_hex(8), "verify_token": secrets.token_hex(8), **settings}
    number = str(secrets.randbelow(10**12))
    return a_shop(deployment, administrator, channel="whatsapp", address=number, settings=settings)


def definition(shop: Shop) -> Any:
    return shop.deployment.parts.directory.accounts[shop.account_id].definition


def entry(number: str, *messages: tuple[str, str]) -> dict[str, Any]:
    """Messages by id and text, for our number."""
    found = [
        {"from": "972987654321", "id": one, "timestamp": "1797043223", "type": "text", "text": {"body": text}}
        for one, text in messages
    ]
    value = {
        "metadata": {"phone_number_id": number},
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": "972987654321"}],
        "messages": found,
    }
    return {"id": "1", "changes": [{"field": "messages", "value": value}]}


def delivery(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"object": "whatsapp_business_account", "entry": entries}).encode()


def messages_for(shop: Shop, *messages: tuple[str, str]) -> bytes:
    return delivery(entry(definition(shop).address, *messages))


def signed(body: bytes, secret: str) -> dict[str, str]:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={signature}", "Content-Type": "application/json"}


def deliver(shop: Shop, body: bytes, *, secret: str = "", path: str = "") -> httpx.Response:
    """Signed with the shop's own secret, if no other is given."""
    headers = signed(body, secret or definition(shop).settings["app_secret"])
    return shop.deployment.anybody().ask("POST", f"/v1/webhooks/whatsapp{path}", content=body, headers=headers)


def read_all(deployment: Deployment) -> None:
    """The reader has taken what is due."""
    deployment.run(deployment.parts.delivery_reader.catch_up())


async def messages_in(log: Log) -> list[MessageReceived]:
    """All there are, in order."""
    after, found = 0, list[MessageReceived]()
    while True:
        events, upto = await log.read(after, 1_000, ["conversation.message_received"])
        if upto == after:
            return found
        after = upto
        found += [one.event for one in events if isinstance(one.event, MessageReceived)]


def received(shop: Shop) -> list[str]:
    """The texts of all messages of the account in the log, in order."""
    log = shop.deployment.parts.log

    async def texts() -> list[str]:
        return [one.content.text for one in await messages_in(log) if one.account_id == shop.account_id]

    return shop.deployment.run(texts())


def kept(shop: Shop, caller: Caller, state: str = "parked") -> list[dict[str, Any]]:
    """The account's deliveries in this state, newest first."""
    page = caller.shown("/v1/deliveries", params={"state": state, "account_id": shop.account_id})
    return page["items"]  # type: ignore[no-any-return]
