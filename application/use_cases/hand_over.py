"""Hand over: a chat goes on by mail when its visitor has left. Their answers come back by `answer_by_mail.py`."""

import logging
from collections.abc import Collection, Sequence

from application.commands import ClaimTaken, Command, Commands
from application.directory import Directory
from application.exchange.handover import Handover, handover_of
from application.exchange.handover_words import Words, words_for
from application.ids import derived_id
from domain.account import AccountDefinition
from domain.conversation import Conversation
from domain.customer import Customer
from domain.event import Event, Recorded
from domain.handover import decisions
from domain.interaction import Attachment, MessageReceived, ReplyHandedOver, ReplyWritten
from domain.outbound.files import FileNotTaken, Files, demand_files, words_of

EVENTS_READ_MAX = 500
"""Of the customer, in which the transcript is looked for."""
LINES_MAX = 50
"""Of the transcript; earlier ones are left out."""
SIGNATURE = "-- \n"
"""What follows is folded away by mail programs (RFC 3676, section 4.3)."""

logger = logging.getLogger(__name__)


class HandOver:
    """What a visitor saw, and what goes to them by mail. Each is safe to repeat."""

    def __init__(self, commands: Commands, directory: Directory, takes: Files | None = None) -> None:
        """`takes`: what files a mail takes."""
        self._commands = commands
        self._directory = directory
        self._takes = takes

    def of(self, account_id: str) -> Handover | None:
        """How the chat is handed over. None where it is not, or its mailbox is none."""
        account = self._directory.account(account_id)
        if account is None or account.definition is None or account.definition.channel != "webchat":
            return None
        handover = handover_of(account.definition)
        if handover is not None and self._mailbox(handover) is None:
            logger.warning("%s hands nothing over: handover_account is no e-mail account", account_id)
            return None
        return handover

    async def see(self, command: Command, customer_id: str, message_ids: Collection[str]) -> None:
        """The visitor's page was told these replies. Raises Contended, LogBusy, LogUnreachable."""
        if message_ids:
            await self._commands.carry_out(command, [customer_id], lambda one: [decisions.see(one, message_ids)])

    async def hand_over(self, command: Command, customer_id: str, conversation_id: str) -> None:
        """Mails what the visitor has not seen, with what was said so far; nothing where there is no address.

        Raises Contended, LogBusy, LogUnreachable.
        """
        customer, version = await self._commands.states.load(customer_id)
        conversation = customer.conversations.get(conversation_id)
        handover = self.of(conversation.account_id) if conversation else None
        if conversation is None or handover is None:
            return
        missed = [one.message_id for one in decisions.unseen(customer, conversation)]
        if not missed or not decisions.mail_address(customer, conversation):
            return
        past = await self._commands.log.read_stream(customer_id, max(0, version - EVENTS_READ_MAX))
        claim = self._commands.claim_keys.once("handed over", *missed)
        words = words_for(*decisions.languages(customer, conversation))
        text, subject = self._text(past, conversation, missed, words), self._subject(conversation)
        attachments = self._files(past, missed)

        def decide(now: Customer) -> list[list[Event]]:
            one = now.conversation(conversation_id)
            message_id, mailbox_id = derived_id("message", claim.key), handover.mailbox_id
            return [
                decisions.hand_over(
                    now,
                    one,
                    missed,
                    message_id=message_id,
                    mailbox_id=mailbox_id,
                    subject=subject,
                    text=text,
                    attachments=attachments,
                )
            ]

        try:
            await self._commands.carry_out(command, [customer_id], decide, [claim])
        except ClaimTaken:
            self._commands.states.forget(customer_id)

    def _mailbox(self, handover: Handover) -> AccountDefinition | None:
        account = self._directory.account(handover.mailbox_id)
        definition = account.definition if account else None
        return definition if definition and definition.channel == "email" else None

    def _subject(self, conversation: Conversation) -> str:
        account = self._directory.account(conversation.account_id)
        return conversation.subject or (account.definition.name if account and account.definition else "")

    def _text(self, past: Sequence[Recorded], conversation: Conversation, missed: Collection[str], words: Words) -> str:
        r"""The replies that were missed, then what was said before them.

        Example: "It left today.\n\n-- \nWhat was said so far:\n\n[11:58] Ana: Where is my parcel?"
        """
        new: list[str] = []
        lines: list[str] = []
        for recorded in past:
            event, at = recorded.event, f"[{recorded.occurred_at:%H:%M}]"
            if getattr(event, "conversation_id", "") != conversation.id:
                continue
            if isinstance(event, ReplyWritten) and not isinstance(event, ReplyHandedOver):
                if event.message_id in missed:
                    new.append(words_of(event))
                else:
                    lines.append(f"{at} {self._author(event.agent_id) or words.we}: {words_of(event)}")
            elif isinstance(event, MessageReceived) and event.chat is None:
                lines.append(f"{at} {event.author or words.you}: {event.content.text}")
        told = "\n".join(lines[-LINES_MAX:])
        return "\n\n".join([*new, f"{SIGNATURE}{words.said_so_far}\n\n{told}"] if told else new)

    def _files(self, past: Sequence[Recorded], missed: Collection[str]) -> tuple[Attachment, ...]:
        """Of the replies that were missed, those that fit in the mail; the others are named in its text."""
        events = (one.event for one in past)
        missing = (one for one in events if type(one) is ReplyWritten and one.message_id in missed)
        fitting: tuple[Attachment, ...] = ()
        for attachment in (file for reply in missing for file in reply.attachments):
            try:
                demand_files("email", self._takes, (*fitting, attachment), "")
            except FileNotTaken:
                continue
            fitting = (*fitting, attachment)
        return fitting

    def _author(self, agent_id: str) -> str:
        people = self._directory.people.values()
        return next((one.name for one in people if one.agent_id == agent_id), "")
