"""The customers: each channel's traffic in its real format, through its real door."""

import asyncio
import hashlib
import hmac
import random
import secrets
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

import msgspec
from nats.aio.client import Client as Nats
from websockets.asyncio.client import connect

from api.demo.client import Client
from api.demo.opening import Shop
from api.demo.scene import Scene
from api.demo.shop import CUSTOMERS, FEATURED, MAILBOX, PHONE_NUMBER_ID, TEXTS, WEBHOOK_SECRET, DemoCustomer

FEATURED_SHARE = 0.08
"""How often it is the featured customer who writes."""
STRANGERS_SHARE = 0.5
"""How often it is somebody the shop never met."""
BATCH_MAX = 3
"""WhatsApp delivers several messages in one webhook."""


class Customers:
    """Everybody who writes or calls."""

    def __init__(self, http: Client, url: str, shop: Shop, scene: Scene, nats: Nats, seed: int) -> None:
        self._http = http
        self._adapter = http.with_key(shop.adapter_key)
        self._url = url.replace("http", "ws", 1)
        self._shop = shop
        self._scene = scene
        self._nats = nats
        self._random = random.Random(seed)

    async def write(self) -> None:
        """Somebody gets in touch, on some channel."""
        ways = (self.whatsapp, self.mail, self.chat, self.social, self.call)
        await self._random.choices(ways, weights=(35, 20, 25, 15, 5))[0]()

    def _somebody(self) -> DemoCustomer:
        draw = self._random.random()
        if draw < FEATURED_SHARE:
            return FEATURED
        if draw < FEATURED_SHARE + STRANGERS_SHARE:
            number = self._random.randrange(10_000)
            return DemoCustomer(
                f"Customer {number}", f"+49151{number:08d}", f"c{number}@mail.example", f"social{number}"
            )
        return self._random.choice(CUSTOMERS)

    async def whatsapp(self) -> None:
        """A signed webhook with one or several messages."""
        somebody = self._somebody()
        messages = [
            {
                "from": somebody.phone.lstrip("+"),
                "id": f"wamid.{secrets.token_hex(12)}",
                "timestamp": str(int(datetime.now(UTC).timestamp())),
                "type": "text",
                "text": {"body": self._random.choice(TEXTS)},
            }
            for _ in range(self._random.randint(1, BATCH_MAX))
        ]
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "4930123456", "phone_number_id": PHONE_NUMBER_ID},
            "contacts": [{"profile": {"name": somebody.name}, "wa_id": somebody.phone.lstrip("+")}],
            "messages": messages,
        }
        entry = {"id": "102290129340398", "changes": [{"field": "messages", "value": value}]}
        body = msgspec.json.encode({"object": "whatsapp_business_account", "entry": [entry]})
        signature = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
        if await self._http.post("/v1/webhooks/whatsapp", body, headers={"X-Hub-Signature-256": f"sha256={signature}"}):
            self._scene.took_in("whatsapp", len(messages))

    async def mail(self) -> None:
        """A raw mail, as a mail server hands it over."""
        somebody = self._somebody()
        mail = EmailMessage()
        mail["From"] = f'"{somebody.name}" <{somebody.mail}>'
        mail["To"] = MAILBOX
        mail["Subject"] = f"Order {self._random.randrange(10_000)}"
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = make_msgid(domain="mail.example")
        mail.set_content(self._random.choice(TEXTS))
        path = f"/v1/accounts/{self._shop.accounts['email']}/mail"
        if await self._adapter.post(path, mail.as_bytes(), content_type="message/rfc822"):
            self._scene.took_in("email")

    async def chat(self) -> None:
        """A visitor on the shop's page: writes, waits for an answer, says thanks."""
        url = f"{self._url}/v1/webchat/{self._shop.accounts['webchat']}/socket"
        async with connect(url, compression=None) as socket:
            await socket.send(msgspec.json.encode({"kind": "hello", "name": "Visitor"}).decode())
            texts = [self._random.choice(TEXTS), TEXTS[8]]
            await socket.send(_said(texts.pop(0)))
            async with asyncio.timeout(120):
                async for raw in socket:
                    frame = msgspec.json.decode(raw)
                    if frame["kind"] == "stored":
                        self._scene.took_in("webchat")
                        if not texts:
                            return
                    elif frame["kind"] == "reply" and texts:
                        await socket.send(_said(texts.pop(0)))

    async def social(self) -> None:
        """A direct message from another system, through NATS JetStream; acknowledged once it is stored there."""
        somebody = self._somebody()
        account = self._shop.accounts["adapter"]
        message = {
            "account": account,
            "message_id": secrets.token_hex(12),
            "handle": somebody.social,
            "author": somebody.name,
            "text": self._random.choice(TEXTS),
            "occurred_at": datetime.now(UTC),
        }
        await self._nats.jetstream().publish(f"inbound.{account}", msgspec.json.encode(message), timeout=10)
        self._scene.took_in("adapter")

    async def call(self) -> None:
        """A call that the telephone system records."""
        somebody = self._somebody()
        record = {
            "call_id": secrets.token_hex(12),
            "direction": "inbound",
            "from": somebody.phone,
            "to": "+4930123456",
            "started_at": datetime.now(UTC),
            "duration_seconds": self._random.randrange(20, 400),
            "outcome": "answered",
            "name": somebody.name,
        }
        if await self._adapter.post(f"/v1/phone/{self._shop.accounts['phone']}/records", record):
            self._scene.took_in("phone")


def _said(text: str) -> str:
    return msgspec.json.encode({"kind": "message", "id": secrets.token_hex(8), "text": text}).decode()
