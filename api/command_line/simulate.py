"""`onethread simulate`: the recorded contacts once more, under other rules or with other agents."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from typing_extensions import override

from api.command_line.comparison import SIMPLIFIED, print_comparison
from api.command_line.run import run_with_parts
from api.parts import Parts
from application.plans.document import Document, read_document
from application.plans.plan import Plan
from application.plans.problems import PlanRefused, PlanUnreadable, Problem
from application.whatif.doubts import doubts_about
from application.whatif.figures.counting import Yardstick
from application.whatif.figures.ledger import Tally
from application.whatif.figures.plot import svg
from application.whatif.figures.report import Report, report_of
from application.whatif.recorded.history import History
from application.whatif.recorded.identity import Identity
from application.whatif.recorded.reading import read_recording
from application.whatif.recorded.recording import Recording
from application.whatif.replications import Run, Runs
from application.whatif.roster import Roster, roster_from
from application.whatif.scenario import AS_IT_WAS, Scenario, scenario_of
from domain.account import AccountDefinition
from domain.routing.facts import Facts

REPLICATIONS, REPLICATIONS_MAX = 20, 10_000
SEED = 1


def moment(_: click.Context, __: click.Parameter, text: str | None) -> datetime | None:
    """`2026-11-16` or `2026-11-16T08:00+01:00`; UTC where no zone is said. Raises click.BadParameter."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no time; write 2026-11-16 or 2026-11-16T08:00+01:00") from error
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


HELP = f"""Route recorded contacts once more, under another policy or with other agents, and compare.

Contacts come as they came. Handling times, answers to offers and patience are drawn anew, with a seed, from what
the log recorded; the decisions are taken by the engine that routes in production. Nothing is written to the log.

Without --policy and --agents it proves itself: every recorded decision is taken again and has to come out
identical, else it stops with status 1. Then it simulates the time as it was: do the figures fit the recorded ones?

{SIMPLIFIED}

\b
A policy file is what `onethread policy` takes: each part that it names is replaced as a whole, all else stays:
  policy:
    priority_boost_seconds: 600
  queues:
    Returns:
      required_skills: {{returns: 3}}

\b
Other agents, on the command line or as a list in a file:
  --agents +3:returns=5,lang:zh=6    three more, each with the hours of a colleague
  --agents +2@12:returns=5           two more with a capacity of 12 units
  --agents Mei:returns=7             Mei can do more (returns=0: no longer)
  --agents=-Jonas                    without Jonas
  --agents team.yaml                 - {{add: 2, like: Mei, skills: {{returns: 5}}, capacity: 12}}
                                     - {{change: Mei, skills: {{returns: 7}}}}
                                     - {{remove: Jonas}}

\b
Example: last week with a second Chinese speaker, drawn
  onethread simulate --from 2026-11-16 --to 2026-11-21 --agents +1:returns=5,lang:zh=6 --plot week.svg
"""
"""Not a docstring: click wants the character for a paragraph that is left as it is, which a raw text cannot hold."""


class Written(click.Path):
    """A file that can be written once the work is done, as far as that can be told before."""

    name = "file"

    def __init__(self) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=Path)

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(str(super().convert(value, param, ctx)))
        if not path.parent.is_dir():
            self.fail(f"{value} cannot be written: there is no directory {path.parent}", param, ctx)
        if not path.exists() and not os.access(path.parent, os.W_OK):
            self.fail(f"{value} cannot be written: no leave to make files in {path.parent}", param, ctx)
        return path


class Picture(Written):
    """The same for a picture, of the one kind that is drawn."""

    name = "file.svg"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value).lower().endswith(".svg"):
            self.fail(f"{value}: pictures are SVG, so let it end with .svg", param, ctx)
        return super().convert(value, param, ctx)


@click.command(help=HELP)
@click.option("--policy", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="YAML or JSON, see above.")
@click.option("--agents", "agents", multiple=True, metavar="CHANGE", help="Other agents, see above; may be repeated.")
@click.option("--from", "since", callback=moment, metavar="TIME", help="Begin here; the first contact where absent.")
@click.option("--to", "until", callback=moment, metavar="TIME", help="End before this; the newest event where absent.")
@click.option(
    "--replications",
    type=click.IntRange(2, REPLICATIONS_MAX),
    default=REPLICATIONS,
    show_default=True,
    help="Runs of each scenario: the more, the narrower the bands.",
)
@click.option("--seed", type=int, default=SEED, show_default=True, help="The same seed gives the same figures again.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes that simulate; one a core where absent.")
@click.option("--json", "json_file", type=Written(), help="Write all figures here.")
@click.option("--plot", "plot_file", type=Picture(), help="Write a picture here, as SVG.")
def simulate(
    policy: Path | None,
    agents: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    replications: int,
    seed: int,
    workers: int | None,
    json_file: Path | None,
    plot_file: Path | None,
) -> None:
    """Reads the log, simulates, tells and writes what came of it; `HELP` is what a person reads."""
    roster = roster_from(list(agents))
    identity = None if policy or roster else Identity()
    recording, accounts = _read(since, until, identity)
    if identity is not None:
        click.echo(f"{identity.identical:,} of {identity.due:,} decisions identical.")
    report = _compare(recording, accounts, policy, roster, replications, seed, workers)
    print_comparison(report)
    different = [*([policy.name] if policy else []), *agents]
    _write(report, f"What if: {', '.join(different)}" if different else "As it was", json_file, plot_file)


