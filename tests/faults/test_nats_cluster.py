"""A NATS cluster that loses a server: the door stays open, and what was published is taken in."""

import json
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from nats.aio.client import Client

from api.doors.adapters.nats_door import CONSUMER, STREAM, SUBJECT
from domain.person import Role
from infrastructure.embedded.nats import programs
from infrastructure.embedded.servers import Servers
from tests.api.deployment import Deployment, a_deployment
from tests.api.situations import a_shop
from tests.databases import an_empty_database
from tests.waiting import wait_until

CONFIGURATION = """
server_name: {name}
listen: "127.0.0.1:{port}"
jetstream {{ store_dir: "{directory}/{name}" }}
cluster {{ name: test, listen: "127.0.0.1:{route}", routes: [{routes}] }}
"""


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


@contextmanager
def a_cluster() -> Iterator[tuple[str, dict[str, subprocess.Popen[bytes]]]]:
    """The addresses of three servers, and their processes by name."""
    ports, routes = free_ports(3), free_ports(3)
    with tempfile.TemporaryDirectory(prefix="onethread-nats-") as directory, ExitStack() as stack:
        servers = {}
        for number, (port, route) in enumerate(zip(ports, routes, strict=True)):
            others = ", ".join(f'"nats://127.0.0.1:{one}"' for one in routes)
            file = Path(directory) / f"{number}.conf"
            name = f"n{number}"
            file.write_text(CONFIGURATION.format(name=name, port=port, directory=directory, route=route, routes=others))
            command = [str(programs() / "nats-server"), "--config", str(file)]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.kill)
            servers[name] = process
        yield ",".join(f"nats://127.0.0.1:{port}" for port in ports), servers


def leader_and_keepers(deployment: Deployment) -> tuple[str, int]:
    """Who leads the stream of adapters' messages, and how many servers have all of it and of what the door has read."""
    client: Client = deployment.parts.nats.client

    async def ask() -> tuple[str, int]:
        stream = client.jetstream()
        clusters = [(await stream.stream_info(STREAM)).cluster, (await stream.consumer_info(STREAM, CONSUMER)).cluster]
        keepers = [1 + sum(bool(one.current) for one in (cluster and cluster.replicas) or []) for cluster in clusters]
        return (clusters[0] and clusters[0].leader) or "", min(keepers)

    try:
        return deployment.run(ask())
    except Exception:  # noqa: BLE001  # not yet, in whatever way
        return "", 0


def is_published(deployment: Deployment, account_id: str, message_id: str) -> bool:
    """Whether the cluster took the message, which it may not while it has no leader."""
    client: Client = deployment.parts.nats.client
    message = {"account": account_id, "message_id": message_id, "handle": "ana", "text": "Hello"}

    async def publish() -> None:
        await client.jetstream(timeout=2).publish(f"{SUBJECT}.{account_id}", json.dumps(message).encode())

    try:
        deployment.run(publish())
    except Exception:  # noqa: BLE001  # not now, in whatever way
        return False
    return True


def stored(deployment: Deployment) -> list[str]:
    """The ids of the messages in the log."""
    events, _ = deployment.run(deployment.parts.log.read(0, 500, ["conversation.message_received"]))
    return [getattr(one.event, "provider_id", "") for one in events]


@pytest.mark.parametrize("before", [3, 1], ids=["from the start", "raised later"])
def test_the_door_stays_open_when_a_server_of_three_is_gone(servers: Servers, before: int) -> None:
    with an_empty_database(servers.addresses.database_url) as database_url, a_cluster() as (nats_url, nodes):
        with a_deployment(database_url, nats_url, nats_replicas=before) as deployment:
            wait_until(lambda: leader_and_keepers(deployment)[1] == before, what="the door is open")
        with a_deployment(database_url, nats_url, nats_replicas=3) as deployment:
            shop = a_shop(deployment, deployment.person(Role.ADMINISTRATOR))
            wait_until(lambda: leader_and_keepers(deployment)[1] == 3, what="three servers keep the messages")
            wait_until(lambda: is_published(deployment, shop.account_id, "before"), what="the cluster takes a message")
            wait_until(lambda: stored(deployment) == ["before"], what="the first is taken in")

            nodes[leader_and_keepers(deployment)[0]].kill()

            wait_until(lambda: is_published(deployment, shop.account_id, "after"), what="the cluster takes another")
            wait_until(lambda: stored(deployment) == ["before", "after"], what="the second is taken in as well")
