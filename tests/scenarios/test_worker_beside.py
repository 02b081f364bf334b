"""The worker that `onethread serve` keeps beside itself: it comes back when it dies, and goes when its server goes."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from infrastructure.embedded.servers import Servers
from tests.databases import an_empty_database
from tests.scenarios.serving import Server, bring, serving, set_up, settings_for
from tests.waiting import wait_until

COMES_BACK_SECONDS_MAX = 30.0

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="who is whose child is read from /proc")


def worker_of(server: Server) -> int:
    """Its process id."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    (worker,) = [int(child) for child in children if b"work" in Path(f"/proc/{child}/cmdline").read_bytes()]
    return worker


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def waiting(url: str) -> float | None:
    """Conversations that wait, as the worker's router knows them."""
    with suppress(httpx.HTTPError):
        for line in httpx.get(f"{url}/metrics").text.splitlines():
            if line.startswith("onethread_queue_waiting{"):
                return float(line.rpartition(" ")[2])
    return None


def test_a_worker_that_was_killed_is_replaced_and_goes_on_where_it_stood(servers: Servers, tmp_path: Path) -> None:
    with an_empty_database(servers.addresses.database_url) as database_url:
        settings = settings_for(database_url, servers.addresses.nats_url, tmp_path)
        shop = set_up(settings)
        with serving(settings) as server, httpx.Client(base_url=server.url, timeout=10) as http:
            assert bring(http, shop, "1", "ana").is_success
            first = server.worker_url()
            wait_until(lambda: waiting(first) == 1, what="the router knows who waits")

            os.kill(worker_of(server), signal.SIGKILL)
            assert bring(http, shop, "2", "ben").is_success

            wait_until(
                lambda: server.worker_url() != first and waiting(server.worker_url()) == 2,
                what="another worker knows both",
                seconds_max=COMES_BACK_SECONDS_MAX,
            )
            assert server.stop() == 0


def test_a_worker_whose_server_was_killed_stops(servers: Servers, tmp_path: Path) -> None:
    with an_empty_database(servers.addresses.database_url) as database_url:
        settings = settings_for(database_url, servers.addresses.nats_url, tmp_path)
        set_up(settings)
        with serving(settings) as server:
            server.worker_url()
            worker = worker_of(server)

            server.process.kill()

            wait_until(lambda: not is_alive(worker), what="the worker is gone", seconds_max=COMES_BACK_SECONDS_MAX)
