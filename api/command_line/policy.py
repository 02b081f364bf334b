"""`onethread policy`: routing documents, checked, applied, shown, and their history."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.command_line.run import run_with_parts
from api.parts import Parts
from application.commands import Command
from application.plans.apply_plan import Applied, Judged
from application.plans.history import Standing, Version, history, standing_at
from application.plans.problems import PlanRefused
from application.plans.written import as_json, as_yaml, document_of

ACTOR = "command-line"
HASH_CHARACTERS_SHOWN = 12
HELP = """\
Routing as a document: rules and queues, in YAML or JSON.

A document replaces what it names as a whole and leaves alone what it does not name. It is judged beside the agents,
the queues and what waits now, and applied as a whole or not at all.

\b
policy:
  units: {phone: 6, webchat: 2, email: 1}
  tiers: {vip: 600}
queues:
  Returns:
    required_skills: {returns: 3}
    relaxation: [{after_seconds: 60, lower: {returns: 1}}]
    overflow:
      - {when: waited, limit: 300, to_queue: Anybody, promise: callback, within_seconds: 3600,
         words: {zh: 我们一小时内给您回电。, otherwise: We call you back within the hour.}}
  Anybody: {}
  Old returns: {retired: true, to_queue: Returns}

\b
  onethread policy show > routing.yaml
  onethread policy check routing.yaml
  onethread policy apply routing.yaml
"""
DOCUMENT = click.argument("file", type=click.File("rb"))


@click.group(help=HELP)
def policy() -> None:
    """Routing as a document."""


@policy.command("check")
@DOCUMENT
def check(file: IO[bytes]) -> None:
    """Say what is wrong with the document FILE (`-`: standard input), or what it would change. Changes nothing.

    Each problem is told with its line and column. Exit status 1 where the document could not be applied. One that
    stands already is judged too: what is wrong with it is told as warnings.
    """
    raw = file.read()

    async def judge(parts: Parts) -> Judged:
        return await parts.plans.check(Command(actor=ACTOR, at=parts.clock()), raw, file.name)

    with _told_by_line():
        judged = run_with_parts(judge)
    for problem in judged.warnings:
        click.echo(problem.told(file.name))
    would = f"it would change {', '.join(judged.changes)}" if judged.changes else "all of it stands already"
    click.echo(f"{file.name} can be applied{' with --force' if judged.warnings and judged.changes else ''}: {would}.")
    click.echo(f"sha256 {judged.sha256}")


@policy.command("apply")
@DOCUMENT
@click.option("--force", is_flag=True, help="In spite of warnings. What is wrong is refused all the same.")
@click.option("--if-number", type=click.IntRange(min=0), help="Only if the policy still stands at this number.")
def apply(file: IO[bytes], force: bool, if_number: int | None) -> None:  # noqa: FBT001  # a flag
    """Apply the document FILE (`-`: standard input): all of it, as the next number of the policy, or nothing."""
    raw = file.read()

    async def carry_out(parts: Parts) -> Applied:
        command = Command(actor=ACTOR, at=parts.clock(), expected_revision=if_number)
        return await parts.plans.apply(command, raw, file.name, is_forced=force)

    with _told_by_line():
        applied = run_with_parts(carry_out)
    if applied.changes:
        click.echo(f"{file.name} stands as number {applied.number}: it changed {', '.join(applied.changes)}.")
    else:
        click.echo(f"Nothing to do: all of {file.name} stands already, at number {applied.number}.")
    click.echo(f"sha256 {applied.sha256}")


@policy.command("show")
@click.option("--as-of", type=click.IntRange(min=1), help="As it stood when this number was set.")
@click.option("--yaml/--json", "as_text", default=True, show_default=True, help="How it is written.")
def show(as_of: int | None, as_text: bool) -> None:  # noqa: FBT001  # a flag
    """Print rules and queues as a document that can be applied again, and then changes nothing.

    Applying one of the past brings back what it names; queues that were made since stay as they are.
    """

    async def read(parts: Parts) -> Standing:
        directory = parts.directory
        if as_of is not None:
            return await standing_at(parts.log, list(directory.queues), as_of)
        return Standing(rules=directory.policy.rules, queues=directory.queues)

    standing = run_with_parts(read)
    document = document_of(standing.rules, standing.queues)
    click.echo((as_yaml if as_text else as_json)(document), nl=False)


@policy.command("history")
def show_history() -> None:
    """List every number of the policy: when it was set, by whom, and what it changed. Times are UTC."""

    async def read(parts: Parts) -> tuple[list[Version], dict[str, str]]:
        queues = parts.directory.queues
        names = {queue_id: one.definition.name for queue_id, one in queues.items() if one.definition is not None}
        return await history(parts.log, list(queues)), names

    versions, names = run_with_parts(read)
    table = Table("number", "set at", "by", "rules", "queues", "document", box=None)
    for one in versions:
        table.add_row(
            str(one.number),
            f"{one.recorded_at:%Y-%m-%d %H:%M:%S}",
            escape(one.actor),
            ", ".join(one.rules) or "-",
            escape(", ".join(names.get(queue_id, queue_id) for queue_id in one.queue_ids)) or "-",
            one.document_sha256[:HASH_CHARACTERS_SHOWN] or "-",
        )
    Console().print(table)


@contextmanager
def _told_by_line() -> Iterator[None]:
    """Raises click.ClickException, with every problem on a line of its own."""
    try:
        yield
    except PlanRefused as refused:
        count = len(refused.problems)
        raise click.ClickException(f"{count} {'problem' if count == 1 else 'problems'}\n{refused}") from refused
