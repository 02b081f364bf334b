"""NATS goes away: nobody notices, except who talks to it; and what it had acknowledged is there when it is back."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from pathlib import Path

import pytest
from nats.errors import Error as NatsError

from domain.interaction import MessageReceived
from domain.person import Role
from infrastructure.embedded.servers import Servers, embedded_servers
from infrastructure.embedded.sharing import Place
from tests.api.deployment import Deployment, a_deployment
from tests.api.situations import Shop, a_shop
from tests.databases import an_empty_database
from tests.faults.embedded import a_directory, keeper_pid
from tests.scenarios.screens import a_desk
from tests.scenarios.situations import publishes
from tests.waiting import wait_until

MESSAGES = 40


@pytest.fixture(scope="module")
def own_nats() -> Iterator[Servers]:
    """A NATS server that nobody else uses."""
    with a_directory() as directory, embedded_servers(directory, postgres=False) as running:
        yield running


@pytest.fixture(scope="module")
def deployment(servers: Servers, own_nats: Servers) -> Iterator[Deployment]:
    with (
        an_empty_database(servers.addresses.database_url) as database_url,
        a_deployment(database_url, own_nats.addresses.nats_url) as running,
    ):
        yield running


@pytest.fixture
def shop(deployment: Deployment) -> Shop:
    return a_shop(deployment, deployment.person(Role.ADMINISTRATOR))


@contextmanager
def nats_gone(deployment: Deployment, own_nats: Servers) -> Iterator[None]:
    """Killed, and for as long as this lasts its keeper does not start it again."""
    link = deployment.parts.nats
    wait_until(lambda: link.client.is_connected, what="connected to NATS")
    keeper = keeper_pid(Place(Path(own_nats.directory) / "nats"))
    os.kill(keeper, signal.SIGSTOP)
    try:
        own_nats.kill_nats()
        wait_until(lambda: not link.client.is_connected, what="the loss of NATS is noticed")
        yield
        assert not link.client.is_connected
    finally:
        os.kill(keeper, signal.SIGCONT)


def test_work_goes_on_without_nats_and_its_messages_resume_when_it_is_back(
    deployment: Deployment, own_nats: Servers, shop: Shop
) -> None:
    with a_desk(shop) as desk:
        with nats_gone(deployment, own_nats):
            taken = shop.bring("ana", "NATS is down, does anybody hear me?")
            card = desk.accepts(desk.sees("offered", taken["conversation_id"]))
            desk.does(card, "close")
            desk.loses(card["id"])
            assert deployment.anybody().get("/health/ready").status_code == 200
        wait_until(lambda: deployment.parts.nats.client.is_connected, what="NATS is back")
        publishes(shop, "ben", "And now?")
        back = desk.sees("offered", preview="And now?")

    assert back["id"] != card["id"]


def texts(deployment: Deployment, shop: Shop) -> list[str]:
    """What customers of the shop said, as the log has it."""

    async def read() -> list[str]:
        events, _ = await deployment.parts.log.read(0, 2_000, {MessageReceived.TOPIC})
        said = [one.event for one in events if isinstance(one.event, MessageReceived)]
        return [one.content.text for one in said if one.account_id == shop.account_id]

    return deployment.run(read())


def publishes_until_it_is_kept(shop: Shop, text: str, message_id: str) -> None:
    """As adapters do: what was not acknowledged is published again."""

    def is_kept() -> bool:
        try:
            publishes(shop, "ana", text, message_id)
        except (NatsError, FutureTimeoutError):
            return False
        return True

    wait_until(is_kept, what=f"NATS keeps {message_id}")


def test_what_is_published_around_a_crash_of_nats_is_stored_once(
    deployment: Deployment, own_nats: Servers, shop: Shop
) -> None:
    link, lines = deployment.parts.nats, {f"m-{number}": f"line {number}" for number in range(MESSAGES)}
    wait_until(lambda: link.client.is_connected, what="connected to NATS")

    for number, (message_id, text) in enumerate(lines.items()):
        if number == MESSAGES // 2:
            own_nats.kill_nats()
        publishes_until_it_is_kept(shop, text, message_id)
    wait_until(lambda: len(texts(deployment, shop)) >= MESSAGES, what="all of them are stored")

    assert sorted(texts(deployment, shop)) == sorted(lines.values())
