"""`onethread channels samples` and `send-sample`: what accounts need to be set up, and one message to try them with."""

import re
import sys
from mimetypes import guess_type
from pathlib import Path

import click
import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.command_line.run import run_with_parts
from api.composition import PROVIDER_SECONDS_MAX
from api.parts import Parts
from api.settings import settings_from_environment, variable
from application.exchange.sending import Accepted, Outcome, Outgoing, OutgoingFile, Refusal, Unknown
from application.ids import new_id
from channels.guide.settings import EVERYWHERE, SETTINGS, Setting
from channels.table import CHANNELS, takes_of
from domain.account import AccountDefinition, AccountUnknown
from domain.interaction import Attachment
from domain.outbound.files import FileNotTaken, demand_file, demand_files, kind_of
from domain.outbound.reach import Reach
from infrastructure.media.content_type import content_type_of

TEXT = "Hello from Onethread: this is a test of the account."
WHAT_TO_DO = {
    Refusal.RETRY_LATER: (
        "the channel has no time now; a reply would be tried again by itself",
        "try again in a while; if it stays so, look at the provider's rate limits and its status page",
    ),
    Refusal.WINDOW_CLOSED: (
        "the customer wrote too long ago, or never, for a free text",
        "let that customer write to the account first, then try again",
    ),
    Refusal.RECIPIENT_GONE: (
        "nobody can be reached at this address: blocked us, unsubscribed, or it does not exist",
        "check HANDLE: it is what the channel calls the person, as `handle` in a message of theirs",
    ),
    Refusal.OUR_FAULT: (
        "the provider takes this from nobody: a token, a permission, a setting or the message is wrong",
        "check the account's settings against `onethread channels samples`; most often a token has expired",
    ),
}
"""Of each class of refusal: what it means, and what an operator does about it."""
CAME_TO = {
    Reach.BLOCKED: "only they can undo it, by unblocking the account or writing to it; try another person",
    Reach.UNSUBSCRIBED: "only they can undo it, by writing START; try another person",
}
"""What an operator does where the customer takes nothing from the account."""
REDIRECTED = re.compile(r"30[12378]\b")
MAY_HAVE_ARRIVED = "nothing says whether it arrived; a reply would not be sent again unasked"


@click.command("samples")
@click.option("--channel", type=click.Choice(list(CHANNELS)), help="Only this channel.")
def samples(channel: str | None) -> None:
    """List the settings of each channel, and the hook address to enter at the provider.

    A setting that says "previous" may be there twice: as NAME and as NAME_previous, which stays believed while a
    secret is rolled. The hook addresses begin with ONETHREAD_PUBLIC_URL, as providers reach this server; the one with
    an account's id behind it is the hook of that account alone, and the one to choose where each can have its own.

    \b
    Example:
      onethread channels samples --channel telegram
    """  # noqa: D301  # click keeps the lines of a paragraph that begins with this character
    public_url = settings_from_environment().public_url.rstrip("/")
    console = Console()
    if not public_url:
        console.print(
            f"{variable('public_url')} is not set: put your own in place of https://YOUR-HOST.", style="yellow"
        )
    for name in [channel] if channel else CHANNELS:
        console.print(f"\n[bold]{name}[/]  {_hook_address(name, public_url or 'https://YOUR-HOST')}", highlight=False)
        if SETTINGS[name]:
            console.print(_table(SETTINGS[name]))
    console.print("\n[bold]any channel[/]")
    console.print(_table(EVERYWHERE))


def _hook_address(channel: str, public_url: str) -> str:
    if channel == "webchat":
        return f"no webhook; a page to try it: {public_url}/v1/webchat/ACCOUNT_ID/example"
    if CHANNELS[channel].webhook is None:
        return f"no webhook; messages go to {public_url}/v1/accounts/ACCOUNT_ID/messages, or NATS inbound.ACCOUNT_ID"
    hook = f"{public_url}/v1/webhooks/{channel}"
    return f"hook: {hook}, or of one account alone {hook}/ACCOUNT_ID"


def _table(settings: tuple[Setting, ...]) -> Table:
    table = Table("setting", "", "what it is", "default", box=None)
    for one in settings:
        marks = [one.need.value, *(["secret"] if one.is_secret else []), *(["previous"] if one.is_rolled else [])]
        table.add_row(one.name, ", ".join(marks), escape(one.meaning), escape(one.default))
    return table


