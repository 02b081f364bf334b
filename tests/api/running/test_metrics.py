"""What a server tells of itself: every metric after some traffic, and in neither metrics nor logs anything personal."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from infrastructure.embedded.servers import Servers
from tests.databases import an_empty_database
from tests.scenarios.serving import SetUp, bring, serving, set_up, settings_for
from tests.waiting import wait_until

READERS = {
    "directory",
    "timeline",
    "conversations",
    "queue_board",
    "agent_board",
    "decisions",
    "calls",
    "end_lost_calls",
    "follow_answered_calls",
    "return_work",
    "send_replies",
    "tell_promises",
    "hand_chats_over",
    "keep_snapshots",
    "fetch_media",
    "count_traffic",
    "expectations",
    "router",
}
MESSAGES = 40
CUSTOMERS = 5
TELLTALE = f"telltale{secrets.token_hex(6)}"
NUMBER = "+4915199887766"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@dataclass(frozen=True)
class Metrics:
    """What one process tells."""

    text: str
    samples: Samples

    def of(self, name: str, **labels: str) -> float:
        return self.samples[f"onethread_{name}", tuple(sorted(labels.items()))]

    def labels(self, name: str, label: str) -> dict[str, float]:
        """Each value by this label."""
        return {dict(key)[label]: value for (full, key), value in self.samples.items() if full == f"onethread_{name}"}


@dataclass(frozen=True)
class Told:
    """What there was to read after the traffic."""

    metrics: Metrics
    logs: list[dict[str, Any]]
    log: str


def metrics_at(url: str) -> Metrics:
    text = httpx.get(f"{url}/metrics").text
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    return Metrics(text, samples)


def traffic(http: httpx.Client, shop: SetUp) -> None:
    """Messages, refusals, and requests that carry what nobody should find again."""
    for number in range(MESSAGES):
        handle = f"{TELLTALE}{NUMBER}{number % CUSTOMERS}"
        assert bring(http, shop, f"{TELLTALE}-{number}", handle, f"{TELLTALE} {number}").is_success
    assert bring(http, shop, f"{TELLTALE}-0", f"{TELLTALE}{NUMBER}0", f"{TELLTALE} contradicted").is_success
    key = {"Authorization": f"Bearer {shop.key}"}
    refused = [
        http.post("/v1/sessions", json={"login": TELLTALE, "password": f"{TELLTALE}-password"}),
        http.post(f"/v1/accounts/{shop.account_id}/messages", json={TELLTALE: NUMBER}, headers=key),
        http.post(f"/v1/accounts/{shop.account_id}/messages", content=TELLTALE.encode(), headers=key),
        http.get(f"/v1/{TELLTALE}/{NUMBER}", params={TELLTALE: NUMBER}),
        http.get("/v1/me", headers={"Authorization": f"Bearer {TELLTALE}"}),
        http.post("/v1/webhooks/whatsapp", content=json.dumps({"text": TELLTALE}).encode()),
    ]
    assert all(400 <= answer.status_code < 500 for answer in refused), refused


@contextmanager
def a_visitor(url: str, shop: SetUp) -> Iterator[None]:
    """Somebody whose socket is open and who said something; before that, one who was not let in."""
    with connect(f"{url}/v1/socket?ticket={TELLTALE}", compression=None) as refused, suppress(ConnectionClosed):
        refused.recv(30)
    assert refused.close_code == 4401
    with connect(f"{url}/v1/webchat/{shop.chat_id}/socket", compression=None) as socket:
        for frame in ({"kind": "hello", "name": TELLTALE}, {"kind": "message", "id": TELLTALE, "text": TELLTALE}):
            socket.send(json.dumps(frame))
            assert json.loads(socket.recv(30))["kind"] in ("welcome", "stored")
        yield


def is_caught_up(url: str) -> bool:
    behind = metrics_at(url).labels("reader_lag_positions", "reader")
    return behind.keys() >= READERS and not any(behind.values())


@pytest.fixture(scope="module", params=["info", "debug"])
def told(request: pytest.FixtureRequest, servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Told:
    addresses = servers.addresses
    with an_empty_database(addresses.database_url) as database_url:
        directory = tmp_path_factory.mktemp("serve")
        settings = settings_for(database_url, addresses.nats_url, directory, log_level=request.param)
        shop = set_up(settings)
        with serving(settings) as server, httpx.Client(base_url=server.url, timeout=30) as http:
            traffic(http, shop)
            wait_until(lambda: is_caught_up(server.url), what="every reader has read everything")
            with a_visitor(server.url.replace("http", "ws"), shop):
                wait_until(lambda: is_caught_up(server.url), what="every reader has read that too")
                metrics = metrics_at(server.url)
            assert server.stop() == 0
            log = Path(server.log).read_text()
    return Told(metrics, [json.loads(line) for line in log.splitlines()], log)


def test_appends_are_timed_and_their_batches_counted(told: Told) -> None:
    assert told.metrics.of("append_seconds_count") >= MESSAGES
    assert 0 < told.metrics.of("append_seconds_sum") / told.metrics.of("append_seconds_count") < 2
    assert (
        1 <= told.metrics.of("append_batch_requests_sum") / told.metrics.of("append_batch_requests_count") <= MESSAGES
    )
    assert told.metrics.of("append_call_seconds_count") == told.metrics.of("append_batch_requests_count")
    assert (told.metrics.of("append_backlog_requests"), told.metrics.of("append_backlog_bytes")) == (0, 0)


def test_every_reader_tells_its_lag(told: Told) -> None:
    assert told.metrics.labels("reader_lag_seconds", "reader") == dict.fromkeys(READERS, 0)
    assert told.metrics.labels("reader_lag_positions", "reader") == dict.fromkeys(READERS, 0)
    assert told.metrics.of("log_head_position") > MESSAGES


def test_queues_parked_streams_and_decisions_are_told(told: Told) -> None:
    assert list(told.metrics.labels("queue_waiting", "queue").values()) == [CUSTOMERS + 1]
    assert set(told.metrics.labels("parked_streams", "projection").values()) == {0}
    assert told.metrics.labels("parked_streams", "projection").keys() == READERS & {
        "timeline",
        "conversations",
        "queue_board",
        "agent_board",
        "decisions",
        "calls",
    }
    assert told.metrics.of("router_decisions_total") == 0  # there is no agent
    assert told.metrics.of("router_decisions_refused_total") == 0


def test_requests_and_messages_are_counted(told: Told) -> None:
    brought = {"method": "POST", "route": "/v1/accounts/{account_id}/messages", "status": "201"}

    assert told.metrics.labels("messages_received_total", "channel") == {"adapter": MESSAGES + 1, "webchat": 1}
    assert told.metrics.of("request_seconds_count", **brought) == MESSAGES + 1
    assert told.metrics.labels("requests_refused_total", "problem").keys() >= {"invalid", "sign-in-needed"}


def test_sockets_and_frames_are_told(told: Told) -> None:
    assert told.metrics.labels("sockets", "kind") == {"visitors": 1}
    assert told.metrics.of("frames_pushed_total") == 2  # welcome and stored


def test_neither_metrics_nor_logs_hold_anything_personal(told: Told) -> None:
    for text in (told.metrics.text, told.log):
        assert TELLTALE not in text
        assert NUMBER.lstrip("+") not in text


def test_every_line_of_the_log_is_json_and_none_is_an_error(told: Told) -> None:
    assert told.logs
    assert all({"at", "level", "logger", "message"} <= line.keys() for line in told.logs)
    assert not [line for line in told.logs if line["level"] in ("error", "critical")]
