"""A running Onethread for tests: the real application on a real server in a thread of its own, and callers of it."""

import asyncio
import re
import secrets
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn
import uvloop
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from api.access.authentication import Tokens
from api.app import create_app
from api.composition import composed
from api.http.openapi import openapi_document
from api.http_connection import HttpConnection
from api.key_file import new_key
from api.parts import Parts
from api.routes.table import OPERATIONS_BY_TAG
from api.settings import Settings
from application.commands import Command
from domain.person import Person, Role
from infrastructure.embedded.servers import Servers
from tests.databases import an_empty_database
from tests.waiting import wait_until

T = TypeVar("T")
ORIGIN = "https://desk.example"
WAIT_SECONDS_MAX = 30.0


@dataclass
class Caller:
    """Somebody who asks: adds who they are, and a new Idempotency-Key to each command."""

    http: httpx.Client
    headers: dict[str, str] = field(default_factory=dict)
    id: str = ""
    agent_id: str = ""

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def post(self, path: str, body: Any = None, *, key: str | None = None, **more: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key or secrets.token_hex(8), **more.pop("headers", {})}
        return self.ask("POST", path, json=body, headers=headers, **more)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {**self.headers, **more.pop("headers", {})}
        answer = self.http.request(method, path, headers=headers, **more)
        statuses = documented_statuses(method, answer.request.url.path)
        assert not statuses or str(answer.status_code) in statuses, (method, path, answer.status_code, "not documented")
        return answer

    def done(self, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
        """The answer to a command that is carried out."""
        answer = self.post(path, body, **more)
        assert answer.is_success, (answer.status_code, answer.text)
        return answer.json()  # type: ignore[no-any-return]

    def shown(self, path: str, **more: Any) -> Any:
        """The answer to a read that is allowed."""
        answer = self.get(path, **more)
        assert answer.is_success, (answer.status_code, answer.text)
        return answer.json()


def documented_statuses(method: str, path: str) -> frozenset[str]:
    """What the OpenAPI document says may come back; nothing where it knows no such operation."""
    found = [
        statuses for (asked, form), statuses in _DOCUMENTED.items() if asked == method and re.fullmatch(form, path)
    ]
    return frozenset().union(*found)


_DOCUMENTED = {
    (method.upper(), re.sub(r"{\w+}", "[^/]+", path)): frozenset(operation["responses"])
    for path, by_method in openapi_document(OPERATIONS_BY_TAG)["paths"].items()
    for method, operation in by_method.items()
}


class Deployment:
    """What tests have of a running process: its address, its parts, and its event loop."""

    def __init__(self, parts: Parts, port: int, loop: asyncio.AbstractEventLoop) -> None:
        self.parts = parts
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=WAIT_SECONDS_MAX)
        self.sockets_url = f"ws://127.0.0.1:{port}"
        self.port = port
        self._loop = loop
        self._tokens = Tokens(parts.keys.token_key, parts.settings.token_seconds, parts.settings.ticket_seconds)

    def run(self, body: Coroutine[Any, Any, T]) -> T:
        """The result of something that belongs on the server's loop."""
        return asyncio.run_coroutine_threadsafe(body, self._loop).result(WAIT_SECONDS_MAX)

    def command(self) -> Command:
        return Command(actor="test", at=self.parts.clock())

    def anybody(self) -> Caller:
        return Caller(self.http)

    def person(self, role: Role, *, agent_id: str | None = None, password: str = "") -> Caller:
        """Somebody of that role who is signed in."""
        hashed = password or "none"
        login = f"{role}-{secrets.token_hex(4)}"
        done, person_id = self.run(
            self.parts.set_up.admit(
                self.command(), login=login, name=login, role=role, password_hash=hashed, agent_id=agent_id
            )
        )
        self.known(done.position)
        token = self._tokens.session(self.of(person_id), self.parts.clock())
        return Caller(self.http, {"Authorization": f"Bearer {token}"}, person_id, agent_id or "")

    def program(self, role: Role, *account_ids: str) -> Caller:
        """A program with a key of that role."""
        done, person_id, key = self.run(
            self.parts.set_up.issue_key(self.command(), name="program", role=role, account_ids=account_ids)
        )
        self.known(done.position)
        return Caller(self.http, {"Authorization": f"Bearer {key}"}, person_id)

    def of(self, person_id: str) -> Person:
        return self.parts.directory.people[person_id]

    def known(self, position: int) -> None:
        """The directory of the process has what led to the position."""
        assert self.run(self.parts.followers["directory"].reached(position, WAIT_SECONDS_MAX))

    def socket(self, caller: Caller, *, origin: str | None = ORIGIN, **more: Any) -> ClientConnection:
        """The people's socket, opened with a fresh ticket."""
        return self.open(f"/v1/socket?ticket={caller.done('/v1/tickets')['ticket']}", origin=origin, **more)

    def open(self, path: str, *, origin: str | None = None, **more: Any) -> ClientConnection:
        """Any socket of this server."""
        page = Origin(origin) if origin is not None else None
        opened: ClientConnection = connect(f"{self.sockets_url}{path}", origin=page, **{"compression": None, **more})
        return opened


