"""The customers: each channel's traffic in its real format, through its real door."""

import asyncio
import random
import secrets
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from itertools import cycle

import msgspec
from nats.aio.client import Client as Nats
from websockets.asyncio.client import connect

from api.demo.client import Client
from api.demo.media import MEDIA
from api.demo.opening import Shop
from api.demo.scene import Scene
from api.demo.shop import CUSTOMERS, FEATURED, MAILBOX, PICTURE, TEXTS, DemoCustomer
from api.demo.signing import Hook

SHARES = {
    "whatsapp": 20,
    "webchat": 17,
    "email": 12,
    "telegram": 9,
    "messenger": 8,
    "wechat": 6,
    "wecom": 4,
    "x": 3,
    "line": 6,
    "sms": 6,
    "instagram": 4,
    "adapter": 4,
    "phone": 2,
}
"""How people get in touch."""
FEATURED_SHARE = 0.15
"""How often it is the featured customer, who takes one channel after the other."""
STRANGERS_SHARE = 0.55
"""How often it is otherwise somebody the shop never met."""
AMENDS_SHARE = 0.25
"""How often somebody edits, takes back or reacts instead of writing more."""
PICTURES_SHARE = 0.2
"""How often a mail shows what arrived; the featured customer's always do."""
BATCH_MAX = 3
"""Several messages come in one delivery where the channel does that."""


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
        self._featured_on = cycle([channel for channel in SHARES if channel != "webchat"])
        self._last: dict[tuple[str, str], int] = {}
        """The number of the latest message of somebody on a channel."""

    async def write(self) -> None:
        """Somebody gets in touch on some channel; and somebody receives what was sent to them."""
        if self._random.random() < FEATURED_SHARE:
            await self._contact(FEATURED, next(self._featured_on))
        else:
            (channel,) = self._random.choices(list(SHARES), weights=list(SHARES.values()))
            await self._contact(self._somebody(), channel)
        await self._receive()

    def _somebody(self) -> DemoCustomer:
        if self._random.random() >= STRANGERS_SHARE:
            return self._random.choice(CUSTOMERS)
        number = self._random.randrange(10_000)
        return DemoCustomer(f"Customer {number}", f"+49151{number:08d}", f"c{number}@mail.example", f"social{number}")

    async def _contact(self, somebody: DemoCustomer, channel: str) -> None:
        match channel:
            case "email":
                await self.mail(somebody)
            case "webchat":
                await self.chat()
            case "adapter":
                await self.social(somebody)
            case "phone":
                await self.call(somebody)
            case _:
                await self._post(somebody, channel)

    async def _post(self, somebody: DemoCustomer, channel: str) -> None:
        """A webhook: one or several messages, or something about the last one."""
        medium, last = MEDIA[channel], self._last.get((channel, somebody.phone))
        if last is not None and medium.amend and self._random.random() < AMENDS_SHARE:
            what = self._random.choice(list(medium.amend))
            del self._last[channel, somebody.phone]
            if await self._deliver(medium.amend[what](somebody, last)):
                self._scene.amendments[what] += 1
            return
        count = self._random.randint(1, BATCH_MAX) if medium.several else 1
        words = [(secrets.randbelow(2**50), self._random.choice(TEXTS)) for _ in range(count)]
        if await self._deliver(medium.write(somebody, words)):
            self._scene.took_in(channel, count)
            self._last[channel, somebody.phone] = words[-1][0]

    async def _receive(self) -> None:
        """The oldest reply without a receipt arrives, where the channel tells that."""
        if self._scene.handed:
            handed = self._scene.handed.popleft()
            receive = MEDIA[handed.channel].receive
            if receive is not None and await self._deliver(receive(handed)):
                self._scene.receipts += 1

    async def _deliver(self, hook: Hook) -> bool:
        self._scene.held_back.extend(hook.held_back)
        taken = await self._http.post(hook.path, hook.body, content_type=hook.content_type, headers=hook.headers)
        return bool(taken)

    async def mail(self, somebody: DemoCustomer) -> None:
        """A raw mail, as a mail server hands it over."""
        mail = EmailMessage()
        mail["From"] = f'"{somebody.name}" <{somebody.mail}>'
        mail["To"] = MAILBOX
        mail["Subject"] = f"Order {self._random.randrange(10_000)}"
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = make_msgid(domain="mail.example")
        mail.set_content(self._random.choice(TEXTS))
        shows = somebody is FEATURED or self._random.random() < PICTURES_SHARE
        if shows:
            mail.add_attachment(PICTURE, maintype="image", subtype="png", filename="what-arrived.png")
        path = f"/v1/accounts/{self._shop.accounts['email']}/mail"
        if await self._adapter.post(path, mail.as_bytes(), content_type="message/rfc822"):
            self._scene.took_in("email")
            self._scene.pictures_in += shows

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
                    elif frame["kind"] == "reply":
                        self._scene.replies_out["webchat"] += 1
                        if texts:
                            await socket.send(_said(texts.pop(0)))

    async def social(self, somebody: DemoCustomer) -> None:
        """A direct message from another system, through NATS JetStream; acknowledged once it is stored there."""
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

    async def call(self, somebody: DemoCustomer) -> None:
        """A call that the telephone system records."""
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
