"""A deployment to measure: embedded servers, a shop, and `onethread serve` in a process of its own."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec
from msgspec.structs import replace

from api.composition import composed
from api.demo.server import Running, started
from api.key_file import with_kept_keys
from api.settings import Settings, as_environment
from application.commands import Command
from domain.account import AccountDefinition
from domain.person import Role
from domain.queue import QueueDefinition
from infrastructure.embedded.servers import embedded_servers


def resident_bytes(server: Running) -> int:
    """Memory that the server holds, from /proc. Raises FileNotFoundError where there is none."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


class BenchShop(msgspec.Struct, frozen=True, kw_only=True):
    """A shop with one queue and the adapter door."""

    queue_id: str
    account_id: str
    key: str


@contextmanager
def fresh_servers() -> Iterator[Settings]:
    """Settings on servers with nothing in them."""
    with tempfile.TemporaryDirectory(prefix="onethread-bench-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o711)  # under root, PostgreSQL runs as somebody else, who must get to its data
        settings = with_kept_keys(Settings(data_directory=directory, host="127.0.0.1", port=0, log_level="warning"))
        with embedded_servers(directory, tell=lambda _: None) as servers:
            addresses = servers.addresses
            yield replace(settings, database_url=addresses.database_url, nats_url=addresses.nats_url)


async def open_bench_shop(settings: Settings) -> BenchShop:
    """Sets it up with the use cases."""
    async with composed(settings, readers=False) as parts:
        now = Command(actor="bench", at=parts.clock())
        _, queue_id = await parts.set_up.define_queue(now, None, QueueDefinition(name="Bench"))
        definition = AccountDefinition(channel="adapter", name="Bench", queue_id=queue_id)
        _, account_id = await parts.set_up.define_account(now, None, definition)
        _, _, key = await parts.set_up.issue_key(now, name="bench", role=Role.ADAPTER, account_ids=())
        return BenchShop(queue_id=queue_id, account_id=account_id, key=key)


@asynccontextmanager
async def an_empty_litestar() -> AsyncIterator[Running]:
    """The same server with nothing but an empty POST, to hold ours against."""
    async with started(["-m", "tests.benchmarks.empty_app"], as_environment(Settings())) as process:
        yield process
