"""`onethread mailbox`: tries a mailbox account and changes nothing."""

import asyncio
from datetime import datetime

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.command_line.run import run_with_parts
from api.doors.imap_reader import mailbox_of
from api.parts import Parts
from channels import email
from channels.email import Mail, Settings
from channels.mail.arriving.settings import ImapAccount
from channels.mail.sending import why_not_let_in
from domain.account import AccountUnknown
from infrastructure.mail.imap_mailbox import FolderUnreadable, ImapMailbox, MailboxUnreachable, MailUnreadable

TEXT_SHOWN_CHARACTERS = 500


class FolderLook(msgspec.Struct, frozen=True):
    """A folder as it was seen: its newest mails, the newest last."""

    name: str
    count: int
    newest: list[tuple[int, int, Mail]]
    """UID, size in bytes, and the mail; all but the very newest by their headers only."""
    problem: str = ""


@click.command("mailbox")
@click.argument("account_id")
@click.option("--newest", type=click.IntRange(1, 100), default=5, show_default=True, help="Mails to list of a folder.")
def mailbox(account_id: str, newest: int) -> None:
    """Try the mailbox account ACCOUNT_ID: sign in, list the newest mails, read the newest one.

    Nothing is stored, marked as seen or sent. Exit status 1 where a server of the account does not let us in.
    """

    async def look(parts: Parts) -> tuple[Settings, list[FolderLook], str]:
        account = parts.directory.account(account_id)
        if account is None or account.definition is None or account.definition.channel != "email":
            raise AccountUnknown(f"there is no mailbox {account_id}")
        settings = email.read_settings(account.definition)
        refusal = await why_not_let_in(settings.server) if settings.server is not None else ""
        folders: list[FolderLook] = []
        if settings.imap is not None:
            folders = await asyncio.to_thread(_looked_at, settings.imap, newest, parts.clock())
        return settings, folders, refusal

    try:
        settings, folders, refusal = run_with_parts(look)
    except MailboxUnreachable as error:
        raise click.ClickException(f"IMAP: {error}") from error
    console = Console()
    if settings.imap is None:
        console.print("IMAP: not set up, so nothing is fetched")
    for one in folders:
        _show(console, one)
    if refusal:
        raise click.ClickException(f"SMTP: {refusal}")
    console.print("SMTP: not set up, so it only receives" if settings.server is None else "SMTP: we are let in")


def _looked_at(imap: ImapAccount, newest: int, at: datetime) -> list[FolderLook]:
    """Raises MailboxUnreachable."""
    connection = mailbox_of(imap)
    try:
        connection.connect()
        return [_folder(connection, name, newest, at) for name in imap.folders]
    finally:
        connection.close()


def _folder(connection: ImapMailbox, name: str, newest: int, at: datetime) -> FolderLook:
    """Raises MailboxUnreachable."""
    try:
        connection.open(name)
        listed = connection.after(0)
        found = []
        for one in listed[-newest:]:
            raw = connection.raw(one.uid) if one is listed[-1] else connection.headers(one.uid)
            found.append((one.uid, one.size_bytes, email.parse(raw or b"", received_at=at)))
    except (FolderUnreadable, MailUnreadable) as error:
        return FolderLook(name, 0, [], str(error))
    return FolderLook(name, len(listed), found)


def _show(console: Console, folder: FolderLook) -> None:
    if folder.problem:
        console.print(f"{escape(folder.name)}: {escape(folder.problem)}")
        return
    console.print(f"{escape(folder.name)}: {folder.count} mails")
    table = Table("UID", "bytes", "from", "subject", "why no machine answers it", box=None)
    for uid, size_bytes, mail in folder.newest:
        message, because = mail.message, ", ".join(mail.automatic_because)
        table.add_row(str(uid), str(size_bytes), escape(message.handle), escape(message.subject), escape(because))
    console.print(table)
    if folder.newest:
        console.print(escape(folder.newest[-1][2].message.content.text[:TEXT_SHOWN_CHARACTERS]))
