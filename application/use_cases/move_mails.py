"""Move mails: what a person decides about the conversation that a mail belongs to."""

import msgspec

from application.claims import id_bytes
from application.commands import ATTEMPTS_MAX, ClaimTaken, Command, Commands, Contended, Done, demand_revision
from application.directory import Directory
from application.ids import derived_id, new_id
from application.log import Claim
from domain.customer import Customer
from domain.event import Event
from domain.intake import NOBODYS
from domain.interaction import MessageReceived
from domain.threads.moving import MailNotHere, Wording, find, join, set_apart
from domain.threads.participants import give_back, sender_of

PREVIEW_CHARACTERS_MAX = 160


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """Where a mail is now."""

    done: Done
    customer_id: str
    """Another than before where the mail was somebody else's and went back to them."""
    conversation_id: str


class MoveMails:
    """Carries out one command on one mail. Safe to repeat with the same claim."""

    def __init__(self, commands: Commands, directory: Directory) -> None:
        self._commands = commands
        self._directory = directory

    async def move(
        self, command: Command, customer_id: str, conversation_id: str, message_id: str, to_conversation_id: str | None
    ) -> Moved:
        """Into the other conversation, or into one of its own where none is named: of whoever sent it.

        Raises MailNotHere, OnlyMail, AnotherMailbox, ConversationUnknown, ConversationIsClosed, TooManyConversations,
        RevisionStale, AccountUnknown, Contended.
        """
        # By its claim a conversation is found, whoever answers it.
        own = command.claim or self._commands.claim_keys.once("conversation", new_id("conversation"))
        claims = [] if command.claim else [own]
        own_id = derived_id("conversation", own.key)
        received = await self._received(customer_id, conversation_id, message_id)
        if to_conversation_id is None and received is not None and sender_of(received):
            given_back = await self._give_back(command, customer_id, received, conversation_id, claims, own_id)
            if given_back is not None:
                return given_back
        preview = received.content.shown_first[:PREVIEW_CHARACTERS_MAX] if received else ""
        wording = Wording(subject=received.subject, preview=preview) if received else Wording()

        def decide(customer: Customer) -> list[list[Event]]:
            demand_revision(command, customer.conversation(conversation_id).revision)
            mail = find(customer, conversation_id, message_id)
            intake = self._directory.intake(self._directory.defined_account(mail.account_id)[1].queue_id)
            if to_conversation_id is None:
                return [set_apart(customer, mail, wording, intake=intake, new_conversation_id=own_id, at=command.at)]
            return [join(customer, mail, to_conversation_id, wording, intake=intake, at=command.at)]

        done = await self._commands.carry_out(command, [customer_id], decide, [] if to_conversation_id else claims)
        if to_conversation_id is None and done.is_repeat:
            return await self._given_back(done, customer_id, message_id, own_id)
        return Moved(done=done, customer_id=customer_id, conversation_id=to_conversation_id or own_id)

    async def _give_back(
        self,
        command: Command,
        customer_id: str,
        received: MessageReceived,
        conversation_id: str,
        claims: list[Claim],
        own_id: str,
    ) -> Moved | None:
        """To whoever sent it, who is met by it where we did not know them. None where that is the customer by now."""
        message_id, keys, handle = received.message_id, self._commands.claim_keys, sender_of(received)
        for _ in range(ATTEMPTS_MAX):
            owner_id = await self._owner_of(handle)
            if owner_id == customer_id:
                return None
            sender_id = owner_id or new_id("customer")
            is_met = not owner_id and handle not in NOBODYS
            met = [keys.identity("email", "", handle, sender_id)] if is_met else []

            def decide(customer: Customer, sender: Customer, sender_id: str = sender_id) -> tuple[list[Event], ...]:
                demand_revision(command, customer.conversation(conversation_id).revision)
                mail = find(customer, conversation_id, message_id)
                intake = self._directory.intake(self._directory.defined_account(mail.account_id)[1].queue_id)
                return give_back(
                    customer,
                    mail,
                    received,
                    sender,
                    sender_id=sender_id,
                    intake=intake,
                    new_conversation_id=own_id,
                    at=command.at,
                )

            try:
                done = await self._commands.carry_out(command, [customer_id, sender_id], decide, [*claims, *met])
            except ClaimTaken:
                continue  # somebody met them first
            return await self._given_back(done, customer_id, message_id, own_id)
        raise Contended

    async def _given_back(self, done: Done, customer_id: str, message_id: str, own_id: str) -> Moved:
        """Whose the command's last event is tells whose the mail is."""
        recorded = await self._commands.log.at(done.position)
        owner_id = recorded.stream if recorded else customer_id
        owner: Customer
        owner, _ = await self._commands.states.load(owner_id)
        found = next((one.conversation_id for one in owner.mails.values() if one.message_id == message_id), own_id)
        return Moved(done=done, customer_id=owner_id, conversation_id=found)

    async def _owner_of(self, handle: str) -> str:
        """The customer whose address it is; empty where nobody's."""
        key = self._commands.claim_keys.identity_key("email", "", handle)
        taken = await self._commands.log.claimed([key]) if handle not in NOBODYS else {}
        return derived_id("customer", taken[key][1]) if key in taken else ""

    async def _received(self, customer_id: str, conversation_id: str, message_id: str) -> MessageReceived | None:
        """As the log has it; None where it is not there, which the decision refuses."""
        customer: Customer
        customer, version = await self._commands.states.load(customer_id)
        if await self._commands.states.moved_on(customer_id, version):  # by another process
            customer, _ = await self._commands.states.load(customer_id)
        try:
            mail = find(customer, conversation_id, message_id)
        except MailNotHere:
            return None
        key = id_bytes(mail.message_id)  # as `derived_id` made it of the claim
        taken = await self._commands.log.claimed([key])
        recorded = await self._commands.log.at(taken[key][0]) if key in taken else None
        return recorded.event if recorded and isinstance(recorded.event, MessageReceived) else None
