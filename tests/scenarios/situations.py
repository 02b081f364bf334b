"""A shop on every channel, and how its customers get in touch: each in the real format, through the real door."""

import asyncio
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from domain.person import Role
from tests.api.deployment import Caller, Deployment
from tests.api.situations import PAGE, VISITOR_KEY, Shop, a_shop
from tests.waiting import wait_until

APP_SECRET = "the secret of the app"
TOKEN_KEY = "a key of at least thirty-two characters"
STARTED = datetime(2026, 11, 11, 9, 30, tzinfo=UTC)


class MailSink:
    """The customers' mail server: keeps every mail that it is handed."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's
        content = envelope.original_content
        assert content is not None  # there is always some, even if it is empty
        self.mails.append(message_from_bytes(content, policy=policy.default))
        return "250 2.0.0 taken"

    def received(self, number: int = 1) -> EmailMessage:
        """The mail that came as the number-th, once it is there."""
        wait_until(lambda: len(self.mails) >= number, what=f"mail {number} goes out")
        return self.mails[number - 1]


@contextmanager
def a_mail_sink(deployment: Deployment) -> Iterator[tuple[MailSink, int]]:
    """A mail server and its port."""
    sink = MailSink()

    async def listen() -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: SMTP(sink, enable_SMTPUTF8=False), "127.0.0.1", 0)

    async def stop(server: asyncio.Server) -> None:
        server.close()

    server = deployment.run(listen())
    try:
        yield sink, server.sockets[0].getsockname()[1]
    finally:
        deployment.run(stop(server))


def another_account(shop: Shop, channel: str, **account: Any) -> Shop:
    """A further channel of the same shop: its work waits in the same queue, for the same agents."""
    wanted = {"channel": channel, "name": f"{channel} {shop.skill}", "queue_id": shop.queue_id, **account}
    made = shop.administrator.done("/v1/accounts", wanted)
    shop.deployment.known(made["position"])
    adapter = shop.deployment.program(Role.ADAPTER, made["account_id"])
    return Shop(shop.deployment, shop.administrator, shop.skill, shop.queue_id, made["account_id"], adapter)


def a_chat(deployment: Deployment, administrator: Caller) -> Shop:
    return a_shop(deployment, administrator, "webchat", settings={"visitor_key": VISITOR_KEY, "origins": PAGE})


def whatsapp_settings() -> dict[str, Any]:
    number = f"1{secrets.randbelow(10**12):012}"
    return {"address": number, "settings": {"app_secret": APP_SECRET, "verify_token": "hello"}}


def mail_settings(smtp_port: int) -> dict[str, Any]:
    smtp = {"smtp_host": "127.0.0.1", "smtp_port": str(smtp_port), "smtp_security": "plain"}
    return {"address": f"help-{secrets.token_hex(4)}@shop.example", "settings": {"token_key": TOKEN_KEY} | smtp}


def account_address(shop: Shop) -> str:
    accounts = shop.administrator.shown("/v1/accounts")["items"]
    return next(str(one["address"]) for one in accounts if one["id"] == shop.account_id)


def a_number() -> str:
    """A German mobile number that nobody else has."""
    return f"+49151{secrets.randbelow(10**8):08}"


def writes_on_whatsapp(shop: Shop, number: str, text: str, message_id: str = "") -> None:
    """A signed delivery of Meta's, which has been read."""
    digits, phone_id = number.lstrip("+"), account_address(shop)
    said = {
        "from": digits,
        "id": message_id or f"wamid.{secrets.token_hex(12)}",
        "timestamp": str(int(STARTED.timestamp())),
        "type": "text",
        "text": {"body": text},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "4930123456", "phone_number_id": phone_id},
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": digits}],
        "messages": [said],
    }
    entry = {"id": "102290129340398", "changes": [{"field": "messages", "value": value}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    signature = hmac.new(APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={signature}", "Content-Type": "application/json"}
    answer = shop.deployment.anybody().ask("POST", "/v1/webhooks/whatsapp", content=body, headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")
    shop.deployment.run(shop.deployment.parts.delivery_reader.catch_up())


def a_mail(shop: Shop, sender: str, text: str, **headers: str) -> EmailMessage:
    """As the customer's mail program writes it."""
    mail = EmailMessage()
    mail["From"] = f"Ana <{sender}>"
    mail["To"] = headers.pop("to", account_address(shop))
    mail["Subject"] = headers.pop("subject", "My parcel")
    mail["Message-ID"] = f"<{secrets.token_hex(8)}@mail.example>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


def writes_a_mail(shop: Shop, mail: EmailMessage) -> dict[str, Any]:
    """The mail server hands it over."""
    path = f"/v1/accounts/{shop.account_id}/mail"
    answer = shop.adapter.ask("POST", path, content=mail.as_bytes(), headers={"Content-Type": "message/rfc822"})
    assert answer.status_code == 201, answer.text
    return answer.json()  # type: ignore[no-any-return]


def publishes(shop: Shop, handle: str, text: str, message_id: str = "") -> None:
    """Another system hands a message over through NATS, and knows it is kept there."""
    message = {
        "account": shop.account_id,
        "message_id": message_id or secrets.token_hex(8),
        "handle": handle,
        "text": text,
    }

    async def publish() -> None:
        stream = shop.deployment.parts.nats.client.jetstream()
        await stream.publish(f"inbound.{shop.account_id}", json.dumps(message).encode())

    shop.deployment.run(publish())


def calls(shop: Shop, number: str, outcome: str = "answered") -> dict[str, Any]:
    """The telephone system records a call."""
    record = {
        "call_id": secrets.token_hex(8),
        "direction": "inbound",
        "from": number,
        "to": "+4930123456",
        "started_at": STARTED.isoformat(),
        "duration_seconds": 42 if outcome == "answered" else 0,
        "outcome": outcome,
    }
    return shop.adapter.done(f"/v1/phone/{shop.account_id}/records", record)


def timeline(somebody: Caller, customer_id: str, position: int = 0) -> list[dict[str, Any]]:
    """The customer's entries in the order in which we learnt of them, up to the position at least."""
    query = {"min_position": position, "limit": 200, "clock": "recorded"}
    page = somebody.shown(f"/v1/customers/{customer_id}/timeline", params=query)
    return list(reversed(page["items"]))


def kinds(entries: list[dict[str, Any]]) -> list[str]:
    """What happened, one after the other: `message_received`, `offered`."""
    return [entry["kind"].partition(".")[2] for entry in entries]
