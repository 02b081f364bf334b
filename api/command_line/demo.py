"""`onethread demo`: a small shop, live in this terminal."""

import asyncio
import signal
from contextlib import suppress

import click
import uvloop
from rich.console import Console
from rich.table import Table

from api.command_line.routing.explained import printed
from api.command_line.run import with_servers
from api.demo.routing import FILE
from api.demo.run import BUSY, Pace, run_demo
from api.demo.scene import Scene
from api.demo.screen import entries, gist
from api.demo.shop import FEATURED, PASSWORD, SUPERVISOR
from api.settings import Settings, settings_from_environment
from application.explaining.explanation import Explanation

ROUTED = {
    "conversation.relaxed": "steps of the queues' timetables",
    "conversation.overflowed": "overflows with a promise",
    "conversation.promise_told": "promises told to customers",
}


@click.command()
@click.option("--seconds", type=click.FloatRange(min=1), help="Stop after so long; otherwise Ctrl-C stops it.")
@click.option("--fast", is_flag=True, help="A burst: ten times the traffic, agents who hardly think.")
def demo(seconds: float | None, fast: bool) -> None:  # noqa: FBT001  # a flag
    """A shop on its busiest day: four queues, twelve agents, customers on thirteen channels, all on real servers.

    Messages come in as signed webhooks of WhatsApp, Messenger, Instagram, Telegram, LINE, WeChat and Twilio, as raw
    mails, web chat sockets, NATS messages and call records; agents work over real sockets, and what they answer goes
    to the send API of the channel, which the demo plays. One customer writes on all of them and stays one thread.
    What it stores stays, and can be looked at with `onethread serve`.
    """
    console = Console()

    scene = Scene()

    async def run(settings: Settings) -> None:
        task = asyncio.ensure_future(
            run_demo(settings, scene, seconds=seconds, pace=BUSY if fast else Pace(), console=console)
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await task

    with with_servers(settings_from_environment()) as settings:
        console.print("Opening the shop …")
        uvloop.run(run(settings))
    _summary(console, scene)
    if scene.explained is not None:
        _explain(console, scene.explained)
    _what_next(console, settings)


def _summary(console: Console, scene: Scene) -> None:
    table = Table("what", "how much", box=None)
    for channel, number in scene.taken_in.most_common():
        table.add_row(f"messages taken in, {channel}", f"{number:,}")
    table.add_row(f"media in one thread, {FEATURED.name}", f"{len(scene.media):,}")
    table.add_row("replies by agents", f"{scene.replies:,}")
    table.add_row("pictures from customers, email", f"{scene.pictures_in:,}")
    table.add_row("pictures to customers, email", f"{scene.pictures_out:,}")
    for channel, number in scene.replies_out.most_common():
        table.add_row(f"replies out, {channel}", f"{number:,}")
    for what, number in scene.amendments.most_common():
        table.add_row(f"{what}s of customers", f"{number:,}")
    table.add_row("receipts of what was sent", f"{scene.receipts:,}")
    table.add_row("offers declined", f"{scene.declined:,}")
    for topic, what in ROUTED.items():
        table.add_row(what, f"{scene.routed[topic]:,}")
    table.add_row("conversations closed", f"{scene.closed:,}")
    p50, p95 = scene.latency_ms(0.5), scene.latency_ms(0.95)
    if p50 is not None and p95 is not None:
        table.add_row("recorded to frame on an agent's socket", f"{p50:.1f} ms p50, {p95:.1f} ms p95")
    table.add_row("events in the log", f"{scene.position:,}")
    for status, number in scene.refused.most_common():
        table.add_row(f"answers {status} (races between people, mostly)", f"{number:,}")
    console.print(table)
    console.print(f"\nThe end of one thread, {FEATURED.name}, and the pictures in it:")
    console.print(entries(gist(list(scene.timeline))))


def _explain(console: Console, explained: Explanation) -> None:
    """As `onethread explain` prints it."""
    console.print(f"\n[dim]$ onethread explain {explained.offer_id}[/dim]", highlight=False)
    for part in printed(explained):
        console.print(part)


def _what_next(console: Console, settings: Settings) -> None:
    console.print(
        f"""
Everything is kept in {settings.data_directory}. To look at it:

  make serve                            then, as supervisor {SUPERVISOR!r} with password {PASSWORD!r}:
  curl -s localhost:8000/v1/sessions -H 'Content-Type: application/json' \\
       -d '{{"login":"{SUPERVISOR}","password":"{PASSWORD}"}}'
  curl -s localhost:8000/v1/conversations -H "Authorization: Bearer TOKEN"

  .venv/bin/onethread policy show       how this shop routes; {settings.data_directory / FILE} says it in a document
  .venv/bin/onethread replay --last 20  the newest events; --stream customer-… for all of {FEATURED.name}'s
""",
        highlight=False,
    )
