"""A node is killed: the agents whose screens were there alone are signed out in time, those elsewhere work on."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvloop
from msgspec.structs import replace
from websockets.sync.client import ClientConnection, connect

from api.access.authentication import Tokens
from api.composition import composed
from api.parts import Parts
from api.settings import Settings
from application.commands import Command
from domain.agent import Presence
from domain.person import Role
from domain.policy import RoutingPolicy
from infrastructure.embedded.servers import Servers
from tests.databases import an_empty_database
from tests.scenarios.serving import Server, serving, settings_for
from tests.waiting import wait_until

GRACE_SECONDS = 5


@dataclass(frozen=True)
class Worker:
    """An agent, and the token of who works as them."""

    agent_id: str
    token: str

    def standing(self, server: Server) -> tuple[str, str]:
        answer = httpx.get(f"{server.url}/v1/agents/{self.agent_id}", headers=self._headers, timeout=30)
        card: dict[str, Any] = answer.raise_for_status().json()
        return card["agent"].get("presence", "offline"), card.get("presence_reason", "")

    @contextmanager
    def screen(self, server: Server) -> Iterator[ClientConnection]:
        """Open, and known to be."""
        headers = {**self._headers, "Content-Type": "application/json"}
        ticket = httpx.post(f"{server.url}/v1/tickets", headers=headers, timeout=30).raise_for_status().json()["ticket"]
        url = f"{server.url.replace('http', 'ws', 1)}/v1/socket?ticket={ticket}"
        with connect(url, compression=None) as socket:
            demand_answer(socket)
            yield socket

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def demand_answer(socket: ClientConnection) -> None:
    socket.send('{"type": "ping"}')
    assert json.loads(socket.recv(30))["type"] == "pong"


def two_at_work(settings: Settings) -> tuple[Worker, Worker]:
    """Under a policy that soon gives up whoever is cut off."""

    async def hire(parts: Parts, name: str) -> Worker:
        command = Command(actor="test", at=parts.clock())
        _, agent_id = await parts.staff.register(command, name, {}, 6)
        await parts.staff.sign_in(command, agent_id)
        await parts.staff.change_presence(command, agent_id, Presence.AVAILABLE, "")
        _, person_id = await parts.set_up.admit(
            command, login=name, name=name, role=Role.AGENT, password_hash="none", agent_id=agent_id
        )
        await parts.followers["directory"].catch_up()
        tokens = Tokens(parts.keys.token_key, settings.token_seconds, settings.ticket_seconds)
        return Worker(agent_id, tokens.session(parts.directory.people[person_id], parts.clock()))

    async def run() -> tuple[Worker, Worker]:
        async with composed(settings, readers=False) as parts:
            rules = RoutingPolicy(lost_connection_seconds=GRACE_SECONDS)
            await parts.set_up.define_policy(Command(actor="test", at=parts.clock()), rules)
            return await hire(parts, "mei"), await hire(parts, "ola")

    return uvloop.run(run())


def test_who_was_on_a_killed_node_is_signed_out_and_who_is_elsewhere_is_not(servers: Servers, tmp_path: Path) -> None:
    addresses = servers.addresses
    with an_empty_database(addresses.database_url) as database_url:
        settings = settings_for(database_url, addresses.nats_url, tmp_path / "one")
        cut_off, elsewhere = two_at_work(settings)
        with (
            serving(settings) as killed,
            serving(replace(settings, data_directory=tmp_path / "two")) as left,
            cut_off.screen(killed),
            elsewhere.screen(left) as screen,
        ):
            os.kill(killed.process.pid, signal.SIGKILL)
            killed_at = time.monotonic()
            wait_until(
                lambda: cut_off.standing(left) == ("offline", "connection lost"),
                what="the agent of the killed node is signed out",
                seconds_max=60,
            )

            assert time.monotonic() - killed_at >= GRACE_SECONDS
            assert elsewhere.standing(left) == ("available", "")
            demand_answer(screen)
