"""`onethread admin`: keys, people, accounts of programs, settings and embedded servers."""

import sys
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from api.access.passwords import hash_password
from api.command_line.run import run_with_parts
from api.key_file import new_key
from api.parts import Parts
from api.settings import Settings, variable
from application.commands import ClaimTaken, Command
from domain.person import Role
from infrastructure.log.keys import MasterKeys
from infrastructure.rewrapping import TABLES, rewrap_table

ACTOR = "command-line"
PASSWORD_CHARACTERS_MIN, PASSWORD_CHARACTERS_MAX = 10, 256
NAME_CHARACTERS_MAX = 200
LOST_SHOWN = 20


@click.group()
def admin() -> None:
    """Set a deployment up and look after it."""


@admin.command("new-keys")
def new_keys() -> None:
    """Print fresh secrets for a deployment with its own PostgreSQL, ready for an .env file.

    Keep them apart from the database and its backups: without ONETHREAD_MASTER_KEYS nothing a customer said can be
    read again, and ONETHREAD_CLAIM_KEY must never change.
    """
    for name in ("master_keys", "claim_key", "token_key"):
        click.echo(f"{variable(name)}={new_key()}")


@admin.command("settings")
def list_settings() -> None:
    """List every setting with its default."""
    table = Table("variable", "default", box=None)
    for name, default in zip(Settings.__struct_fields__, Settings.__struct_defaults__, strict=True):
        shown = ",".join(default) if isinstance(default, tuple) else str(default)
        table.add_row(variable(name), shown or "-")
    Console().print(table)


def _password(*, from_standard_input: bool) -> str:
    if from_standard_input:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if len(password) < PASSWORD_CHARACTERS_MIN:
        raise click.ClickException(f"a password has at least {PASSWORD_CHARACTERS_MIN} characters")
    if len(password) > PASSWORD_CHARACTERS_MAX:  # nobody could sign in with it: the API takes no longer one
        raise click.ClickException(f"a password has at most {PASSWORD_CHARACTERS_MAX} characters")
    return password


def _demand_name(argument: str, text: str) -> None:
    """What HTTP would take as a name. Raises click.ClickException."""
    if not (text.strip() and text.isprintable() and len(text) <= NAME_CHARACTERS_MAX):
        raise click.ClickException(f"{argument}: 1 to {NAME_CHARACTERS_MAX} characters that can be seen")


@admin.command("create-administrator")
@click.argument("login")
@click.option("--name", help="The person's name; the login where absent.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
def create_administrator(login: str, name: str | None, password_stdin: bool) -> None:  # noqa: FBT001  # a flag
    """Admit an administrator who signs in as LOGIN. The first one comes in this way: there is no default password."""
    _demand_name("LOGIN", login)
    _demand_name("--name", name or login)
    password = _password(from_standard_input=password_stdin)

    async def admit(parts: Parts) -> str:
        command = Command(actor=ACTOR, at=parts.clock())
        hashed = hash_password(password)
        _, person_id = await parts.set_up.admit(
            command,
            login=login,
            name=name or login,
            role=Role.ADMINISTRATOR,
            password_hash=hashed,
            agent_id=None,
        )
        return person_id

    try:
        person_id = run_with_parts(admit)
    except ClaimTaken as taken:
        raise click.ClickException(f"somebody signs in as {login} already") from taken
    click.echo(f"{login} may sign in as administrator ({person_id}).")


@admin.command("create-key")
@click.argument("name")
@click.option("--role", type=click.Choice([str(role) for role in Role]), default=str(Role.ADAPTER), show_default=True)
@click.option("--account", "accounts", multiple=True, help="A channel account it may speak for; repeat for several.")
def create_key(name: str, role: str, accounts: tuple[str, ...]) -> None:
    """Issue a key to a program, called NAME. It is printed once and kept only as a hash."""
    _demand_name("NAME", name)

    async def issue(parts: Parts) -> str:
        command = Command(actor=ACTOR, at=parts.clock())
        _, _, key = await parts.set_up.issue_key(command, name=name, role=Role(role), account_ids=accounts)
        return key

    click.echo(run_with_parts(issue))


@admin.command("rewrap-keys")
def rewrap_keys() -> None:
    """Wrap with the first of ONETHREAD_MASTER_KEYS whatever the others wrapped, so that they may be taken away.

    To change the master key: put a new one in front of the former, start every process anew with both, run this, and
    take the former away. Works while `serve` and `work` run. It may be stopped, and begun again.
    """

    async def rewrap(parts: Parts) -> list[str]:
        masters, lost = MasterKeys(parts.keys.master_keys), list[str]()
        places = {what: rewrap_table(parts.log.pool, masters, what) for what in TABLES}
        with Progress(TextColumn("{task.description}"), MofNCompleteColumn(), console=Console(stderr=True)) as progress:
            for what, pages in (places | {"media": parts.media.rewrap()}).items():
                task = progress.add_task(what, total=None)
                async for page in pages:
                    progress.advance(task, page.done)
                    lost.extend(page.lost)
                click.echo(f"{what}: {progress.tasks[task].completed:.0f} keys wrapped anew")
        return lost

    if lost := run_with_parts(rewrap):
        for reason in lost[:LOST_SHOWN]:
            click.echo(reason)
        raise click.ClickException(f"{len(lost)} keys cannot be unwrapped: keep every master key that there is")
    click.echo("Nothing is wrapped by another master key any more.")


@admin.command("status")
def status() -> None:
    """Show the log's head, each view's position, and what is parked."""

    async def show(parts: Parts) -> None:
        table = Table("reader", "position", "behind", box=None)
        head = await parts.log.head()
        for view, projection in sorted(parts.projections.items()):
            position = await projection.start()
            table.add_row(view, str(position), str(head - position))
        console = Console()
        console.print(f"log: {head} events, {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
        console.print(table)
        for view, projection in sorted(parts.projections.items()):
            for one in projection.parked.values():
                console.print(f"parked for {view}: {one.stream} at {one.position} ({one.topic}): {one.error}")

    run_with_parts(show)
