"""Answer by mail: mails that prove a conversation which is not one of their sender's own come into it all the same."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from application.claims import id_bytes
from application.commands import ATTEMPTS_MAX, ClaimTaken, Command, Commands, Contended
from application.directory import Directory
from application.ids import derived_id
from application.log import Claim
from application.use_cases.arrivals import Arrival, Desk
from application.use_cases.receive_echoes import Otherwise
from application.use_cases.receive_messages import Receipt
from domain.customer import Customer
from domain.event import Event
from domain.intake import InboundMessage, Intake, receive_message
from domain.interaction import MessageReceived
from domain.threads.mails import PROVEN
from domain.threads.participants import receive_participant, takes_part


class AnswerByMail:
    """Takes in answers to chats that were handed over, and what others write into a conversation."""

    def __init__(self, commands: Commands, directory: Directory) -> None:
        self._commands = commands
        self._directory = directory

    async def receive(self, account_id: str, message: InboundMessage, command: Command) -> Receipt | None:
        """Where it stands now. Nobody's address comes to be the customer's by it.

        None where it is its sender's own, as most are, or was stored before. Raises AccountPaused,
        TooManyConversations, Contended, LogBusy, LogUnreachable.
        """
        if message.joined_by not in PROVEN or not message.conversation_id:
            return None
        if not (customer_id := await self._customer_of(message.conversation_id)):
            return None
        _, definition = self._directory.working_account(account_id)
        intake = self._directory.intake(definition.queue_id)
        desk = Desk(account_id, "email", self._commands.claim_keys, intake, self._directory.languages)
        arrival = desk.arrival(0, message)
        return await self._take(
            customer_id, arrival, command, lambda now: _answered(now, arrival, account_id, intake, command)
        )

    async def _take(
        self, customer_id: str, arrival: Arrival, command: Command, decide: Callable[[Customer], list[Event]]
    ) -> Receipt | None:
        for _ in range(ATTEMPTS_MAX):
            known, version = await self._commands.states.load(customer_id)
            events = decide(known)
            place = next((nth for nth, event in enumerate(events) if isinstance(event, MessageReceived)), None)
            if place is None:
                if await self._commands.states.moved_on(customer_id, version):
                    continue  # another process knows more of them
                return None
            claim = Claim(arrival.claim.key, arrival.claim.fingerprint, place)

            def decide_again(now: Customer, expected: Sequence[Event] = events) -> list[list[Event]]:
                if (again := decide(now)) != expected:
                    raise Otherwise
                return [again]

            try:
                at = replace(command, at=arrival.message.occurred_at, claim=None)
                await self._commands.carry_out(at, [customer_id], decide_again, [claim])
            except Otherwise:
                self._commands.states.forget(customer_id)
            except ClaimTaken:
                if arrival.other is None or await self._is_same(arrival):
                    return None
                arrival.claim, arrival.other = arrival.other, None  # ids are reused
            else:
                return await self._receipt(claim, customer_id, events[place])
        raise Contended

    async def _customer_of(self, conversation_id: str) -> str:
        """Whose conversation it is, by the claim that it is named after; empty where nobody's."""
        key = id_bytes(conversation_id)
        taken = await self._commands.log.claimed([key])
        opened = await self._commands.log.at(taken[key][0]) if key in taken else None
        return opened.stream if opened else ""

    async def _is_same(self, arrival: Arrival) -> bool:
        """Whether it is this very mail that was stored under its id before."""
        position, fingerprint = (await self._commands.log.claimed([arrival.claim.key]))[arrival.claim.key]
        original = await self._commands.log.at(position)
        return original is not None and arrival.is_same(fingerprint, original.event)

    async def _receipt(self, claim: Claim, customer_id: str, received: Event) -> Receipt:
        assert isinstance(received, MessageReceived)  # the event that was just claimed
        position, _ = (await self._commands.log.claimed([claim.key]))[claim.key]
        return Receipt(
            position=position,
            customer_id=customer_id,
            conversation_id=received.conversation_id,
            message_id=received.message_id,
        )


def _answered(now: Customer, arrival: Arrival, account_id: str, intake: Intake, command: Command) -> list[Event]:
    """Into the chat that its sender's address was mailed, or as somebody else's into a conversation by mail; nothing
    where it is neither.
    """
    message = arrival.message
    one = now.conversations.get(message.conversation_id)
    if one is not None and one.handed_to and one.handed_to == message.handle.lower():
        return receive_message(
            now,
            message,
            channel="email",
            account_id=account_id,
            scope=None,
            intake=intake,
            message_id=arrival.message_id,
            new_conversation_id=derived_id("conversation", arrival.claim.key),
            at=command.at,
        )
    if not takes_part(now, message, account_id=account_id, at=command.at):
        return []
    return receive_participant(
        now, message, account_id=account_id, intake=intake, message_id=arrival.message_id, at=command.at
    )
