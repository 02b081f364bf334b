"""The demo from beginning to end: servers, shop, traffic, screen, and a summary of what was stored."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import httpx
import msgspec
from msgspec.structs import replace
from nats import connect
from nats.errors import Error as NatsError
from rich.console import Console
from rich.live import Live
from websockets.exceptions import ConnectionClosed, WebSocketException

from api.composition import composed
from api.demo.agents import AtWork
from api.demo.client import Client
from api.demo.customers import Customers
from api.demo.opening import Shop, close_shop, open_shop
from api.demo.outside import outside_world
from api.demo.routing import FILE
from api.demo.scene import Scene
from api.demo.screen import Screen
from api.demo.server import serving
from api.demo.shop import AGENTS, FEATURED, PASSWORD, PUBLIC_URL, SUPERVISOR
from api.parts import Parts
from api.settings import Settings
from application.explaining.explanation import Explanation

FRAMES_PER_SECOND = 4
LINE_SECONDS = 2.0
ROUTED = frozenset({"conversation.relaxed", "conversation.overflowed", "conversation.promise_told"})


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How busy the day is."""

    messages_per_second: float = 6.0
    thinking: float = 1.0
    """Of the agents, as a share of their usual time."""


BUSY = Pace(messages_per_second=60.0, thinking=0.1)


async def run_demo(settings: Settings, scene: Scene, *, seconds: float | None, pace: Pace, console: Console) -> None:
    """Until the time is over or the task is cancelled. The scene tells how it stood then."""
    async with outside_world(scene) as outside, composed(settings, readers=False) as parts:
        shop = await open_shop(parts, outside)
        console.print(f"[dim]$ onethread policy apply {FILE}[/dim]\n{shop.routing}", highlight=False)
        with (settings.data_directory / "demo-server.log").open("wb") as log:
            async with serving(replace(settings, host="127.0.0.1", port=0, public_url=PUBLIC_URL), log) as server:
                try:
                    await _live(settings, server.url, shop, scene, seconds, pace, console)
                finally:
                    scene.position = await parts.log.head()
                    scene.explained = await _explained(parts, scene)
        await close_shop(parts, shop)


async def _explained(parts: Parts, scene: Scene) -> Explanation | None:
    """The latest decision that has most to tell: of work that had come to ask less, or with somebody to choose from."""
    if not scene.decisions:
        return None

    def has_to_tell(one: dict[str, Any]) -> tuple[bool, bool]:
        choice = one["event"].get("choice") or {}
        return bool(choice.get("step")), bool(choice.get("runner_up"))

    telling = max(reversed(scene.decisions), key=has_to_tell)
    return await parts.explain.explain(await parts.explain.offered(telling["event"]["offer_id"]))


async def _live(
    settings: Settings, url: str, shop: Shop, scene: Scene, seconds: float | None, pace: Pace, console: Console
) -> None:
    nats = await connect(settings.nats_url)
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as http:
        nobody = Client(http, scene)
        customers = Customers(nobody, url, shop, scene, nats, seed=1)
        at_work = [AtWork(a, shop.agents[a.login], scene, pace=pace.thinking, seed=a.login) for a in AGENTS]
        bodies: list[Coroutine[Any, Any, None]] = [
            *(_again(partial(one.work, nobody)) for one in at_work),
            _again(partial(_supervise, nobody, shop, scene)),
            _again(partial(_audit, nobody.with_key(shop.auditor_key), scene)),
            _traffic(customers, pace),
            _show(Screen(scene, shop), console),
        ]
        tasks = [asyncio.create_task(body) for body in bodies]
        try:
            await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await nats.close()


async def _again(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Whoever loses their connection comes back, as people do."""
    while True:
        with suppress(OSError, httpx.HTTPError, TimeoutError, ConnectionClosed):
            await body()
        await asyncio.sleep(0.5)


async def _supervise(nobody: Client, shop: Shop, scene: Scene) -> None:
    """The supervisor's screen: all boards, and one customer's timeline."""
    client = await nobody.sign_in(SUPERVISOR, PASSWORD)
    timeline = f"timeline:{shop.customers[FEATURED.name]}"
    async with client.socket() as socket:
        for watch in (timeline, "agent_board", *(f"queue_board:{queue_id}" for queue_id in shop.queues.values())):
            await socket.send(msgspec.json.encode({"type": "watch", "watch": watch}).decode())
        async for raw in socket:
            frame = msgspec.json.decode(raw)
            scene.position = max(scene.position, frame.get("position", 0))
            if frame.get("watch") == timeline:
                scene.shows(frame.get("rows", [frame["row"]] if "row" in frame else []))
                continue
            is_of_agents = frame.get("watch", "").startswith("agent_board")
            board = scene.agents if is_of_agents else scene.queues
            for row in frame.get("rows", []):
                board[row["id"]] = row
            if frame["type"] == "put":
                board[frame["key"]] = frame["row"]
            elif frame["type"] == "gone":
                board.pop(frame["key"], None)


async def _audit(client: Client, scene: Scene) -> None:
    """The auditor reads the log; the screen shows the router's decisions."""
    after = scene.position
    while True:
        page = await client.get("/v1/log", after=after, limit=200)
        scene.decisions.extend(one for one in page["items"] if one["topic"] == "conversation.offered")
        scene.routed.update(one["topic"] for one in page["items"] if one["topic"] in ROUTED)
        after = page["position"]
        if len(page["items"]) < 200:
            await asyncio.sleep(0.5)


async def _traffic(customers: Customers, pace: Pace) -> None:
    """Customers get in touch, on average so many a second; each takes the time it takes."""
    under_way: set[asyncio.Task[None]] = set()
    try:
        while True:
            if len(under_way) < 500:
                task = asyncio.create_task(_write(customers))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            await asyncio.sleep(1 / pace.messages_per_second)
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _write(customers: Customers) -> None:
    """A customer whose connection breaks goes away, as people do; the servers' side of it is what tests look at."""
    with suppress(OSError, TimeoutError, httpx.HTTPError, WebSocketException, NatsError):
        await customers.write()


async def _show(screen: Screen, console: Console) -> None:
    """The live screen; where there is no terminal, a line now and then."""
    if not console.is_terminal:
        while True:
            await asyncio.sleep(LINE_SECONDS)
            console.print(screen.line())
    with Live(screen.draw(), console=console, screen=True, auto_refresh=False) as live:
        while True:
            await asyncio.sleep(1 / FRAMES_PER_SECOND)
            live.update(screen.draw(), refresh=True)
