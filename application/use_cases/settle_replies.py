"""Settle replies: what a person decides about a reply that was refused, or that may not have arrived."""

from collections.abc import Callable

from application.commands import Command, Commands, Done, demand_revision
from domain.conversation import Conversation
from domain.customer import Customer
from domain.event import Event
from domain.outbound import delivery


class SettleReplies:
    """Each method carries out one command on one reply. Safe to repeat with the same claim."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    async def resend(self, command: Command, customer_id: str, conversation_id: str, message_id: str) -> Done:
        """It is sent again as it was written, on the person's word: a mail keeps its Message-ID.

        Raises ConversationUnknown, RevisionStale, NothingToDecide, ReplyOnItsWay, SignAwaited.
        """
        position = await self._written_at(message_id)
        return await self._change(
            command,
            customer_id,
            conversation_id,
            lambda one: delivery.resend(one, message_id, reply_position=position, agent_id=one.agent_id, at=command.at),
        )

    async def give_up(self, command: Command, customer_id: str, conversation_id: str, message_id: str) -> Done:
        """It is not sent again, and nobody is alerted to it any more.

        Raises ConversationUnknown, RevisionStale, NothingToDecide, ReplyOnItsWay, SignAwaited.
        """
        return await self._change(
            command,
            customer_id,
            conversation_id,
            lambda one: delivery.give_up(one, message_id, agent_id=one.agent_id, at=command.at),
        )

    async def _written_at(self, message_id: str) -> int:
        """Where the log holds the reply: what led to its first attempt. 0 for one that was never tried, which the
        decision refuses.
        """
        key = self._commands.claim_keys.once("attempt", message_id, "1").key
        taken = (await self._commands.log.claimed([key])).get(key)
        attempted = await self._commands.log.at(taken[0]) if taken else None
        return (attempted.cause or 0) if attempted else 0

    async def _change(
        self,
        command: Command,
        customer_id: str,
        conversation_id: str,
        decide: Callable[[Conversation], list[Event]],
    ) -> Done:
        def decided(customer: Customer) -> list[list[Event]]:
            one = customer.conversation(conversation_id)
            demand_revision(command, one.revision)
            return [decide(one)]

        return await self._commands.carry_out(command, [customer_id], decided)