@click.command("send-sample")
@click.argument("account_id")
@click.argument("handle")
@click.option("--text", help=f"What to send.  [default: {TEXT}; none beside a file]")
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file to send too, where the channel takes such files.",
)
def send_sample(account_id: str, handle: str, text: str | None, path: Path | None) -> None:
    """Send one message from the account ACCOUNT_ID to HANDLE, to try the account.

    HANDLE is what the channel calls the person: a number as in +4915735980000, a mail address, a chat's or a user's
    id. The message really leaves, outside any conversation: nothing of it is stored or shown to agents. What the
    provider answers is printed, with what it means and what to do about it. Exit status 1 where it was not accepted.

    \b
    Example:
      onethread channels health                                      the ids of all accounts
      onethread channels send-sample account-… +4915735980000
      onethread channels send-sample account-… +4915735980000 --file invoice.pdf
    """  # noqa: D301  # click keeps the lines of a paragraph that begins with this character
    words = text if text is not None else "" if path else TEXT

    async def send(parts: Parts) -> Outcome:
        account = parts.directory.account(account_id)
        if account is None or account.definition is None:
            raise AccountUnknown(f"there is no account {account_id}; `onethread channels health` lists them")
        sender = CHANNELS[account.definition.channel].send
        if sender is None:
            raise click.ClickException(f"{account.definition.channel}: nothing is handed to a provider there")
        outgoing = Outgoing(
            conversation_id=new_id("conversation"),
            message_id=new_id("message"),
            handle=handle,
            text=words,
            written_at=parts.clock(),
            files=(_file(account.definition, path, words),) if path else (),
        )
        async with httpx.AsyncClient(timeout=PROVIDER_SECONDS_MAX) as client:
            return await sender(account.definition, outgoing, client)

    outcome = run_with_parts(send)
    for line in told(outcome):
        click.echo(line)
    if not isinstance(outcome, Accepted):
        sys.exit(1)


def _file(definition: AccountDefinition, path: Path, text: str) -> OutgoingFile:
    """As a reply would carry it. Raises FileNotTaken."""
    body, channel = path.read_bytes(), definition.channel
    attachment = Attachment(
        name=path.name,
        content_type=content_type_of(body, guess_type(path.name)[0] or ""),
        size_bytes=len(body),
    )
    limits = takes_of(channel, definition.settings, has_links=False)
    files = limits.files if limits else None
    if (files is None or kind_of(files, attachment) is None) and kind_of(CHANNELS[channel].limits.files, attachment):
        raise FileNotTaken(f"{channel} fetches such files from us, which only a reply in a conversation lets it do")
    kind = demand_file(channel, files, attachment, "file")
    demand_files(channel, files, (attachment,), text)
    return OutgoingFile(sent_as=kind.sent_as, name=path.name, content_type=attachment.content_type, body=body)


def told(outcome: Outcome) -> list[str]:
    """The outcome in lines for a person, the provider's words first.

    Example: `["Refused: 131047 Re-engagement message", "Class: window_closed: …", "What to do: …"]`
    """
    if isinstance(outcome, Accepted):
        words = f", and says {outcome.answer!r}" if outcome.answer else ""
        return [f"Accepted: the provider calls it {outcome.provider_id}{words}."]
    if isinstance(outcome, Unknown):
        return [
            f"Unknown: {outcome.reason}",
            f"This means: {MAY_HAVE_ARRIVED}.",
            "What to do: look whether it arrived before you try again.",
        ]
    means, advice = WHAT_TO_DO[outcome.refusal]
    if outcome.reach is not None:
        advice = CAME_TO[outcome.reach]
    if REDIRECTED.match(outcome.reason):
        advice = "the address redirects, and what is posted there goes nowhere else: check the setting `api_url`"
    waits = f" It asks to wait {outcome.retry_after_seconds:g} s." if outcome.retry_after_seconds is not None else ""
    concerned = (
        ["It concerns the whole account: other replies would fare the same."] if outcome.concerns_account else []
    )
    return [
        f"Refused: {outcome.reason}",
        f"Class {outcome.refusal.value}: {means}.{waits}",
        *concerned,
        f"What to do: {advice}.",
    ]
