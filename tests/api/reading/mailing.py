"""Situations of conversations by mail: mails as people send them, and what of them is shown and undone."""

import secrets
from typing import Any

from channels.mail.threads import own_message_id, reply_address
from tests.api.deployment import Caller
from tests.api.situations import Shop

KEY = "a key of at least thirty-two characters"
FORGED_KEY = "another key of more than 32 characters"
MX = "mx.shop.example"


def bring(shop: Shop, sender: str, *lines: str, dmarc: str = "", number: str = "") -> dict[str, Any]:
    """A mail with a Message-ID of its own or this one; `dmarc` is what our own server found."""
    found = [f"Authentication-Results: {MX}; dmarc={dmarc} header.from=x"] if dmarc else []
    trace = [*found, f"Received: from elsewhere.example by {MX}; Sat, 21 Nov 2026 12:00:00 +0000"]
    head = [*trace, f"From: {sender}", f"Message-ID: <{number or secrets.token_hex(8)}@x>", "Subject: Parcel", *lines]
    raw = "\r\n".join([*head, "", f"Said by {sender}"]).encode()
    headers = {"Content-Type": "message/rfc822"}
    taken: dict[str, Any] = shop.adapter.ask(
        "POST", f"/v1/accounts/{shop.account_id}/mail", content=raw, headers=headers
    ).json()
    return taken


def somebody(name: str = "Ana") -> str:
    return f"{name} <{name.lower()}.{secrets.token_hex(6)}@example.org>"


def token_of(taken: dict[str, Any], key: str = KEY) -> str:
    return f"To: {reply_address(taken['conversation_id'], domain='shop.example', key=key.encode())}"


def our_id_of(taken: dict[str, Any], key: str = KEY) -> str:
    ours = own_message_id(taken["conversation_id"], f"message-{'1' * 32}", domain="shop.example", key=key.encode())
    return f"References: <first@x> {ours}"


def entries(caller: Caller, taken: dict[str, Any], position: int) -> dict[int, dict[str, Any]]:
    """The mails of the customer's timeline, by position."""
    path = f"/v1/customers/{taken['customer_id']}/timeline"
    page = caller.shown(path, params={"min_position": position})
    return {one["position"]: one for one in page["items"] if one["kind"] == "conversation.message_received"}


def give_back(caller: Caller, taken: dict[str, Any], key: str | None = None) -> dict[str, Any]:
    path = f"/v1/customers/{taken['customer_id']}/conversations/{taken['conversation_id']}/messages"
    answered = caller.post(f"{path}/{taken['message_id']}/move", {}, key=key)
    assert answered.is_success, answered.text
    stands: dict[str, Any] = answered.json()
    return stands