@contextmanager
def a_deployment_of_its_own(servers: Servers) -> Iterator[Deployment]:
    """On a database of its own, until the context ends."""
    addresses = servers.addresses
    with (
        an_empty_database(addresses.database_url) as database_url,
        a_deployment(database_url, addresses.nats_url) as running,
    ):
        yield running


@contextmanager
def a_deployment(database_url: str, nats_url: str, **settings: Any) -> Iterator[Deployment]:
    """Serves until the context ends. Further settings by their names."""
    keys: dict[str, Any] = {"master_keys": (new_key(),), "claim_key": new_key(), "token_key": new_key()}
    directory = tempfile.TemporaryDirectory(prefix="onethread-media-")
    many = {"visitors_per_address": 100_000}  # all tests come from one
    given = {**keys, "data_directory": Path(directory.name), **many, **settings}
    chosen = Settings(database_url=database_url, nats_url=nats_url, allowed_origins=(ORIGIN,), **given)
    ready: list[Deployment] = []
    is_ready, stop = threading.Event(), threading.Event()
    failed: list[BaseException] = []

    def body() -> None:
        try:
            uvloop.run(_serve(chosen, ready.append, is_ready, stop))
        except BaseException as error:  # noqa: BLE001  # told to the thread of the test
            failed.append(error)
        finally:
            is_ready.set()

    thread = threading.Thread(target=body, name="onethread")
    thread.start()
    assert is_ready.wait(60)
    try:
        if failed:
            raise failed[0]
        deployment = ready[0]
        wait_until(lambda: deployment.http.get("/health/ready").is_success, what="the server is ready")
        yield deployment
    finally:
        stop.set()
        if ready:
            ready[0].http.close()
        thread.join(60)
        directory.cleanup()
        assert not thread.is_alive()
    if failed:
        raise failed[0]


async def _serve(
    settings: Settings, ready: Callable[[Deployment], None], is_ready: threading.Event, stop: threading.Event
) -> None:
    async with composed(settings, readers=True) as parts:
        config = uvicorn.Config(
            create_app(parts),
            port=0,
            loop="none",
            http=HttpConnection,
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            ws_max_size=65_536,
            access_log=False,
            log_config=None,
            lifespan="off",
            timeout_graceful_shutdown=2,
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(_until_stopped(server))
        await _until_started(server)
        port = server.servers[0].sockets[0].getsockname()[1]
        ready(Deployment(parts, port, asyncio.get_running_loop()))
        is_ready.set()
        await asyncio.to_thread(stop.wait)
        server.should_exit = True
        await serving


async def _until_started(server: uvicorn.Server) -> None:
    while not server.started:  # noqa: ASYNC110  # uvicorn tells it no other way
        await asyncio.sleep(0)


async def _until_stopped(server: uvicorn.Server) -> None:
    await server._serve()  # without its signal handlers: those belong to the main thread
