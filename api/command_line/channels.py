"""`onethread channels`: what accounts need, how they fare, parked deliveries, and recorded calls."""

from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from api.command_line.call_records import BadZone, Imported, files_in, import_files, zone_named
from api.command_line.run import run_with_parts
from api.command_line.samples import samples, send_sample
from api.parts import Parts
from api.upkeep.account_health import AccountHealth, health_of_all
from application.exchange.deliveries import Kept, Wanted
from application.log import UnreadableEvent
from channels.telephony.files import FORMATS

PAGE = 200
REASONS_SHOWN = 10
REASON_SHOWN = 120
"""Characters of why something failed."""


@click.group()
def channels() -> None:
    """Look after the channel accounts: set them up, try them, see whether anything is silent, behind or parked."""


channels.add_command(samples)
channels.add_command(send_sample)


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else "-"


def _notice(one: AccountHealth) -> str:
    return f"\n[red]{escape(one.notice)}[/] {_moment(one.noticed_at)}" if one.notice else ""


def _shared(one: AccountHealth) -> str:
    with_whom = ", ".join(one.shares_secret_with)
    return f"\n[red]same secret as {escape(with_whom)}[/]: give each its own" if with_whom else ""


def _state(one: AccountHealth) -> str:
    if one.is_paused:
        return "paused"
    told = {
        "[red]silent[/]": one.is_silent,
        "[red]parked[/]": one.parked,
        f"[red]{one.replies_stuck} stuck[/]": one.replies_stuck,
        f"throttled until {_moment(one.throttled_until)}": one.throttled_until,
    }
    fares = "well" if one.came_in or one.went_out or one.failed else "nothing came or went yet"
    return ", ".join(words for words, is_so in told.items() if is_so) or fares


async def _failure(parts: Parts, one: AccountHealth) -> str:
    """Why the channel last refused something, in its words; nothing where it never did, or that was erased."""
    if one.last_failure_position is None:
        return ""
    try:
        told = await parts.log.at(one.last_failure_position)
    except UnreadableEvent:
        return ""
    reason = getattr(told.event, "reason", "") if told else ""
    return f"\n[dim]last failed {_moment(one.last_failure_at)}: {escape(reason[:REASON_SHOWN])}[/]" if reason else ""


@channels.command("health")
def health() -> None:
    """Show each account: last in and out, failures, what waits and what is parked. Times are UTC.

    No account is ever called silent unless its setting silent_after_minutes says after how long without a message: set
    it for each whose hook must not fail unseen. Under the name: the provider's latest news of the account, as of a ban;
    other accounts that have the same secret where nothing else tells the two apart; and why the channel last refused
    something.
    """

    async def show(parts: Parts) -> None:
        names = ("account", "channel", "", "last in", "in", "last out", "out", "failed", "waiting", "lag", "parked")
        table = Table(*names, box=None)
        for one in await health_of_all(parts, parts.clock()):
            table.add_row(
                f"{escape(one.name)}\n[dim]{one.account_id}[/]{_notice(one)}{_shared(one)}{await _failure(parts, one)}",
                one.channel,
                _state(one) + (", two secrets" if one.has_previous_secret else ""),
                _moment(one.last_in_at),
                str(one.came_in),
                _moment(one.last_out_at),
                str(one.went_out),
                str(one.failed),
                str(one.waiting),
                f"{one.lag_seconds:.0f} s",
                str(one.parked),
            )
        Console().print(table)

    run_with_parts(show)


async def _parked(parts: Parts, wanted: Wanted) -> list[Kept]:
    found, cursor = await parts.deliveries.page(wanted, limit=PAGE)
    while cursor is not None:
        more, cursor = await parts.deliveries.page(wanted, cursor=cursor, limit=PAGE)
        found += more
    return found


@channels.command("parked")
@click.option("--channel", default="", help="Only of this channel.")
@click.option("--account", "account_id", default="", help="Only what may be for this account.")
def parked(channel: str, account_id: str) -> None:
    """List the deliveries that could not be read, the newest first, and why."""

    async def show(parts: Parts) -> None:
        found = await _parked(parts, Wanted(channel=channel, account_id=account_id))
        for one in found:
            click.echo(f"{one.id}  {_moment(one.received_at)}  {one.channel}  {one.size_bytes} bytes  {one.error}")
        click.echo(f"{len(found)} are parked.")

    run_with_parts(show)


@channels.command("retry")
@click.option("--channel", default="", help="Only of this channel.")
@click.option("--account", "account_id", default="", help="Only what may be for this account.")
def retry(channel: str, account_id: str) -> None:
    """Read the parked deliveries again, after what was wrong has been mended. What is stored already stays once."""

    async def run(parts: Parts) -> None:
        wanted = Wanted(channel=channel, account_id=account_id)
        total = await parts.deliveries.take_up_again(parts.clock(), wanted)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("deliveries", total=total)
            # Here, also where a server runs: it would read them as well, and read twice is taken in once.
            parts.delivery_reader.on_settled.append(lambda count: progress.advance(task, count))
            await parts.delivery_reader.catch_up()
        click.echo(f"{total} taken up again; {len(await _parked(parts, wanted))} are parked.")

    run_with_parts(run)


@channels.command("import-calls")
@click.argument("account_id")
@click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--format", "file_format", type=click.Choice(FORMATS), help="Of the files; else what they look like.")
@click.option("--timezone", default="UTC", show_default=True, help="Of times that name none: Europe/Berlin.")
def import_calls(account_id: str, paths: tuple[Path, ...], file_format: str | None, timezone: str) -> None:
    """Take in the call records of a telephone system, for the telephone account ACCOUNT_ID.

    FILE is a Master.csv of Asterisk, a json_cdr or xml_cdr of FreeSWITCH, or a folder of them. What is known already
    changes nothing, so the same file, or one that overlaps, may be given again. A record that cannot be read is told
    with its line, and the others go on.
    """
    try:
        zone = zone_named(timezone)
    except BadZone as error:
        raise click.BadParameter(str(error), param_hint="--timezone") from error
    files = files_in(paths)

    async def run(parts: Parts) -> Imported:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("calls", visible=False)

            def advance(done: int, total: int) -> None:
                progress.update(task, completed=done, total=total, visible=True)

            return await import_files(parts, account_id, files, file_format or "", zone, advance)

    imported = run_with_parts(run)
    for one in imported.refused:
        click.echo(f"{one.place}: {one.reason}")
    click.echo(f"{imported.stored} stored, {imported.known} known before, {len(imported.refused)} skipped.")
    for reason, count in imported.reasons.most_common(REASONS_SHOWN):
        click.echo(f"  {count} x {reason}")
