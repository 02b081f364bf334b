"""What a provider was told is kept is read, once, whatever is killed between keeping and reading."""

import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import uvloop
from msgspec.structs import replace

from api.composition import composed
from api.parts import Parts
from api.settings import Settings
from application.commands import Command
from application.exchange.deliveries import DeliveryState, Wanted
from domain.account import AccountDefinition
from domain.queue import QueueDefinition
from infrastructure.embedded.servers import Servers, embedded_servers
from tests.api.deliveries.situations import delivery, entry, messages_in, signed
from tests.faults.embedded import a_directory
from tests.scenarios.serving import Server, serving, settings_for
from tests.waiting import wait_until

NUMBER, SECRET = "1122334455667", "the secret of the app"
MESSAGES = 80
KILLED_AFTER = 40


@pytest.fixture
def mortal() -> Iterator[Servers]:
    """Servers of our own, so that killing one disturbs nobody."""
    with a_directory() as directory, embedded_servers(directory) as servers:
        yield servers


def settings_on(servers: Servers, directory: Path) -> Settings:
    return settings_for(servers.addresses.database_url, servers.addresses.nats_url, directory)


def open_account(settings: Settings) -> None:
    definition = AccountDefinition(
        channel="whatsapp",
        name="Shop",
        queue_id=f"queue-{'1' * 32}",
        address=NUMBER,
        settings={"app_secret": SECRET, "verify_token": "hello"},
    )

    async def run(parts: Parts) -> None:
        command = Command(actor="test", at=parts.clock())
        await parts.set_up.define_queue(command, None, QueueDefinition(name="All"))
        await parts.set_up.define_account(command, None, definition)

    with_parts(settings, run)


def with_parts(settings: Settings, body: Callable[[Parts], Coroutine[None, None, None]]) -> None:
    async def run() -> None:
        async with composed(settings, readers=False) as parts:
            await body(parts)

    uvloop.run(run())


def post(http: httpx.Client, message_id: str) -> httpx.Response:
    body = delivery(entry(NUMBER, (message_id, f"This is {message_id} 🎁")))
    return http.post("/v1/webhooks/whatsapp", content=body, headers=signed(body, SECRET))


@dataclass
class Provider:
    """Delivers until it is told that it may stop."""

    acknowledged: set[str] = field(default_factory=set)
    refused: list[httpx.Response] = field(default_factory=list)

    def deliver(self, server: Server, *, after: int, kill: Callable[[], object]) -> None:
        """What is not acknowledged yet; something is killed once so many are."""
        with httpx.Client(base_url=server.url, timeout=20) as http:
            for number in range(MESSAGES):
                if (message_id := f"wamid.{number}") in self.acknowledged:
                    continue
                try:
                    answer = post(http, message_id)
                except httpx.TransportError:
                    return  # the server was killed
                if answer.status_code == 200:
                    self.acknowledged.add(message_id)
                else:
                    self.refused.append(answer)
                if len(self.acknowledged) == after:
                    threading.Thread(target=kill).start()


def provider_ids(settings: Settings) -> list[str]:
    """Of all messages in the log, once nothing waits to be read."""
    found: list[str] = []

    async def run(parts: Parts) -> None:
        await parts.delivery_reader.catch_up()
        for state in (DeliveryState.WAITING, DeliveryState.PARKED):
            assert await parts.deliveries.page(Wanted(state=state)) == ([], None)
        found.extend([one.provider_id for one in await messages_in(parts.log)])

    with_parts(settings, run)
    return found


@pytest.mark.parametrize("readers", ["off", "on"])
def test_a_server_killed_after_it_acknowledged_loses_and_doubles_nothing(
    mortal: Servers, tmp_path: Path, readers: str
) -> None:
    settings = settings_on(mortal, tmp_path)
    open_account(settings)
    provider = Provider()

    for after in (KILLED_AFTER, -1):
        with serving(replace(settings, readers=readers)) as server:
            provider.deliver(server, after=after, kill=server.process.kill)

    assert len(provider.acknowledged) == MESSAGES
    found = provider_ids(settings)
    assert len(found) == MESSAGES, "each is stored once"
    assert set(found) == provider.acknowledged


def test_a_database_killed_under_the_door_loses_and_doubles_nothing(mortal: Servers, tmp_path: Path) -> None:
    settings = settings_on(mortal, tmp_path)
    open_account(settings)
    provider = Provider()

    with serving(settings) as server:
        provider.deliver(server, after=KILLED_AFTER, kill=mortal.kill_postgres)
        provider.deliver(server, after=-1, kill=mortal.kill_postgres)

    assert {answer.status_code for answer in provider.refused} <= {503}
    assert len(provider.acknowledged) == MESSAGES
    found = provider_ids(settings)
    assert (len(found), set(found)) == (MESSAGES, provider.acknowledged)


def test_without_a_database_nothing_is_acknowledged_and_the_provider_is_asked_to_come_again(
    servers: Servers, tmp_path: Path
) -> None:
    with ExitStack() as own:
        directory = own.enter_context(a_directory())
        database = own.enter_context(embedded_servers(directory, nats=False))
        settings = settings_for(database.addresses.database_url, servers.addresses.nats_url, tmp_path)
        open_account(settings)
        with serving(settings) as server, httpx.Client(base_url=server.url, timeout=20) as http:
            wait_until(lambda: http.get("/health/ready").is_success, what="the server is ready")
            before = post(http, "wamid.before")
            own.close()  # PostgreSQL stops

            refused, unproven = post(http, "wamid.after"), http.post("/v1/webhooks/whatsapp", content=b"{}")

    assert before.status_code == 200
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/log-unreachable")
    assert int(refused.headers["retry-after"]) >= 1
    assert unproven.status_code == 401
