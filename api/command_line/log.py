"""`onethread replay` and `onethread rebuild`: look at history, and make views anew from it."""

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.assembly import FOLDS
from api.command_line.run import run_with_parts
from api.parts import Parts
from api.upkeep.log import shown
from application.rebuild import Rebuild
from infrastructure.views.builds import PostgresBuilds

PAGE = 1_000


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:>12}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


@click.command()
@click.option("--after", type=click.IntRange(min=0), default=0, help="Begin behind this position.")
@click.option("--upto", type=click.IntRange(min=1), help="End with this position; the newest event where absent.")
@click.option("--last", type=click.IntRange(min=1), help="Only so many of the newest.")
@click.option("--stream", help="Only this stream, as in customer-0193….")
@click.option("--topic", "topics", multiple=True, help="Only this topic; repeat for several.")
@click.option("--parked", help="Take the parked streams of this view up again, instead of printing.")
def replay(
    after: int, upto: int | None, last: int | None, stream: str | None, topics: tuple[str, ...], parked: str | None
) -> None:
    """Print history as JSON lines, in the order of the log, secrets hidden.

    With --parked VIEW, replay the streams that the view could not follow, after what was wrong has been mended.
    """
    if parked is not None:
        run_with_parts(lambda parts: _replay_parked(parts, parked))
    else:
        run_with_parts(lambda parts: _print(parts, after, upto, last, stream, topics))


async def _print(
    parts: Parts, after: int, upto: int | None, last: int | None, stream: str | None, topics: tuple[str, ...]
) -> None:
    head = await parts.log.head()
    end = min(upto or head, head)
    position = max(after, end - last) if last else after
    if stream is not None:
        events = await parts.log.read_stream(stream)
        for recorded in events:
            if position < recorded.position <= end and (not topics or recorded.topic in topics):
                click.echo(msgspec.json.encode(shown(recorded)))
        return
    while position < end:
        batch, position = await parts.log.read(position, min(PAGE, end - position), topics)
        for recorded in batch:
            if recorded.position <= end:
                click.echo(msgspec.json.encode(shown(recorded)))


async def _replay_parked(parts: Parts, view: str) -> None:
    projection = parts.projections.get(view)
    if projection is None:
        raise click.ClickException(f"there is no view {view}; there are {', '.join(parts.projections)}")
    await projection.start()
    before = len(projection.parked)
    left = await projection.replay_parked(parts.log)
    click.echo(f"{before - len(left)} of {before} parked streams of {view} are followed again.")
    for one in left:
        click.echo(f"still parked: {one.stream} at {one.position} ({one.topic}): {one.error}")


@click.command()
@click.argument("view", type=click.Choice([fold.name for fold in FOLDS]))
@click.option("--switch-back", is_flag=True, help="Make the build before live again, brought up to date.")
@click.option("--despite-differences", is_flag=True, help="Switch also where the new build differs from the live one.")
def rebuild(view: str, switch_back: bool, despite_differences: bool) -> None:  # noqa: FBT001  # flags
    """Build VIEW anew from the log, beside the live one, compare the two, and switch over.

    Works while `serve` and `work` run: readers see the old build until the new one has caught up and is found equal.
    Where they differ, because the fold was mended, say --despite-differences. The build before is kept until the next
    rebuild; --switch-back returns to it.
    """

    async def run(parts: Parts) -> None:
        with _progress() as progress:
            task = progress.add_task(view, total=None, rate="")

            def show(done: int, total: int, per_second: float) -> None:
                progress.update(task, completed=done, total=total, rate=f"{per_second:,.0f} events/s")

            rebuilding = Rebuild(parts.log, PostgresBuilds(parts.settings.database_url), FOLDS)
            if switch_back:
                build = await rebuilding.switch_back(view, show)
                click.echo(f"{build.table} is live again.")
                return
            rebuilt = await rebuilding.rebuild(view, show, despite_differences=despite_differences)
        rows, differing = rebuilt.comparison.rows, rebuilt.comparison.differing
        click.echo(f"compared at position {rebuilt.comparison.position}: {rows[0]} and {rows[1]} rows.")
        for key in differing:
            click.echo(f"differs: {key}")
        if not rebuilt.is_live:
            raise click.ClickException("the new build differs, so the live one stays; see --despite-differences")
        click.echo(f"{rebuilt.build.table} is live.")

    run_with_parts(run)
