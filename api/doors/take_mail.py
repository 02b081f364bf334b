"""The one way in for mail, however it came: its mailbox is found, it is read, and stored before anybody is told so."""

import asyncio
import hashlib
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from api.metrics import Metrics
from application.commands import Command
from application.directory import Directory
from application.exchange.media import MediaStore, keep_files
from application.use_cases.answer_by_mail import AnswerByMail
from application.use_cases.receive_messages import Receipt, ReceiveMessages
from application.use_cases.receive_reports import ReceiveReports
from channels import email
from channels.email import Mail
from channels.mail.arriving.mailboxes import Fit, fit_of, recipients_in
from domain.account import Account, AccountDefinition, AccountUnknown
from domain.interaction import Attachment, Content, ContentKind
from domain.media import kept

WHOLE_MAIL = "whole-mail.eml"
"""The attachment that is the mail itself, of one that limits cut."""
READ_BESIDE_BYTES_MIN = 131_072
"""Larger mails are read in a thread, so that others need not wait for them."""
RECIPIENTS_READ_MAX = 50


class MailTaken(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that is stored, and what was seen in it."""

    account_id: str
    mail: Mail
    """`automatic_because` says why no machine may answer it, `from ourselves` among the reasons."""
    receipts: tuple[Receipt, ...]


class TakeMail:
    """Takes raw mail in.

    Safe to repeat: the same Message-ID from the same sender with the same content is the same mail, by whatever way it
    came, and gets the first receipt. The same Message-ID with anything else is another mail, of its own sender. Mail
    of machines, and our own coming back, is kept like any other.
    """

    def __init__(
        self,
        directory: Directory,
        receive: ReceiveMessages,
        answers: AnswerByMail,
        reports: ReceiveReports,
        media: MediaStore,
        metrics: Metrics,
        *,
        media_bytes_max: int,
    ) -> None:
        self._directory = directory
        self._receive = receive
        self._answers = answers
        self._reports = reports
        self._media = media
        self._media_bytes_max = media_bytes_max
        self._metrics = metrics

    def mailbox_of(self, address: str) -> Account | None:
        """The account that mail to this address belongs to, if there is one.

        Each mailbox has a `token_key` of its own: where two share one, a reply token fits both, and one is taken.
        """
        found = [(fit_of(definition, address), account) for account, definition in self._mailboxes()]
        best = max(found, key=lambda one: one[0], default=None)
        return None if best is None or best[0] is Fit.NONE else best[1]

    def mailbox_for(self, raw: bytes, recipient: str) -> Account | None:
        """The account by the envelope's recipient, else by the first address in the mail's headers that fits one."""
        if recipient:
            return self.mailbox_of(recipient)
        named = recipients_in(raw)[:RECIPIENTS_READ_MAX]
        return next((account for one in named if (account := self.mailbox_of(one)) is not None), None)

    async def take(
        self, raw: bytes, command: Command, *, recipient: str = "", account_id: str = "", notice: str = ""
    ) -> MailTaken:
        """Stores a mail with its files; on return it is durable. A bounce also tells what became of what we sent.

        Where limits cut anything off, the raw mail is kept as one more file, and the message says so.

        `recipient` is the envelope's; without `account_id` it decides whose mail this is, or else the headers do.
        `notice` stands in for what the mail says where only its headers are at hand.

        Raises AccountUnknown, AccountPaused, TooManyConversations, Contended, LogBusy, LogUnreachable, KeyReused,
        MediaNotStored.
        """
        account = self._directory.account(account_id) if account_id else self.mailbox_for(raw, recipient)
        if account is None or account.definition is None or account.definition.channel != "email":
            raise AccountUnknown(f"there is no mailbox {account_id or recipient or 'that this mail names'}")
        mail = await self._read(raw, command, account.definition, recipient)
        if notice:
            content = Content(kind=ContentKind.UNSUPPORTED, text=notice, about=mail.message.content.about)
            mail = replace(mail, message=replace(mail.message, content=content))
        mail = await self._with_files(mail, raw)
        if mail.limits and not notice:
            mail = await self._with_whole(mail, raw)
        answer = await self._answers.receive(account.id, mail.message, command)
        receipts = [answer] if answer else await self._receive.receive(account.id, (mail.message,), command)
        if mail.bounce is not None and (report := mail.bounce.report(command.at)) is not None:
            await self._reports.receive(account.id, (report,), replace(command, claim=None))
        self._metrics.received.labels("email").inc(sum(not receipt.is_repeat for receipt in receipts))
        return MailTaken(account_id=account.id, mail=mail, receipts=tuple(receipts))

    async def _read(self, raw: bytes, command: Command, definition: AccountDefinition, recipient: str) -> Mail:
        own_addresses = [one.address for _, one in self._mailboxes()]
        settings = email.read_settings(definition)

        def read() -> Mail:
            return email.parse(
                raw,
                received_at=command.at,
                token_keys=settings.token_keys,
                authserv_id=settings.authserv_id,
                forwarders=settings.forwarders,
                own_addresses=own_addresses,
                envelope_recipient=recipient,
            )

        return read() if len(raw) < READ_BESIDE_BYTES_MIN else await asyncio.to_thread(read)

    async def _with_files(self, mail: Mail, raw: bytes) -> Mail:
        if not mail.message.content.attachments:
            return mail
        message = await keep_files(mail.message, email.bodies(raw), self._media, bytes_max=self._media_bytes_max)
        return replace(mail, message=message)

    async def _with_whole(self, mail: Mail, raw: bytes) -> Mail:
        """With the raw mail as the last attachment, however large: the door's own limit has let it in."""
        whole = Attachment(
            name=WHOLE_MAIL,
            content_type="message/rfc822",
            size_bytes=len(raw),
            sha256=hashlib.sha256(raw).hexdigest(),
        )
        stored = await self._media.put(raw, whole.content_type, whole.name)
        content = mail.message.content
        attachments = (*content.attachments, kept(whole, digest=stored.digest))
        content = replace(content, attachments=attachments, is_cut=True)
        return replace(mail, message=replace(mail.message, content=content))

    def _mailboxes(self) -> Iterable[tuple[Account, AccountDefinition]]:
        for account in self._directory.accounts.values():
            if account.definition is not None and account.definition.channel == "email":
                yield account, account.definition
