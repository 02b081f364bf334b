"""A change of the master key: everything that was sealed before opens with the new one alone."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import uvloop
from msgspec.structs import replace

from api.composition import composed
from api.key_file import new_key
from api.parts import Parts
from api.settings import Settings
from application.exchange.deliveries import Arrived
from application.router_snapshots import STATE_NAME
from infrastructure.embedded.servers import Servers
from infrastructure.router_snapshots import PostgresRouterSnapshots
from tests.api.running.test_command_line import Terminal, environment_of
from tests.databases import an_empty_database
from tests.scenarios.serving import set_up, settings_for

DELIVERY = "delivery-0193a7c2b3c4d5e6f708192a3b4c5d6e"


def run(settings: Settings, body: Callable[[Parts], Awaitable[Any]]) -> Any:
    async def inside() -> Any:
        async with composed(settings, readers=False) as parts:
            return await body(parts)

    return uvloop.run(inside())


async def seal_something_everywhere(parts: Parts) -> str:
    """A delivery, a snapshot of the router, and a file, whose digest it returns; the streams are there already."""
    arrived = Arrived(id=DELIVERY, channel="line", account_ids=(), received_at=parts.clock(), content=b"as it came")
    await parts.deliveries.store(arrived)
    await PostgresRouterSnapshots(parts.log.pool, parts.keys.master_keys).save(1, b"who waits")
    return (await parts.media.put(b"a picture")).digest


async def unsealed(parts: Parts, digest: str) -> tuple[object, ...]:
    """What is read by somebody with these keys."""
    events, _ = await parts.log.read(0, 100)
    snapshot = await PostgresRouterSnapshots(parts.log.pool, parts.keys.master_keys).nearest(1)
    return (
        [one.event for one in events],
        await parts.deliveries.content(DELIVERY),
        snapshot,
        await parts.media.get(digest),
    )


@pytest.fixture
def settings(servers: Servers, tmp_path: Path) -> Iterator[Settings]:
    with an_empty_database(servers.addresses.database_url) as database_url:
        yield set_up(settings_for(database_url, servers.addresses.nats_url, tmp_path)).settings


@pytest.fixture
def rotated(settings: Settings) -> Settings:
    return replace(settings, master_keys=(new_key(), *settings.master_keys))


def terminal_of(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(environment_of(settings), monkeypatch, capsys)


def test_what_former_master_keys_wrapped_opens_with_the_new_one_alone(
    settings: Settings, rotated: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = run(settings, seal_something_everywhere)
    before = run(settings, lambda parts: unsealed(parts, digest))
    streams = number_of_streams(settings)
    terminal = terminal_of(rotated, monkeypatch, capsys)

    first, again = terminal.done("admin", "rewrap-keys"), terminal.done("admin", "rewrap-keys")

    assert first.lines == [
        f"streams: {streams} keys wrapped anew",
        "deliveries: 1 keys wrapped anew",
        "snapshots of the router: 1 keys wrapped anew",
        "media: 1 keys wrapped anew",
        "Nothing is wrapped by another master key any more.",
    ]
    assert [line.split()[-4] for line in again.lines[:-1]] == ["0"] * 4
    new_alone = replace(rotated, master_keys=rotated.master_keys[:1])
    assert run(new_alone, lambda parts: unsealed(parts, digest)) == before


def number_of_streams(settings: Settings) -> int:
    with psycopg.connect(settings.database_url) as connection:
        return connection.execute("SELECT * FROM onethread_stream_keys").rowcount


def test_what_a_master_key_wrapped_that_is_not_at_hand_is_left_as_it_is_and_named(
    settings: Settings, rotated: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = replace(settings, master_keys=(new_key(), *settings.master_keys))
    digest = run(elsewhere, seal_something_everywhere)
    before = run(elsewhere, lambda parts: unsealed(parts, digest))

    said = terminal_of(rotated, monkeypatch, capsys).run("admin", "rewrap-keys")

    assert (said.status, said.lines[0]) == (1, f"streams: {number_of_streams(settings)} keys wrapped anew")
    assert [line.split(" was wrapped by")[0] for line in said.lines[4:]] == [
        f"the key of {DELIVERY}",
        f"the key of {STATE_NAME}",
        f"the key of media-{digest}",
    ]
    assert "3 keys cannot be unwrapped: keep every master key" in said.err
    all_keys = replace(settings, master_keys=(*rotated.master_keys, *elsewhere.master_keys[:1]))
    assert run(all_keys, lambda parts: unsealed(parts, digest)) == before
