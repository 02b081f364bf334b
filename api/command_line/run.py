"""`onethread serve` and `onethread work`: the long-running processes."""

import asyncio
import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import click
import uvicorn
import uvloop
from litestar import Litestar
from msgspec.structs import replace
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from typing_extensions import override

from api.app import create_app, create_upkeep_app
from api.composition import composed
from api.http_connection import HttpConnection
from api.key_file import with_kept_keys
from api.logs import set_up_logs
from api.parts import Parts
from api.settings import Settings, SettingWrong, settings_from_environment
from infrastructure.embedded.servers import embedded_servers

Result = TypeVar("Result")
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def with_servers(settings: Settings) -> Iterator[Settings]:
    """The settings with the addresses of embedded servers where they name none, while those servers run.

    Raises SettingWrong, CannotStart.
    """
    try:
        conninfo_to_dict(settings.database_url)
    except ProgrammingError as error:
        raise SettingWrong(f"DATABASE_URL: {error}") from error
    if settings.database_url and settings.nats_url:
        yield settings
        return
    if not settings.database_url:
        settings = with_kept_keys(settings)

    def tell(sentence: str) -> None:
        click.echo(sentence, err=True)

    directory = settings.data_directory.absolute()
    with embedded_servers(
        directory, postgres=not settings.database_url, nats=not settings.nats_url, tell=tell
    ) as servers:
        yield replace(
            settings,
            database_url=settings.database_url or servers.addresses.database_url,
            nats_url=settings.nats_url or servers.addresses.nats_url,
        )


def run_with_parts(
    body: Callable[[Parts], Awaitable[Result]], *, readers: bool = False, settings: Settings | None = None
) -> Result:
    """Runs the body with the parts of a process of its own. What every short command uses."""

    async def run(ready: Settings) -> Result:
        async with composed(ready, readers=readers) as parts:
            gc.set_threshold(50_000, 50, 100)
            gc.freeze()  # what a process begins with stays: the collector need not look at it again and again
            return await body(parts)

    with with_servers(settings or settings_from_environment()) as ready:
        return uvloop.run(run(ready))


class Server(uvicorn.Server):
    """Uvicorn, saying where it listens once it does: with port 0 nobody could know."""

    def __init__(self, config: uvicorn.Config, says: str = "Onethread listens on {}") -> None:
        super().__init__(config)
        self._says = says

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn would raise the signal again once it has served, and kill us before the other parts have stopped."""
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in STOP_SIGNALS:  # a second signal ends a stop that takes too long
                loop.remove_signal_handler(number)

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers:
            for listening in server.sockets:
                host, port = listening.getsockname()[:2]
                click.echo(self._says.format(f"http://{host}:{port}"))


async def serve_http(parts: Parts) -> None:
    """The API, until a signal says stop."""
    await _serve(parts, create_app(parts), "Onethread listens on {}  (documentation: /v1/docs)")


async def serve_upkeep(parts: Parts) -> None:
    """Health and metrics alone, until a signal says stop."""
    await _serve(parts, create_upkeep_app(parts), "The worker tells health and metrics on {}")


async def _serve(parts: Parts, app: Litestar, says: str) -> None:
    """Until a signal says stop; then requests and sockets are finished within the time that the settings give."""
    settings = parts.settings
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="none",
        http=HttpConnection,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=65_536,
        access_log=False,
        log_config=None,
        lifespan="off",
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=round(settings.stop_seconds),
    )
    await Server(config, says).serve()


@click.command()
@click.option("--host", help="Address to listen on.  [ONETHREAD_HOST, 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port; 0 takes a free one.  [ONETHREAD_PORT, 8000]")
def serve(host: str | None, port: int | None) -> None:
    """The API, its sockets and, unless ONETHREAD_READERS=off, the projections, the router and the senders.

    Starts PostgreSQL and NATS itself where DATABASE_URL and NATS_URL name none. Ctrl-C or SIGTERM stops it: what was
    acknowledged is finished first.
    """
    settings = settings_from_environment()
    settings = replace(settings, host=host or settings.host, port=settings.port if port is None else port)
    set_up_logs(settings.log_level)
    run_with_parts(serve_http, readers=settings.readers == "on", settings=settings)


@click.command()
def work() -> None:
    """Projections, router, senders and relay without the API.

    Start several: each part runs in one of them, and another takes it over within seconds when that one is gone.
    Health and metrics are served on ONETHREAD_PORT.
    """
    settings = settings_from_environment()
    set_up_logs(settings.log_level)

    run_with_parts(serve_upkeep, readers=True, settings=settings)
