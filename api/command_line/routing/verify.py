"""`onethread verify`: puts what is promised to the whole log, and lists what breaks it."""

import sys
from datetime import timedelta

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from api.command_line.run import run_with_parts
from api.parts import Parts
from application.proofs.audit import DECISION_LAG, RoutingAudit
from application.proofs.finding import SENTENCES, Finding, Promise, Unled
from application.proofs.verify import verify_routing

SHOWN_MAX = 20
"""Counterexamples to each promise in the terminal; `--json` has up to a thousand."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a verification came to."""

    events: int
    decisions: int
    """Taken once more."""
    unproven: int
    counts: dict[str, int]
    """Counterexamples, by promise."""
    findings: list[Finding]
    overrides: list[Finding]
    unled: list[Unled]
    """No counterexamples: without a router nobody decides."""


@click.group()
def verify() -> None:
    """Prove from the log that the rules were kept, over all history."""


@verify.command("routing")
@click.option("--from", "first", type=click.IntRange(min=1), default=1, help="Tell counterexamples from this position.")
@click.option("--to", "last", type=click.IntRange(min=1), help="End with this position; the newest event where absent.")
@click.option(
    "--lag",
    "lag_seconds",
    type=click.FloatRange(min=0),
    default=DECISION_LAG.total_seconds(),
    show_default=True,
    help="Seconds that work may wait beside an agent who has room for it, until the router has decided.",
)
@click.option("--quick", is_flag=True, help="Leave the plain scan of everything that waits out: faster on long queues.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def verify_routing_command(first: int, last: int | None, lag_seconds: float, quick: bool, as_json: bool) -> None:  # noqa: FBT001  # flags
    """Check what routing promises against every event of the log. Exit status 1 if anything breaks a promise.

    \b
    - no agent above capacity; what a supervisor gave in spite of it is listed apart
    - every decision of the router, taken once more from the log, comes out the same
    - nobody was given what they were not able or allowed to do, or had no room for
    - no item with a higher score was passed over that the agent could have had: a plain scan, without the router
    - nothing waited longer than --lag while an agent had room for it and a router led
    - no item was offered to two agents at once
    - every offer that came to nothing has a reason

    What waited while no router led breaks no promise and is told as a note, as far as it is recorded when one led.

    The log is read once, in order, in constant memory. What stands before --from is read too, as it says how things
    stood, but is not told. Times are those at which the log took the events.

    \b
    Examples:
      onethread verify routing
      onethread verify routing --from 120000 --lag 2
    """  # noqa: D301  # click keeps the lines of a paragraph that begins with this character

    async def run(parts: Parts) -> None:
        newest = min(await parts.log.head(), last or sys.maxsize)
        if first > max(newest, 1):
            raise click.BadParameter(
                f"there is nothing from {first} on: the last event is at {newest}", param_hint="--from"
            )
        with _progress() as progress:
            task = progress.add_task("reading the log", total=None)
            audit = await verify_routing(
                parts.log,
                after=first - 1,
                upto=last,
                lag=timedelta(seconds=lag_seconds),
                now=parts.clock(),
                scans=not quick,
                leads=parts.router.recorded_leads,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(_report(audit))))
        else:
            _print(audit)
        if not audit.holds:
            raise click.ClickException(_counted(audit.counts.total(), "counterexample"))

    run_with_parts(run)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _report(audit: RoutingAudit) -> Report:
    return Report(
        events=audit.events,
        decisions=audit.decisions,
        unproven=audit.unproven,
        counts={str(promise): audit.counts[promise] for promise in Promise},
        findings=audit.findings,
        overrides=audit.loads.overrides,
        unled=audit.idle.unled,
    )


def _print(audit: RoutingAudit) -> None:
    console = Console()
    table = Table("promise", "counterexamples", box=None)
    for promise in Promise:
        found = audit.counts[promise]
        table.add_row(SENTENCES[promise], Text(f"{found:,}" if found else "none", style="red" if found else "green"))
    console.print(table)
    for promise in Promise:
        if audit.counts[promise]:
            _print_findings(console, SENTENCES[promise], audit.counts[promise], _of(audit.findings, promise))
    if audit.loads.overrides:
        _print_findings(
            console, "given in spite of no room, as somebody said", len(audit.loads.overrides), audit.loads.overrides
        )
    for one in audit.idle.unled:
        console.print(Text(_told(one), style="yellow"))
    if audit.unproven:
        decisions = _counted(audit.unproven, "decision")
        console.print(f"{decisions} cannot be proven: what stood beside them was erased since, or cannot be read.")
    events, decisions = _counted(audit.events, "event"), _counted(audit.decisions, "decision")
    console.print(f"{events} of routing, {decisions} taken once more.")


def _told(one: Unled) -> str:
    """`no router has led since 2026-11-11 18:00:00+00:00; 3 conversations waiting while agents have room`."""
    since, waiting = one.since.isoformat(sep=" ", timespec="seconds"), _counted(one.conversations, "conversation")
    if one.until is None:
        return f"no router has led since {since}; {waiting} waiting while agents have room"
    until = one.until.isoformat(sep=" ", timespec="seconds")
    return f"no router led from {since} to {until}; {waiting} waited while agents had room"


def _of(findings: list[Finding], promise: Promise) -> list[Finding]:
    return [finding for finding in findings if finding.promise is promise]


def _print_findings(console: Console, title: str, count: int, findings: list[Finding]) -> None:
    console.print(Text(f"\n{title}: {count:,}", style="bold"))
    table = Table("position", "at", Column("who", overflow="fold"), Column("what", overflow="fold"), box=None)
    for one in findings[:SHOWN_MAX]:
        table.add_row(str(one.position), one.at.isoformat(sep=" ", timespec="milliseconds"), one.who, Text(one.what))
    console.print(table)
    if count > SHOWN_MAX:
        console.print(Text(f"and {count - SHOWN_MAX:,} more, see --json", style="dim"))


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
