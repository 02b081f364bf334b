"""`onethread serve` in a process of its own, as anybody would run it: where it listens, what it logs, how it stops."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvloop

from api.composition import composed
from api.key_file import new_key
from api.parts import Parts
from api.settings import Settings, as_environment
from application.commands import Command
from domain.account import AccountDefinition
from domain.person import Role
from domain.queue import QueueDefinition
from tests.api.situations import VISITOR_KEY
from tests.waiting import wait_until

LISTENS = re.compile(r"listens on (http://\S+)")
START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 30.0


@dataclass(frozen=True, kw_only=True)
class SetUp:
    """What was set up before the server started."""

    settings: Settings
    account_id: str
    chat_id: str
    """A web chat on any page."""
    key: str


@dataclass(frozen=True)
class Server:
    """A server that listens."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> int:
        """Asks it to stop and waits. Its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS_MAX)


def settings_for(database_url: str, nats_url: str, directory: Path, **more: Any) -> Settings:
    return Settings(
        database_url=database_url,
        nats_url=nats_url,
        data_directory=directory,
        port=0,
        master_keys=(new_key(),),
        claim_key=new_key(),
        token_key=new_key(),
        allowed_origins=("https://desk.example",),
        stop_seconds=5.0,
        **more,
    )


def set_up(settings: Settings) -> SetUp:
    """An adapter account, a web chat, and a key that may do everything an adapter may."""

    async def define(parts: Parts) -> SetUp:
        command = Command(actor="test", at=parts.clock())
        _, queue_id = await parts.set_up.define_queue(command, None, QueueDefinition(name="All"))
        account = AccountDefinition(channel="adapter", name="Elsewhere", queue_id=queue_id)
        _, account_id = await parts.set_up.define_account(command, None, account)
        chat = AccountDefinition(
            channel="webchat", name="Page", queue_id=queue_id, settings={"visitor_key": VISITOR_KEY}
        )
        _, chat_id = await parts.set_up.define_account(command, None, chat)
        _, _, key = await parts.set_up.issue_key(command, name="adapter", role=Role.ADAPTER, account_ids=())
        return SetUp(settings=settings, account_id=account_id, chat_id=chat_id, key=key)

    async def run() -> SetUp:
        async with composed(settings, readers=False) as parts:
            return await define(parts)

    return uvloop.run(run())


@contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    """The server, until the context ends; whoever stopped it before is not disturbed."""
    settings.data_directory.mkdir(parents=True, exist_ok=True)
    log, told = settings.data_directory / "server.log", settings.data_directory / "told.txt"
    command = [sys.executable, "-m", "api.command_line", "serve"]
    with log.open("wb") as errors, told.open("wb") as output:
        process = subprocess.Popen(
            command, env=as_environment(settings), stdout=output, stderr=errors, cwd=Path(__file__).parents[2]
        )
    try:
        wait_until(
            lambda: LISTENS.search(told.read_text()) is not None or process.poll() is not None,
            what="the server listens",
            seconds_max=START_SECONDS_MAX,
        )
        found = LISTENS.search(told.read_text())
        assert found is not None, log.read_text()
        yield Server(found[1], process, log)
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()


def bring(http: httpx.Client, shop: SetUp, message_id: str, handle: str = "ana", text: str = "Hello") -> httpx.Response:
    """A message through the adapter door."""
    message = {"account": shop.account_id, "message_id": message_id, "handle": handle, "text": text}
    headers = {"Authorization": f"Bearer {shop.key}"}
    return http.post(f"/v1/accounts/{shop.account_id}/messages", json=message, headers=headers)
