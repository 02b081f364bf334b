"""From a customer's POST to the frame on the agent's socket: 300 messages/s, 200 agents connected."""

import asyncio
import secrets
import time
from datetime import UTC, datetime

import msgspec
from websockets.asyncio.client import connect

from api.access.authentication import Tokens
from api.access.passwords import hash_password
from api.composition import composed
from api.demo.server import Running, serving
from api.settings import Settings, decode_keys
from application.commands import Command
from domain.agent import Presence
from domain.person import Person, Role
from tests.benchmarks.deployment import BenchShop, fresh_servers, open_bench_shop
from tests.benchmarks.figures import Figure, at_most, quantile, shown
from tests.benchmarks.intake import a_message
from tests.benchmarks.load import put_load, request

AGENTS = 200
MESSAGES_PER_SECOND = 300
POSTERS = 8
WARM_UP_SECONDS = 3
SECONDS = 15
P50_MS_REACH = 15
P99_MS_REACH = 60
ANSWER_SECONDS_MAX = 60
CREATED = b"HTTP/1.1 201"


class Sent(msgspec.Struct):
    """When each message was sent, by its text, and how long each took to be seen."""

    at: dict[str, float] = {}
    seen_after: list[float] = []

    def saw(self, text: str) -> None:
        """A frame shows this message."""
        if (sent_at := self.at.pop(text, None)) is not None:
            self.seen_after.append(time.perf_counter() - sent_at)


async def measure() -> list[Figure]:
    """Each agent holds one conversation; their customers write in turn, at a steady rate whatever the answers take."""
    with fresh_servers() as settings:
        shop = await open_bench_shop(settings)
        people = await _staff(settings)
        async with serving(settings) as ours:
            return await _measured(settings, ours, shop, people)


async def _staff(settings: Settings) -> list[Person]:
    """Agents with room for one conversation each, signed in and available."""
    async with composed(settings, readers=False) as parts:
        password_hash = hash_password("never asked for")
        position = 0
        for number in range(AGENTS):
            now = Command(actor="bench", at=parts.clock())
            _, agent_id = await parts.staff.register(now, f"Agent {number}", {}, 2)
            await parts.staff.sign_in(now, agent_id)
            await parts.staff.change_presence(now, agent_id, Presence.AVAILABLE, "")
            done, _ = await parts.set_up.admit(
                now, login=f"a{number}", name="", role=Role.AGENT, password_hash=password_hash, agent_id=agent_id
            )
            position = done.position
        await parts.followers["directory"].reached(position, ANSWER_SECONDS_MAX)
        return [person for person in parts.directory.people.values() if person.agent_id is not None]


async def _measured(settings: Settings, ours: Running, shop: BenchShop, people: list[Person]) -> list[Figure]:
    sent, holding = Sent(), asyncio.Semaphore(0)
    tokens = Tokens(decode_keys(settings).token_key, settings.token_seconds, settings.ticket_seconds)
    watching = [asyncio.create_task(_agent(ours, tokens, person, sent, holding)) for person in people]
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            await _all(holding, watching)  # every socket is open
            first = [_posted(shop, number, f"hello {number}") for number in range(AGENTS)]
            await put_load(ours.host, ours.port, iter(first), connections=4)
            await _all(holding, watching)  # everybody has accepted
        await _steady(ours, shop, sent, WARM_UP_SECONDS)
        sent.seen_after.clear()
        posted = await _steady(ours, shop, sent, SECONDS)
        await asyncio.sleep(1)  # for the frames of the last messages
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    milliseconds = [1000 * seconds for seconds in sent.seen_after]
    return [
        at_most("push: POST to frame on the agent's socket, p50", quantile(milliseconds, 0.5), "ms", P50_MS_REACH),
        at_most("push: the same, p99", quantile(milliseconds, 0.99), "ms", P99_MS_REACH),
        # A card shows the newest words only, so of two messages in one breath one may be seen.
        shown(f"push: messages seen one by one, of {posted:,}", len(milliseconds), "messages"),
    ]


async def _all(holding: asyncio.Semaphore, watching: list[asyncio.Task[None]]) -> None:
    """Everybody has got so far; raises what stopped somebody."""
    for _ in range(AGENTS):
        while holding.locked():
            for task in watching:
                if task.done():
                    task.result()
            await asyncio.sleep(0.01)
        await holding.acquire()


def _posted(shop: BenchShop, number: int, text: str) -> bytes:
    message = a_message(shop.account_id, number, f"c{number % AGENTS}") | {"text": text}
    path = f"/v1/accounts/{shop.account_id}/messages"
    return request(path, msgspec.json.encode(message), key=shop.key)


async def _steady(ours: Running, shop: BenchShop, sent: Sent, seconds: float) -> int:
    """Posts at the rate for so long, each message at its own moment. Returns how many, all answered."""
    streams = [await asyncio.open_connection(ours.host, ours.port) for _ in range(POSTERS)]
    total = round(MESSAGES_PER_SECOND * seconds)
    answering = [
        asyncio.create_task(_answers(reader, len(range(place, total, POSTERS))))
        for place, (reader, _) in enumerate(streams)
    ]
    began = time.perf_counter()
    for number in range(total):
        delay = began + number / MESSAGES_PER_SECOND - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        text = f"message {number} of {secrets.token_hex(4)}"  # a longer number might be masked as a card's
        body = _posted(shop, number, text)
        sent.at[text] = time.perf_counter()
        streams[number % POSTERS][1].write(body)
    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        await asyncio.gather(*answering)
    for _, writer in streams:
        writer.close()
    return total


async def _answers(reader: asyncio.StreamReader, expected: int) -> None:
    """Reads until so many were answered with 201."""
    seen, rest = 0, b""
    while seen < expected:
        rest += await reader.read(65_536)
        assert b"HTTP/1.1 5" not in rest, rest
        seen += rest.count(CREATED)
        rest = rest[-len(CREATED) + 1 :]


async def _agent(ours: Running, tokens: Tokens, person: Person, sent: Sent, holding: asyncio.Semaphore) -> None:
    """Accepts the one conversation, then watches what its customer writes."""
    ticket = tokens.ticket(person, datetime.now(UTC))
    url = f"ws://{ours.host}:{ours.port}/v1/socket?ticket={ticket}"
    async with connect(url, compression=None) as socket:
        await socket.send('{"type":"watch","watch":"inbox"}')
        async for raw in socket:
            frame = msgspec.json.decode(raw)
            if frame["type"] == "snapshot":
                holding.release()
            elif frame["type"] == "put":
                card = frame["row"]
                if card["conversation"]["status"] == "offered":
                    await _accept(ours, tokens, person, card)
                    holding.release()
                sent.saw(card.get("preview", ""))


async def _accept(ours: Running, tokens: Tokens, person: Person, card: dict[str, str]) -> None:
    offer_id = msgspec.to_builtins(card["conversation"])["offer_id"]
    path = f"/v1/customers/{card['customer_id']}/conversations/{card['id']}/offers/{offer_id}/accept"
    head = request(path, b"", key=tokens.session(person, datetime.now(UTC)))
    accept = head.replace(b"\r\n", f"\r\nIdempotency-Key: {offer_id}\r\n".encode(), 1)
    await put_load(ours.host, ours.port, iter([accept]), connections=1)
