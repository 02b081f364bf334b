"""Move mails: what a person decides about the conversation that a mail belongs to."""

from application.claims import id_bytes
from application.commands import Command, Commands, Done, demand_revision
from application.directory import Directory
from application.ids import derived_id, new_id
from domain.customer import Customer
from domain.event import Event
from domain.interaction import MessageReceived
from domain.threads.moving import MailNotHere, Wording, find, join, set_apart

PREVIEW_CHARACTERS_MAX = 160


class MoveMails:
    """Carries out one command on one mail. Safe to repeat with the same claim."""

    def __init__(self, commands: Commands, directory: Directory) -> None:
        self._commands = commands
        self._directory = directory

    async def move(
        self, command: Command, customer_id: str, conversation_id: str, message_id: str, to_conversation_id: str | None
    ) -> tuple[Done, str]:
        """Into the other conversation, or into one of its own where none is named; returns which that is.

        Raises MailNotHere, OnlyMail, AnotherMailbox, ConversationUnknown, ConversationIsClosed, TooManyConversations,
        RevisionStale, AccountUnknown.
        """
        own_id = derived_id("conversation", command.claim.key) if command.claim else new_id("conversation")
        wording = await self._wording(customer_id, conversation_id, message_id)

        def decide(customer: Customer) -> list[list[Event]]:
            demand_revision(command, customer.conversation(conversation_id).revision)
            mail = find(customer, conversation_id, message_id)
            intake = self._directory.intake(self._directory.defined_account(mail.account_id)[1].queue_id)
            if to_conversation_id is None:
                return [set_apart(customer, mail, wording, intake=intake, new_conversation_id=own_id, at=command.at)]
            return [join(customer, mail, to_conversation_id, wording, intake=intake, at=command.at)]

        return await self._commands.carry_out(command, [customer_id], decide), to_conversation_id or own_id

    async def _wording(self, customer_id: str, conversation_id: str, message_id: str) -> Wording:
        """As the log has it; nothing of what is not there, which the decision refuses."""
        customer: Customer
        customer, _ = await self._commands.states.load(customer_id)
        try:
            mail = find(customer, conversation_id, message_id)
        except MailNotHere:
            return Wording()
        key = id_bytes(mail.message_id)  # as `derived_id` made it of the claim
        taken = await self._commands.log.claimed([key])
        recorded = await self._commands.log.at(taken[key][0]) if key in taken else None
        if recorded is None or not isinstance(event := recorded.event, MessageReceived):
            return Wording()
        return Wording(subject=event.subject, preview=event.content.shown_first[:PREVIEW_CHARACTERS_MAX])
