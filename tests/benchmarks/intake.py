"""Messages in over HTTP: one by one against an empty POST, readers running; in batches with and without them."""

import itertools
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from api.demo.server import Running, serving
from tests.benchmarks.deployment import BenchShop, an_empty_litestar, fresh_servers, open_bench_shop, resident_bytes
from tests.benchmarks.figures import Figure, at_least, at_most, quantile, shown
from tests.benchmarks.load import put_load, request

CONNECTIONS = 64
BATCH_CONNECTIONS = 8
BATCH = 50
CUSTOMERS = 2_000
SINGLES = 12_000
BATCHES = 800
ROUNDS = 3
SINGLE_RATIO_REACH = 0.5
BATCH_REACH = 12_000
TEXT = "Where is my parcel? I ordered it on Monday and it was to come on Wednesday."


def a_message(account_id: str, number: int, handle: str) -> dict[str, str]:
    """As an adapter would post it."""
    return {
        "account": account_id,
        "message_id": f"{time.time_ns()}-{number}",
        "handle": handle,
        "text": TEXT,
        "occurred_at": datetime.now(UTC).isoformat(),
    }


def single_requests(shop: BenchShop, numbers: range) -> Iterator[bytes]:
    """One message each, from so many customers in turn."""
    path = f"/v1/accounts/{shop.account_id}/messages"
    for number in numbers:
        body = msgspec.json.encode(a_message(shop.account_id, number, f"c{number % CUSTOMERS}"))
        yield request(path, body, key=shop.key)


def batch_requests(shop: BenchShop, batches: int, customers: int = CUSTOMERS) -> Iterator[bytes]:
    """Fifty messages each."""
    path, numbers = f"/v1/accounts/{shop.account_id}/messages/batch", itertools.count()
    for _ in range(batches):
        messages = [
            a_message(shop.account_id, number, f"c{number % customers}") for number in itertools.islice(numbers, BATCH)
        ]
        yield request(path, msgspec.json.encode({"messages": messages}), key=shop.key)


async def measure() -> list[Figure]:
    """Ours and the empty one in turns; medians of the rounds."""
    with fresh_servers() as settings:
        shop = await open_bench_shop(settings)
        async with serving(settings) as ours, an_empty_litestar() as empty:
            await put_load(ours.host, ours.port, batch_requests(shop, CUSTOMERS // BATCH), connections=1)
            singles, seconds, empties = [], [], []
            for _ in range(ROUNDS):
                empties.append(await _empty_rate(empty))
                requests = list(single_requests(shop, range(SINGLES)))
                took, each = await put_load(ours.host, ours.port, iter(requests), connections=CONNECTIONS)
                singles.append(SINGLES / took)
                seconds += each
            with_readers = await _batch_rate(shop, ours)
        async with serving(replace(settings, readers="off")) as ours:
            without_readers = await _batch_rate(shop, ours)
    return [
        at_least(
            "intake: POST one message, durable, readers running",
            statistics.median(singles),
            "requests/s",
            reference=statistics.median(empties),
            factor=SINGLE_RATIO_REACH,
            of="an empty Litestar POST",
        ),
        shown("intake: the same, p99 of one request", 1000 * quantile(seconds, 0.99), "ms"),
        at_least(
            f"intake: POST batches of {BATCH}, durable, readers in another process, which stands still",
            without_readers,
            "messages/s",
            reference=BATCH_REACH,
            factor=1,
            of=f"{BATCH_REACH:,} messages/s",
        ),
        shown(f"intake: POST batches of {BATCH}, all readers keep up in the same process", with_readers, "messages/s"),
    ]


async def _batch_rate(shop: BenchShop, server: Running) -> float:
    """Messages a second, the median of the rounds."""
    rates = []
    for _ in range(ROUNDS):
        requests = list(batch_requests(shop, BATCHES))
        took, _ = await put_load(server.host, server.port, iter(requests), connections=BATCH_CONNECTIONS)
        rates.append(BATCHES * BATCH / took)
    return statistics.median(rates)


async def _empty_rate(empty: Running) -> float:
    requests = [request("/empty", b"{}")] * SINGLES
    took, _ = await put_load(empty.host, empty.port, iter(requests), connections=CONNECTIONS)
    return SINGLES / took


MEMORY_EVENTS = 1_000_000
MEMORY_CUSTOMERS = 20_000
MEMORY_MB_REACH = 400
MEMORY_GROWTH_REACH = 1.1


async def measure_memory() -> list[Figure]:
    """Resident memory of `onethread serve` after half a million and after a million events."""
    with fresh_servers() as settings:
        shop = await open_bench_shop(settings)
        async with serving(settings) as ours:
            sizes = []
            for _ in range(2):
                requests = batch_requests(shop, MEMORY_EVENTS // 2 // BATCH, customers=MEMORY_CUSTOMERS)
                await put_load(ours.host, ours.port, requests, connections=BATCH_CONNECTIONS)
                sizes.append(resident_bytes(ours) / 1_000_000)
    return [
        at_most(f"memory: resident after {MEMORY_EVENTS:,} events", sizes[1], "MB", MEMORY_MB_REACH),
        at_most("memory: growth over the second half", sizes[1] / sizes[0], "x", MEMORY_GROWTH_REACH),
    ]
