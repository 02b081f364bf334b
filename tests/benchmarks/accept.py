"""The webhook door at its planned rate, nobody reading what it keeps: from a provider's POST to our 2xx."""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from api.composition import composed
from api.demo.server import Running, serving
from api.settings import Settings
from application.commands import Command
from domain.account import AccountDefinition
from domain.queue import QueueDefinition
from tests.benchmarks.deployment import fresh_servers
from tests.benchmarks.figures import Figure, at_most, quantile, shown

WEBHOOKS_PER_SECOND = 300
POSTERS = 32
ANSWER_SECONDS_MAX = 60
WARM_UP_SECONDS = 2
SECONDS = 20
P99_MS_REACH = 200
NUMBER, SECRET = "1122334455667", "the secret of the app"


async def measure() -> list[Figure]:
    """Signed WhatsApp deliveries, each sent at its own moment and timed from it, whatever the others take."""
    with fresh_servers() as settings:
        await _open_account(settings)
        async with serving(settings):
            pass  # its readers make the views, without which a server is not ready
        async with serving(replace(settings, readers="off")) as ours:
            await _measured(ours, WARM_UP_SECONDS)
            seconds = await _measured(ours, SECONDS)
    milliseconds = [1000 * one for one in seconds]
    return [
        at_most(
            f"accept: webhook to 2xx at {WEBHOOKS_PER_SECOND}/s, p99", quantile(milliseconds, 0.99), "ms", P99_MS_REACH
        ),
        shown("accept: the same, p50", quantile(milliseconds, 0.5), "ms"),
        shown("accept: the same, slowest", max(milliseconds), "ms"),
        shown("accept: webhooks", len(milliseconds), "webhooks"),
    ]


async def _open_account(settings: Settings) -> None:
    async with composed(settings, readers=False) as parts:
        now = Command(actor="bench", at=parts.clock())
        _, queue_id = await parts.set_up.define_queue(now, None, QueueDefinition(name="Bench"))
        definition = AccountDefinition(
            channel="whatsapp",
            name="Bench",
            queue_id=queue_id,
            address=NUMBER,
            settings={"app_secret": SECRET, "verify_token": "hello"},
        )
        await parts.set_up.define_account(now, None, definition)


async def _measured(ours: Running, seconds: float) -> list[float]:
    """How long each took, from the moment it was due: one that had to wait for a connection is late for that too."""
    idle: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(POSTERS):
        idle.put_nowait(await asyncio.open_connection(ours.host, ours.port))
    took: list[float] = []

    async def post(body: bytes, due: float) -> None:
        reader, writer = await idle.get()
        writer.write(body)
        answer = await reader.readuntil(b"\r\n\r\n")  # it has no body
        assert answer.startswith(b"HTTP/1.1 200"), answer
        took.append(time.perf_counter() - due)
        idle.put_nowait((reader, writer))

    bodies = list(_requests(round(WEBHOOKS_PER_SECOND * seconds)))
    began = time.perf_counter()
    async with asyncio.timeout(seconds + ANSWER_SECONDS_MAX), asyncio.TaskGroup() as posting:
        for number, body in enumerate(bodies):
            due = began + number / WEBHOOKS_PER_SECOND
            if (delay := due - time.perf_counter()) > 0:
                await asyncio.sleep(delay)
            posting.create_task(post(body, due))
    while not idle.empty():
        idle.get_nowait()[1].close()
    return took


def _requests(count: int) -> Iterator[bytes]:
    for number in range(count):
        message = {
            "from": f"49151{number:08d}",
            "id": f"wamid.{secrets.token_hex(16)}",
            "timestamp": str(int(time.time())),
            "type": "text",
            "text": {"body": "Where is my parcel? I ordered it on Monday and it was to come on Wednesday."},
        }
        value = {"metadata": {"phone_number_id": NUMBER}, "contacts": [], "messages": [message]}
        entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
        body = msgspec.json.encode({"object": "whatsapp_business_account", "entry": [entry]})
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        head = (
            f"POST /v1/webhooks/whatsapp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body