Accounts = list[AccountDefinition]
"""Those that work comes in by."""


def _read(since: datetime | None, until: datetime | None, identity: Identity | None) -> tuple[Recording, Accounts]:
    if since is not None and until is not None and since >= until:
        raise click.BadParameter("it has to be later than --from", param_hint="--to")
    with _progress() as progress:
        tasks = {}

        def show(what: str, position: int, head: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(f"reading {what}", total=head)
            progress.update(tasks[what], completed=position)

        async def read(parts: Parts) -> tuple[Recording, Accounts]:
            accounts = [one.definition for one in parts.directory.accounts.values() if one.definition]
            return await read_recording(parts.log, since, until, show, identity=identity), accounts

        return run_with_parts(read)


def _compare(
    recording: Recording,
    accounts: Accounts,
    policy: Path | None,
    roster: Roster,
    replications: int,
    seed: int,
    workers: int | None,
) -> Report:
    history = recording.finish()
    if recording.ledger is None or not history.arrivals:
        newest = recording.state.facts.latest_at.isoformat(sep=" ", timespec="seconds")
        raise click.ClickException(
            f"no contact came in this time, so there is nothing to simulate; what was read of the log ends at {newest}"
        )
    facts = recording.state.facts
    document = _document(policy, facts) if policy else None
    scenarios, yardstick = _scenarios(history, document.plan if document else AS_IT_WAS, roster)
    problems = doubts_about(document, history, facts, roster, accounts) if document else []
    _warn(problems, policy.name if policy else "")
    queues = facts.queues
    return report_of(
        recording.ledger.finish(yardstick),
        _simulate(Runs(history, scenarios, yardstick, seed), replications, workers),
        since=history.since,
        until=history.until,
        seed=seed,
        yardstick=yardstick,
        queues={queue_id: one.definition.name for queue_id, one in queues.items() if one.definition},
        policy_problems=problems,
        work_without_end=history.work_without_end,
    )


def _scenarios(history: History, plan: Plan, roster: Roster) -> tuple[list[Scenario], Yardstick]:
    """As it was and, where something is to be different, what if; and what both are measured by: the new targets."""
    was = scenario_of(history)
    if plan is AS_IT_WAS and not roster:
        return [was], was.yardstick
    what_if = scenario_of(history, plan, roster)
    return [was, what_if], what_if.yardstick


def _document(policy: Path, facts: Facts) -> Document:
    """Raises click.ClickException, with every problem on a line of its own."""
    try:
        document = read_document(policy.read_bytes(), facts.queues, policy.name)
        if document.problems:
            raise PlanUnreadable(document.problems, policy.name)
    except PlanRefused as refused:
        raise click.ClickException(f"the policy cannot be read\n{refused}") from refused
    return document


def _warn(problems: Sequence[Problem], file_name: str) -> None:
    """What `onethread policy check` would say, before the work begins."""
    if not problems:
        return
    is_refused = any(not problem.is_warning for problem in problems)
    fate = "be refused" if is_refused else "take --force"
    click.echo(f"Warning: to be applied, this policy would {fate}. It is simulated all the same.", err=True)
    for problem in problems:
        click.echo(problem.told(file_name), err=True)


def _simulate(runs: Runs, replications: int, workers: int | None) -> list[tuple[Run, Tally]]:
    total = replications * len(runs.scenarios)
    with _progress() as progress:
        task = progress.add_task("simulating", total=total)
        done = []
        for one in runs.all(replications, workers or min(total, os.cpu_count() or 1)):
            done.append(one)
            progress.advance(task)
        return done


def _write(report: Report, title: str, json_file: Path | None, plot_file: Path | None) -> None:
    """Raises click.ClickException where a disk is full or a directory has gone meanwhile."""
    try:
        if json_file is not None:
            json_file.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2))
            click.echo(f"All figures are in {json_file}.")
        if plot_file is not None:
            plot_file.write_text(svg(report, title), encoding="utf-8")
            click.echo(f"The picture is in {plot_file}.")
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'the file'} cannot be written: {error.strerror}") from error


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
